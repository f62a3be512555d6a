"""Phrases in a page, whatever their case: asked of a whole page at once, then exactly where a piece of one occurs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64

from stages.kernels.marks import plus
from stages.kernels.native import BYTES, native

Bytes = npt.NDArray[np.uint8]

JAVASCRIPT: Final = 0
LOREM_IPSUM: Final = 11
POLICY: Final = (23, 36, 51, 65, 78, 93)
"""Where each phrase of C4 starts in `PHRASES`."""
PHRASES: Final = np.frombuffer(
    b"javascript|lorem ipsum|terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies|",
    np.uint8,
)
_END: Final = 0x7C


@native(boolean(BYTES, int64), memory="given")
def may_have_phrase(page: Bytes, size: int) -> bool:
    """Whether one of the phrases can be in the page; a bracket makes it possible, as citations are taken out first."""
    some: Any
    for block in range(0, size, 128):
        some = np.uint8(0)
        for at in range(np.uint64(block), np.uint64(min(block + 128, size))):
            a, b = page[at] | 0x20, page[at + np.uint64(1)] | 0x20
            c, d = page[at + np.uint64(2)] | 0x20, page[at + np.uint64(3)] | 0x20
            java = (a == 0x6A) & (b == 0x61) & (c == 0x76) & (d == 0x61)
            cookie = (a == 0x63) & (b == 0x6F) & (c == 0x6F)
            lorem_ipsum = (a == 0x6D) & (b == 0x20) & (c == 0x69) & (d == 0x70)
            of_use = (a == 0x66) & (b == 0x20) & (c == 0x75) & (d == 0x73)
            privacy_policy = (a == 0x63) & (b == 0x79) & (c == 0x20) & (d == 0x70)
            some = plus(some, java | cookie | lorem_ipsum | of_use | privacy_policy | (page[at] == 0x5B))
        if some:
            return True
    return False


@native(boolean(BYTES, int64, int64, BYTES, int64), memory="given")
def has_phrase(text: Bytes, start: int, end: int, phrases: Bytes, phrase: int) -> bool:
    """Whether the phrase at `phrase` is in text[start:end], lower-cased by `str.lower`: Kelvin's sign is a k."""
    first = phrases[np.uint64(phrase)]
    for begin in range(start, end):
        if text[np.uint64(begin)] | 0x20 != first:
            continue
        at, letter = begin, phrase
        while phrases[np.uint64(letter)] != _END and at < end:
            byte = int(text[np.uint64(at)])
            width = 1
            if 0x41 <= byte <= 0x5A:
                byte |= 0x20
            elif byte == 0xE2 and text[np.uint64(at + 1)] == 0x84 and text[np.uint64(at + 2)] == 0xAA:
                byte, width = 0x6B, 3
            if byte != phrases[np.uint64(letter)]:
                break
            at += width
            letter += 1
        if phrases[np.uint64(letter)] == _END:
            return True
    return False

"""Eight bytes at a time: how kernels look at text faster than byte by byte.

A text is copied once into a *page*, scratch memory with eight bytes to spare behind it, so that eight bytes can be read
from wherever a character starts. The shifts below become one machine instruction each. Tests of all eight bytes at once
are those of Warren, Hacker's Delight, 6-1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.extending import intrinsic
from numba.types import int64, uint8, uint64, void

from stages.kernels.native import BYTES, native

SPARE: Final = 8
"""Bytes that a page has behind its text."""
ONES: Final = np.uint64(0x0101010101010101)
TOPS: Final = np.uint64(0x8080808080808080)
_FIRST: Final = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(17)], np.uint64)
_NEXT: Final = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(17)], np.uint64)
_CASE: Final = np.uint64(0x2020202020202020)
_BELOW_A: Final = np.uint64(0x1F1F1F1F1F1F1F1F)
_ABOVE_Z: Final = np.uint64(0x0505050505050505)

Bytes = npt.NDArray[np.uint8]


@native(uint64(BYTES, int64), inline="always", memory="given")
def eight_bytes(data: Bytes, at: int) -> Any:
    """The eight bytes from `at` on, the first one lowest."""
    place = np.uint64(at)
    word = np.uint64(0)
    for byte in range(8):
        word |= np.uint64(data[place + np.uint64(byte)]) << np.uint64(8 * byte)
    return word


@native(uint64(BYTES, int64, int64), inline="always", memory="given")
def first_bytes(data: Bytes, at: int, length: int) -> Any:
    """The first eight bytes of a span of at most sixteen, NUL behind a shorter one; eight are read."""
    return eight_bytes(data, at) & _FIRST[np.uint64(length)]


@native(uint64(BYTES, int64, int64), inline="always", memory="given")
def next_bytes(data: Bytes, at: int, length: int) -> Any:
    """The eight bytes after those of `first_bytes`; they are read, wherever the span ends."""
    return eight_bytes(data, at + 8) & _NEXT[np.uint64(length)]


@native(void(uint8[::1], int64, uint64), inline="always", memory="given")
def put_eight_bytes(data: Bytes, at: int, word: Any) -> None:
    """The reverse of `eight_bytes`."""
    place = np.uint64(at)
    for byte in range(8):
        data[place + np.uint64(byte)] = np.uint8(word >> np.uint64(8 * byte))


@native(uint64(uint64), inline="always", memory="given")
def zero_bytes(word: Any) -> Any:
    """Not 0 exactly where one of the eight bytes is 0."""
    return (word - ONES) & ~word & TOPS


@native(uint64(uint64), inline="always", memory="given")
def not_letters(word: Any) -> Any:
    """0x80 in each of the eight bytes that is no ASCII letter."""
    small = (word & ~TOPS) | _CASE
    return (~(small + _BELOW_A) | (small + _ABOVE_Z) | word) & TOPS


@intrinsic  # type: ignore[untyped-decorator]
def _trailing_zeros(typing: Any, word: Any) -> Any:  # numba has no public name for this instruction
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return uint64(uint64), generate


@native(uint64(uint64), inline="always", memory="given")
def first_byte(hits: Any) -> Any:
    """The number of the lowest byte that is not 0; 8 where all are."""
    return _trailing_zeros(hits) >> np.uint64(3)


@native(void(BYTES, int64, int64, uint8[::1]), memory="given")
def copy_to_page(data: Bytes, start: int, end: int, page: Bytes) -> None:
    """Copy [start, end) to the start of the page, and NUL behind it."""
    size = np.uint64(end - start)
    for at in range(size):
        page[at] = data[np.uint64(start) + at]
    for at in range(size, size + np.uint64(SPARE)):
        page[at] = 0

"""Lines of a page, as `str.splitlines` and as `str.split("\n")` cut them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int32, int64

from stages.kernels.loads import TOPS, eight_bytes, first_byte, zero_bytes
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints

Bytes = npt.NDArray[np.uint8]

_BLANKS: Final = np.uint64(0x2020202020202020)
_LINE_FEEDS: Final = np.uint64(0x0A0A0A0A0A0A0A0A)
_C2: Final = np.uint64(0xC2C2C2C2C2C2C2C2)
_E2: Final = np.uint64(0xE2E2E2E2E2E2E2E2)


@native(int64(BYTES, int64), inline="always", memory="given")
def break_width(page: Bytes, at: int) -> int:
    """Bytes of the line break that starts at `at`, CR LF being one; 0 where none starts."""
    place = np.uint64(at)
    byte = page[place]
    if byte < 0x20:
        if byte == 0x0D:
            return 2 if page[place + np.uint64(1)] == 0x0A else 1
        return 1 if 0x0A <= byte <= 0x0C or 0x1C <= byte <= 0x1E else 0
    if byte == 0xC2:
        return 2 if page[place + np.uint64(1)] == 0x85 else 0
    if byte == 0xE2 and page[place + np.uint64(1)] == 0x80:
        return 3 if page[place + np.uint64(2)] == 0xA8 or page[place + np.uint64(2)] == 0xA9 else 0
    return 0


@native(UniTuple(int64, 2)(BYTES, int64, int32[::1], int32[::1]), memory="given")
def cut_lines(page: Bytes, size: int, starts: Ints, ends: Ints) -> tuple[int, int]:
    """Cut as `str.splitlines` does; the number of lines, and of breaks that are no LF."""
    lines = 0
    foreign = 0
    line_start = 0
    at = 0
    while at < size:
        word = eight_bytes(page, at)
        hit = (word - _BLANKS) & ~word & TOPS
        if word & TOPS:
            hit |= zero_bytes(word ^ _C2) | zero_bytes(word ^ _E2)
        if hit == 0:
            at += 8
            continue
        at += int(first_byte(hit))  # a borrow can only have marked bytes behind a true one
        width = break_width(page, at)
        if width == 0 or at >= size:
            at += 1
            continue
        starts[lines] = line_start
        ends[lines] = at
        lines += 1
        foreign += page[np.uint64(at)] != 0x0A
        at += width
        line_start = at
    if line_start < size:
        starts[lines] = line_start
        ends[lines] = size
        lines += 1
    return lines, foreign


@native(int64(BYTES, int64, int32[::1], int32[::1]), memory="given")
def cut_at_line_feeds(page: Bytes, size: int, starts: Ints, ends: Ints) -> int:
    """Cut as `str.split("\\n")` does; the number of lines, which is one at least."""
    lines = 0
    starts[0] = 0
    at = 0
    while at < size:
        hit = zero_bytes(eight_bytes(page, at) ^ _LINE_FEEDS)
        if hit == 0:
            at += 8
            continue
        at += int(first_byte(hit))
        if at < size:
            ends[lines] = at
            lines += 1
            starts[lines] = at + 1
        at += 1
    ends[lines] = size
    return lines + 1

"""Words between white space, cut without a branch that depends on how long they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.types import int32, int64, uint8

from stages.kernels.marks import plus
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words import whitespace_width

Bytes = npt.NDArray[np.uint8]


@native(int64(BYTES, int64, uint8[::1], int32[::1], int32[::1]), memory="given")
def split_at_white_space(page: Bytes, size: int, white: Bytes, begins: Ints, ends: Ints) -> int:
    """The words of `str.split()`. `white`: scratch, as long as the page.

    First each byte is asked alone, in vector instructions; then both ends of every word are written where the next
    ones belong, whether there is an end or not, so that no branch depends on the length of words.
    """
    wide = 0
    some: Any
    for block in range(0, size, 128):
        end = np.uint64(min(block + 128, size))
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            byte = page[at]
            white[at] = (byte == 0x20) | (byte - np.uint8(9) < np.uint8(5)) | (byte - np.uint8(28) < np.uint8(4))
            some = plus(some, (byte == 0xC2) | (byte - np.uint8(0xE1) < np.uint8(3)))
        wide += some
    if wide:
        for at in range(np.uint64(size)):
            if page[at] == 0xC2 or 0xE1 <= page[at] <= 0xE3:
                for step in range(whitespace_width(page, at, size)):
                    white[at + np.uint64(step)] = 1
    white[np.uint64(size)] = 1
    words = stops = np.uint64(0)
    before = np.uint8(1)
    for at in range(np.uint64(size + 1)):
        now = white[at]
        begins[words] = at
        words += np.uint64(before & ~now)
        ends[stops] = at
        stops += np.uint64(now & ~before)
        before = now
    return int(words)

"""Marks counted over a whole page, as sums that the compiler turns into vector instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64, uint8

from stages.kernels.native import BYTES, native

Bytes = npt.NDArray[np.uint8]


@native(uint8(uint8, boolean), memory="given")
def plus(some: Any, more: bool) -> Any:
    """One byte more or not; a sum of any other type would not stay within a byte."""
    return some + more


@native(UniTuple(int64, 5)(BYTES, int64), memory="given")
def count_marks(page: Bytes, size: int) -> tuple[int, int, int, int, int]:
    """How many code points, hash signs, line feeds, `…`, and pairs of full stops (overlapping ones too).

    Sums of up to 128 bytes fit into one byte, so that the inner loops add 64 of them in one instruction.
    """
    characters = hashes = feeds = ellipses = stops = 0
    some: Any
    for block in range(0, size, 128):
        end = np.uint64(min(block + 128, size))
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            some = plus(some, (page[at] & 0xC0) != 0x80)
        characters += some
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            some = plus(some, page[at] == 0x23)
        hashes += some
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            some = plus(some, page[at] == 0x0A)
        feeds += some
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            some = plus(
                some, (page[at] == 0xE2) & (page[at + np.uint64(1)] == 0x80) & (page[at + np.uint64(2)] == 0xA6)
            )
        ellipses += some
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            some = plus(some, (page[at] == 0x2E) & (page[at + np.uint64(1)] == 0x2E))
        stops += some
    return characters, hashes, feeds, ellipses, stops


@native(int64(BYTES, int64), memory="given")
def count_dot_ellipses(page: Bytes, size: int) -> int:
    """How often `...` occurs, not overlapping."""
    found = 0
    dots = 0
    for at in range(np.uint64(size)):
        dots = dots + 1 if page[at] == 0x2E else 0
        if dots == 3:
            found += 1
            dots = 0
    return found

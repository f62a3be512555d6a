"""Spans of bytes as keys: hash them, compare them, and find the first of many that is equal.

Equality is always of bytes: a hash only says where to look, so two different spans are never taken for one. Slots are
an open-addressed table of indices (-1 = empty) whose size is a power of two.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int32, int64, uint64

from stages.kernels.loads import eight_bytes
from stages.kernels.native import BYTES, native

_STIR: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming 3, 6.4)."""

Ints = npt.NDArray[np.int32]


@native(uint64(BYTES, int64, int64), inline="always", memory="given")
def hash_span(data: npt.NDArray[np.uint8], start: int, end: int) -> Any:
    """64 bits that depend on every byte in [start, end); eight bytes are taken at a time."""
    state = np.uint64(end - start) * _STIR
    at = np.uint64(start)
    stop = np.uint64(end)
    while at + np.uint64(8) <= stop:
        state = (state ^ eight_bytes(data, int(at))) * _STIR
        state ^= state >> np.uint64(32)
        at += np.uint64(8)
    word = np.uint64(0)
    if at > np.uint64(start) and at < stop:  # the last eight bytes, some of them for the second time
        word = eight_bytes(data, end - 8)
        at = stop
    while at < stop:
        word = (word << np.uint64(8)) | np.uint64(data[at])
        at += np.uint64(1)
    state = (state ^ word) * _STIR
    return state ^ (state >> np.uint64(32))


@native(boolean(BYTES, int64, int64, int64, int64), inline="always", memory="given")
def same_span(data: npt.NDArray[np.uint8], start: int, end: int, other: int, other_end: int) -> bool:
    """Whether [start, end) and [other, other_end) hold the same bytes."""
    if end - start != other_end - other:
        return False
    at, twin, stop = np.uint64(start), np.uint64(other), np.uint64(end)
    while at + np.uint64(8) <= stop and eight_bytes(data, int(at)) == eight_bytes(data, int(twin)):
        at += np.uint64(8)
        twin += np.uint64(8)
    while at < stop and data[at] == data[twin]:
        at += np.uint64(1)
        twin += np.uint64(1)
    return bool(at == stop)


@native(int64(BYTES, int64, int64), memory="given")
def count_characters(data: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """Code points in [start, end): all bytes but the continuation bytes of UTF-8 (RFC 3629, section 3)."""
    characters = 0
    for at in range(np.uint64(start), np.uint64(end)):
        characters += (data[at] & 0xC0) != 0x80
    return characters


@native(int64(int32[::1], int64), memory="given")
def empty_slots(slots: Ints, entries: int) -> int:
    """Empty as many slots as `entries` need, twice as many at least, and return the mask of the table."""
    size = 16
    while size < 2 * entries:
        size *= 2
    slots[:size] = -1
    return size - 1


@native(int64(BYTES, int32[::1], int32[::1], uint64[::1], int32[::1], int64, int64), inline="always", memory="given")
def first_equal(
    data: npt.NDArray[np.uint8],
    starts: Ints,
    ends: Ints,
    hashes: npt.NDArray[np.uint64],
    slots: Ints,
    mask: int,
    index: int,
) -> int:
    """The index of the first span entered that equals span `index`; `index` itself, now entered, if there is none."""
    wanted = hashes[index]
    slot = np.int64(wanted & np.uint64(mask))
    while True:
        other = slots[slot]
        if other < 0:
            slots[slot] = index
            return index
        if hashes[other] == wanted and same_span(data, starts[index], ends[index], starts[other], ends[other]):
            return int(other)
        slot = (slot + 1) & mask


@native(UniTuple(int64, 2)(BYTES, int32[::1], int32[::1], int64, uint64[::1], int32[::1]), memory="given")
def repeated_spans(
    data: npt.NDArray[np.uint8],
    starts: Ints,
    ends: Ints,
    spans: int,
    hashes: npt.NDArray[np.uint64],
    slots: Ints,
) -> tuple[int, int]:
    """How many of the first `spans` spans equal an earlier one, and how many characters those have together."""
    mask = empty_slots(slots, spans)
    repeated = 0
    characters = 0
    for index in range(spans):
        hashes[index] = hash_span(data, starts[index], ends[index])
        if first_equal(data, starts, ends, hashes, slots, mask, index) != index:
            repeated += 1
            characters += count_characters(data, starts[index], ends[index])
    return repeated, characters

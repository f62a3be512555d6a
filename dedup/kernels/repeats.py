"""Which bytes of many texts stand in a passage that occurs more than once, from the sorted order of their suffixes.

The texts are one array of bytes, with SEPARATOR behind each. UTF-8 never has this byte (RFC 3629, section 3) and it is
never counted as equal to anything, itself included: so no match crosses a border between texts, whatever they hold.

Two numbers per byte are all it takes, the second one used three times over: as the neighbour of each suffix, as the
length that both share, and as the place of each window's twin. Every pass is linear, for a megabyte of zeros, too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64, uint8, void

from stages.kernels.native import BYTES, LONGS, native

SEPARATOR: Final = 0xFF

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@native(void(BYTES, LONGS, LONGS, uint8[::1], int64[::1]), memory="given")
def join_texts(data: Bytes, starts: Longs, ends: Longs, joined: Bytes, new_starts: Longs) -> None:
    """Copy texts to where they begin in the joined array, each with a separator behind it where there is room."""
    for text in range(len(starts)):
        to = new_starts[text]
        for at in range(starts[text], ends[text]):
            joined[to] = data[at]
            to += 1
        if to < len(joined):
            joined[to] = SEPARATOR


@native(void(BYTES, int32[::1], int32[::1]), memory="given")
def share_with_neighbour(data: Bytes, suffixes: Ints, shared: Ints) -> None:
    """By place: how many bytes its suffix shares with the one before it in order (Kärkkäinen, Manzini, Puglisi 2009).

    "Permuted Longest-Common-Prefix Array", https://doi.org/10.1007/978-3-642-02441-2_17: the suffix at the next place
    shares at most one byte less, so that places in order compare every byte about once.
    """
    size = len(suffixes)
    for at in range(1, size):
        shared[suffixes[at]] = suffixes[at - 1]
    shared[suffixes[0]] = -1
    length = 0
    for place in range(size):
        other = shared[place]
        if other < 0:
            shared[place] = 0
            length = 0
            continue
        most = size - max(place, other)
        while length < most:
            byte = data[place + length]
            if byte != data[other + length] or byte == SEPARATOR:
                break
            length += 1
        shared[place] = length
        length = max(0, length - 1)


@native(void(int32[::1], int32[::1], int64, boolean), memory="given")
def name_twins(suffixes: Ints, shared: Ints, min_bytes: int, keep_first: bool) -> None:
    """Turn `shared` into twins: the place at which the same `min_bytes` bytes stand first, -1 where nothing is to go.

    The first one itself has the twin -1 if it is kept, else the second.
    """
    size = len(suffixes)
    start = 0
    while start < size:
        first = suffixes[start]
        second = np.int32(-1)
        end = start + 1
        while end < size and shared[suffixes[end]] >= min_bytes:
            place = suffixes[end]
            if place < first:
                second = first
                first = place
            elif second < 0 or place < second:
                second = place
            end += 1
        for at in range(start, end):
            shared[suffixes[at]] = first
        shared[first] = -1 if keep_first else second
        start = end


@native(int64(int64[:, ::1], int64, int64, int64, int64, int64), inline="always", memory="given")
def _write_range(ranges: npt.NDArray[np.int64], at: int, text: int, start: int, end: int, twin: int) -> int:
    if at < len(ranges):
        ranges[at, 0] = text
        ranges[at, 1] = start
        ranges[at, 2] = end
        ranges[at, 3] = twin
    return at + 1


@native(int64(int32[::1], LONGS, LONGS, int64, boolean, int64[:, ::1]), memory="given")
def collect_ranges(
    twins: Ints, starts: Longs, ends: Longs, min_bytes: int, keep_first: bool, ranges: npt.NDArray[np.int64]
) -> int:
    """How many ranges are to go; as many as there is room for are written: text, start, end, twin, the last one first.

    A range is the union of windows that overlap or touch. With `keep_first` a window loses nothing that its own twin
    holds, where the two overlap: of a thousand equal bytes `min_bytes` stay. The twin is that of the first window.
    """
    found = 0
    for text in range(len(starts) - 1, -1, -1):
        low = high = twin = -1
        for place in range(ends[text] - min_bytes, starts[text] - 1, -1):
            other = int(twins[place])
            if other < 0:
                continue
            start = max(place, other + min_bytes) if keep_first else place
            end = place + min_bytes
            if low >= 0 and end >= low:
                if start < low:
                    low = start
                    twin = other
                continue
            if low >= 0:
                found = _write_range(ranges, found, text, low, high, twin)
            low = start
            high = end
            twin = other
        if low >= 0:
            found = _write_range(ranges, found, text, low, high, twin)
    return found


@native(void(BYTES, int64[::1], int64[::1]), memory="given")
def shrink_to_characters(data: Bytes, starts: Longs, ends: Longs) -> None:
    """Move both ends of each range inwards to the nearest border between characters; an empty range may be left."""
    for at in range(len(starts)):
        while starts[at] < ends[at] and data[starts[at]] & 0xC0 == 0x80:
            starts[at] += 1
        while starts[at] < ends[at] < len(data) and data[ends[at]] & 0xC0 == 0x80:
            ends[at] -= 1

"""Sorting hashes: numbers spread evenly over 64 bits fall into buckets by their first bits, about one in each.

That nearly sorts them; what is left is a step or two back for each number. With quicksort the sets of shingles of a
megabyte of text took 17 ms of CPU, reading the text included, and take 8 so.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import int64, uint64

from stages.kernels.native import native

_MOST_BITS: Final = 16
"""Of 2^16 buckets the edges lie in half a megabyte, which the processor's caches hold."""
_FEW: Final = 24
"""Larger buckets are sorted on their own: where a text repeats itself, many equal numbers meet in one, and two kinds of
these, taking turns, would take a square of steps."""
EDGES: Final = 1 << _MOST_BITS


@native(int64(uint64[::1], int64, uint64[::1], int64[::1]))
def distinct_sorted(hashes: npt.NDArray[np.uint64], count: int, room: Any, edges: Any) -> int:
    """Sort the first `count` hashes and leave each once; how many there are then.

    `room`: as long as `count` at least · `edges`: `EDGES` long. Both are written over.
    """
    if count == 0:
        return 0
    bits = 1
    while bits < _MOST_BITS and (1 << bits) < count:
        bits += 1
    shift = np.uint64(64 - bits)
    buckets = 1 << bits
    edges[:buckets] = 0
    for at in range(count):
        edges[hashes[at] >> shift] += 1
    start = 0
    for bucket in range(buckets):
        start, edges[bucket] = start + edges[bucket], start
    for at in range(count):
        value = hashes[at]
        bucket = value >> shift
        room[edges[bucket]] = value
        edges[bucket] += 1
    # Each edge has moved to the end of its bucket.
    start = 0
    for bucket in range(buckets):
        if edges[bucket] - start > _FEW:
            room[start : edges[bucket]].sort()
        start = edges[bucket]
    distinct = 0
    for at in range(count):
        value = room[at]
        place = distinct
        while place > 0 and hashes[place - 1] > value:
            place -= 1
        if place > 0 and hashes[place - 1] == value:
            continue
        for moved in range(distinct, place, -1):
            hashes[moved] = hashes[moved - 1]
        hashes[place] = value
        distinct += 1
    return distinct

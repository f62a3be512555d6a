"""Which members of a cluster of candidates truly are near a survivor, decided one after the other by exact Jaccard.

Members come in the order of the survivor rule. Each is compared with survivors that share a bucket with it, latest
first (with `keep: longest` these are nearest in length); it goes to the most similar one at or above the threshold, or
becomes a survivor itself. Memory is bounded: a cluster remembers its latest survivors only, within two limits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import float64, int64, uint64, void

from dedup.kernels.shingles import READ_HASHES, Hashes, Longs
from stages.kernels.native import LONGS, native

READ_KEYS: Final = types.Array(uint64, 2, "C", readonly=True)

CLUSTER: Final = 0
FIRST: Final = 1
LAST: Final = 2
NEXT_LABEL: Final = 3
CUT_SHORT: Final = 4
FORGOTTEN: Final = 5
PROGRESS: Final = 6
"""Slots of `progress`: the cluster at hand, the survivors remembered (from FIRST up to LAST), the number of the next
survivor, how many documents met their limit of comparisons, how many survivors were forgotten; and how many slots."""


@native(float64(READ_HASHES, int64, int64, uint64[::1], int64, int64, float64))
def similarity(
    one: Hashes, start: int, end: int, other: Hashes, other_start: int, other_end: int, least: float
) -> float:
    """The Jaccard similarity of two sorted sets (spans of two arrays), or 0 as soon as it must be below `least`."""
    total = end - start + other_end - other_start
    # |A ∩ B| / (|A| + |B| - |A ∩ B|) ≥ t  means  |A ∩ B| ≥ t / (1 + t) · (|A| + |B|); one less for rounding's sake.
    wanted = np.int64(least / (1.0 + least) * total) - 1
    shared = 0
    while start < end and other_start < other_end:
        if shared + min(end - start, other_end - other_start) < wanted:
            return 0.0
        if one[start] == other[other_start]:
            shared += 1
            start += 1
            other_start += 1
        elif one[start] < other[other_start]:
            start += 1
        else:
            other_start += 1
    found = shared / (total - shared)
    return found if found >= least else 0.0


@native(
    void(
        LONGS,
        READ_HASHES,
        LONGS,
        READ_KEYS,
        float64,
        int64,
        int64,
        int64,
        int64[::1],
        uint64[::1],
        int64[::1],
        uint64[:, ::1],
        int64[::1],
        int64[::1],
        float64[::1],
    )
)
def judge_members(
    clusters: Longs,
    shingles: Hashes,
    edges: Longs,
    keys: npt.NDArray[np.uint64],
    threshold: float,
    max_compares: int,
    max_survivors: int,
    max_shingles: int,
    progress: Longs,
    pool: Hashes,
    pool_edges: Longs,
    pool_keys: npt.NDArray[np.uint64],
    pool_labels: Longs,
    labels: Longs,
    similarities: npt.NDArray[np.float64],
) -> None:
    """Give each member the number of its survivor in `labels`, and its similarity to it (NaN for a survivor).

    `clusters`: ascending runs. Set k of a member is shingles[edges[k]:edges[k+1]], its band keys are keys[k]; survivor
    k is pool[pool_edges[k]:pool_edges[k+1]] and pool_keys[k]. The pool has room for all members given.
    """
    for member in range(len(clusters)):
        if clusters[member] != progress[CLUSTER]:
            progress[CLUSTER] = clusters[member]
            progress[FIRST] = progress[LAST]
        start = edges[member]
        end = edges[member + 1]
        best = 0.0
        compared = 0
        for survivor in range(progress[LAST] - 1, progress[FIRST] - 1, -1):
            shared = False
            for band in range(keys.shape[1]):
                shared |= keys[member, band] == pool_keys[survivor, band]
            if not shared:
                continue
            if compared == max_compares:
                progress[CUT_SHORT] += 1
                break
            compared += 1
            found = similarity(
                shingles, start, end, pool, pool_edges[survivor], pool_edges[survivor + 1], max(threshold, best)
            )
            if found > 0:
                best = found
                labels[member] = pool_labels[survivor]
                if found == 1.0:
                    break
        if best > 0:
            similarities[member] = best
            continue
        labels[member] = progress[NEXT_LABEL]
        similarities[member] = np.nan
        progress[NEXT_LABEL] += 1
        last = progress[LAST]
        written = pool_edges[last]
        while progress[FIRST] < last and (
            last - progress[FIRST] >= max_survivors
            or written - pool_edges[progress[FIRST]] + end - start > max_shingles
        ):
            progress[FIRST] += 1
            progress[FORGOTTEN] += 1
        pool[written : written + end - start] = shingles[start:end]
        pool_edges[last + 1] = written + end - start
        pool_keys[last] = keys[member]
        pool_labels[last] = labels[member]
        progress[LAST] = last + 1

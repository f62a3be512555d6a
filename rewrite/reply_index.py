"""Where each stored reply lies: 16 bytes of memory per reply, however long the replies are.

Half of the key stands for the whole here: two sorted columns (half key, place), and a small dict of what came since
they were sorted. Two keys may share a half, and a key may have been stored twice, so the answer is a list of places;
who reads there compares the whole key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

_SORT_AT: Final = 65_536
"""So many entries may wait unsorted, or a share of the sorted ones: they take fifteen times the memory."""

Words = npt.NDArray[np.uint64]


class ReplyIndex:
    """From the first half of a key to the places (any number below 2^64) where it may lie."""

    __slots__ = ("_halves", "_places", "_recent", "_waiting")

    def __init__(self) -> None:
        self._halves: Words = np.empty(0, np.uint64)
        self._places: Words = np.empty(0, np.uint64)
        self._recent: dict[int, list[int]] = {}
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._halves) + self._waiting

    def add(self, key: bytes, place: int) -> None:
        """Note a place of a key."""
        self._recent.setdefault(_half(key), []).append(place)
        self._waiting += 1
        if self._waiting > max(_SORT_AT, len(self._halves) // 64):
            self.sort()

    def places(self, key: bytes) -> Sequence[int]:
        """Every place where the key may lie, in no stated order; most often one or none."""
        half = _half(key)
        first = np.searchsorted(self._halves, np.uint64(half), "left")
        last = np.searchsorted(self._halves, np.uint64(half), "right")
        return [*self._places[first:last].tolist(), *self._recent.get(half, ())]

    def sort(self) -> None:
        """Bring the waiting entries into the sorted columns."""
        halves = [half for half, places in self._recent.items() for _ in places]
        places = [place for places in self._recent.values() for place in places]
        joined = np.concatenate([self._halves, np.array(halves, np.uint64)])
        order = np.argsort(joined, kind="stable")
        self._places = np.concatenate([self._places, np.array(places, np.uint64)])[order]
        self._halves = joined[order]
        self._recent, self._waiting = {}, 0


def _half(key: bytes) -> int:
    return int.from_bytes(key[:8], "little")

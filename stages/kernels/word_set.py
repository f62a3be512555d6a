"""A set of words that kernels look words up in, such as a language's stop words.

A look-up hashes the word once and compares bytes, so it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba.types import int32, int64, uint64

from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints, empty_slots, first_equal, hash_span


@dataclass(frozen=True, slots=True)
class WordSet:
    """A set of words as the kernel looks them up: their bytes in a row, where each starts and ends, and the slots."""

    data: npt.NDArray[np.uint8]
    starts: Ints
    ends: Ints
    hashes: npt.NDArray[np.uint64]
    slots: Ints
    mask: int
    longest: int


def word_set(words: Sequence[str]) -> WordSet:
    """The set of `words`, to be made once per worker."""
    encoded = [word.encode() for word in sorted(set(words))]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    data = np.frombuffer(b"".join(encoded), np.uint8) if encoded else np.zeros(0, np.uint8)
    starts, ends = bounds[:-1].copy(), bounds[1:].copy()
    hashes = np.array([hash_span(data, start, end) for start, end in zip(starts, ends)], np.uint64)
    slots = np.empty(max(16, 4 * len(encoded)), np.int32)
    mask = empty_slots(slots, len(encoded))
    for index in range(len(encoded)):
        first_equal(data, starts, ends, hashes, slots, mask, index)
    return WordSet(data, starts, ends, hashes, slots, mask, max(map(len, encoded), default=0))


@native(int64(BYTES, int32[::1], int32[::1], uint64[::1], int32[::1], int64, BYTES, int64, int64), memory="given")
def find_word(
    words: npt.NDArray[np.uint8],
    starts: Ints,
    ends: Ints,
    hashes: npt.NDArray[np.uint64],
    slots: Ints,
    mask: int,
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
) -> int:
    """The number of the word of the set that equals [start, end) of `data`, or -1."""
    wanted = hash_span(data, start, end)
    slot = np.int64(wanted & np.uint64(mask))
    while slots[slot] >= 0:
        word = slots[slot]
        length = ends[word] - starts[word]
        if hashes[word] == wanted and length == end - start:
            same = True
            for step in range(length):
                same &= words[starts[word] + step] == data[start + step]
            if same:
                return int(word)
        slot = (slot + 1) & mask
    return -1

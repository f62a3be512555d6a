"""A set of words that kernels look words up in, such as a language's stop words.

A look-up hashes the word once and compares bytes, so it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int32, int64, uint64

from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints, empty_slots, first_equal, hash_span


class WordSet(NamedTuple):
    """A set of words as the kernel looks them up: their bytes in a row, where each starts and ends, and the slots.

    `initials`: by length, bits for the lowest five bits of first bytes, which tell most words that are not in the set.
    """

    data: npt.NDArray[np.uint8]
    starts: Ints
    ends: Ints
    hashes: npt.NDArray[np.uint64]
    slots: Ints
    mask: int
    initials: Ints


WORD_SET: Final = types.NamedTuple(
    (BYTES, int32[::1], int32[::1], uint64[::1], int32[::1], int64, int32[::1]),
    WordSet,
)
"""Numba's type of a set of words."""


def word_set(words: Sequence[str]) -> WordSet:
    """The set of `words`, to be made once per worker."""
    encoded = [word.encode() for word in sorted(set(words))]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    data = np.frombuffer(b"".join(encoded) or b" ", np.uint8)
    starts, ends = bounds[:-1].copy(), bounds[1:].copy()
    hashes = np.array([hash_span(data, start, end) for start, end in zip(starts, ends)], np.uint64)
    slots = np.empty(max(16, 4 * len(encoded)), np.int32)
    mask = empty_slots(slots, len(encoded))
    for index in range(len(encoded)):
        first_equal(data, starts, ends, hashes, slots, mask, index)
    initials = np.zeros(max(map(len, encoded), default=0) + 1, np.int32)
    for word in encoded:
        initials[len(word)] |= np.array(1 << (word[0] & 31 if word else 0), np.uint32).astype(np.int32)
    return WordSet(data, starts, ends, hashes, slots, mask, initials)


@native(int64(WORD_SET, BYTES, int64, int64), memory="given")
def find_word(words: WordSet, data: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """The number of the word of the set that equals [start, end) of `data`, or -1."""
    length = end - start
    if length >= len(words.initials) or words.initials[length] >> np.int32(data[start] & 31) & 1 == 0:
        return -1
    wanted = hash_span(data, start, end)
    slot = wanted & np.uint64(words.mask)
    while words.slots[slot] >= 0:
        word = words.slots[slot]
        first = words.starts[word]
        if words.hashes[word] == wanted and words.ends[word] - first == length:
            same = True
            for step in range(length):
                same &= words.data[first + step] == data[start + step]
            if same:
                return int(word)
        slot = (slot + np.uint64(1)) & np.uint64(words.mask)
    return -1

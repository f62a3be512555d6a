"""The mean row of a text for classifiers whose words have no n-grams of characters: the usual ones for quality.

The idea: such a word is one row of the input, so a text is first turned into the numbers of its rows, and these are
then added four at a time. Nearly every row of a large model has to come from memory, and rows that are asked for one
right after the other come together. They are added in fastText's own order, first the words and then their n-grams, so
that the sums are the same bit for bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import float32, int8, int64, uint64, void

from stages.kernels.fasttext_matrix import Floats, Ints
from stages.kernels.fasttext_model import END_OF_LINE, word_hash
from stages.kernels.fasttext_words import (
    BITS,
    BUCKETS,
    INTS,
    MATRIX,
    WIDTH,
    WORD_GRAMS,
    WORD_STIR,
    WORDS,
    find_entry,
    is_blank,
    is_label,
    row_of_bucket,
    signed_hash,
)
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import same_span

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

_END: Final = np.frombuffer(END_OF_LINE, np.uint8)
_WAITING: Final = 1024
"""Rows that are looked up before they are added; more would not stay in the first cache."""
_REMEMBERED: Final = 1 << 14
"""Words whose number in the dictionary is remembered: 384 kB."""


@native(void(int64[::1], int64, int64, MATRIX, float32[::1]), memory="given")
def _add_rows(picks: Longs, count: int, width: int, rows: Floats, total: Floats) -> None:
    """Add the first `count` picked rows to the total, in their order."""
    wide = np.uint64(width)
    at = 0
    while at + 4 <= count:
        first = np.uint64(picks[at]) * wide
        second = np.uint64(picks[at + 1]) * wide
        third = np.uint64(picks[at + 2]) * wide
        fourth = np.uint64(picks[at + 3]) * wide
        for column in range(wide):
            total[column] = (
                total[column] + rows[first + column] + rows[second + column] + rows[third + column]
            ) + rows[fourth + column]
        at += 4
    while at < count:
        first = np.uint64(picks[at]) * wide
        for column in range(wide):
            total[column] += rows[first + column]
        at += 1


@native(int64(uint64[::1], int64, int64[::1], LONGS, BITS, INTS, MATRIX, float32[::1]), memory="given")
def _add_word_grams(
    hashes: npt.NDArray[np.uint64],
    words: int,
    picks: Longs,
    shape: Longs,
    kept: Bits,
    before: Ints,
    rows: Floats,
    total: Floats,
) -> int:
    """Add the rows of all n-grams of words, in the order of where they start; how many there were."""
    count = 0
    waiting = 0
    for first in range(words):
        state = signed_hash(hashes[first])
        for later in range(first + 1, min(words, first + shape[WORD_GRAMS])):
            state = state * np.uint64(WORD_STIR) + signed_hash(hashes[later])
            row = row_of_bucket(int(state % np.uint64(shape[BUCKETS])), kept, before)
            if row >= 0:
                picks[waiting] = shape[WORDS] + row
                waiting += 1
            if waiting == len(picks):
                _add_rows(picks, waiting, shape[WIDTH], rows, total)
                count += waiting
                waiting = 0
    _add_rows(picks, waiting, shape[WIDTH], rows, total)
    return count + waiting


@native(
    void(
        *(BYTES, LONGS, LONGS, BYTES, LONGS, LONGS, int8[::1], INTS),
        *(LONGS, BITS, INTS, MATRIX, float32[:, ::1], int64[::1]),
    )
)
def mean_of_rows(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    known: Bytes,
    known_starts: Longs,
    known_ends: Longs,
    kinds: npt.NDArray[np.int8],
    slots: Ints,
    shape: Longs,
    kept: Bits,
    before: Ints,
    rows: Floats,
    hidden: Floats,
    found: Longs,
) -> None:
    """The mean row of each text, and of how many rows it is; 0 where there is no word."""
    seen_starts = np.full(_REMEMBERED, -1, np.int64)
    seen_ends = np.zeros(_REMEMBERED, np.int64)
    seen_entries = np.zeros(_REMEMBERED, np.int64)
    width = shape[WIDTH]
    hashes = np.empty(_WAITING, np.uint64)
    picks = np.empty(_WAITING, np.int64)
    end_hash = word_hash(_END, 0, len(_END))
    end_entry = find_entry(_END, 0, len(_END), known, known_starts, known_ends, slots, end_hash)
    for row in range(len(starts)):
        total = hidden[row]
        count = 0
        words = 0
        waiting = 0
        at = starts[row]
        end = ends[row]
        while True:
            while at < end and is_blank(data[np.uint64(at)]):
                at += 1
            start = at
            while at < end and not is_blank(data[np.uint64(at)]):
                at += 1
            if start == at:
                break
            wanted = word_hash(data, start, at)
            place = wanted & np.uint64(_REMEMBERED - 1)
            if seen_starts[place] < 0 or not same_span(data, start, at, seen_starts[place], seen_ends[place]):
                seen_starts[place] = start
                seen_ends[place] = at
                seen_entries[place] = find_entry(data, start, at, known, known_starts, known_ends, slots, wanted)
            entry = seen_entries[place]
            if entry == end_entry and entry >= 0:
                continue
            if kinds[entry] == 1 if entry >= 0 else is_label(data, start, at):
                continue
            if words + 1 == len(hashes):
                hashes = np.concatenate((hashes, np.empty(len(hashes), np.uint64)))
            hashes[words] = wanted
            words += 1
            if entry >= 0:
                picks[waiting] = entry
                waiting += 1
            if waiting == len(picks):
                _add_rows(picks, waiting, width, rows, total)
                count += waiting
                waiting = 0
        if words and end_entry >= 0:
            picks[waiting] = end_entry
            waiting += 1
        _add_rows(picks, waiting, width, rows, total)
        count += waiting
        if words and shape[WORD_GRAMS] > 1:
            hashes[words] = end_hash
            count += _add_word_grams(hashes, words + 1, picks, shape, kept, before, rows, total)
        found[row] = count if words else 0
        if count:
            share = np.float32(1.0 / count)
            for column in range(width):
                total[column] *= share

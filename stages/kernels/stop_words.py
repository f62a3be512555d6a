"""How many words of a text are stop words: any case, without the punctuation around them, in one pass.

A word is what lies between white space (`str.split`), less the punctuation and symbols at its two ends: `"The,` is
`the`. Case is lowered character by character (`stages/kernels/lower_case.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int64, uint8, uint32, void

from stages.kernels.character_shares import PUNCTUATION, SYMBOL, WHITE, character_sorts
from stages.kernels.code_points import code_point
from stages.kernels.lower_case import lower_case
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts
from stages.kernels.word_set import WORD_SET, WordSet, find_word

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
_POINTS: Final = types.Array(uint32, 1, "C", readonly=True)
_PRIME: Final = np.uint64(0x100000001B3)
"""FNV-1a's (RFC 9923): the hash that tells, without spelling a word, that it is none of the set."""
_SHIFT: Final = np.uint64(51)
"""The upper 13 bits of the hash are looked up."""


@dataclass(frozen=True, slots=True)
class StopWordCounts:
    """int64 arrays with one number per text: all words, stop words, and different stop words."""

    words: Longs
    stop_words: Longs
    different: Longs


def stop_word_counts(texts: Texts, rows: Longs, stop_words: WordSet) -> StopWordCounts:
    """Count the words of each text of `rows`; the stop words are in lower case (`lower_case.lowered`)."""
    counts = np.zeros((len(rows), 3), np.int64)
    likely = np.zeros(1 << (64 - int(_SHIFT)), np.uint8)
    for start, end in zip(stop_words.starts.tolist(), stop_words.ends.tolist()):
        state = 0
        for character in stop_words.data[start:end].tobytes().decode():
            state = (state ^ ord(character)) * int(_PRIME) & 0xFFFFFFFFFFFFFFFF
        likely[state >> int(_SHIFT)] = 1
    tables = (lower_case(), character_sorts(), likely, stop_words)
    _count(texts.data, texts.starts, texts.ends, rows.astype(np.int64), *tables, counts)
    return StopWordCounts(*(np.ascontiguousarray(column) for column in counts.T))


@native(int64(BYTES, int64, int64, _POINTS, BYTES, uint8[::1]), memory="given")
def _lowered(
    data: Bytes, at: int, end: int, lower: npt.NDArray[np.uint32], sorts: Bytes, out: npt.NDArray[np.uint8]
) -> int:
    """Write the word's lower case without what surrounds it, and return how many bytes it has; -1 when too many."""
    size = last = 0
    while at < end:
        point, width = code_point(data, at)
        at += width
        inside = sorts[point] != PUNCTUATION and sorts[point] != SYMBOL
        if size == 0 and not inside:
            continue
        if size + 4 > len(out):
            return -1
        small = int(lower[point])
        if small < 0x80:
            out[size] = small
            size += 1
        else:
            if small < 0x800:
                out[size] = 0xC0 | small >> 6
                size += 1
            else:
                if small < 0x10000:
                    out[size] = 0xE0 | small >> 12
                    size += 1
                else:
                    out[size] = 0xF0 | small >> 18
                    out[size + 1] = 0x80 | small >> 12 & 0x3F
                    size += 2
                out[size] = 0x80 | small >> 6 & 0x3F
                size += 1
            out[size] = 0x80 | small & 0x3F
            size += 1
        if inside:
            last = size
    return last


@native(
    void(
        *(BYTES, LONGS, LONGS, LONGS, _POINTS, BYTES, BYTES),
        *(WORD_SET, int64[:, ::1]),
    )
)
def _count(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    rows: Longs,
    lower: npt.NDArray[np.uint32],
    sorts: Bytes,
    likely: Bytes,
    known: WordSet,
    counts: Longs,
) -> None:
    seen_in = np.full(len(known.starts), -1, np.int64)
    # Room for what stands behind the word too, and for a lower case of more bytes.
    out = np.empty(len(known.initials) + 64, np.uint8)
    for number in range(len(rows)):
        at, end = int(starts[rows[number]]), int(ends[rows[number]])
        all_words = stop_words = different = 0
        start = -1
        state = bare = np.uint64(0)  # the word's hash so far, and up to its last character that is no punctuation
        while at <= end:
            if at < end:
                lead = data[np.uint64(at)]
                if lead < 0x80:
                    point, width = int(lead), 1
                else:
                    point, width = code_point(data, at)
                sort = sorts[np.uint64(point)]
            else:
                point, width, sort = 0, 1, np.uint8(WHITE)
            if sort != WHITE:
                if start < 0:
                    start = at
                    all_words += 1
                    state = bare = np.uint64(0)
                if sort != PUNCTUATION and sort != SYMBOL:
                    state = bare = (state ^ np.uint64(lower[np.uint64(point)])) * _PRIME
                elif bare:
                    state = (state ^ np.uint64(lower[np.uint64(point)])) * _PRIME
            elif start >= 0:
                if likely[bare >> _SHIFT]:
                    size = _lowered(data, start, at, lower, sorts, out)
                    word = find_word(known, out, 0, size) if size > 0 else -1
                    if word >= 0:
                        stop_words += 1
                        if seen_in[word] != number:
                            seen_in[word] = number
                            different += 1
                start = -1
            at += width
        counts[number, 0], counts[number, 1], counts[number, 2] = all_words, stop_words, different

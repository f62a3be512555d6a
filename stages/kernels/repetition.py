"""What Gopher's repetition rules count: repeated lines, paragraphs and word n-grams of each text.

Every count is of spans of bytes that equal earlier spans (`spans.first_equal`). To make n-grams spans as well, the
words are copied twice: with one blank after each (`joined`, the form of the top n-grams) and with nothing between them
(`squeezed`, the form of the duplicate n-grams). Scratch memory: two bytes per byte and fifty per word of the longest
text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int32, int64, uint8, uint64, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints, count_characters, empty_slots, first_equal, hash_span, repeated_spans
from stages.kernels.texts import Texts
from stages.kernels.words import whitespace_width

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

TOP_GRAMS: Final = (2, 3, 4)
DUPLICATE_GRAMS: Final = (5, 6, 7, 8, 9, 10)
_LONGEST_GRAM: Final = 10
_PREFIX: Final = 16
_FIRST_GRAM_COLUMN: Final = 7


@dataclass(frozen=True, slots=True)
class RepetitionCounts:
    """int64 arrays with one number per text; what was not wanted is 0.

    `characters`: code points · `lines`, `paragraphs`: pieces between runs of one, of two or more newlines (paragraphs
    of the stripped text) · `duplicate_*`: pieces equal to an earlier one, and their code points together · `grams[n]`,
    n from 2 to 4: code points of the most frequent n-gram, joined by blanks, times its count; n from 5 to 10: code
    points of n-grams seen before, walking from left to right and past each one found.
    """

    grams: dict[int, Longs]
    characters: Longs
    paragraphs: Longs
    duplicate_paragraphs: Longs
    duplicate_paragraph_characters: Longs
    lines: Longs
    duplicate_lines: Longs
    duplicate_line_characters: Longs


def repetition_counts(texts: Texts, grams: tuple[int, ...] = TOP_GRAMS + DUPLICATE_GRAMS) -> RepetitionCounts:
    """Count repetitions in each text; of n-grams only those of the lengths in `grams` (2 to 10)."""
    counts = np.zeros((len(texts), _FIRST_GRAM_COLUMN + _LONGEST_GRAM + 1), np.int64)
    wanted = np.array([length in grams for length in range(_LONGEST_GRAM + 1)], np.int64)
    _count_repetitions(texts.data, texts.starts, texts.ends, wanted, counts)
    columns = [np.ascontiguousarray(column) for column in counts.T]
    return RepetitionCounts(
        {length: columns[_FIRST_GRAM_COLUMN + length] for length in grams}, *columns[:_FIRST_GRAM_COLUMN]
    )


@native(int64(BYTES, int64, int64, int64, int32[::1], int32[::1]))
def cut_at_newlines(data: Bytes, start: int, end: int, at_least: int, starts: Ints, ends: Ints) -> int:
    """Cut [start, end) at every run of `at_least` newlines or more; the pieces' number. Pieces may be empty."""
    pieces = 0
    starts[0] = start
    at = start
    while at < end:
        if data[np.uint64(at)] != 0x0A:
            at += 1
            continue
        run = at
        while at < end and data[np.uint64(at)] == 0x0A:
            at += 1
        if at - run >= at_least:
            ends[pieces] = run
            pieces += 1
            starts[pieces] = at
    ends[pieces] = end
    return pieces + 1


@native(UniTuple(int64, 2)(BYTES))
def strip(data: Bytes) -> tuple[int, int]:
    """Start and end of what `str.strip()` leaves; (0, 0) when nothing is left."""
    start, end = 0, len(data)
    while start < end:
        width = whitespace_width(data, start, end)
        if width == 0:
            break
        start += width
    if start == end:
        return 0, 0
    while True:
        last = end - 1
        while data[np.uint64(last)] & 0xC0 == 0x80:
            last -= 1
        if whitespace_width(data, last, end) == 0:
            return start, end
        end = last


@native(int64(BYTES, uint8[::1], uint8[::1], int32[::1], int32[::1], int32[::1]))
def lay_out_words(data: Bytes, squeezed: Bytes, joined: Bytes, begin: Ints, begin_joined: Ints, letters: Ints) -> int:
    """Copy the words into both forms; the words' number.

    Word i is squeezed[begin[i]:begin[i+1]], and joined[begin_joined[i]:begin_joined[i+1]] with its blank; `letters`
    holds the code points of all words before word i.
    """
    words = 0
    characters = 0
    begin[0] = begin_joined[0] = letters[0] = 0
    at, end = 0, len(data)
    to, to_joined = np.uint64(0), np.uint64(0)
    while at < end:
        width = whitespace_width(data, at, end)
        if width > 0:
            at += width
            continue
        while at < end:
            byte = data[np.uint64(at)]
            # Only these bytes start white space; asking first spares most bytes the full question.
            if (byte <= 0x20 or byte == 0xC2 or 0xE1 <= byte <= 0xE3) and whitespace_width(data, at, end) > 0:
                break
            squeezed[to] = joined[to_joined] = byte
            characters += (byte & 0xC0) != 0x80
            at += 1
            to += np.uint64(1)
            to_joined += np.uint64(1)
        joined[to_joined] = 0x20
        to_joined += np.uint64(1)
        words += 1
        begin[words], begin_joined[words], letters[words] = to, to_joined, characters
    return words


@native(UniTuple(int64, 2)(BYTES, *(int32[::1],) * 2, *(int64,) * 3, *(int32[::1],) * 3, uint64[::1], int32[::1]))
def top_gram(
    joined: Bytes,
    begin: Ints,
    letters: Ints,
    words: int,
    length: int,
    candidates: int,
    positions: Ints,
    first: Ints,
    times: Ints,
    hashes: Hashes,
    slots: Ints,
) -> tuple[int, int]:
    """Code points of the most frequent n-gram times its count, and how many candidates the next length has.

    Of several the first counts (Counter.most_common). A longer n-gram repeats only where both shorter ones it is made
    of repeat, so `positions` is cut down to those; an n-gram that occurs once counts too: then it is the first one.
    """
    ends = begin[length:]
    mask = empty_slots(slots, candidates)
    for place in range(candidates):
        times[positions[place]] = 0
    for place in range(candidates):
        index = positions[place]
        hashes[index] = hash_span(joined, begin[index], ends[index])
        first[index] = first_equal(joined, begin, ends, hashes, slots, mask, index)
        times[first[index]] += 1
    most, best = 1, 0
    kept = 0
    for place in range(candidates):
        index = positions[place]
        if times[index] > most:
            most, best = times[index], index
        followed = place + 1 < candidates and positions[place + 1] == index + 1
        if followed and times[first[index]] > 1 and times[first[index + 1]] > 1:
            positions[kept] = index
            kept += 1
    return (letters[best + length] - letters[best] + length - 1) * most, kept


@native(int64(BYTES, int32[::1], int64, *(int32[::1],) * 4, uint64[::1], int32[::1]))
def find_candidates(
    squeezed: Bytes,
    begin: Ints,
    words: int,
    positions: Ints,
    first: Ints,
    times: Ints,
    ends: Ints,
    hashes: Hashes,
    slots: Ints,
) -> int:
    """Fill `positions` with the words at which a duplicate n-gram (n >= 5) can start; their number.

    Equal n-grams of 16 bytes or more begin with the same 16 bytes: a word whose 16 bytes occur once, and from which
    five words have that many, starts none. Leaves a fifth of the words of real texts, and changes no count.
    """
    mask = empty_slots(slots, words)
    for index in range(words):
        times[index] = 0
        first[index] = index
        ends[index] = begin[index] + _PREFIX
        if ends[index] <= begin[words]:
            hashes[index] = hash_span(squeezed, begin[index], ends[index])
            first[index] = first_equal(squeezed, begin, ends, hashes, slots, mask, index)
        times[first[index]] += 1
    candidates = 0
    for index in range(words - 4):
        if times[first[index]] > 1 or begin[index + 5] - begin[index] < _PREFIX:
            positions[candidates] = index
            candidates += 1
    return candidates


@native(int64(BYTES, *(int32[::1],) * 2, *(int64,) * 3, int32[::1], uint64[::1], int32[::1]))
def duplicate_gram(
    squeezed: Bytes,
    begin: Ints,
    letters: Ints,
    words: int,
    length: int,
    candidates: int,
    positions: Ints,
    hashes: Hashes,
    slots: Ints,
) -> int:
    """Code points of the n-grams met before: an n-gram found is counted and walked past, any other is remembered."""
    ends = begin[length:]
    mask = empty_slots(slots, candidates)
    repeated = 0
    walked = 0
    for place in range(candidates):
        index = positions[place]
        if index + length > words:
            break
        if index < walked:
            continue
        hashes[index] = hash_span(squeezed, begin[index], ends[index])
        if first_equal(squeezed, begin, ends, hashes, slots, mask, index) != index:
            repeated += letters[index + length] - letters[index]
            walked = index + length
    return repeated


@native(void(BYTES, LONGS, LONGS, LONGS, int64[:, ::1]))
def _count_repetitions(data: Bytes, starts: Longs, ends: Longs, wanted: Longs, counts: Longs) -> None:
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    most = longest // 2 + 2  # words, lines or paragraphs at most: each but the last needs a byte and a break
    size = 16
    while size < 2 * most:
        size *= 2
    squeezed, joined = np.empty(longest + 1, np.uint8), np.empty(longest + 2, np.uint8)
    begin, begin_joined = np.empty(most + 1, np.int32), np.empty(most + 1, np.int32)
    letters, stops = np.empty(most + 1, np.int32), np.empty(most + 1, np.int32)
    positions, first, times = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    hashes, slots = np.empty(most, np.uint64), np.empty(size, np.int32)
    for row in range(len(starts)):
        text = data[starts[row] : ends[row]]
        counts[row, 0] = count_characters(text, 0, len(text))
        start, end = strip(text)
        pieces = cut_at_newlines(text, start, end, 2, begin, stops)
        counts[row, 1] = pieces
        counts[row, 2], counts[row, 3] = repeated_spans(text, begin, stops, pieces, hashes, slots)
        pieces = cut_at_newlines(text, 0, len(text), 1, begin, stops)
        counts[row, 4] = pieces
        counts[row, 5], counts[row, 6] = repeated_spans(text, begin, stops, pieces, hashes, slots)
        words = lay_out_words(text, squeezed, joined, begin, begin_joined, letters)
        candidates = max(0, words - 1)
        for index in range(candidates):
            positions[index] = index
        for length in range(2, 5):
            if words < length or wanted[length:5].sum() == 0:
                break
            counts[row, _FIRST_GRAM_COLUMN + length], candidates = top_gram(
                joined, begin_joined, letters, words, length, candidates, positions, first, times, hashes, slots
            )
        if words < 5 or wanted[5:].sum() == 0:
            continue
        candidates = find_candidates(squeezed, begin, words, positions, first, times, stops, hashes, slots)
        for length in range(5, _LONGEST_GRAM + 1):
            if wanted[length]:
                counts[row, _FIRST_GRAM_COLUMN + length] = duplicate_gram(
                    squeezed, begin, letters, words, length, candidates, positions, hashes, slots
                )

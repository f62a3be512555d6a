"""All that the filters of web text count, in one pass over each text.

A text is copied into scratch memory that stays in the processor's cache, its marks, lines and words are found once, and
every count is taken from those. What is not wanted is not counted (`Wanted`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, int32, int64, uint8, void

from stages.kernels.line_breaks import cut_at_line_feeds, cut_lines
from stages.kernels.line_counts import count_line_ends, count_pieces, cut_paragraphs
from stages.kernels.loads import SPARE, copy_to_page
from stages.kernels.marks import count_dot_ellipses, count_marks, plus
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints, repeated_spans
from stages.kernels.vocabulary import Vocabulary, count_kinds, look_at_words, number_words, sum_up
from stages.kernels.word_grams import (
    LONGEST_GRAM,
    duplicate_gram,
    find_repeatable,
    most_of_top_grams,
    squeeze,
    top_grams,
)
from stages.kernels.word_set import WORD_SET, WordSet
from stages.kernels.words import whitespace_width
from stages.kernels.words_cases import WORDS as WORDS_TABLE
from stages.kernels.words_cases import Words
from stages.kernels.words_memory import MEMORY
from stages.kernels.words_split import GIVEN, WHITESPACE, copy_words, split_words

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

SHARES: Final = types.Array(types.float64, 1, "C", readonly=True)
"""float64 that a kernel only reads."""
COLUMNS: Final = (
    *("characters", "words", "plain_words", "plain_characters", "letter_words", "stop_words"),
    *("hashes", "ellipses", "line_feeds"),
    *("lines", "bullet_lines", "ellipsis_lines"),
    *("paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters"),
    *("pieces", "duplicate_pieces", "duplicate_piece_characters"),
    *("full_lines", "ended_lines", "short_lines", "duplicate_full_line_characters"),
    *(f"grams_{length}" for length in range(2, LONGEST_GRAM + 1)),
)
"""The names of the counts, in their order."""
WHOLES: Final = tuple(
    COLUMNS.index({"duplicate_paragraphs": "paragraphs", "duplicate_pieces": "pieces"}.get(name, "characters"))
    for name in COLUMNS
)
"""Of which column each is a share, where it is taken for one."""
WORDS: Final = 1
KINDS: Final = 2
LINES: Final = 4
PARAGRAPHS: Final = 8
PIECES: Final = 16
FULL_LINES: Final = 32
PARTS: Final = {
    "words": WORDS,
    "kinds": KINDS,
    "lines": LINES,
    "paragraphs": PARAGRAPHS,
    "pieces": PIECES,
    "full_lines": FULL_LINES,
}
"""The numbers whose sum `count_pages` takes as `parts`; `stages/counting.py` says what they mean."""
FIRST_GRAM: Final = 20


@native(int64(BYTES, int64, uint8[::1], int32[::1], int32[::1]), memory="given")
def split_at_white_space(page: Bytes, size: int, white: Bytes, begins: Ints, ends: Ints) -> int:
    """The words of `str.split()`. `white`: scratch, as long as the page.

    First each byte is asked alone, in vector instructions; then both ends of every word are written where the next
    ones belong, whether there is an end or not, so that no branch depends on the length of words.
    """
    wide = 0
    some: Any
    for block in range(0, size, 128):
        end = np.uint64(min(block + 128, size))
        some = np.uint8(0)
        for at in range(np.uint64(block), end):
            byte = page[at]
            white[at] = (byte == 0x20) | (byte - np.uint8(9) < np.uint8(5)) | (byte - np.uint8(28) < np.uint8(4))
            some = plus(some, (byte == 0xC2) | (byte - np.uint8(0xE1) < np.uint8(3)))
        wide += some
    if wide:
        for at in range(np.uint64(size)):
            if page[at] == 0xC2 or 0xE1 <= page[at] <= 0xE3:
                for step in range(whitespace_width(page, at, size)):
                    white[at + np.uint64(step)] = 1
    white[np.uint64(size)] = 1
    words = stops = np.uint64(0)
    before = np.uint8(1)
    for at in range(np.uint64(size + 1)):
        now = white[at]
        begins[words] = at
        words += np.uint64(before & ~now)
        ends[stops] = at
        stops += np.uint64(now & ~before)
        before = now
    return int(words)


@native(boolean(int64[::1], SHARES, int64, int64), memory="given")
def _is_above(count: Longs, limits: Shares, first: int, last: int) -> bool:
    """Whether one of these columns is a greater share than its limit, divided as `filters.limits.ratio` divides."""
    for column in range(first, last):
        whole = count[WHOLES[column]]
        if whole > 0 and count[column] / whole > limits[column]:
            return True
    return False


@native(
    void(
        *(BYTES, LONGS, LONGS, BYTES, int64, LONGS, SHARES, SHARES, int64, WORD_SET),
        *(LONGS, WORDS_TABLE, WORDS_TABLE, LONGS, int32[::1], int32[::1]),
        int64[:, ::1],
    )
)
def count_pages(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    classes: Bytes,
    parts: int,
    grams: Longs,
    enough: Shares,
    limits: Shares,
    short_line: int,
    stop_words: WordSet,
    splitters: Longs,
    word_classes: Words,
    cases: Words,
    span_bounds: Longs,
    span_begins: Ints,
    span_ends: Ints,
    counts: Longs,
) -> None:
    """Fill `counts`, one row per text and one column per name in `COLUMNS`.

    `parts`: the sum of what is wanted · `grams[n]`: whether n-grams of n words are · `enough[n]`: up to which share of
    the characters more may be told of n-grams than is · `limits`: per column the share above which
    what comes behind it is not counted, and 0 · `splitters`: per text how it is
    cut into words (`stages/kernels/words_split.py`), or `GIVEN` where they are the spans of `span_begins` and
    `span_ends` from `span_bounds[i]` to `span_bounds[i+1]`.
    """
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    most = longest + 2
    slot_count = 16
    while slot_count < 2 * most:
        slot_count *= 2
    page, squeezed = np.empty(longest + 2 * SPARE, np.uint8), np.empty(longest + 2 * SPARE, np.uint8)
    begins, stops = np.empty(most, np.int32), np.empty(most, np.int32)
    line_starts, line_ends = np.empty(most, np.int32), np.empty(most, np.int32)
    numbers, firsts, times = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    lengths, letters, at = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    kinds = np.empty(most, np.uint8)
    heads, hashes = np.empty(most, np.uint64), np.empty(most, np.uint64)
    known = Vocabulary(numbers, firsts, times, lengths, kinds, heads, hashes)
    once, twice = np.empty(most // 2 + 16, np.uint64), np.empty(most // 2 + 16, np.uint64)
    slots = np.empty(slot_count, np.int32)
    memory = np.zeros(MEMORY, np.uint64)
    found = np.zeros(LONGEST_GRAM + 1, np.int64)
    wants_grams = grams.sum() > 0
    for row in range(len(starts)):
        size = ends[row] - starts[row]
        count = counts[row]
        copy_to_page(data, starts[row], ends[row], page)
        characters, marks, feeds, ellipses, dots = count_marks(page, size)
        count[0], count[6], count[8] = characters, marks, feeds
        count[7] = ellipses + (count_dot_ellipses(page, size) if dots > 1 else 0)
        foreign = -1
        if parts & LINES:
            lines, foreign = cut_lines(page, size, line_starts, line_ends)
            count_line_ends(page, line_starts, line_ends, lines, found)
            count[9], count[10], count[11] = lines, found[0], found[1]
        if parts & (PIECES | PARAGRAPHS | FULL_LINES):
            if foreign == 0:
                if size == 0 or page[np.uint64(size - 1)] == 0x0A:
                    line_starts[lines] = line_ends[lines] = size
                    lines += 1
            else:
                lines = cut_at_line_feeds(page, size, line_starts, line_ends)
            if parts & PARAGRAPHS:
                paragraphs = cut_paragraphs(page, size, line_starts, line_ends, lines, begins, stops)
                count[12] = paragraphs
                if paragraphs > 1:
                    count[13], count[14] = repeated_spans(page, begins, stops, paragraphs, hashes, slots)
            if parts & (PIECES | FULL_LINES):
                full = parts & FULL_LINES != 0
                count_pieces(page, size, line_starts, line_ends, lines, classes, full, short_line, hashes, slots, found)
                for step in range(7):
                    count[15 + step] = found[step]
        if (not parts & (WORDS | KINDS) and not wants_grams) or _is_above(count, limits, 0, FIRST_GRAM + 2):
            continue
        if splitters[row] == GIVEN:
            words = copy_words(span_bounds, span_begins, span_ends, row, begins, stops)
        elif splitters[row] == WHITESPACE:
            words = split_at_white_space(page, size, squeezed, begins, stops)
        else:
            words = split_words(splitters[row], page, 0, size, word_classes, cases, memory, begins, stops)
        count[1] = words
        if not parts & KINDS and not wants_grams:
            continue
        different = number_words(page, begins, stops, words, known, slots)
        look_at_words(page, begins, stops, different, classes, stop_words, known)
        count[2], count[3], count[4], count[5] = count_kinds(different, known)
        if not wants_grams:
            continue
        sum_up(words, known, letters)
        if grams[2:5].sum() > 0:
            found[:] = 0
            bounds = most_of_top_grams(words, known, letters)
            loose = True
            for length in range(2, 5):
                found[length] = max(bounds[length - 2], letters[min(words, length)] + length - 1)
                loose &= not grams[length] or found[length] / max(characters, 1) <= enough[length]
            if not loose:
                found[:] = 0
                top_grams(numbers, times, words, letters, grams, at, lengths, heads, firsts, line_starts, slots, found)
            for length in range(2, 5):
                count[FIRST_GRAM + length] = found[length] if words >= length else 0
        if words < 5 or grams[5:].sum() == 0 or _is_above(count, limits, FIRST_GRAM + 2, FIRST_GRAM + 5):
            continue
        squeeze(page, begins, stops, words, squeezed, at)
        candidates = find_repeatable(squeezed, at, words, firsts, lengths, kinds, once, twice)
        for length in range(5, LONGEST_GRAM + 1):
            if grams[length]:
                most_told = int(enough[length] * characters) - 1  # rounding may have made it one too many
                count[FIRST_GRAM + length], candidates = duplicate_gram(
                    squeezed, at, letters, words, length, most_told, candidates, firsts, kinds, hashes, slots
                )
                if _is_above(count, limits, FIRST_GRAM + length, FIRST_GRAM + length + 1):
                    break

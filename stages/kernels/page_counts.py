"""All that the filters of web text count, in one pass over each text.

A text is copied into scratch memory that stays in the processor's cache, its marks, lines and words are found once, and
every count is taken from those. What is not wanted is not counted (`Wanted`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, int32, int64, void

from stages.kernels.line_breaks import cut_at_line_feeds, cut_lines
from stages.kernels.line_counts import count_line_ends, count_pieces, cut_paragraphs
from stages.kernels.loads import copy_to_page
from stages.kernels.marks import count_dot_ellipses, count_marks
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.page_scratch import SCRATCH, Scratch, scratch_for
from stages.kernels.spans import Ints, repeated_spans
from stages.kernels.vocabulary import (
    VOCABULARY,
    Vocabulary,
    count_kinds,
    look_at_words,
    number_words,
    sum_up,
    vocabulary,
)
from stages.kernels.word_grams import (
    LONGEST_GRAM,
    duplicate_gram,
    find_repeatable,
    most_of_top_grams,
    squeeze,
    top_grams,
)
from stages.kernels.word_set import WORD_SET, WordSet
from stages.kernels.words_cases import WORDS as WORDS_TABLE
from stages.kernels.words_cases import Words
from stages.kernels.words_split import GIVEN, WHITESPACE, copy_words, split_words
from stages.kernels.words_whitespace import split_at_white_space

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
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


@native(boolean(int64[::1], SHARES, int64, int64), memory="given")
def _is_above(count: Longs, limits: Shares, first: int, last: int) -> bool:
    """Whether one of these columns is a greater share than its limit, divided as `filters.limits.ratio` divides."""
    for column in range(first, last):
        whole = count[WHOLES[column]]
        if whole > 0 and count[column] / whole > limits[column]:
            return True
    return False


@native(void(SCRATCH, int64, int64, BYTES, int64, int64[::1]), memory="given")
def _count_lines(scratch: Scratch, size: int, parts: int, classes: Bytes, short_line: int, count: Longs) -> None:
    """The columns of marks, lines, paragraphs and pieces."""
    page, found, hashes, slots = scratch.page, scratch.found, scratch.hashes, scratch.slots
    starts, ends = scratch.line_starts, scratch.line_ends
    count[0], count[6], count[8], ellipses, dots = count_marks(page, size)
    count[7] = ellipses + (count_dot_ellipses(page, size) if dots > 1 else 0)
    lines, foreign = 0, -1
    if parts & LINES:
        lines, foreign = cut_lines(page, size, starts, ends)
        count_line_ends(page, starts, ends, lines, found)
        count[9], count[10], count[11] = lines, found[0], found[1]
    if not parts & (PIECES | PARAGRAPHS | FULL_LINES):
        return
    if foreign != 0:
        lines = cut_at_line_feeds(page, size, starts, ends)
    elif size == 0 or page[np.uint64(size - 1)] == 0x0A:
        starts[lines] = ends[lines] = size
        lines += 1
    if parts & PARAGRAPHS:
        paragraphs = cut_paragraphs(page, size, starts, ends, lines, scratch.begins, scratch.ends)
        count[12] = paragraphs
        if paragraphs > 1:
            count[13], count[14] = repeated_spans(page, scratch.begins, scratch.ends, paragraphs, hashes, slots)
    if parts & (PIECES | FULL_LINES):
        full = parts & FULL_LINES != 0
        count_pieces(page, size, starts, ends, lines, classes, full, short_line, hashes, slots, found)
        for step in range(7):
            count[15 + step] = found[step]


@native(void(SCRATCH, VOCABULARY, int64, LONGS, SHARES, int64[::1]), memory="given")
def _count_top_grams(
    scratch: Scratch, known: Vocabulary, words: int, grams: Longs, enough: Shares, count: Longs
) -> None:
    """The columns of the most frequent n-grams, or bounds of them where that is enough."""
    found, letters = scratch.found, scratch.letters
    most_2, most_3, most_4 = most_of_top_grams(words, known, letters)
    found[2], found[3], found[4] = most_2, most_3, most_4
    exact = False
    for length in range(2, 5):
        found[length] = max(found[length], letters[min(words, length)] + length - 1)
        exact |= grams[length] != 0 and found[length] / max(count[0], 1) > enough[length]
    if exact:
        found[:] = 0
        tables = (known.lengths, known.heads, known.firsts, scratch.line_starts, scratch.slots)
        top_grams(known.numbers, known.times, words, letters, grams, scratch.at, *tables, found)
    for length in range(2, 5):
        count[FIRST_GRAM + length] = found[length] if words >= length else 0


@native(void(SCRATCH, VOCABULARY, int64, LONGS, SHARES, SHARES, int64[::1]), memory="given")
def _count_duplicate_grams(
    scratch: Scratch, known: Vocabulary, words: int, grams: Longs, enough: Shares, limits: Shares, count: Longs
) -> None:
    """The columns of repeated n-grams, up to the first above its limit. What was known of the words is used up."""
    squeezed, at = scratch.squeezed, scratch.at
    positions, levels = known.firsts, known.kinds
    squeeze(scratch.page, scratch.begins, scratch.ends, words, squeezed, at)
    candidates = find_repeatable(squeezed, at, words, positions, known.lengths, levels, scratch.once, scratch.twice)
    for length in range(5, LONGEST_GRAM + 1):
        if not grams[length]:
            continue
        most_told = int(enough[length] * count[0]) - 1  # rounding may have made it one too many
        tables = (positions, levels, scratch.hashes, scratch.slots)
        repeated, candidates = duplicate_gram(
            squeezed, at, scratch.letters, words, length, most_told, candidates, *tables
        )
        count[FIRST_GRAM + length] = repeated
        if _is_above(count, limits, FIRST_GRAM + length, FIRST_GRAM + length + 1):
            break


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
    the characters more may be told of n-grams than is · `limits`: per column the share above which what comes behind it
    is not counted, and 0 · `splitters`: per text how it is cut into words (`stages/kernels/words_split.py`), or `GIVEN`
    where they are the spans of `span_begins` and `span_ends` from `span_bounds[i]` to `span_bounds[i+1]`.
    """
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    scratch, known = scratch_for(longest), vocabulary(longest + 2)
    page, begins, stops = scratch.page, scratch.begins, scratch.ends
    wants_grams = grams.sum() > 0
    wants_words = wants_grams or parts & (WORDS | KINDS) != 0
    for row in range(len(starts)):
        size = ends[row] - starts[row]
        count = counts[row]
        copy_to_page(data, starts[row], ends[row], page)
        _count_lines(scratch, size, parts, classes, short_line, count)
        if not wants_words or _is_above(count, limits, 0, FIRST_GRAM + 2):
            continue
        if splitters[row] == GIVEN:
            words = copy_words(span_bounds, span_begins, span_ends, row, begins, stops)
        elif splitters[row] == WHITESPACE:
            words = split_at_white_space(page, size, scratch.squeezed, begins, stops)
        else:
            words = split_words(splitters[row], page, 0, size, word_classes, cases, scratch.memory, begins, stops)
        count[1] = words
        if not parts & KINDS and not wants_grams:
            continue
        different = number_words(page, begins, stops, words, known, scratch.slots)
        look_at_words(page, begins, stops, different, classes, stop_words, known)
        count[2], count[3], count[4], count[5] = count_kinds(different, known)
        if not wants_grams:
            continue
        sum_up(words, known, scratch.letters)
        if grams[2:5].sum() > 0:
            _count_top_grams(scratch, known, words, grams, enough, count)
        if words >= 5 and grams[5:].sum() > 0 and not _is_above(count, limits, FIRST_GRAM + 2, FIRST_GRAM + 5):
            _count_duplicate_grams(scratch, known, words, grams, enough, limits, count)

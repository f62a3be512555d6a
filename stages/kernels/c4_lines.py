"""C4's line rules: which lines of a page stay, what the page reads afterwards, and whether it may stay itself.

A line is cleaned into the output, judged there, and taken back if it may not stay.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import int64, uint8

from stages.kernels.c4_line_rules import KEPT, clean_line, note_cut
from stages.kernels.line_breaks import cut_lines
from stages.kernels.loads import SPARE, copy_to_page
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.phrases import may_have_phrase
from stages.kernels.spans import count_characters
from stages.kernels.words import strip_span
from stages.kernels.words_cases import WORDS, Words
from stages.kernels.words_memory import MEMORY
from stages.kernels.words_sentences import find_sentences
from stages.kernels.words_split import ENGLISH, split_words

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

PAGE_RULES: Final = ("", "lorem_ipsum", "curly_bracket")
COLUMNS: Final = ("page_rule", "lines", "kept_lines", "sentences", "long_lines")


@native(int64(BYTES, int64, int64), memory="given")
def _count_long_lines(page: Bytes, size: int, long_line: int) -> int:
    """Lines between line feeds that have at least `long_line` code points."""
    found = 0
    start = 0
    for at in range(size + 1):
        if at == size or page[np.uint64(at)] == 0x0A:
            found += at - start >= long_line and count_characters(page, start, at) >= long_line
            start = at + 1
    return found


@native(
    int64(
        *(BYTES, LONGS, LONGS, BYTES, BYTES, WORDS, WORDS, LONGS),
        *(uint8[::1], int64[::1], int64[:, ::1], int64[:, ::1]),
    )
)
def clean_pages(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    classes: Bytes,
    phrases: Bytes,
    word_classes: Words,
    cases: Words,
    limits: Longs,
    out: Bytes,
    out_ends: Longs,
    counts: Longs,
    cuts: Longs,
) -> int:
    """Write each page's kept lines to `out`, joined by line feeds; the number of cuts, of which as many as fit are in.

    `limits`: switches, words of a line at least (-1: any), code points of a word at most (-1: any), sentences that are
    enough (no more are counted), code points of a long line · `counts`: one row per page, of `COLUMNS` · `cuts`: row,
    first and last byte offset, line rule. A page that breaks a page rule has no text and no cuts.
    """
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    page = np.empty(longest + 2 * SPARE, np.uint8)
    line_starts, line_ends = np.empty(longest + 2, np.int32), np.empty(longest + 2, np.int32)
    word_begins, word_ends = np.empty(longest + 2, np.int32), np.empty(longest + 2, np.int32)
    memory = np.zeros(MEMORY, np.uint64)
    no_heads = np.empty(0, np.int32)
    enough, long_line = limits[3], limits[4]
    to = made = 0
    for row in range(len(starts)):
        size = ends[row] - starts[row]
        copy_to_page(data, starts[row], ends[row], page)
        possible = may_have_phrase(page, size)
        lines, _ = cut_lines(page, size, line_starts, line_ends)
        first_byte, first_cut = to, made
        kept = sentences = page_rule = 0
        for line in range(lines):
            start, end = strip_span(page, int(line_starts[line]), int(line_ends[line]))
            begin, cuts_before = to + (kept > 0), made
            rule, to_line, made = clean_line(
                page, start, end, row, limits, possible, classes, phrases, out, begin, cuts, made
            )
            if rule < KEPT:
                page_rule = KEPT - rule
                break
            if rule != KEPT:
                made = cuts_before
                if end > start:
                    made = note_cut(cuts, made, row, start, end, rule)
                continue
            if kept:
                out[np.uint64(to)] = 0x0A
            if sentences < enough:
                out[to_line : to_line + SPARE] = 0
                words = split_words(ENGLISH, out, begin, to_line, word_classes, cases, memory, word_begins, word_ends)
                sentences += find_sentences(out, begin, word_classes, word_begins, word_ends, 0, words, no_heads)
            kept += 1
            to = to_line
        if page_rule:
            to, made = first_byte, first_cut
        begin, end = strip_span(out, first_byte, to)
        if begin > first_byte:
            for at in range(end - begin):
                out[first_byte + at] = out[begin + at]
        to = first_byte + end - begin
        out_ends[row] = to
        count = counts[row]
        count[0], count[1], count[2], count[3] = page_rule, lines, kept, sentences
        if long_line > 0:
            count[4] = _count_long_lines(page, size, long_line)
    return made

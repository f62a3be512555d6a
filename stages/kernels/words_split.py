"""Words by any of the native splitters: one kernel that cuts one text, told which splitter by a small number.

For kernels that look at words:

    count = split_words(splitter, data, start, end, classes, cases, memory, begins, ends)

fills `begins[:count]` and `ends[:count]` (int32, counted in bytes from `start`) with the words of `data[start:end]`
(UTF-8). `splitter` is one of `WHITESPACE`, `UNICODE`, `ENGLISH` and `MULTILINGUAL`; `classes` is
`words_classes.word_classes()` and `cases` is `special_cases()`, both read-only uint32 (numba's type is
`words_cases.WORDS`); `memory` is uint64, `words_memory.MEMORY` zeros at first, and goes from text to text, or is
`NO_MEMORY`. Both arrays of spans must have room for `end - start + 1` words. The words stand in the order of the text
and do not overlap. `copy_words` does the same with words that were found elsewhere (`GIVEN`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int32, int64, uint64

from stages.kernels.characters import LETTER
from stages.kernels.code_points import code_point
from stages.kernels.kept import kept_table
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints
from stages.kernels.words import whitespace_width
from stages.kernels.words_cases import AFTER, WORDS, Words, case_lists, pack_cases
from stages.kernels.words_classes import ALONE, MARK, NUMBER, word_classes
from stages.kernels.words_memory import Memory
from stages.kernels.words_rules import rule_words

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

INTS: Final = types.Array(int32, 1, "C", readonly=True)
"""int32 that a kernel only reads."""

NO_MEMORY: Final[Memory] = np.empty(0, np.uint64)
"""For who cuts a single text."""
WHITESPACE: Final = 0
"""`str.split()`."""
UNICODE: Final = 1
"""Runs of letters, digits and marks; each other character by itself."""
ENGLISH: Final = 2
"""spaCy's tokenizer for English."""
MULTILINGUAL: Final = 3
"""spaCy's tokenizer for any language that has none of its own (`xx`): the same rules with fewer special cases."""
GIVEN: Final = 4
"""Not a splitter of this kernel: the words are handed over as spans."""


@cache
def special_cases() -> Words:
    """The tables of special cases, that of English and behind it that of every language; shared, so read-only."""
    return kept_table(_packed_cases, "words_cases.txt", "words_classes.txt", "letters.txt")


def _packed_cases() -> Words:
    base, english, _ = case_lists()
    tables = [pack_cases(cases, _cut_by_rules(hyphens), hyphens) for cases, hyphens in ((english, 1), (base, 0))]
    return np.concatenate(tables)


def _cut_by_rules(hyphens: int) -> Callable[[str], list[int]]:
    units_alone = pack_cases({}, lambda text: [], hyphens)

    def ends_by_rules(text: str) -> list[int]:
        data = np.frombuffer(text.encode(), np.uint8)
        begins, ends = np.empty(len(data) + 1, np.int32), np.empty(len(data) + 1, np.int32)
        count = rule_words(data, 0, len(data), word_classes(), units_alone, NO_MEMORY, begins, ends)
        return [int(end) for end in ends[:count]]

    return ends_by_rules


@native(int64(BYTES, int64, int64, int32[::1], int32[::1]), memory="given")
def whitespace_words(data: Bytes, start: int, end: int, begins: Ints, ends: Ints) -> int:
    """The words of `str.split()`."""
    count, word, at = 0, -1, start
    while at < end:
        byte = data[np.uint64(at)]
        width = 0 if 0x21 <= byte < 0x80 else whitespace_width(data, at, end)
        if width == 0:
            if word < 0:
                word = at
            at += 1
            continue
        if word >= 0:
            begins[count], ends[count] = word - start, at - start
            count += 1
            word = -1
        at += width
    if word >= 0:
        begins[count], ends[count] = word - start, end - start
        count += 1
    return count


@native(int64(BYTES, int64, int64, WORDS, int32[::1], int32[::1]), memory="given")
def unicode_words(data: Bytes, start: int, end: int, classes: Words, begins: Ints, ends: Ints) -> int:
    """Runs of letters, digits and marks; every other character that is no white space is a word by itself.

    A letter of a script without spaces (`words_classes.ALONE`) is a word with the marks that follow it: one Han or
    Hiragana character, one Thai, Lao, Khmer or Burmese cluster. Katakana, which writes whole words, makes runs.
    """
    inside, run, cluster = np.uint32(LETTER | NUMBER | MARK), 1, 2
    count, at, state = 0, start, 0
    while at < end:
        point, width = int(data[np.uint64(at)]), 1
        if point >= 0x80:
            point, width = code_point(data, at)
        kind = classes[np.uint64(point)]
        opens = True
        if kind & inside == 0:
            state = 0
            opens = whitespace_width(data, at, end) == 0
        elif kind & np.uint32(MARK) and count > 0 and ends[count - 1] == at - start:
            ends[count - 1] = at + width - start
            opens = False
            state = max(state, run)
        elif state == run and not kind & np.uint32(ALONE):
            ends[count - 1] = at + width - start
            opens = False
        else:
            state = cluster if kind & np.uint32(ALONE) else run
        if opens:
            begins[count], ends[count] = at - start, at + width - start
            count += 1
        at += width
    return count


@native(int64(int64, BYTES, int64, int64, WORDS, WORDS, uint64[::1], int32[::1], int32[::1]), memory="given")
def split_words(
    splitter: int,
    data: Bytes,
    start: int,
    end: int,
    classes: Words,
    cases: Words,
    memory: Memory,
    begins: Ints,
    ends: Ints,
) -> int:
    """Fill the spans of the words of [start, end), counted from `start`, and return how many there are."""
    if splitter == ENGLISH:
        return int(rule_words(data, start, end, classes, cases, memory, begins, ends))
    if splitter == MULTILINGUAL:
        return int(rule_words(data, start, end, classes, cases[np.int64(cases[AFTER]) :], memory, begins, ends))
    if splitter == UNICODE:
        return int(unicode_words(data, start, end, classes, begins, ends))
    return int(whitespace_words(data, start, end, begins, ends))


@native(int64(LONGS, INTS, INTS, int64, int32[::1], int32[::1]), memory="given")
def copy_words(offsets: Longs, given_begins: Ints, given_ends: Ints, row: int, begins: Ints, ends: Ints) -> int:
    """`split_words` for a text whose words are given: those from `offsets[row]` on to `offsets[row + 1]`."""
    first = offsets[row]
    count = offsets[row + 1] - first
    for word in range(count):
        begins[word], ends[word] = given_begins[first + word], given_ends[first + word]
    return int(count)

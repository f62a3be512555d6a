"""Words by any of the native splitters: one kernel that cuts one text, told which splitter by a small number.

For kernels that look at words:

    count = split_words(splitter, data, start, end, classes, cases, begins, ends)

fills `begins[:count]` and `ends[:count]` (int32, counted in bytes from `start`) with the words of `data[start:end]`
(UTF-8). `splitter` is one of `WHITESPACE`, `UNICODE` and `ENGLISH`; `classes` is `words_classes.word_classes()` and
`cases` is `english_cases()`, both read-only uint32 (numba's type is `words_cases.WORDS`). Both arrays of spans must
have room for `end - start + 1` words. The words stand in the order of the text and do not overlap.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import int32, int64

from stages.kernels.characters import LETTER
from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words import whitespace_width
from stages.kernels.words_cases import WORDS, Words, pack_cases
from stages.kernels.words_classes import ALONE, MARK, NUMBER, word_classes
from stages.kernels.words_english import english_words

Bytes = npt.NDArray[np.uint8]

WHITESPACE: Final = 0
"""`str.split()`."""
UNICODE: Final = 1
"""Runs of letters, digits and marks; each other character by itself."""
ENGLISH: Final = 2
"""spaCy's tokenizer for English."""


@cache
def english_cases() -> Words:
    """The table of special cases; shared, so read-only."""
    units_alone = pack_cases(None)

    def ends_by_rules(text: str) -> list[int]:
        data = np.frombuffer(text.encode(), np.uint8)
        begins, ends = np.empty(len(data) + 1, np.int32), np.empty(len(data) + 1, np.int32)
        count = english_words(data, 0, len(data), word_classes(), units_alone, begins, ends)
        return [int(end) for end in ends[:count]]

    return pack_cases(ends_by_rules)


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
    inside = np.uint32(LETTER | NUMBER | MARK)
    count, at, joins = 0, start, False
    while at < end:
        point, width = code_point(data, at)
        kind = classes[np.uint64(point)]
        if kind & inside == 0:
            joins = False
            if whitespace_width(data, at, end) == 0:
                begins[count], ends[count] = at - start, at + width - start
                count += 1
        else:
            alone = kind & np.uint32(ALONE) != 0
            if (joins and not alone) or (kind & np.uint32(MARK) and count > 0 and ends[count - 1] == at - start):
                ends[count - 1] = at + width - start
            else:
                begins[count], ends[count] = at - start, at + width - start
                count += 1
            joins = not alone
        at += width
    return count


@native(int64(int64, BYTES, int64, int64, WORDS, WORDS, int32[::1], int32[::1]), memory="given")
def split_words(
    splitter: int, data: Bytes, start: int, end: int, classes: Words, cases: Words, begins: Ints, ends: Ints
) -> int:
    """Fill the spans of the words of [start, end), counted from `start`, and return how many there are."""
    if splitter == ENGLISH:
        return int(english_words(data, start, end, classes, cases, begins, ends))
    if splitter == UNICODE:
        return int(unicode_words(data, start, end, classes, begins, ends))
    return int(whitespace_words(data, start, end, begins, ends))

"""Words, short words and sentences as textstat counts them for English, in one pass over the text.

textstat (https://github.com/textstat/textstat) deletes punctuation and cuts at white space, and finds sentences by
`\\b[^.!?]+[.!?]*`. Here a character is white space, an end of sentence, part of a word, or nothing, and the counts
follow from the runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64, void

from stages.kernels.characters import DIGIT, LETTER, WHITESPACE, character_classes
from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts

Longs = npt.NDArray[np.int64]

_SHORT: Final = 3
"""Characters of a short word at most."""
_FEW: Final = 2
"""Words of a sentence that does not count, at most."""


@dataclass(frozen=True, slots=True)
class SentenceCounts:
    """int64 per text: words, words of at most three characters, and sentences of more than two words."""

    words: Longs
    short_words: Longs
    sentences: Longs


def sentence_counts(texts: Texts) -> SentenceCounts:
    """Count everything in `SentenceCounts` for each text."""
    counts = np.zeros((3, len(texts)), np.int64)
    _scan(texts.data, texts.starts, texts.ends, character_classes(), counts)
    return SentenceCounts(*counts)


@native(boolean(int64), memory="given")
def _ascii_word(byte: int) -> bool:
    """Whether an ASCII character is a letter, a digit or the low line."""
    return 48 <= byte <= 57 or 65 <= byte <= 90 or byte == 95 or 97 <= byte <= 122


@native(boolean(BYTES, int64, int64), memory="given")
def _in_contraction(data: npt.NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether the apostrophe before `at` is followed by t, s, d, ve, ll or re, and then by the end of a word."""
    if at >= end:
        return False
    one = data[np.uint64(at)]
    two = data[np.uint64(at + 1)] if at + 1 < end else np.uint8(0)
    if one == 116 or one == 115 or one == 100:  # t, s, d
        width = 1
    elif (one == 118 and two == 101) or (one == 108 and two == 108) or (one == 114 and two == 101):  # ve, ll, re
        width = 2
    else:
        return False
    if at + width >= end:
        return True
    behind = data[np.uint64(at + width)]
    return behind < 0x80 and not _ascii_word(behind)


@native(void(BYTES, LONGS, LONGS, BYTES, int64[:, ::1]), memory="given")
def _scan(
    data: npt.NDArray[np.uint8],
    starts: Longs,
    ends: Longs,
    classes: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
) -> None:
    for row in range(len(starts)):
        at, end = int(starts[row]), int(ends[row])
        words = short_words = sentences = 0
        characters = 0  # of the word we are in
        inside, sentence_words, fresh, closing = False, 0, True, False  # fresh: the sentence's next word begins
        while at < end:
            point, width = code_point(data, at)
            kind = classes[np.uint64(point)]
            if point < 0x80:
                letter = _ascii_word(point)
                kept = letter or (point == 39 and _in_contraction(data, at + 1, end))
            else:
                letter = kept = (kind & (LETTER | DIGIT)) != 0
            ends_sentence = point == 46 or point == 33 or point == 63
            if closing and not ends_sentence:
                sentences += sentence_words > _FEW
                inside, closing = False, False
            if inside and ends_sentence:
                closing = True
            if letter and not inside:
                inside, sentence_words, fresh = True, 0, True
            if kept:
                characters += 1
                if inside and fresh:
                    sentence_words += 1
                    fresh = False
            elif kind & WHITESPACE:
                fresh = True
                words += characters > 0
                short_words += 0 < characters <= _SHORT
                characters = 0
            at += width
        words += characters > 0
        short_words += 0 < characters <= _SHORT
        sentences += inside and sentence_words > _FEW
        counts[0, row], counts[1, row], counts[2, row] = words, short_words, sentences

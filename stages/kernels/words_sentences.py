"""Sentences as spaCy's rule-based sentencizer ends them, over the words of `english_words`.

A sentence ends with one of Unicode's marks for that (`words_classes.ENDS_SENTENCE`) when it is a word by itself, so not
with an ellipsis or the stop of an abbreviation, and with the punctuation that follows it. White space that is more than
one blank is a token to spaCy, and starts the next sentence like a word (spaCy 3.8, MIT licence,
`spacy/pipeline/sentencizer.pyx`). Sentences of white space alone do not count, as with datatrove.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64

from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words_cases import WORDS, Words
from stages.kernels.words_classes import ENDS_SENTENCE, PUNCTUATION_MARK

Bytes = npt.NDArray[np.uint8]


@native(boolean(BYTES, int64, int64, WORDS), memory="given")
def is_punctuation(data: Bytes, start: int, end: int, classes: Words) -> bool:
    """Whether every character of [start, end) is of Unicode's category P."""
    at = start
    while at < end:
        point, width = code_point(data, at)
        if classes[np.uint64(point)] & np.uint32(PUNCTUATION_MARK) == 0:
            return False
        at += width
    return True


@native(int64(BYTES, int64, WORDS, int32[::1], int32[::1], int64, int64, int32[::1]), memory="given")
def find_sentences(
    data: Bytes, start: int, classes: Words, begins: Ints, ends: Ints, first: int, last: int, heads: Ints
) -> int:
    """How many sentences the words `first` to `last` make, whose spans are counted from `start`.

    `heads` gets the number of each sentence's first word, or is empty.
    """
    count, ended = 0, False
    for word in range(first, last):
        begin, end = start + begins[np.uint64(word)], start + ends[np.uint64(word)]
        point = int(data[np.uint64(begin)])
        stops = False
        if end - begin <= 4:
            width = 1
            if point >= 0x80:
                point, width = code_point(data, begin)
            stops = width == end - begin and (classes[np.uint64(point)] & np.uint32(ENDS_SENTENCE)) != 0
        opens = word == first
        if ended:
            gap = begin - start - ends[np.uint64(word - 1)]
            opens = gap > 1 or (gap == 1 and data[np.uint64(begin - 1)] != 32)
            opens = opens or not (stops or is_punctuation(data, begin, end, classes))
        if opens:
            if count < len(heads):
                heads[count] = word
            count += 1
            ended = False
        ended |= stops
    return count

"""What a fastText classifier says of each text: the probabilities of all labels, in one pass over the bytes.

The idea: a text is the mean of the rows of its words (Joulin et al. 2016, https://arxiv.org/abs/1607.01759), and most
words of a batch have been there before, so their sums are remembered. The probabilities are those of fastText's own
`predict` within 1e-5; it adds row by row, this adds word by word, whether remembered or not. Two things differ on
purpose, because a text is no line of a training file: a newline is a blank, and the word `</s>` does not end the text.
"""

from __future__ import annotations

from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import float32, int8, int64, void

from stages.kernels.fasttext_matrix import Floats, Ints
from stages.kernels.fasttext_model import END_OF_LINE, HIERARCHICAL, SOFTMAX, FastText, word_hash
from stages.kernels.fasttext_rows import mean_of_rows
from stages.kernels.fasttext_words import (
    BITS,
    INTS,
    MATRIX,
    WIDTH,
    WORD_GRAMS,
    add_word_grams,
    find_entry,
    is_blank,
    is_label,
    sum_word,
)
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import same_span
from stages.kernels.texts import Texts

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

_END: Final = np.frombuffer(END_OF_LINE, np.uint8)
_TINY: Final = 1e-5
_REMEMBERED: Final = 1 << 14
"""Words whose sums are remembered: 1 MB for lid.176. (With eight times as many it was a fifth slower.)"""


def probabilities(model: FastText, texts: Texts) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """float32 (texts, labels), each 0 to 1; and which texts have anything the model knows (the others are all 0)."""
    words = model.words
    numbers = (model.width, model.word_count, model.buckets, model.shortest, model.longest, model.word_grams)
    hidden = np.zeros((len(texts), model.width), np.float32)
    found = np.zeros(len(texts), np.int64)
    told = (
        texts.data, texts.starts, texts.ends, words.data, words.starts, words.ends, words.kinds, words.slots,
        np.array(numbers, np.int64), model.kept, model.kept_before, model.input,
    )  # fmt: skip
    if model.longest > 0:
        _mean_rows(*told, np.empty((_REMEMBERED, model.width), np.float32), hidden, found)
    else:
        mean_of_rows(*told, hidden, found)
    chances = np.zeros((len(texts), len(model.labels)), np.float32)
    _answer(hidden, found, model.output_columns, model.loss, model.left, model.right, chances)
    return chances, found > 0


@native(
    void(
        *(BYTES, LONGS, LONGS, BYTES, LONGS, LONGS, int8[::1], INTS),
        *(LONGS, BITS, INTS, MATRIX, float32[:, ::1], float32[:, ::1], int64[::1]),
    )
)
def _mean_rows(
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
    sums: Floats,
    hidden: Floats,
    found: Longs,
) -> None:
    """The mean row of each text and of how many rows it is; `sums` is where words' sums are remembered."""
    places = len(sums)
    sum_starts = np.full(places, -1, np.int64)
    sum_ends = np.zeros(places, np.int64)
    sum_counts = np.zeros(places, np.int64)
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    scratch = np.empty(longest + 2, np.uint8)
    running = np.zeros(max(1, shape[WORD_GRAMS]), np.uint64)
    end_hash = word_hash(_END, 0, len(_END))
    end_entry = find_entry(_END, 0, len(_END), known, known_starts, known_ends, slots, end_hash)
    for row in range(len(starts)):
        total = hidden[row]
        count = 0
        words = 0
        running[:] = 0
        at = starts[row]
        end = ends[row]
        while at < end:
            if is_blank(data[np.uint64(at)]):
                at += 1
                continue
            start = at
            while at < end and not is_blank(data[np.uint64(at)]):
                at += 1
            wanted = word_hash(data, start, at)
            place = np.int64(wanted & np.uint64(places - 1))
            if sum_starts[place] < 0 or not same_span(data, start, at, sum_starts[place], sum_ends[place]):
                entry = find_entry(data, start, at, known, known_starts, known_ends, slots, wanted)
                if entry == end_entry and entry >= 0:
                    continue
                if kinds[entry] == 1 if entry >= 0 else is_label(data, start, at):
                    continue
                sum_counts[place] = sum_word(data, start, at, entry, scratch, shape, kept, before, rows, sums[place])
                sum_starts[place] = start
                sum_ends[place] = at
            words += 1
            count += sum_counts[place]
            for column in range(shape[WIDTH]):
                total[column] += sums[place, column]
            if shape[WORD_GRAMS] > 1:
                count += add_word_grams(wanted, running, shape, kept, before, rows, total)
        if words and end_entry >= 0:
            for column in range(shape[WIDTH]):
                total[column] += rows[end_entry * shape[WIDTH] + column]
            count += 1
        if words and shape[WORD_GRAMS] > 1:
            count += add_word_grams(end_hash, running, shape, kept, before, rows, total)
        found[row] = count if words else 0
        if count:
            share = np.float32(1.0 / count)
            for column in range(shape[WIDTH]):
                total[column] *= share


@native(float32(float32), memory="given")
def _looked_up_sigmoid(value: float) -> float:
    """The sigmoid of fastText's table: 512 steps from -8 to 8, and 0 or 1 beyond."""
    if value < -8 or value > 8:
        return 0.0 if value < 0 else 1.0
    step = int((value + 8) * 32)
    return 1.0 / (1.0 + exp(8 - step / 32))


@native(void(float32[:, ::1], LONGS, MATRIX, int64, INTS, INTS, float32[:, ::1]))
def _answer(hidden: Floats, found: Longs, output: Floats, loss: int, left: Ints, right: Ints, chances: Floats) -> None:
    """The probabilities of each text by its mean row; `output` has one row per column of `hidden`."""
    labels = chances.shape[1]
    logits = np.zeros(labels, np.float32)
    reached = np.zeros(2 * labels, np.float64)
    for row in range(len(hidden)):
        if found[row] == 0:
            continue
        logits[:] = 0
        for column in range(hidden.shape[1]):
            for label in range(labels):
                logits[label] += hidden[row, column] * output[column * labels + label]
        if loss == HIERARCHICAL:
            reached[2 * labels - 2] = 1.0
            for node in range(labels - 2, -1, -1):
                chance = 1.0 / (1.0 + exp(-np.float64(logits[node])))
                # fastText adds 1e-5 before each logarithm.
                reached[left[node]] = reached[labels + node] * (1.0 - chance + _TINY)
                reached[right[node]] = reached[labels + node] * (chance + _TINY)
            for label in range(labels):
                chances[row, label] = min(1.0, reached[label])
        elif loss == SOFTMAX:
            highest = logits.max()
            whole = 0.0
            for label in range(labels):
                reached[label] = exp(np.float64(logits[label] - highest))
                whole += reached[label]
            for label in range(labels):
                chances[row, label] = min(1.0, reached[label] / whole + _TINY)
        else:
            for label in range(labels):
                chances[row, label] = min(1.0, _looked_up_sigmoid(logits[label]) + _TINY)

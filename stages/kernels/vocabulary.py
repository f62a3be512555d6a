"""The vocabulary of one text: its different words as numbers, so that all that is asked of words is asked once of each.

Two words are one only when all their bytes are equal. Words of up to fifteen bytes, which most are, are compared as two
numbers: their bytes, and in the last of the sixteen how many they are.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import UniTuple, boolean, int32, int64, uint8, uint64, void

from stages.kernels.characters import LETTER, PUNCTUATION
from stages.kernels.code_points import code_point
from stages.kernels.loads import TOPS, eight_bytes, first_bytes, next_bytes
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints, empty_slots, hash_span, same_span
from stages.kernels.word_set import WORD_SET, WordSet, find_word

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]

HAS_LETTER: Final = 1
PLAIN: Final = 2
"""It has a character that is no punctuation."""
STOP: Final = 4
"""It is a stop word."""

_LONG: Final = np.uint64(0xFF00000000000000)
"""The last byte of `tails` of words of sixteen bytes and more."""
_STIR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_STIR: Final = np.uint64(0xC2B2AE3D27D4EB4F)


class Vocabulary(NamedTuple):
    """What is known of the words of one text.

    `numbers`: int32 per word, that of its spelling, in order of appearance · per number `firsts` (int32, the word where
    it occurs first), `times` (int32, how often it does), `lengths` (int32, its code points), `kinds` (uint8, the bits
    above), `heads` and `tails` (uint64, the first sixteen bytes; see above).
    """

    numbers: Ints
    firsts: Ints
    times: Ints
    lengths: Ints
    kinds: Bytes
    heads: Hashes
    tails: Hashes


VOCABULARY: Final = types.NamedTuple((*(int32[::1],) * 4, uint8[::1], uint64[::1], uint64[::1]), Vocabulary)
"""Numba's type of it."""


@native(VOCABULARY(int64))
def vocabulary(words: int) -> Vocabulary:
    """Room for a text of up to so many words."""
    return Vocabulary(
        np.empty(words, np.int32),
        np.empty(words, np.int32),
        np.empty(words, np.int32),
        np.empty(words, np.int32),
        np.empty(words, np.uint8),
        np.empty(words, np.uint64),
        np.empty(words, np.uint64),
    )


@native(int64(BYTES, int32[::1], int32[::1], int64, VOCABULARY, int32[::1]), memory="given")
def number_words(page: Bytes, begins: Ints, ends: Ints, words: int, known: Vocabulary, slots: Ints) -> int:
    """Fill all but `lengths` and `kinds`; how many different words there are. Sixteen bytes are read from each."""
    mask = np.uint64(empty_slots(slots, words))
    different = 0
    for index in range(np.uint64(words)):
        start = int(begins[index])
        length = int(ends[index]) - start
        if length < 16:
            head = first_bytes(page, start, length)
            tail = next_bytes(page, start, length) | np.uint64(length) << np.uint64(56)
            state = (head ^ tail * _OTHER_STIR) * _STIR
        else:
            head, tail = eight_bytes(page, start), eight_bytes(page, start + 8) | _LONG
            state = hash_span(page, start, start + length)
        slot = (state ^ (state >> np.uint64(32))) & mask
        while True:
            number = slots[slot]
            place = np.uint64(number)
            if number < 0:
                number = different
                place = np.uint64(number)
                slots[slot] = number
                known.heads[place] = head
                known.tails[place] = tail
                known.firsts[place] = index
                known.times[place] = 1
                different += 1
                break
            if (known.heads[place] == head) & (known.tails[place] == tail):
                first = np.uint64(known.firsts[place])
                if length < 16 or same_span(page, start, start + length, begins[first], ends[first]):
                    known.times[place] += 1
                    break
            slot = (slot + np.uint64(1)) & mask
        known.numbers[index] = number
    return different


@native(boolean(uint64), inline="always", memory="given")
def has_ascii_letter(word: Any) -> bool:
    """Whether one of eight ASCII bytes is a letter: large ones are made small, then those above `z` fall out."""
    small = word | np.uint64(0x2020202020202020)
    return bool((small + np.uint64(0x1F1F1F1F1F1F1F1F)) & ~(small + np.uint64(0x0505050505050505)) & TOPS)


@native(UniTuple(int64, 2)(BYTES, int64, int64, BYTES), memory="given")
def look_at_word(page: Bytes, start: int, end: int, classes: Bytes) -> tuple[int, int]:
    """The word's code points, and whether it has a letter and is plain, as bits."""
    characters = 0
    kinds = 0
    plain = 0
    at = start
    while at < end:
        point, width = code_point(page, at)
        at += width
        kind = classes[np.uint64(point)]
        kinds |= kind
        plain |= ~kind & PUNCTUATION
        characters += 1
    return characters, (HAS_LETTER if kinds & LETTER else 0) | (PLAIN if plain else 0)


@native(void(BYTES, *(int32[::1],) * 2, int64, BYTES, WORD_SET, VOCABULARY), memory="given")
def look_at_words(
    page: Bytes, begins: Ints, ends: Ints, different: int, classes: Bytes, stop_words: WordSet, known: Vocabulary
) -> None:
    """Fill `lengths` and `kinds` after `number_words`."""
    for number in range(np.uint64(different)):
        first = np.uint64(known.firsts[number])
        begin, end = int(begins[first]), int(ends[first])
        length, kind = end - begin, HAS_LETTER | PLAIN
        head, tail = known.heads[number], known.tails[number]
        if (head | tail) & TOPS or not (has_ascii_letter(head) or has_ascii_letter(tail)):
            length, kind = look_at_word(page, begin, end, classes)
        if find_word(stop_words, page, begin, end) >= 0:
            kind |= STOP
        known.lengths[number] = length
        known.kinds[number] = kind


@native(UniTuple(int64, 4)(int64, VOCABULARY), memory="given")
def count_kinds(different: int, known: Vocabulary) -> tuple[int, int, int, int]:
    """Plain words, their code points, words with a letter, and different stop words."""
    plain = characters = lettered = stop_words = 0
    for number in range(np.uint64(different)):
        often, kinds = int(known.times[number]), known.kinds[number]
        if kinds & PLAIN:
            plain += often
            characters += often * known.lengths[number]
        if kinds & HAS_LETTER:
            lettered += often
        stop_words += (kinds & STOP) != 0
    return plain, characters, lettered, stop_words


@native(void(int64, VOCABULARY, int32[::1]), memory="given")
def sum_up(words: int, known: Vocabulary, letters: Ints) -> None:
    """`letters`: code points before each word, and in all."""
    before = 0
    for index in range(np.uint64(words)):
        letters[index] = before
        before += known.lengths[np.uint64(known.numbers[index])]
    letters[np.uint64(words)] = before

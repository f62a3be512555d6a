"""The vocabulary of one text: its different words as numbers, so that all that is asked of words is asked once of each.

Two words are one only when all their bytes are equal. Words of up to eight bytes, which most are, are compared as one
number.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int32, int64, uint8, uint64, void

from stages.kernels.characters import LETTER, PUNCTUATION
from stages.kernels.code_points import code_point
from stages.kernels.loads import TOPS, eight_bytes
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints, empty_slots, same_span
from stages.kernels.word_set import find_word

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

HAS_LETTER: Final = 1
PLAIN: Final = 2
"""It has a character that is no punctuation."""

_STIR: Final = np.uint64(0x9E3779B97F4A7C15)


@native(uint64(BYTES, int64, int64, uint64), inline="always", memory="given")
def hash_word(page: Bytes, start: int, length: int, head: Any) -> Any:
    """64 bits that depend on every byte of a word; `head`: its first eight bytes, NUL behind a shorter one."""
    state = (head ^ np.uint64(length)) * _STIR
    at = 8
    while at < length:
        state = (state ^ (state >> np.uint64(32)) ^ eight_bytes(page, start + min(at, length - 8))) * _STIR
        at += 8
    return state ^ (state >> np.uint64(32))


@native(
    int64(BYTES, int32[::1], int32[::1], int64, int32[::1], uint64[::1], int32[::1], int32[::1], int32[::1]),
    memory="given",
)
def number_words(
    page: Bytes,
    begins: Ints,
    ends: Ints,
    words: int,
    numbers: Ints,
    heads: npt.NDArray[np.uint64],
    firsts: Ints,
    times: Ints,
    slots: Ints,
) -> int:
    """Give each different word a number in order of appearance; how many there are.

    Fills `numbers` per word, and per number `heads` (its first eight bytes; of shorter words the last of the eight is
    their length), `firsts` (where it occurs first) and `times` (how often it occurs).
    """
    mask = empty_slots(slots, words)
    different = 0
    for index in range(np.uint64(words)):
        start = int(begins[index])
        length = int(ends[index]) - start
        head = eight_bytes(page, start)
        if length < 8:
            head &= (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)
            head |= np.uint64(length) << np.uint64(56)
        slot = hash_word(page, start, length, head) & np.uint64(mask)
        while True:
            number = slots[slot]
            if number < 0:
                number = different
                slots[slot] = number
                heads[np.uint64(number)] = head
                firsts[np.uint64(number)] = index
                times[np.uint64(number)] = 1
                different += 1
                break
            if heads[np.uint64(number)] == head:
                first = np.uint64(firsts[np.uint64(number)])
                if (length < 8 and int(ends[first]) - begins[first] < 8) or (
                    length >= 8
                    and ends[first] - begins[first] == length
                    and same_span(page, start + 8, start + length, begins[first] + 8, ends[first])
                ):
                    times[np.uint64(number)] += 1
                    break
            slot = (slot + np.uint64(1)) & np.uint64(mask)
        numbers[index] = number
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


@native(int64(BYTES, *(int32[::1],) * 2, int64, BYTES, uint64[::1], *(int32[::1],) * 3, uint8[::1]), memory="given")
def look_at_words(
    page: Bytes,
    begins: Ints,
    ends: Ints,
    different: int,
    classes: Bytes,
    heads: npt.NDArray[np.uint64],
    firsts: Ints,
    times: Ints,
    characters: Ints,
    kinds: Bytes,
) -> int:
    """Fill `characters` and `kinds` per number; the code points of all words together."""
    whole = 0
    for number in range(np.uint64(different)):
        first = np.uint64(firsts[number])
        length = int(ends[first]) - begins[first]
        kind = HAS_LETTER | PLAIN
        if length > 8 or heads[number] & TOPS or not has_ascii_letter(heads[number]):
            length, kind = look_at_word(page, begins[first], ends[first], classes)
        characters[number] = length
        kinds[number] = kind
        whole += length * times[number]
    return whole


@native(void(int64, int32[::1], int32[::1], uint8[::1], int64[::1]), memory="given")
def count_kinds(different: int, times: Ints, lengths: Ints, kinds: Bytes, found: Longs) -> None:
    """`found`: plain words, their code points, words with a letter."""
    plain = characters = lettered = 0
    for number in range(np.uint64(different)):
        often = int(times[number])
        if kinds[number] & PLAIN:
            plain += often
            characters += often * lengths[number]
        if kinds[number] & HAS_LETTER:
            lettered += often
    found[0], found[1], found[2] = plain, characters, lettered


@native(
    int64(
        *(BYTES, int32[::1], int32[::1], int64, int32[::1], int64[::1]),
        *(BYTES, int32[::1], int32[::1], uint64[::1], int32[::1], int64),
    ),
    memory="given",
)
def count_stop_words(
    page: Bytes,
    begins: Ints,
    ends: Ints,
    different: int,
    firsts: Ints,
    initials: Longs,
    stop_data: Bytes,
    stop_starts: Ints,
    stop_ends: Ints,
    stop_hashes: Hashes,
    stop_slots: Ints,
    stop_mask: int,
) -> int:
    """How many of the different words are stop words. `initials`: bits of their first bytes, by length."""
    found = 0
    for number in range(np.uint64(different)):
        first = np.uint64(firsts[number])
        begin, end = int(begins[first]), int(ends[first])
        if end - begin < len(initials) and initials[np.uint64(end - begin)] >> int(page[np.uint64(begin)] & 31) & 1:
            at = find_word(stop_data, stop_starts, stop_ends, stop_hashes, stop_slots, stop_mask, page, begin, end)
            found += at >= 0
    return found


@native(void(int64, int32[::1], int32[::1], int32[::1]), memory="given")
def sum_up(words: int, numbers: Ints, lengths: Ints, letters: Ints) -> None:
    """`letters`: code points before each word, and in all."""
    before = 0
    for index in range(np.uint64(words)):
        letters[index] = before
        before += lengths[np.uint64(numbers[index])]
    letters[np.uint64(words)] = before

"""One word as fastText reads it: its own row of the input and those of the n-grams of characters inside `<word>`.

The idea: an n-gram is known by its hash alone, so one running hash per start gives all that begin there. The n-grams
and the hashing are those of fastText's `dictionary.cc` (https://github.com/facebookresearch/fastText).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, float32, float64, int64, uint8, uint64

from stages.kernels.fasttext_file import LABEL_PREFIX
from stages.kernels.fasttext_matrix import Floats, Ints
from stages.kernels.fasttext_model import FIRST_STATE, first_slot, next_state
from stages.kernels.native import BYTES, LONGS, native

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

INTS: Final = types.Array(types.int32, 1, "C", readonly=True)
"""int32 that a kernel only reads."""
BITS: Final = types.Array(uint64, 1, "C", readonly=True)
"""uint64 that a kernel only reads."""
MATRIX: Final = types.Array(float32, 1, "C", readonly=True, aligned=False)
"""Read-only float32, perhaps mapped from a file at an odd address."""

WIDTH: Final = 0
WORDS: Final = 1
BUCKETS: Final = 2
SHORTEST: Final = 3
LONGEST: Final = 4
WORD_GRAMS: Final = 5
"""Places in `shape`, the model's numbers as one array."""

_PREFIX: Final = np.frombuffer(LABEL_PREFIX, np.uint8)
WORD_STIR: Final = 116049371
"""What the hash of the words so far is multiplied with before the next word's is added."""


@native(int64(BYTES, int64, int64, BYTES, LONGS, LONGS, INTS, uint64))
def find_entry(
    data: Bytes, start: int, end: int, known: Bytes, starts: Longs, ends: Longs, slots: Ints, wanted: Any
) -> int:
    """The dictionary's number of the word [start, end) with this hash, or -1."""
    mask = np.uint64(len(slots) - 1)
    slot = first_slot(wanted, mask)
    while slots[slot] >= 0:
        number = slots[slot]
        if ends[number] - starts[number] == end - start:
            at = np.int64(0)
            while at < end - start and known[starts[number] + at] == data[start + at]:
                at += 1
            if at == end - start:
                return int(number)
        slot = (slot + np.uint64(1)) & mask
    return -1


@native(boolean(BYTES, int64, int64))
def is_label(data: Bytes, start: int, end: int) -> bool:
    """Whether a word starts as labels do."""
    if end - start < len(_PREFIX):
        return False
    at = 0
    while at < len(_PREFIX) and data[start + at] == _PREFIX[at]:
        at += 1
    return at == len(_PREFIX)


@native(boolean(uint8), inline="always")
def is_blank(byte: Any) -> bool:
    """Where fastText cuts words: the white space of ASCII, and NUL."""
    return bool(byte == 32 or 9 <= byte <= 13 or byte == 0)


@native(uint64(uint64), inline="always")
def signed_hash(wanted: Any) -> Any:
    """A word's hash as n-grams of words take it: its 32 bits as a signed number."""
    return wanted | np.uint64(0xFFFFFFFF00000000) if wanted & np.uint64(0x80000000) else wanted


@native(int64(uint64, float64, int64))
def _bucket_of(state: Any, share: float, buckets: int) -> int:
    """A hash of 32 bits modulo the buckets, `share` being 1 / buckets: a product and a correction, for speed."""
    whole = np.int64(state)
    bucket = int(whole - np.int64(np.float64(whole) * share) * buckets)
    if bucket < 0:
        return bucket + buckets
    return bucket - buckets if bucket >= buckets else bucket


@native(int64(uint64))
def _count_bits(bits: Any) -> int:
    """How many bits are set; the compiler knows this pattern and makes one instruction of it."""
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@native(int64(int64, BITS, INTS), inline="always")
def row_of_bucket(bucket: int, kept: Bits, before: Ints) -> int:
    """The row of a bucket, counted after those of the words; -1 where it was pruned."""
    if len(kept) == 0:
        return bucket
    place = np.uint64(bucket) >> np.uint64(6)
    bit = np.uint64(1) << (np.uint64(bucket) & np.uint64(63))
    if kept[place] & bit == 0:
        return -1
    return int(before[place] + _count_bits(kept[place] & (bit - np.uint64(1))))


@native(int64(int64, LONGS, BITS, INTS, MATRIX, float32[::1]))
def _add_bucket(bucket: int, shape: Longs, kept: Bits, before: Ints, rows: Floats, vector: Floats) -> int:
    """Add a bucket's row, unless it was pruned; how many rows that were."""
    row = row_of_bucket(bucket, kept, before)
    if row < 0:
        return 0
    width = np.uint64(shape[WIDTH])
    first = np.uint64(shape[WORDS] + row) * width
    for column in range(width):
        vector[column] += rows[first + column]
    return 1


@native(int64(uint8[::1], int64, LONGS, BITS, INTS, MATRIX, float32[::1]))
def _add_grams(word: Bytes, length: int, shape: Longs, kept: Bits, before: Ints, rows: Floats, vector: Floats) -> int:
    """Add the rows of the n-grams of characters in the first bytes of `word`; how many there were.

    One long body: a call for each n-gram would cost more than the look-up does.
    """
    shortest, longest, buckets, words = shape[SHORTEST], shape[LONGEST], shape[BUCKETS], shape[WORDS]
    width = np.uint64(shape[WIDTH])
    share = 1.0 / max(1, buckets)
    pruned = len(kept) > 0
    stop = np.uint64(length)
    found = 0
    for first in range(stop):
        if word[first] & 0xC0 == 0x80:
            continue
        state = np.uint64(FIRST_STATE)
        at = np.uint64(first)
        characters = 1
        while at < stop and characters <= longest:
            state = next_state(state, word[at])
            at += np.uint64(1)
            while at < stop and word[at] & 0xC0 == 0x80:
                state = next_state(state, word[at])
                at += np.uint64(1)
            bracket = characters == 1 and (first == 0 or at == stop)
            characters += 1
            if characters <= shortest or bracket:
                continue
            bucket = _bucket_of(state, share, buckets)
            if pruned:
                place = np.uint64(bucket) >> np.uint64(6)
                bit = np.uint64(1) << (np.uint64(bucket) & np.uint64(63))
                bits = kept[place]
                if bits & bit == 0:
                    continue
                bucket = before[place] + _count_bits(bits & (bit - np.uint64(1)))
            row = np.uint64(words + bucket) * width
            for column in range(width):
                vector[column] += rows[row + column]
            found += 1
    return found


@native(int64(BYTES, int64, int64, int64, uint8[::1], LONGS, BITS, INTS, MATRIX, float32[::1]))
def sum_word(
    data: Bytes,
    start: int,
    end: int,
    entry: int,
    scratch: Bytes,
    shape: Longs,
    kept: Bits,
    before: Ints,
    rows: Floats,
    vector: Floats,
) -> int:
    """Set the vector to the sum of the rows of the word [start, end); how many rows that were.

    `entry`: its number in the dictionary or -1. `scratch`: two bytes longer than the word at least.
    """
    vector[:] = 0
    found = 0
    if entry >= 0:
        width = shape[WIDTH]
        for column in range(width):
            vector[column] = rows[entry * width + column]
        found = 1
    if shape[LONGEST] > 0:
        length = end - start
        scratch[0] = 60  # `<`
        for at in range(length):
            scratch[at + 1] = data[start + at]
        scratch[length + 1] = 62  # `>`
        found += _add_grams(scratch, length + 2, shape, kept, before, rows, vector)
    return found


@native(int64(uint64, uint64[::1], LONGS, BITS, INTS, MATRIX, float32[::1]))
def add_word_grams(
    wanted: Any, running: npt.NDArray[np.uint64], shape: Longs, kept: Bits, before: Ints, rows: Floats, vector: Floats
) -> int:
    """Add the rows of the n-grams of words that end with this hash; how many there were.

    `running[n]`: the hash of the last n + 1 words, 0 at the start of a text; brought up to date here.
    """
    signed = signed_hash(wanted)
    found = 0
    for longer in range(len(running) - 1, 0, -1):
        if running[longer - 1] != 0:
            running[longer] = running[longer - 1] * np.uint64(WORD_STIR) + signed
            bucket = int(running[longer] % np.uint64(shape[BUCKETS]))
            found += _add_bucket(bucket, shape, kept, before, rows, vector)
    running[0] = signed
    return found

"""Word n-grams of one text: the most frequent of two to four words, and repeated ones of five to ten.

The former are compared as pairs of numbers of shorter ones (`stages/kernels/vocabulary.py`), which is exact. The latter
are joined by nothing, so that `ab c` and `a bc` are equal: they are compared as bytes of `squeezed`, all words in a
row. Both ask first what cannot repeat: a longer n-gram repeats only where both shorter ones do, and where its first
bytes do. Where it is enough to know that a share stays below a limit, `most_of_top_grams` tells it of most texts.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int32, int64, uint8, uint64, void

from stages.kernels.loads import eight_bytes, put_eight_bytes
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints, empty_slots, first_equal, hash_span
from stages.kernels.vocabulary import VOCABULARY, Vocabulary

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

TOP_GRAMS: Final = (2, 3, 4)
DUPLICATE_GRAMS: Final = (5, 6, 7, 8, 9, 10)
LONGEST_GRAM: Final = 10
_STIR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_STIR: Final = np.uint64(0xC2B2AE3D27D4EB4F)


@native(UniTuple(int64, 3)(int64, VOCABULARY, int32[::1]), memory="given")
def most_of_top_grams(words: int, known: Vocabulary, letters: Ints) -> tuple[int, int, int]:
    """What `top_grams` finds at most, for two, three and four words: no n-gram is more frequent than a word in it."""
    most_2 = most_3 = most_4 = 0
    once = twice = thrice = np.int32(0)  # how often the words before occur, the rarest of one, two and three
    for index in range(np.uint64(words)):
        times = known.times[np.uint64(known.numbers[index])]
        end = letters[index + np.uint64(1)]
        if index >= np.uint64(3):
            thrice = min(thrice, times)
            most_4 = max(most_4, (int(end) - letters[index - np.uint64(3)] + 3) * thrice)
        if index >= np.uint64(2):
            thrice = min(twice, times)
            most_3 = max(most_3, (int(end) - letters[index - np.uint64(2)] + 2) * thrice)
        if index >= np.uint64(1):
            twice = min(once, times)
            most_2 = max(most_2, (int(end) - letters[index - np.uint64(1)] + 1) * twice)
        once = times
    return most_2, most_3, most_4


@native(
    void(
        *(int32[::1], int32[::1], int64, int32[::1], LONGS),
        *(int32[::1], int32[::1], uint64[::1], int32[::1], int32[::1], int32[::1], int64[::1]),
    ),
    memory="given",
)
def top_grams(
    numbers: Ints,
    times: Ints,
    words: int,
    letters: Ints,
    wanted: Longs,
    positions: Ints,
    groups: Ints,
    keys: Hashes,
    counts: Ints,
    firsts: Ints,
    slots: Ints,
    found: Longs,
) -> None:
    """found[n], n from 2 to 4: code points of the most frequent n-gram, joined by blanks, times its count.

    Of several the first counts (Counter.most_common); an n-gram that occurs once counts too: then it is the first one.
    `letters`: code points before each word. `numbers` is used up.
    """
    index: Any
    candidates = 0
    for index in range(np.uint64(max(words - 1, 0))):
        if times[np.uint64(numbers[index])] > 1 and times[np.uint64(numbers[index + np.uint64(1)])] > 1:
            positions[candidates] = index
            candidates += 1
    for length in range(2, 5):
        if words < length or wanted[length:5].sum() == 0:
            return
        mask: Any = np.uint64(empty_slots(slots, candidates))
        entries = 0
        most, best = 1, 0
        for place in range(np.uint64(candidates)):
            index = np.uint64(positions[place])
            key = np.uint64(numbers[index]) << np.uint64(32) | np.uint64(numbers[index + np.uint64(1)])
            state = key * _STIR
            slot = (state ^ (state >> np.uint64(32))) & mask
            while slots[slot] >= 0 and keys[np.uint64(slots[slot])] != key:
                slot = (slot + np.uint64(1)) & mask
            entry: Any = np.uint64(slots[slot])
            if slots[slot] < 0:
                entry = np.uint64(entries)
                slots[slot] = entries
                keys[entry] = key
                counts[entry] = 0
                firsts[entry] = index
                entries += 1
            counts[entry] += 1
            groups[place] = entry
        for entry in range(np.uint64(entries)):
            if counts[entry] > most:
                most, best = counts[entry], firsts[entry]
        found[length] = (letters[best + length] - letters[best] + length - 1) * most
        kept = 0
        for place in range(np.uint64(candidates)):
            index = positions[place]
            numbers[np.uint64(index)] = groups[place]
            after = place + np.uint64(1)
            followed = after < np.uint64(candidates) and positions[after] == index + 1
            if followed and counts[np.uint64(groups[place])] > 1 and counts[np.uint64(groups[after])] > 1:
                positions[kept] = index
                kept += 1
        candidates = kept


@native(int64(BYTES, int32[::1], int32[::1], int64, uint8[::1], int32[::1]), memory="given")
def squeeze(page: Bytes, begins: Ints, ends: Ints, words: int, squeezed: Bytes, at: Ints) -> int:
    """Copy the words in a row, word i to squeezed[at[i]:at[i+1]]; their bytes together."""
    to = 0
    for index in range(np.uint64(words)):
        at[index] = to
        start = int(begins[index])
        length = int(ends[index]) - start
        copied = 0
        while copied < length:
            put_eight_bytes(squeezed, to + copied, eight_bytes(page, start + copied))
            copied += 8
        to += length
    at[np.uint64(words)] = to
    return to


@native(
    int64(BYTES, int32[::1], int64, int64, int64, *(int32[::1],) * 2, uint8[::1], *(uint64[::1],) * 2), memory="given"
)
def _keep_repeated_prefixes(
    squeezed: Bytes,
    at: Ints,
    words: int,
    level: int,
    candidates: int,
    positions: Ints,
    bits: Ints,
    levels: Bytes,
    once: Hashes,
    twice: Hashes,
) -> int:
    """Of the positions keep those whose first 8 * level bytes may occur at two of them, and note the level; how many.

    A bit is set for each prefix, and another when its bit was set already; where that one is not set the prefix occurs
    once.
    """
    size = 1024
    shift = 54
    while size < 16 * candidates:
        size *= 2
        shift -= 1
    once[: size >> 6] = 0
    twice[: size >> 6] = 0
    last = at[words] - 8 * level
    kept = 0
    for place in range(np.uint64(candidates)):
        start = at[np.uint64(positions[place])]
        if start > last:
            break  # and so are all that follow
        state = np.uint64(0)
        for step in range(level):
            state = (state ^ (state >> np.uint64(32)) ^ eight_bytes(squeezed, start + 8 * step)) * _STIR
        bit = (state ^ (state >> np.uint64(32))) * _OTHER_STIR >> np.uint64(shift)
        bits[place] = bit
        flag = np.uint64(1) << (bit & np.uint64(63))
        twice[bit >> np.uint64(6)] |= once[bit >> np.uint64(6)] & flag
        once[bit >> np.uint64(6)] |= flag
        kept += 1
    hashed = kept
    kept = 0
    for place in range(np.uint64(hashed)):
        bit = np.uint64(bits[place])
        if twice[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1):
            positions[kept] = positions[place]
            levels[np.uint64(positions[kept])] = level
            kept += 1
    return kept


@native(int64(BYTES, int32[::1], int64, *(int32[::1],) * 2, uint8[::1], *(uint64[::1],) * 2), memory="given")
def find_repeatable(
    squeezed: Bytes, at: Ints, words: int, positions: Ints, bits: Ints, levels: Bytes, once: Hashes, twice: Hashes
) -> int:
    """Fill `positions` with the words at which an n-gram of five words or more can repeat; their number.

    `levels`: per word, how many times eight bytes that start there may occur at the start of another word, too; from 1,
    which is not looked at, to 4. Equal n-grams begin with the same bytes and have as many, so that one of k bytes
    cannot repeat where the level is below k // 8 and below 4.
    """
    candidates = words - 4
    for index in range(np.uint64(candidates)):
        positions[index] = index
        levels[index] = 1
    for level in range(2, 5):
        candidates = _keep_repeated_prefixes(
            squeezed, at, words, level, candidates, positions, bits, levels, once, twice
        )
    found = 0
    for index in range(np.uint64(words - 4)):
        positions[found] = index
        found += levels[index] > 1 or at[index + np.uint64(5)] - at[index] < 16
    return found


@native(
    UniTuple(int64, 2)(BYTES, *(int32[::1],) * 2, *(int64,) * 4, int32[::1], uint8[::1], uint64[::1], int32[::1]),
    memory="given",
)
def duplicate_gram(
    squeezed: Bytes,
    at: Ints,
    letters: Ints,
    words: int,
    length: int,
    enough: int,
    candidates: int,
    positions: Ints,
    levels: Bytes,
    hashes: Hashes,
    slots: Ints,
) -> tuple[int, int]:
    """Code points of the n-grams met before: an n-gram found is counted and walked past, any other is remembered.

    Up to `enough` code points, those of all n-grams that can repeat may be told instead. Of the positions those stay,
    in front, at which a longer n-gram can repeat; how many is the second number.
    """
    ends = at[length:]
    kept = most = reached = 0
    for place in range(np.uint64(candidates)):
        index = int(positions[place])
        if index + length > words:
            break
        if levels[np.uint64(index)] < min((ends[np.uint64(index)] - at[np.uint64(index)]) >> 3, 4):
            continue
        positions[kept] = index
        kept += 1
        stop = int(letters[np.uint64(index + length)])
        most += stop - max(int(letters[np.uint64(index)]), reached)
        reached = stop
    if most <= enough:
        return most, kept
    mask = empty_slots(slots, kept)
    repeated = walked = 0
    for place in range(np.uint64(kept)):
        index = int(positions[place])
        if index < walked:
            continue
        hashes[np.uint64(index)] = hash_span(squeezed, at[np.uint64(index)], ends[np.uint64(index)])
        if first_equal(squeezed, at, ends, hashes, slots, mask, index) != index:
            repeated += letters[np.uint64(index + length)] - letters[np.uint64(index)]
            walked = index + length
    return repeated, kept

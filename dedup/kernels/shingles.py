"""From the bytes of a text to hashes of its word n-grams, and from these to MinHash band keys or to sorted sets.

One pass over the characters makes a 64-bit hash per word of the normal form; a rolling polynomial over the words makes
one per n-gram (a *shingle*; Broder 1997, "On the resemblance and containment of documents"). A text with fewer words
than n is one shingle, a text without words has none. All arithmetic is modulo 2^64: every machine gives the same bits.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int64, uint32, uint64, void

from dedup.kernels.hash_sort import EDGES, distinct_sorted
from dedup.kernels.normal_form import ALONE, BLANK, DIGIT, SPELLED
from stages.kernels.native import BYTES, LONGS, native

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]
Entries = npt.NDArray[np.uint32]

READ_HASHES: Final = types.Array(uint64, 1, "C", readonly=True)
READ_ENTRIES: Final = types.Array(uint32, 1, "C", readonly=True)
READ_SPELLINGS: Final = types.Array(uint32, 2, "C", readonly=True)

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_STIR: Final = np.uint64(0xBF58476D1CE4E5B9)
_STIR_AGAIN: Final = np.uint64(0x94D049BB133111EB)
"""The constants of SplitMix64 (Steele, Lea and Flood 2014), an odd step and a finalizer with full avalanche."""
_BASE: Final = np.uint64(0xD6E8FEB86659FD93)
"""Base of the polynomial over words; any odd number does, since the words' hashes are random."""


@native(uint64(uint64))
def stir(value: Any) -> Any:
    """The finalizer of SplitMix64: a permutation of 64-bit numbers in which every bit depends on every bit."""
    value = (value ^ (value >> np.uint64(30))) * _STIR
    value = (value ^ (value >> np.uint64(27))) * _STIR_AGAIN
    return value ^ (value >> np.uint64(31))


@native(int64(BYTES, int64, int64, READ_ENTRIES, READ_SPELLINGS, uint64[::1]))
def hash_words(
    data: Bytes, start: int, end: int, entries: Entries, spellings: npt.NDArray[np.uint32], words: Hashes
) -> int:
    """Hashes of the words of the text in [start, end), written to `words`; their number. Broken UTF-8 ends the text."""
    count = 0
    letters = np.uint64(0)
    inside = False
    digits = False
    at = start
    while at < end:
        lead = np.int64(data[at])
        if lead < 0x80:
            point = lead
            at += 1
        elif lead < 0xE0:
            if at + 2 > end:
                break
            point = ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F)
            at += 2
        elif lead < 0xF0:
            if at + 3 > end:
                break
            point = ((lead & 0xF) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F)
            at += 3
        else:
            if at + 4 > end:
                break
            point = ((lead & 7) << 18) | ((np.int64(data[at + 1]) & 0x3F) << 12)
            point |= ((np.int64(data[at + 2]) & 0x3F) << 6) | (np.int64(data[at + 3]) & 0x3F)
            at += 4
        entry = entries[point]
        if BLANK < entry < SPELLED:
            if entry != DIGIT or not digits:
                letters = (letters ^ np.uint64(entry)) * _STEP
                inside = True
            digits = entry == DIGIT
        elif entry >= ALONE or entry == BLANK:
            if inside:
                words[count] = stir(letters)
                count += 1
                letters = np.uint64(0)
                inside = False
            digits = False
            if entry >= ALONE:
                words[count] = stir(np.uint64(entry))
                count += 1
        elif entry >= SPELLED:
            for letter in spellings[entry ^ np.uint32(SPELLED)]:
                if letter != 0:
                    letters = (letters ^ np.uint64(letter)) * _STEP
            inside = True
            digits = False
    if inside:
        words[count] = stir(letters)
        count += 1
    return count


@native(int64(uint64[::1], int64, int64))
def hash_shingles(words: Hashes, count: int, ngram: int) -> int:
    """Replace the first `count` word hashes by the hashes of their n-grams in order; the number of these."""
    if count == 0:
        return 0
    length = min(count, ngram)
    leading = np.uint64(1)
    rolled = np.uint64(length)
    for at in range(length):
        rolled = rolled * _BASE + words[at]
        leading *= _BASE
    # The start value times base^n and the first word times base^(n-1) leave the window as it rolls on.
    start = np.uint64(length) * leading
    first = np.uint64(1)
    for _ in range(length - 1):
        first *= _BASE
    shingles = count - length + 1
    for at in range(shingles):
        leaving = words[at]
        words[at] = stir(rolled)
        if at + 1 < shingles:
            rolled = (rolled - start - leaving * first) * _BASE + words[at + length] + start
    return shingles


@native(void(READ_HASHES, int64, READ_HASHES, READ_HASHES, uint64[::1]))
def permute(shingles: Hashes, count: int, factors: Hashes, summands: Hashes, least: Hashes) -> None:
    """The least value of each permutation `factor · x + summand` mod 2^64 over the first `count` shingles."""
    hashes = len(least)
    for number in range(hashes):
        least[number] = np.uint64(0xFFFFFFFFFFFFFFFF)
    at = 0
    # Four at a time, so that the least values are loaded and stored a quarter as often.
    while at + 4 <= count:
        one = shingles[at]
        two = shingles[at + 1]
        three = shingles[at + 2]
        four = shingles[at + 3]
        for number in range(hashes):
            factor = factors[number]
            summand = summands[number]
            low = min(factor * one + summand, factor * two + summand)
            high = min(factor * three + summand, factor * four + summand)
            least[number] = min(least[number], min(low, high))
        at += 4
    while at < count:
        for number in range(hashes):
            least[number] = min(least[number], factors[number] * shingles[at] + summands[number])
        at += 1


@native(
    void(BYTES, LONGS, LONGS, READ_ENTRIES, READ_SPELLINGS, int64, READ_HASHES, READ_HASHES, uint64[:, ::1], int64[::1])
)
def sign_texts(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    entries: Entries,
    spellings: npt.NDArray[np.uint32],
    ngram: int,
    factors: Hashes,
    summands: Hashes,
    signatures: npt.NDArray[np.uint64],
    counts: Longs,
) -> None:
    """A row of `signatures` for each text with words; `counts` gets the number of its shingles, repeats included."""
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    # A word takes two bytes with what parts it from the next one.
    words = np.empty(longest // 2 + 2, np.uint64)
    for row in range(len(starts)):
        count = hash_words(data, starts[row], ends[row], entries, spellings, words)
        counts[row] = hash_shingles(words, count, ngram)
        if counts[row]:
            permute(words, counts[row], factors, summands, signatures[row])


@native(void(types.Array(uint64, 2, "C", readonly=True), int64, uint64[:, ::1]))
def band_keys(signatures: npt.NDArray[np.uint64], rows: int, keys: npt.NDArray[np.uint64]) -> None:
    """One 64-bit key for each band of `rows` values of a signature; bands differ in their start, so keys do not mix."""
    for document in range(keys.shape[0]):
        for band in range(keys.shape[1]):
            key = np.uint64(band + 1) * _STEP
            for at in range(band * rows, (band + 1) * rows):
                key = stir((key ^ signatures[document, at]) * _STEP)
            keys[document, band] = key


@native(int64(BYTES, LONGS, LONGS, READ_ENTRIES, READ_SPELLINGS, int64, uint64[::1], int64[::1]))
def shingle_sets(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    entries: Entries,
    spellings: npt.NDArray[np.uint32],
    ngram: int,
    sets: Hashes,
    edges: Longs,
) -> int:
    """The sets of shingles of the texts, each sorted, one after the other in `sets`; set k lies in edges[k:k+2].

    `sets` holds (bytes of text) // 2 + 2 per text. Returns the number of shingles written.
    """
    longest = 0
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    room = np.empty(longest // 2 + 2, np.uint64)
    buckets = np.empty(EDGES, np.int64)
    written = 0
    edges[0] = 0
    for row in range(len(starts)):
        words = sets[written:]
        count = hash_words(data, starts[row], ends[row], entries, spellings, words)
        shingles = hash_shingles(words, count, ngram)
        written += distinct_sorted(words, shingles, room, buckets)
        edges[row + 1] = written
    return written


@native(void(READ_HASHES, LONGS, READ_HASHES, READ_HASHES, uint64[:, ::1]))
def sign_sets(
    sets: Hashes, edges: Longs, factors: Hashes, summands: Hashes, signatures: npt.NDArray[np.uint64]
) -> None:
    """As `sign_texts`, from what `shingle_sets` wrote: a least value takes no notice of order and of repeats."""
    for row in range(len(edges) - 1):
        if edges[row + 1] > edges[row]:
            permute(sets[edges[row] :], edges[row + 1] - edges[row], factors, summands, signatures[row])

"""Special cases whose parts the rules have split, put together again: the last step of spaCy's tokenizer.

Its matcher knows each special case as the tokens that the rules alone make of it, and finds them in the whole text, a
single space between two or not. Of matches that overlap the longest win, and the earlier of two as long; a match across
a space wins like any other, but changes nothing (spaCy 3.8, MIT licence, `_apply_special_cases` in its tokenizer).
Few texts need this: those in which some piece holds a special case in parts (`words_english._has_split_case`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64

from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words_cases import CASE, ENDS, LONGEST, MOST, PATTERN, TOKENS, WORDS, Words, find_entry

Bytes = npt.NDArray[np.uint8]


@native(boolean(WORDS, int64, int32[::1], int32[::1], int64, int64))
def spells_pattern(cases: Words, entry: int, begins: Ints, ends: Ints, first: int, last: int) -> bool:
    """Whether the tokens `first` to `last` are as long as those of the entry's pattern, one by one."""
    if int(cases[entry + PATTERN]) != last - first:
        return False
    place = entry + ENDS + int(cases[entry + TOKENS])
    length = 0
    for token in range(first, last):
        length += ends[token] - begins[token]
        if int(cases[place + token - first]) != length:
            return False
    return True


@native(int64[::1](BYTES, int64, WORDS, int32[::1], int32[::1], int64))
def _matches(data: Bytes, start: int, cases: Words, begins: Ints, ends: Ints, count: int) -> npt.NDArray[np.int64]:
    """For each token the lengths, in tokens, of the patterns that start there, as bits."""
    longest, most = int(cases[LONGEST]), int(cases[MOST])
    joined = np.empty(longest, np.uint8)
    lengths = np.zeros(count, np.int64)
    for token in range(count):
        length = 0
        for other in range(token, min(token + most, count)):
            gap = begins[other] - ends[other - 1] if other > token else 0
            if gap > 1 or (gap == 1 and data[start + ends[other - 1]] != 32):
                break
            width = ends[other] - begins[other]
            if length + width > longest:
                break
            for step in range(width):
                joined[length + step] = data[start + begins[other] + step]
            length += width
            if other > token:
                entry = find_entry(joined, 0, length, cases, CASE)
                if entry > 0 and spells_pattern(cases, entry, begins, ends, token, other + 1):
                    lengths[token] |= 1 << (other + 1 - token)
    return lengths


@native(int64(BYTES, int64, WORDS, int32[::1], int32[::1], int64))
def merge_cases(data: Bytes, start: int, cases: Words, begins: Ints, ends: Ints, count: int) -> int:
    """Change the spans in place, and return how many there are then."""
    most = int(cases[MOST])
    lengths = _matches(data, start, cases, begins, ends, count)
    chosen = np.zeros(count, np.int64)
    seen = np.zeros(count + most, np.bool_)
    for length in range(most, 1, -1):
        for token in range(count):
            if lengths[token] >> length & 1:
                if not seen[token] and not seen[token + length - 1]:
                    chosen[token] = length
                for covered in range(token, token + length):
                    seen[covered] = True
    old_begins, old_ends = np.empty(count, np.int32), np.empty(count, np.int32)
    for token in range(count):
        old_begins[token], old_ends[token] = begins[token], ends[token]
    total, token = 0, 0
    while token < count:
        last = token + max(1, chosen[token])
        entry = 0
        if chosen[token] and old_ends[last - 1] - old_begins[token] <= int(cases[LONGEST]):
            entry = find_entry(data, start + old_begins[token], start + old_ends[last - 1], cases, CASE)
        if entry > 0:
            for part in range(int(cases[entry + TOKENS])):
                begins[total] = old_begins[token] if part == 0 else ends[total - 1]
                ends[total] = old_begins[token] + int(cases[entry + ENDS + part])
                total += 1
        else:
            for part in range(token, last):
                begins[total], ends[total] = old_begins[part], old_ends[part]
                total += 1
        token = last
    return total

"""Special cases whose parts the rules have split, put together again: the last step of spaCy's tokenizer.

Its matcher knows each special case as the tokens that the rules alone make of it, and finds them in the whole text, a
single space between two or not. Of matches that overlap the longest win, and the earlier of two as long; a match across
a space wins like any other, but changes nothing (spaCy 3.8, MIT licence, `_apply_special_cases` in its tokenizer).
Few texts need this: those in which some piece holds a special case in parts (`words_rules._has_split_case`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, int32, int64, uint8

from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words_cases import (
    ANY_PATTERN,
    CASE,
    ENDS,
    LONGEST,
    MOST,
    PATTERN,
    TOKENS,
    WORDS,
    Words,
    find_entry,
    may_start_pattern,
)

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]


@native(int64(int64, int64, WORDS, int32[::1], int32[::1], int64), memory="given")
def append_case(begin: int, entry: int, cases: Words, begins: Ints, ends: Ints, count: int) -> int:
    """Append the tokens of a special case that stands at `begin`; how many there are then."""
    for token in range(int(cases[entry + TOKENS])):
        begins[count] = begin if token == 0 else ends[count - 1]
        ends[count] = begin + int(cases[entry + ENDS + token])
        count += 1
    return count


@native(boolean(WORDS, int64, int32[::1], int32[::1], int64, int64), memory="given")
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


@native(
    int64(BYTES, int64, WORDS, int32[::1], int32[::1], int64, int64, uint8[::1], int64[::1], int64[::1], int64),
    memory="given",
)
def _match(
    data: Bytes,
    start: int,
    cases: Words,
    begins: Ints,
    ends: Ints,
    count: int,
    token: int,
    joined: Bytes,
    firsts: Longs,
    lengths: Longs,
    matches: int,
) -> int:
    """Append the patterns that start with `token` to the matches, and return how many there are then."""
    longest, most = int(cases[LONGEST]), int(cases[MOST])
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
        entry = find_entry(joined, 0, length, cases, CASE)
        if entry > 0 and spells_pattern(cases, entry, begins, ends, token, other + 1):
            firsts[matches], lengths[matches] = token, other + 1 - token
            matches += 1
    return matches


@native(
    int64(
        BYTES, int64, WORDS, int32[::1], int32[::1], int64, int64[::1], int64[::1], types.Array(types.boolean, 1, "C")
    )
)
def _rebuild(
    data: Bytes,
    start: int,
    cases: Words,
    begins: Ints,
    ends: Ints,
    count: int,
    firsts: Longs,
    lengths: Longs,
    chosen: npt.NDArray[np.bool_],
) -> int:
    """Put the tokens of the special cases into the place of the chosen matches."""
    old_begins, old_ends = np.empty(count, np.int32), np.empty(count, np.int32)
    for token in range(count):
        old_begins[token], old_ends[token] = begins[token], ends[token]
    total, token = 0, 0
    for match in range(len(chosen) + 1):
        first = firsts[match] if match < len(chosen) else count
        if match < len(chosen) and not chosen[match]:
            continue
        while token < first:
            begins[total], ends[total] = old_begins[token], old_ends[token]
            total += 1
            token += 1
        if match == len(chosen):
            break
        last = old_ends[first + lengths[match] - 1]
        entry = 0
        if last - old_begins[first] <= int(cases[LONGEST]):
            entry = find_entry(data, start + old_begins[first], start + last, cases, CASE)
        if entry > 0:
            total = append_case(int(old_begins[first]), entry, cases, begins, ends, total)
            token = first + lengths[match]
    return total


@native(int64(BYTES, int64, WORDS, int32[::1], int32[::1], int64))
def merge_cases(data: Bytes, start: int, cases: Words, begins: Ints, ends: Ints, count: int) -> int:
    """Change the spans in place, and return how many there are then."""
    most = int(cases[MOST])
    candidates = 0
    for token in range(count - 1):
        begin, end, after = start + begins[token], start + ends[token], start + begins[token + 1]
        candidates += may_start_pattern(data, begin, end, after, cases, ANY_PATTERN)
    joined = np.empty(int(cases[LONGEST]), np.uint8)
    firsts, lengths = np.empty(candidates * most, np.int64), np.empty(candidates * most, np.int64)
    matches = 0
    for token in range(count - 1):
        begin, end, after = start + begins[token], start + ends[token], start + begins[token + 1]
        if may_start_pattern(data, begin, end, after, cases, ANY_PATTERN):
            matches = _match(data, start, cases, begins, ends, count, token, joined, firsts, lengths, matches)
    chosen, seen = np.zeros(matches, np.bool_), np.zeros(count, np.bool_)
    for length in range(most, 1, -1):
        for match in range(matches):
            if lengths[match] == length:
                first = firsts[match]
                chosen[match] = not seen[first] and not seen[first + length - 1]
                for token in range(first, first + length):
                    seen[token] = True
    return _rebuild(data, start, cases, begins, ends, count, firsts, lengths, chosen)

"""Words as spaCy's tokenizer cuts them by its rules, token by token the same: the splitter of published filters.

At white space first; then, of each piece, prefixes and suffixes go as long as any is left, special cases stay as they
are, addresses stay whole, and what remains is cut at infixes (spaCy 3.8, MIT licence, `spacy/tokenizer.pyx`,
`_split_affixes` and `_attach_tokens`). At the end special cases whose parts have been split are put together again
(`words_merge.py`). Tokens of white space are left out, as datatrove leaves them out. A piece of letters, which most
are, costs one look at its bytes and one at the filter of special cases.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64

from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words import whitespace_width
from stages.kernels.words_affixes import infix_width, prefix_width, suffix_width
from stages.kernels.words_cases import (
    CASE,
    CHANGES,
    ENDS,
    HYPHENS,
    LONGEST,
    MOST,
    TOKENS,
    WORDS,
    Words,
    find_entry,
    may_start_pattern,
)
from stages.kernels.words_classes import INFIX, MAY_END, MAY_START, SUFFIX
from stages.kernels.words_merge import merge_cases, spells_pattern
from stages.kernels.words_url import is_url

Bytes = npt.NDArray[np.uint8]


@native(int64(BYTES, int64, int64, int64, WORDS, int64, int32[::1], int32[::1], int64), memory="given")
def _split_infixes(
    data: Bytes, start: int, end: int, origin: int, classes: Words, hyphens: int, begins: Ints, ends: Ints, count: int
) -> int:
    token, at, previous, known_no_url = start, start, 0, False
    while at < end:
        point, width = int(data[np.uint64(at)]), 1
        if point >= 0x80:
            point, width = code_point(data, at)
        infix = 0
        if classes[np.uint64(point)] & np.uint32(INFIX) and at > start:
            infix = infix_width(data, at, end, previous, point, classes, hyphens)
        if infix > 0:
            if not known_no_url and is_url(data, start, end, classes):
                break
            known_no_url = True
            if at > token:
                begins[count], ends[count] = token - origin, at - origin
                count += 1
            begins[count], ends[count] = at - origin, at + infix - origin
            count += 1
            token = at + infix
            width = infix  # An infix of several characters repeats the first.
        at += width
        previous = point
    if token < end:
        begins[count], ends[count] = token - origin, end - origin
        count += 1
    return count


@native(int64(BYTES, int64, int64, int64, WORDS, WORDS, int32[::1], int32[::1], int64), memory="given")
def _split_piece(
    data: Bytes,
    start: int,
    end: int,
    origin: int,
    classes: Words,
    cases: Words,
    begins: Ints,
    ends: Ints,
    count: int,
) -> int:
    """Append the tokens of [start, end), which has no white space. Suffixes wait at the end of the arrays."""
    waiting = len(begins)
    entry = 0
    while start < end:
        entry = find_entry(data, start, end, cases, CASE)
        if entry > 0:
            break
        prefix = 0
        byte = int(data[np.uint64(start)])
        if byte >= 0x80 or classes[np.uint64(byte)] & np.uint32(MAY_START):
            prefix = prefix_width(data, start, end, classes)
        if prefix > 0:
            entry = find_entry(data, start + prefix, end, cases, CASE) if start + prefix < end else 0
        if entry == 0:
            suffix = 0
            byte = int(data[np.uint64(end - 1)])
            if start + prefix < end and (byte >= 0x80 or classes[np.uint64(byte)] & np.uint32(MAY_END)):
                suffix = suffix_width(data, start + prefix, end, classes, cases)
            if suffix > 0:
                entry = find_entry(data, start, end - suffix, cases, CASE) if end - suffix > start else 0
                waiting -= 1
                begins[waiting], ends[waiting] = end - suffix - origin, end - origin
                end -= suffix
                if entry > 0:
                    break
            if prefix + suffix == 0:
                break
        if prefix > 0:
            begins[count], ends[count] = start - origin, start + prefix - origin
            count += 1
            start += prefix
        if entry > 0:
            break
    if entry > 0:
        for token in range(int(cases[entry + TOKENS])):
            begins[count] = start - origin if token == 0 else ends[count - 1]
            ends[count] = start - origin + int(cases[entry + ENDS + token])
            count += 1
    elif start < end:
        count = _split_infixes(data, start, end, origin, classes, int(cases[HYPHENS]), begins, ends, count)
    while waiting < len(begins):
        begins[count], ends[count] = begins[waiting], ends[waiting]
        count += 1
        waiting += 1
    return count


@native(boolean(BYTES, int64, WORDS, int32[::1], int32[::1], int64, int64), memory="given")
def _has_split_case(data: Bytes, origin: int, cases: Words, begins: Ints, ends: Ints, first: int, last: int) -> bool:
    """Whether neighbours among the tokens `first` to `last`, of one piece, spell a special case."""
    longest, most = int(cases[LONGEST]), int(cases[MOST])
    for token in range(first, last - 1):
        if not may_start_pattern(data, origin + begins[token], origin + ends[token], cases):
            continue
        for other in range(token + 1, min(token + most, last)):
            if ends[other] - begins[token] > longest:
                break
            entry = find_entry(data, origin + begins[token], origin + ends[other], cases, CASE)
            if entry > 0 and cases[entry + CHANGES] and spells_pattern(cases, entry, begins, ends, token, other + 1):
                return True
    return False


@native(int64(BYTES, int64, int64, WORDS, WORDS, int32[::1], int32[::1]), memory="given")
def rule_words(data: Bytes, start: int, end: int, classes: Words, cases: Words, begins: Ints, ends: Ints) -> int:
    """Fill the byte spans of the tokens of [start, end), counted from `start`, and return how many there are.

    `begins` and `ends` must have room for one token more than the span has bytes.
    """
    count, split_cases = 0, False
    at = start
    while at < end:
        if data[np.uint64(at)] == 32:
            at += 1
            continue
        piece = at
        while at < end and 97 <= data[np.uint64(at)] | 0x20 <= 122:
            at += 1
        while at < end and 48 <= data[np.uint64(at)] <= 57:
            at += 1
        letters = at  # or letters and then digits, of which the rules split nothing either
        if letters > piece:
            byte = int(data[np.uint64(at)]) if at < end else 32
            if byte == 0x2E:  # "word." but not "A."
                last = data[np.uint64(at - 1)]
                at += last >= 97 or last <= 57
            elif byte < 0x80:  # "word," and "word)"
                at += (classes[np.uint64(byte)] & np.uint32(SUFFIX)) != 0
            plain = at >= end or data[np.uint64(at)] == 32 or whitespace_width(data, at, end) > 0
            if plain and find_entry(data, piece, at, cases, CASE) == 0:
                if at == letters:
                    begins[np.uint64(count)], ends[np.uint64(count)] = piece - start, at - start
                    count += 1
                    continue
                if find_entry(data, piece, letters, cases, CASE) == 0:
                    begins[np.uint64(count)], ends[np.uint64(count)] = piece - start, letters - start
                    count += 1
                    begins[np.uint64(count)], ends[np.uint64(count)] = letters - start, at - start
                    count += 1
                    continue
        width = 0
        while at < end:
            byte = int(data[np.uint64(at)])
            width = 0 if 0x21 <= byte < 0x80 else whitespace_width(data, at, end)
            if width > 0:
                break
            at += 1
        if at > piece:
            first = count
            count = _split_piece(data, piece, at, start, classes, cases, begins, ends, count)
            if count > first + 1:
                split_cases |= _has_split_case(data, start, cases, begins, ends, first, count)
        at += width
    return merge_cases(data, start, cases, begins, ends, count) if split_cases else count

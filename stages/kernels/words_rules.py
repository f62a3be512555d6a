"""Words as spaCy's tokenizer cuts them by its rules, token by token the same: the splitter of published filters.

At white space first; then, of each piece, prefixes and suffixes go as long as any is left, special cases stay as they
are, addresses stay whole, and what remains is cut at infixes (spaCy 3.8, MIT licence, `spacy/tokenizer.pyx`,
`_split_affixes` and `_attach_tokens`). At the end special cases whose parts have been split are put together again
(`words_merge.py`). Tokens of white space are left out, as datatrove leaves them out. A piece of letters, which most
are, costs one look at its bytes and one at the filter of special cases; of the others, short ones are remembered.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int32, int64, uint32, uint64

from stages.kernels.code_points import code_point
from stages.kernels.loads import eight_bytes, first_byte, first_bytes, next_bytes, not_letters
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints
from stages.kernels.words import whitespace_width
from stages.kernels.words_affixes import infix_width, prefix_width, suffix_width
from stages.kernels.words_cases import (
    CASE,
    CHANGES,
    CHANGING,
    HYPHENS,
    LONGEST,
    MOST,
    WORDS,
    Words,
    find_entry,
    may_start_pattern,
)
from stages.kernels.words_classes import ALPHA, DIGIT, INFIX, MAY_END, MAY_START, PREFIX, QUOTE, SUFFIX
from stages.kernels.words_memory import (
    MOST_REMEMBERED,
    REMEMBERED,
    Memory,
    memory_slot,
)
from stages.kernels.words_merge import append_case, merge_cases, spells_pattern
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


@native(int64(BYTES, int64, int64, int64, uint32, WORDS, WORDS, int32[::1], int32[::1], int64), memory="given")
def _split_piece(
    data: Bytes,
    start: int,
    end: int,
    origin: int,
    kinds: Any,
    classes: Words,
    cases: Words,
    begins: Ints,
    ends: Ints,
    count: int,
) -> int:
    """Append the tokens of [start, end), which has no white space. Suffixes wait at the end of the arrays.

    `kinds`: the classes of all its characters, as far as they may start, end or cut a word.
    """
    waiting = len(begins)
    entry = 0
    with_units = kinds & np.uint32(DIGIT | QUOTE)  # "10km", "it's"
    while start < end:
        entry = find_entry(data, start, end, cases, CASE)
        if entry > 0:
            break
        prefix = 0
        byte = data[np.uint64(start)]
        kind = classes[np.uint64(byte)]
        if byte < 0x80 and kind & np.uint32(PREFIX):
            prefix = 1
        elif byte >= 0x80 or kind & np.uint32(MAY_START):
            prefix = prefix_width(data, start, end, classes)
        if prefix > 0:
            entry = find_entry(data, start + prefix, end, cases, CASE) if start + prefix < end else 0
        if entry == 0:
            suffix = 0
            byte = data[np.uint64(end - 1)]
            kind = classes[np.uint64(byte)]
            if start + prefix == end:
                pass
            elif byte < 0x80 and kind & np.uint32(SUFFIX):
                suffix = 1
            elif byte >= 0x80 or (kind & np.uint32(MAY_END) and (not kind & np.uint32(ALPHA) or with_units)):
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
        count = append_case(start - origin, entry, cases, begins, ends, count)
    elif start < end and not kinds & np.uint32(INFIX):
        begins[count], ends[count] = start - origin, end - origin
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
        start, end = origin + begins[token], origin + ends[token]
        if not may_start_pattern(data, start, end, end, cases, CHANGING):
            continue
        for other in range(token + 1, min(token + most, last)):
            if ends[other] - begins[token] > longest:
                break
            entry = find_entry(data, origin + begins[token], origin + ends[other], cases, CASE)
            if entry > 0 and cases[entry + CHANGES] and spells_pattern(cases, entry, begins, ends, token, other + 1):
                return True
    return False


@native(int64(BYTES, int64, int64), inline="always", memory="given")
def _after_letters(data: Bytes, at: int, end: int) -> int:
    """Where the run of ASCII letters that starts at `at` ends."""
    while at + 8 <= len(data):
        run: Any = np.int64(first_byte(not_letters(eight_bytes(data, at))))
        at += run
        if run < 8:
            return min(at, end)
    while at < end and 97 <= data[np.uint64(at)] | 0x20 <= 122:
        at += 1
    return min(at, end)


@native(boolean(BYTES, int64, int64, WORDS), memory="given")
def _is_all_letters(data: Bytes, at: int, end: int, classes: Words) -> bool:
    """Whether [at, end) is letters of any script, of which no rule splits any."""
    relevant = np.uint32(ALPHA | PREFIX | SUFFIX | INFIX)
    while at < end:
        point, width = code_point(data, at)
        if classes[np.uint64(point)] & relevant != np.uint32(ALPHA):
            return False
        at += width
    return True


@native(
    UniTuple(int64, 2)(BYTES, *(int64,) * 3, uint32, WORDS, WORDS, uint64[::1], int32[::1], int32[::1], int64),
    memory="given",
)
def _cut_piece(
    data: Bytes,
    start: int,
    end: int,
    origin: int,
    kinds: Any,
    classes: Words,
    cases: Words,
    memory: Memory,
    begins: Ints,
    ends: Ints,
    count: int,
) -> tuple[int, int]:
    """Append the tokens of [start, end), from the memory if they are there.

    How many there are then, and whether neighbours among them spell a special case.
    """
    length = end - start
    slot, first, second, told = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    if length <= REMEMBERED and start + REMEMBERED <= len(data) and len(memory) > 0:
        first, second = first_bytes(data, start, length), next_bytes(data, start, length)
        told = np.uint64(length) | np.uint64(cases[HYPHENS]) << np.uint64(7)
        slot = memory_slot(first, second)
        found = memory[slot | np.uint64(2)]
        if memory[slot] == first and memory[slot | np.uint64(1)] == second and found & np.uint64(0xFF) == told:
            tokens: Any = np.int64(found >> np.uint64(8) & np.uint64(0xFF))
            begin: Any = start - origin
            for token in range(np.uint64(tokens)):
                found >>= np.uint64(8)
                begins[np.uint64(count) + token] = begin
                begin = start - origin + np.int64(found >> np.uint64(8) & np.uint64(0xFF))
                ends[np.uint64(count) + token] = begin
            return count + tokens, 0
    before = count
    count = _split_piece(data, start, end, origin, kinds, classes, cases, begins, ends, count)
    tokens = count - before
    if tokens > 1 and _has_split_case(data, origin, cases, begins, ends, before, count):
        return count, 1
    if told != 0 and tokens <= MOST_REMEMBERED:
        told |= np.uint64(tokens << 8)
        for token in range(tokens):
            told |= np.uint64(ends[before + token] - (start - origin)) << np.uint64(16 + 8 * token)
        memory[slot], memory[slot | np.uint64(1)], memory[slot | np.uint64(2)] = first, second, told
    return count, 0


@native(int64(BYTES, int64, int64, WORDS, WORDS, uint64[::1], int32[::1], int32[::1]), memory="given")
def rule_words(
    data: Bytes, start: int, end: int, classes: Words, cases: Words, memory: Memory, begins: Ints, ends: Ints
) -> int:
    """Fill the byte spans of the tokens of [start, end), counted from `start`, and return how many there are.

    `begins` and `ends` must have room for one token more than the span has bytes · `memory`: what a splitter remembers
    (`words_memory.py`).
    """
    count, split_cases = 0, 0
    at = start
    while at < end:
        if data[np.uint64(at)] == 32:
            at += 1
            continue
        piece = at
        digits = at = _after_letters(data, at, end)
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
        kinds = np.uint32(DIGIT if letters > piece else 0)
        at = letters
        while at < end:
            byte = data[np.uint64(at)]
            if 0x21 <= byte < 0x80:
                kinds |= classes[np.uint64(byte)]
            else:
                width = whitespace_width(data, at, end)
                if width > 0:
                    break
                kinds |= np.uint32(DIGIT | QUOTE | INFIX)
            at += 1
        if at > piece:
            foreign = letters == digits < at and data[np.uint64(letters)] >= 0x80
            if (
                foreign
                and find_entry(data, piece, at, cases, CASE) == 0
                and _is_all_letters(data, letters, at, classes)
            ):
                begins[np.uint64(count)], ends[np.uint64(count)] = piece - start, at - start
                count += 1
            else:
                count, split = _cut_piece(data, piece, at, start, kinds, classes, cases, memory, begins, ends, count)
                split_cases |= split
        at += width
    return merge_cases(data, start, cases, begins, ends, count) if split_cases else count

"""The special cases and units of spaCy's rules, packed into one table that the splitter looks spans up in.

A special case is a text with tokens of its own (`don't` is `do` and `n't`, `Mr.` is one token). A unit is what is split
off after a digit (`km`, `€`). `words_cases.txt` has them, with `&` between the tokens of a case: those for every
language, such as emoticons, and those for English, where every case with an apostrophe also holds with a typographic
one (spaCy 3.8, MIT licence, `spacy/lang/tokenizer_exceptions.py` and `spacy/lang/en/tokenizer_exceptions.py`).

A table is one uint32 array: `_HEADER` numbers, then two filters, then slots of an open-addressed hash table, then the
entries. The first filter has for the first byte of a token one bit for each length (31 and more share one), set where a
pattern starts with such a token. The second has for the first and last byte of a span one bit for each length, set
where an entry is like that, so that most words cost one look at it and no hash.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, int64, uint32

from stages.kernels.native import BYTES, native
from stages.kernels.spans import hash_span

WORDS: Final = types.Array(uint32, 1, "C", readonly=True)
"""Numba's type of the two tables, `words_classes.word_classes()` and `words_split.special_cases()`."""

UNIT: Final = 1
CASE: Final = 2

LONGEST: Final = 0
"""Bytes of the longest entry."""
MOST: Final = 1
"""Tokens of the longest pattern."""
HYPHENS: Final = 2
"""1 where a hyphen between a digit and a letter cuts, as in English; else 0."""
AFTER: Final = 3
"""How long the table is; another one may stand behind it."""
_MASK: Final = 4
_SLOTS: Final = 5
_HEADER: Final = 8
_PAIRS: Final = _HEADER + 256
_CHANGE_PAIRS: Final = _PAIRS + 256 * 8
ANY_PATTERN: Final = _PAIRS
CHANGING: Final = _CHANGE_PAIRS
_FILTER: Final = _CHANGE_PAIRS + 256 * 8
_FILTERED: Final = _FILTER + (1 << 16)

KIND: Final = 1
"""Place in an entry of `UNIT` or `CASE`; before it is its hash."""
BYTES_LONG: Final = 2
TOKENS: Final = 3
"""Number of tokens that a case has."""
PATTERN: Final = 4
"""Number of tokens that the rules alone would make of it, where they are two or more; else 0."""
CHANGES: Final = 5
"""1 where those tokens are others than the case's; else 0."""
ENDS: Final = 6
"""From here on: where each token ends, then where each token of the pattern ends, then the bytes, all one by one."""

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Cases: TypeAlias = dict[str, list[str]]
Cut: TypeAlias = Callable[[str], list[int]]


@cache
def case_lists() -> tuple[Cases, Cases, list[str]]:
    """The special cases of every language and of English, each with its tokens, and the units."""
    paragraphs = files("stages.kernels").joinpath("words_cases.txt").read_text("utf-8").split("\n\n")
    base, english, units = (paragraph.partition(": ")[2].split() for paragraph in paragraphs)
    english += base
    english += [case.replace("'", "’") for case in english if "'" in case]
    return _cases(base), _cases(english), units


def _cases(told: list[str]) -> Cases:
    return {case.replace("&", ""): case.split("&") for case in told}


def pack_cases(cases: Cases, patterns: Cut, hyphens: int) -> Words:
    """The table. `patterns` tells where the tokens end that the rules alone make of a text."""
    entries: list[tuple[bytes, int, list[int], list[int]]] = [(unit.encode(), UNIT, [], []) for unit in case_lists()[2]]
    for text, tokens in cases.items():
        ends = np.cumsum([len(token.encode()) for token in tokens]).tolist()
        pattern = patterns(text)
        entries.append((text.encode(), CASE, ends, pattern if len(pattern) > 1 else []))
    slots = 16
    while slots < 2 * len(entries):
        slots *= 2
    head = np.zeros(_FILTERED + slots, np.uint32)
    head[LONGEST] = max(len(spelled) for spelled, _, _, _ in entries)
    head[MOST] = max(len(pattern) for _, _, _, pattern in entries)
    head[HYPHENS] = hyphens
    head[_MASK], head[_SLOTS] = slots - 1, _FILTERED
    tail: list[int] = []
    for spelled, kind, ends, pattern in entries:
        mixed = int(hash_span(np.frombuffer(spelled, np.uint8), 0, len(spelled))) & 0xFFFFFFFF
        slot = mixed & (slots - 1)
        while head[_FILTERED + slot]:
            slot = (slot + 1) & (slots - 1)
        head[_FILTERED + slot] = len(head) + len(tail)
        head[_FILTER + (spelled[0] << 8 | spelled[-1])] |= 1 << min(len(spelled), 31)
        if pattern:
            head[_HEADER + spelled[0]] |= 1 << min(pattern[0], 31)
            second = spelled[pattern[0]]
            for pairs in (_PAIRS, *((_CHANGE_PAIRS,) if pattern != ends else ())):
                head[pairs + 8 * spelled[0] + (second >> 5)] |= 1 << (second & 31)
        tail += [
            mixed,
            kind,
            len(spelled),
            len(ends),
            len(pattern),
            int(pattern not in ([], ends)),
            *ends,
            *pattern,
            *spelled,
        ]
    head[AFTER] = len(head) + len(tail)
    table = np.concatenate([head, np.array(tail, np.uint32)])
    table.flags.writeable = False
    return table


@native(int64(BYTES, int64, int64, WORDS, int64), memory="given")
def look_up(data: Bytes, start: int, end: int, cases: Words, kind: int) -> int:
    """`find_entry` for what the filter lets through."""
    if end - start > np.int64(cases[LONGEST]):
        return 0
    wanted = np.int64(hash_span(data, start, end) & np.uint64(0xFFFFFFFF))
    mask, slots = np.int64(cases[_MASK]), np.int64(cases[_SLOTS])
    slot = wanted & mask
    while cases[slots + slot] != 0:
        entry = np.int64(cases[slots + slot])
        if (
            np.int64(cases[entry]) == wanted
            and np.int64(cases[entry + KIND]) == kind
            and np.int64(cases[entry + BYTES_LONG]) == end - start
        ):
            text = entry + ENDS + np.int64(cases[entry + TOKENS]) + np.int64(cases[entry + PATTERN])
            same = True
            for step in range(end - start):
                same &= np.int64(cases[text + step]) == np.int64(data[start + step])
            if same:
                return int(entry)
        slot = (slot + 1) & mask
    return 0


@native(int64(BYTES, int64, int64, WORDS, int64), inline="always", memory="given")
def find_entry(data: Bytes, start: int, end: int, cases: Words, kind: int) -> int:
    """Where the entry of that kind stands whose text equals [start, end) of `data`, which is not empty; 0 if none."""
    first = np.uint64(data[np.uint64(start)]) << np.uint64(8)
    place = np.uint64(_FILTER) + (first | np.uint64(data[np.uint64(end - 1)]))
    if (cases[place] >> np.uint32(min(end - start, 31))) & np.uint32(1) == 0:
        return 0
    return look_up(data, start, end, cases, kind)


@native(boolean(BYTES, int64, int64, int64, WORDS, int64), inline="always", memory="given")
def may_start_pattern(data: Bytes, start: int, end: int, after: int, cases: Words, pairs: int) -> bool:
    """Whether a pattern may have [start, end) as its first token, and a second one that starts as that at `after` does.

    `pairs`: `ANY_PATTERN`, or `CHANGING` for those whose tokens are others than their case's.
    """
    first, second = np.uint64(data[np.uint64(start)]), np.uint64(data[np.uint64(after)])
    pair = cases[np.uint64(pairs) + (first << np.uint64(3)) + (second >> np.uint64(5))]
    mask = cases[np.uint64(_HEADER) + first] >> np.uint32(min(end - start, 31))
    return bool((pair >> np.uint32(second & np.uint64(31))) & mask & np.uint32(1))

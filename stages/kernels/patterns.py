"""Many words looked for at once: how often any of them stands in a text, between characters that are no parts of words.

Aho and Corasick's automaton (1975, https://doi.org/10.1145/360825.360855), worked out to a table over the few bytes
that occur in the words: each byte of the text is one look-up, however many words there are. What must stand before a
word is a symbol of its own, fed to the automaton where a word may begin; so it does all the matching, and nothing is
looked at twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import UniTuple, boolean, int64, uint32, void

from stages.kernels.code_points import code_point
from stages.kernels.lower_case import lower_case, lowered
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts
from stages.kernels.word_characters import word_after, word_characters

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

_POINTS: Final = types.Array(uint32, 1, "C", readonly=True)
_STATES: Final = types.Array(types.int32, 2, "C", readonly=True)
_EDGE: Final = 256
"""The symbol before a character that does not follow a part of a word."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """`classes` uint8[256]: columns of the table by byte · `edge`: the column of the edge, -1 where words have none ·
    `table` int32[states, columns]: the next state · `ends` uint8[states]: whether a word ends in the state."""

    classes: Bytes
    edge: int
    table: npt.NDArray[np.int32]
    ends: Bytes


def patterns_of(words: Sequence[str], *, flanked: bool = True) -> Patterns:
    """The automaton for words in any case. `flanked`: a word counts only between characters that are no parts of words.

    Raises ValueError for no words, or an empty one.
    """
    spelled = [tuple(_symbols(lowered(word), flanked=flanked)) for word in sorted(set(words))]
    if not spelled or not all(words):
        raise ValueError("there is no word to look for, or an empty one")
    known = sorted({symbol for word in spelled for symbol in word})
    column = {symbol: number + 1 for number, symbol in enumerate(known)}  # column 0: bytes that are in no word
    classes = np.zeros(256, np.uint8)
    for symbol, number in column.items():
        if symbol != _EDGE:
            classes[symbol] = number
            if 97 <= symbol <= 122:
                classes[symbol - 32] = number
    children: list[dict[int, int]] = [{}]
    ends = [0]
    for word in spelled:
        state = 0
        for symbol in word:
            below = children[state].get(column[symbol])
            if below is None:
                below = children[state][column[symbol]] = len(children)
                children.append({})
                ends.append(0)
            state = below
        ends[state] = 1
    table, closed = _closed(children, ends, len(column) + 1)
    return Patterns(classes, column.get(_EDGE, -1), table, closed)


def _symbols(word: str, *, flanked: bool) -> Iterator[int]:
    """The bytes of a word, with an edge before every character that does not follow a part of a word."""
    words, after_word = word_characters(), False
    for character in word:
        if flanked and not after_word:
            yield _EDGE
        yield from character.encode()
        after_word = bool(words[ord(character)])


def _closed(children: list[dict[int, int]], ends: list[int], columns: int) -> tuple[npt.NDArray[np.int32], Bytes]:
    """The whole table: where no child follows, what follows the longest end of the way that is itself a way."""
    table = np.zeros((len(children), columns), np.int32)
    closed = np.array(ends, np.uint8)
    queue = [0]
    back = [0] * len(children)
    for state in queue:
        if state:
            table[state] = table[back[state]]
            closed[state] |= closed[back[state]]
        for number, below in children[state].items():
            back[below] = int(table[back[state], number]) if state else 0
            table[state, number] = below
            queue.append(below)
    return table, closed


def count_matches(texts: Texts, rows: Longs, patterns: Patterns) -> Longs:
    """How often a word ends in each text of `rows`: words that end at the same place count once."""
    counts = np.zeros(len(rows), np.int64)
    tables = (patterns.classes, patterns.edge, patterns.table, patterns.ends, lower_case(), word_characters())
    _count(texts.data, texts.starts, texts.ends, rows.astype(np.int64), *tables, counts)
    return counts


@native(UniTuple(int64, 2)(BYTES, int64, int64, BYTES, _STATES, _POINTS), memory="given")
def _above_ascii(
    data: Bytes, at: int, state: int, classes: Bytes, table: npt.NDArray[np.int32], lower: npt.NDArray[np.uint32]
) -> tuple[int, int]:
    """The state after the lower case of the character at `at`, and the character's code point."""
    point, width = code_point(data, at)
    small = int(lower[point])
    if small == point:
        for step in range(width):
            state = table[state, classes[data[at + step]]]
        return state, point
    if small < 0x80:
        return table[state, classes[small]], point
    if small < 0x800:
        state = table[state, classes[0xC0 | small >> 6]]
    else:
        if small < 0x10000:
            state = table[state, classes[0xE0 | small >> 12]]
        else:
            state = table[state, classes[0xF0 | small >> 18]]
            state = table[state, classes[0x80 | small >> 12 & 0x3F]]
        state = table[state, classes[0x80 | small >> 6 & 0x3F]]
    return table[state, classes[0x80 | small & 0x3F]], point


@native(void(BYTES, LONGS, LONGS, LONGS, BYTES, int64, _STATES, BYTES, _POINTS, BYTES, int64[::1]), memory="given")
def _count(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    rows: Longs,
    classes: Bytes,
    edge: int,
    table: npt.NDArray[np.int32],
    word_ends: Bytes,
    lower: npt.NDArray[np.uint32],
    words: Bytes,
    counts: Longs,
) -> None:
    for number in range(len(rows)):
        at, end = int(starts[rows[number]]), int(ends[rows[number]])
        state = matches = 0
        after_word = False
        while at < end:
            byte = data[np.uint64(at)]
            if edge >= 0 and not after_word:
                state = int(table[state, edge])
            if byte < 0x80:
                state = int(table[np.uint64(state), np.uint64(classes[byte])])
                after_word = boolean(words[byte])
                at += 1
            else:
                state, point = _above_ascii(data, at, state, classes, table, lower)
                after_word = boolean(words[point])
                at += 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            if word_ends[np.uint64(state)] and (edge < 0 or not word_after(data, at, end, words)):
                matches += 1
        counts[number] = matches

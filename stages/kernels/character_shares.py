"""How many characters of each sort a text has: letters, capitals, numbers, white space, punctuation, symbols, emoji.

Every character is of one sort, so a text costs one look-up and one addition a character: eight counts of eight bits lie
in one word and are emptied before they can overflow. Sorts go by Unicode 3.2 (`unicodedata.ucd_3_2_0`, the one version
that every Python carries), letters, numbers and white space by the pinned tables beside this; pictographs that came
later are named as blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final
from unicodedata import ucd_3_2_0 as unicode

import numpy as np
import numpy.typing as npt
from numba.types import int64, void

from stages.kernels.characters import LETTER, WHITESPACE, character_classes
from stages.kernels.code_points import code_point
from stages.kernels.lower_case import lower_case
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts
from stages.kernels.word_characters import word_characters

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

_OTHER, _LETTER, _CAPITAL, _NUMBER, WHITE, PUNCTUATION, SYMBOL, _EMOJI = range(8)
_LOOKED_UP: Final = ((0, 0x3400), (0xA000, 0xA4D0), (0xFB00, 0x10000), (0x1D000, 0x1D800))
_LATER_SYMBOLS: Final = ((0x20A0, 0x20C1), (0x2190, 0x2C00), (0x1F000, 0x1F300))
_EMOJI_BLOCKS: Final = (
    (0x2600, 0x27C0),
    (0x1F300, 0x1F650),
    (0x1F680, 0x1F700),
    (0x1F900, 0x1FB00),
    (0x1F1E6, 0x1F200),
)
"""Pictographs, emoticons, transport, dingbats, and the letters of flags; keycaps and arrows are no emoji here."""


@dataclass(frozen=True, slots=True)
class CharacterCounts:
    """int64 arrays with one number per text; every character is in one of them, and `capitals` are `letters` too."""

    letters: Longs
    capitals: Longs
    numbers: Longs
    white_space: Longs
    punctuation: Longs
    symbols: Longs
    emoji: Longs
    characters: Longs


@cache
def character_sorts() -> Bytes:
    """The table: index = code point, value = the sort. Shared, so read-only."""
    table = np.zeros(0x110000, np.uint8)
    for point in chain.from_iterable(range(*span) for span in _LOOKED_UP):
        category = unicode.category(chr(point))[0]
        table[point] = PUNCTUATION if category == "P" else SYMBOL if category == "S" else _OTHER
    for start, end in _LATER_SYMBOLS:
        table[start:end] = np.where(table[start:end] == PUNCTUATION, PUNCTUATION, SYMBOL)
    for start, end in _EMOJI_BLOCKS:
        table[start:end] = _EMOJI
    classes = character_classes()
    table[(word_characters() > 0) & (np.arange(0x110000) != 0x5F)] = _NUMBER
    table[classes & LETTER > 0] = _LETTER
    table[(classes & LETTER > 0) & (lower_case() != np.arange(0x110000))] = _CAPITAL
    table[classes & WHITESPACE > 0] = WHITE
    table.flags.writeable = False
    return table


def character_counts(texts: Texts) -> CharacterCounts:
    """Count everything in `CharacterCounts` for each text."""
    counts = np.zeros((len(texts), 8), np.int64)
    _count(texts.data, texts.starts, texts.ends, character_sorts(), counts)
    sort = np.ascontiguousarray(counts.T)
    return CharacterCounts(
        letters=sort[_LETTER] + sort[_CAPITAL],
        capitals=sort[_CAPITAL],
        numbers=sort[_NUMBER],
        white_space=sort[WHITE],
        punctuation=sort[PUNCTUATION],
        symbols=sort[SYMBOL],
        emoji=sort[_EMOJI],
        characters=sort.sum(axis=0),
    )


@native(void(BYTES, LONGS, LONGS, BYTES, int64[:, ::1]), memory="given")
def _count(data: Bytes, starts: Longs, ends: Longs, sorts: Bytes, counts: Longs) -> None:
    for row in range(len(starts)):
        at, end = int(starts[row]), int(ends[row])
        while at < end:
            packed = np.uint64(0)
            left = 255
            while at < end and left > 0:
                lead = data[np.uint64(at)]
                if lead < 0x80:
                    sort = sorts[np.uint64(lead)]
                    at += 1
                else:
                    point, width = code_point(data, at)
                    sort = sorts[np.uint64(point)]
                    at += width
                packed += np.uint64(1) << np.uint64(8 * sort)
                left -= 1
            for sort_number in range(8):
                counts[row, sort_number] += np.int64(packed >> np.uint64(8 * sort_number) & np.uint64(255))

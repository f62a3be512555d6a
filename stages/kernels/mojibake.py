"""What a text has where ftfy could find mojibake: a few characters side by side, as masks of rules by character.

ftfy repairs a line only where its badness heuristic (https://ftfy.readthedocs.io, `ftfy.badness`, version 6.3) finds an
unlikely sequence. Every alternative of that expression is here as a rule of two or three neighbours, each a set of
characters that is the same or larger. So a text that breaks no rule is one that ftfy leaves as it is, and is found by
three look-ups a character; the tests hold the rules against ftfy itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

_COMMON: Final = "A0 AD B7 B4 2013 2014 2015 2026 2019"
_C1: Final = "80-9F"
_BAD: Final = "A6 A4 A8 AC AF B8 192 2C6 2C7 2D8 2DB 2DC 2020 2021 2030 2310 25CA FFFD AA BA"
_LAW: Final = "B6 A7"
_CURRENCY: Final = "A2 A3 A5 20A7 20AC"
_START: Final = "A1 AB BF A9 384 385 2018 201A 201C 201E 2022 2039 F8FF"
_END: Final = "AE BB 2DD 201D 203A 2122"
_NUMERIC: Final = (
    "B2 B3 B9 B1 BC BD BE D7 B5 F7 2044 2202 2206 220F 2211 221A 221E 2229 222B 2248 2260 2261 2264 2265 2116"
)
_KAOMOJI: Final = "D2-D6 D9-DC F2-F6 F8-FC 150 14C 16A 172 B0"
_UPPER: Final = (
    "C0-D1 D8 DC DD 102 100 104 106 10C 10E 110 118 11A 112 116 11E 122 130 12A 136 139 13D 141 13B 143 147 145 152 "
    "158 15A 15E 160 162 164 16E 170 178 179 17B 17D 490"
)
_LOWER: Final = (
    "DF E0-F1 103 105 101 107 10D 10F 111 119 11B 113 117 11F 123 12F 12B 137 13A 13E 142 13C 153 155 15B 15F 161 165 "
    "FC 17A 17C 17E 491 FB01 FB02"
)
_UPPER_COMMON: Final = "DE 391-3A9 386 388 389 38A 38C 38E 38F 3AA 3AB 401-42F"
_LOWER_COMMON: Final = "3B1-3C9 3AC 3AD 3AE 3AF 3B0 430-45F"
_BOX: Final = "2502 250C 2510 2518 2514 251C 2524 252C 253C 2550-256C 2580 2584 2588 258C 2590 2591-2593"
_GREEK_AND_CYRILLIC: Final = f"{_C1} {_BAD} {_START} {_END} {_CURRENCY} B0 B5"
_ARABIC: Final = f"{_COMMON} {_CURRENCY} {_BAD} {_NUMERIC} {_START} 178 160 AE B0 B5 BB"
_NOT_A_LETTER: Final = "0-40 5B-60 7B-FFFF"
_WORD: Final = "30-39 41-5A 5F 61-7A AA-1FFF 2070-FFFF"
"""What Python's `\\w` takes, and more above ASCII, whatever Unicode version it has."""

_RULES: Final[tuple[tuple[str, ...], ...]] = (
    (f"{_BAD} {_LOWER} {_UPPER} {_BOX} {_START} {_END} {_CURRENCY} {_NUMERIC} {_LAW}", _BAD),
    (f"{_LOWER_COMMON} {_UPPER_COMMON}", _BAD),
    (_BAD, f"{_LOWER} {_UPPER} {_BOX} {_START} {_END} {_CURRENCY} {_NUMERIC} {_LAW}"),
    (f"{_LOWER} {_LOWER_COMMON} {_BOX} {_END} {_CURRENCY} {_NUMERIC}", _UPPER),
    (f"{_BOX} {_END} {_CURRENCY} {_NUMERIC}", _LOWER),
    (f"{_LOWER} {_BOX} {_END}", _CURRENCY),
    (_UPPER, f"{_CURRENCY} {_START}"),
    (f"{_UPPER} {_BOX}", f"{_NUMERIC} {_LAW}"),
    (f"{_LOWER} {_UPPER} {_BOX} {_CURRENCY} {_END}", _START, _NUMERIC),
    (f"{_LOWER} {_UPPER} {_CURRENCY} {_NUMERIC} {_BOX} {_LAW}", _END, _START),
    (f"{_CURRENCY} {_NUMERIC} {_BOX}", _START),
    (_BOX, f"{_KAOMOJI} {_END}"),
    (f"{_LOWER} {_UPPER} {_CURRENCY} {_NUMERIC} {_START} {_END} {_LAW}", _BOX),
    (f"{_LOWER} {_UPPER}", f"{_START} {_END}", _WORD),
    ("152 153", _NOT_A_LETTER),
    (_UPPER, "B0"),
    ("C2 C3 CE D0", f"20AC 153 160 161 A2 A3 178 17E A0 AD AE A9 B0 B7 BB {_START} {_END} 2013 2014 B4"),
    ("D7", "B2 B3"),
    ("D8 D9", _ARABIC, "D8 D9"),
    ("E0", "B2 B5 B9 BC BD BE"),
    ("221A", "B1 2202 2020 2260 AE 2122 B4 2264 2265 A5 B5 F8"),
    ("2248", "B0 A2"),
    ("201A", "C4", "EC EE EF F2 F4 F5 FA F9 FB 2020 B0 A2 3C0"),
    ("201A", "E2 F3", "E0 E4 B0 EA"),
    ("432", "402"),
    ("412 413 420 421", _GREEK_AND_CYRILLIC, "412 413 420 421"),
    ("413", "45E"),
    ("C2 C3", "20 A0 A1"),
    ("3B2", "20AC"),
    ("392 393 39E 39F", _GREEK_AND_CYRILLIC, "392 393 39E 39F"),
    ("101", "20AC"),
)
"""By rule the neighbours; ASCII characters in front are left out, so that a rule never begins with one."""

PAIRS: Final = sum(1 << number for number, rule in enumerate(_RULES) if len(rule) == 2)
"""The rules that are broken after two characters."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`first`, `second`, `third`: uint32[65536], by code point the rules it may stand in at that place."""

    first: npt.NDArray[np.uint32]
    second: npt.NDArray[np.uint32]
    third: npt.NDArray[np.uint32]


@cache
def neighbours() -> Neighbours:
    """The tables, once per process. A character above U+FFFF is looked up as U+FFFF."""
    places = np.zeros((3, 0x10000), np.uint32)
    for number, rule in enumerate(_RULES):
        for place, spans in enumerate(rule):
            for span in spans.split():
                start, _, end = span.partition("-")
                places[place, int(start, 16) : int(end or start, 16) + 1] |= np.uint32(1 << number)
    return Neighbours(*places)

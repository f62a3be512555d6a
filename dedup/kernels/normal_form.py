"""What each character becomes before words are compared: one table from code points to entries.

The normal form is that of FineWeb's MinHash (datatrove, `TextNormConfig`) made per character: case is folded, accents
and other combining marks go (NFD), every run of digits is one `0`, and what is neither letter nor number parts words.
Scripts without blanks between words (Chinese, Japanese kana, Thai, Lao, Tibetan, Myanmar, Khmer) take each character as
a word.

The table rests on Unicode 3.2, the one version that every Python carries unchanged (`unicodedata.ucd_3_2_0`, kept for
RFC 3454), so that no document is a duplicate on one machine and none on another. Later letters stand for themselves;
blocks of symbols and marks that came later are named below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final
from unicodedata import ucd_3_2_0 as unicode

import numpy as np
import numpy.typing as npt

DROPPED: Final = 0
BLANK: Final = 1
DIGIT: Final = ord("0")
SPELLED: Final = 1 << 30
"""Entries with this bit are spelled with several characters: the low bits are a row of `spellings`."""
ALONE: Final = 1 << 31
"""Entries with this bit are a word by themselves."""

LETTERS_AT_MOST: Final = 4

_LATER_SYMBOLS: Final = (
    (0x2053, 0x2060),
    (0x20A0, 0x20D0),
    (0x2190, 0x2C00),
    (0x2E00, 0x2E80),
    (0xFE10, 0xFE20),
    (0x1F000, 0x1FB00),
)
"""Arrows, technical signs, punctuation and pictographs, in whole blocks."""
_LATER_MARKS: Final = (
    (0x0610, 0x061B),
    (0x1AB0, 0x1B00),
    (0x1DC0, 0x1E00),
    (0x20D0, 0x2100),
    (0xFE20, 0xFE30),
    (0xAD, 0xAE),
    (0x2066, 0x206A),
)
"""Combining marks, in whole blocks; the soft hyphen, and what isolates a direction of writing."""
_ALONE: Final = (
    (0x0E00, 0x1100),  # Thai, Lao, Tibetan, Myanmar
    (0x1780, 0x1800),  # Khmer
    (0x3005, 0x3008),
    (0x3040, 0x3130),  # kana, Bopomofo
    (0x31A0, 0x3200),
    (0x3400, 0xA000),  # Chinese characters
    (0xF900, 0xFB00),
    (0xFF66, 0xFFA0),  # half-width kana
    (0x1AFF0, 0x1B170),
    (0x20000, 0x40000),
)
_LOOKED_UP: Final = ((0, 0x3400), (0xA000, 0xAC00), (0xF900, 0x11000), (0x1D000, 0x1D800), (0x2F800, 0x2FA20))
"""Where Unicode 3.2 has anything but unassigned code points, Chinese characters and Hangul syllables."""


@dataclass(frozen=True, slots=True)
class NormalForm:
    """`entries` uint32[2^21]: by code point, one of the above or a character. `spellings` uint32[n, 4], 0 = no more."""

    entries: npt.NDArray[np.uint32]
    spellings: npt.NDArray[np.uint32]


@cache
def normal_form() -> NormalForm:
    """The table, once per process: about 0.05 CPU-seconds and 8 MiB. It covers all that four bytes can encode."""
    entries = np.arange(1 << 21, dtype=np.uint32)
    entries[0xD800:0xF900] = BLANK
    entries[0xE0000:] = BLANK
    entries[0xE0000:0xE0200] = DROPPED
    spellings: dict[tuple[int, ...], int] = {}
    for point in chain.from_iterable(range(*span) for span in _LOOKED_UP):
        letters = tuple(_letters(chr(point)))
        if len(letters) == 1:
            entries[point] = letters[0]
        else:
            entries[point] = SPELLED | spellings.setdefault(letters, len(spellings)) if letters else DROPPED
    for spans, entry in ((_LATER_SYMBOLS, BLANK), (_LATER_MARKS, DROPPED)):
        for start, end in spans:
            entries[start:end] = entry
    for start, end in _ALONE:
        within = entries[start:end]
        within[(within > DIGIT) & (within < SPELLED)] |= ALONE
    return NormalForm(entries, _spell_hangul(entries, spellings))


def _letters(character: str) -> Iterator[int]:
    """The entries of a character of Unicode 3.2: none, one, or those of the characters it is spelled with."""
    category = unicode.category(character)
    if category == "Nd":
        yield DIGIT
    elif category[0] in "LNM" or category in ("Cn", "Cf"):
        for letter in unicode.normalize("NFD", character.casefold()):
            if unicode.category(letter) not in ("Mn", "Me", "Cf"):
                yield ord(letter)
    else:
        yield BLANK


def _spell_hangul(entries: npt.NDArray[np.uint32], known: dict[tuple[int, ...], int]) -> npt.NDArray[np.uint32]:
    """Give Hangul syllables their two or three letters (Unicode 3.12), after the spellings known before."""
    spellings = np.zeros((len(known) + 11172, LETTERS_AT_MOST), np.uint32)
    for letters, row in known.items():
        spellings[row, : len(letters)] = letters
    syllable = np.arange(11172, dtype=np.uint32)
    final = syllable % 28
    hangul = spellings[len(known) :]
    hangul[:, 0] = 0x1100 + syllable // 588
    hangul[:, 1] = 0x1161 + syllable % 588 // 28
    hangul[:, 2] = np.where(final, 0x11A7 + final, 0)
    entries[0xAC00 : 0xAC00 + 11172] = SPELLED | (len(known) + syllable)
    return spellings

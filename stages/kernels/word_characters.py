"""Which characters are parts of words, as regular expressions mean it: Python's `\\w`, pinned to Unicode 14.0.

A letter, a number of any kind, or the underscore. Pinned for the reason that `stages/kernels/characters.py` gives.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64

from stages.kernels.characters import LETTER, character_classes
from stages.kernels.native import BYTES, native

_NUMBERS: Final = (
    "30-39 B2-B3 B9 BC-BE 660-669 6F0-6F9 7C0-7C9 966-96F 9E6-9EF 9F4-9F9 A66-A6F AE6-AEF B66-B6F B72-B77 BE6-BF2 "
    "C66-C6F C78-C7E CE6-CEF D58-D5E D66-D78 DE6-DEF E50-E59 ED0-ED9 F20-F33 1040-1049 1090-1099 1369-137C 16EE-16F0 "
    "17E0-17E9 17F0-17F9 1810-1819 1946-194F 19D0-19DA 1A80-1A89 1A90-1A99 1B50-1B59 1BB0-1BB9 1C40-1C49 1C50-1C59 "
    "2070 2074-2079 2080-2089 2150-2182 2185-2189 2460-249B 24EA-24FF 2776-2793 2CFD 3007 3021-3029 3038-303A "
    "3192-3195 3220-3229 3248-324F 3251-325F 3280-3289 32B1-32BF A620-A629 A6E6-A6EF A830-A835 A8D0-A8D9 A900-A909 "
    "A9D0-A9D9 A9F0-A9F9 AA50-AA59 ABF0-ABF9 FF10-FF19 10107-10133 10140-10178 1018A-1018B 102E1-102FB 10320-10323 "
    "10341 1034A 103D1-103D5 104A0-104A9 10858-1085F 10879-1087F 108A7-108AF 108FB-108FF 10916-1091B 109BC-109BD "
    "109C0-109CF 109D2-109FF 10A40-10A48 10A7D-10A7E 10A9D-10A9F 10AEB-10AEF 10B58-10B5F 10B78-10B7F 10BA9-10BAF "
    "10CFA-10CFF 10D30-10D39 10E60-10E7E 10F1D-10F26 10F51-10F54 10FC5-10FCB 11052-1106F 110F0-110F9 11136-1113F "
    "111D0-111D9 111E1-111F4 112F0-112F9 11450-11459 114D0-114D9 11650-11659 116C0-116C9 11730-1173B 118E0-118F2 "
    "11950-11959 11C50-11C6C 11D50-11D59 11DA0-11DA9 11FC0-11FD4 12400-1246E 16A60-16A69 16AC0-16AC9 16B50-16B59 "
    "16B5B-16B61 16E80-16E96 1D2E0-1D2F3 1D360-1D378 1D7CE-1D7FF 1E140-1E149 1E2F0-1E2F9 1E8C7-1E8CF 1E950-1E959 "
    "1EC71-1ECAB 1ECAD-1ECAF 1ECB1-1ECB4 1ED01-1ED2D 1ED2F-1ED3D 1F100-1F10C 1FBF0-1FBF9"
)
"""Where `str.isdecimal`, `str.isdigit` or `str.isnumeric` is true and `str.isalpha` is not."""


@cache
def word_characters() -> npt.NDArray[np.uint8]:
    """The table: index = code point (0 to 0x10FFFF), value = 1 for a part of a word. Shared, so read-only."""
    table = np.where(character_classes() & LETTER, 1, 0).astype(np.uint8)
    for span in ("5F " + _NUMBERS).split():
        first, _, last = span.partition("-")
        table[int(first, 16) : int(last or first, 16) + 1] = 1
    table.flags.writeable = False
    return table


@native(boolean(BYTES, int64, int64, BYTES), memory="given")
def word_before(data: npt.NDArray[np.uint8], low: int, at: int, words: npt.NDArray[np.uint8]) -> Any:
    """Whether a part of a word ends at `at`; nothing stands before `low`."""
    if at <= low:
        return False
    place = at - 1
    point = int(data[place])
    if point < 0x80:
        return words[point] != 0
    shift = 0
    point = 0
    while place > low and data[place] & 0xC0 == 0x80:
        point |= int(data[place] & 0x3F) << shift
        shift += 6
        place -= 1
    lead = int(data[place])
    return words[point | (lead & (0x7F >> (shift // 6 + 1))) << shift] != 0


@native(boolean(BYTES, int64, int64, BYTES), memory="given")
def word_after(data: npt.NDArray[np.uint8], at: int, end: int, words: npt.NDArray[np.uint8]) -> Any:
    """Whether a part of a word starts at `at`; nothing stands at `end` or behind it."""
    if at >= end:
        return False
    lead = int(data[at])
    if lead < 0x80:
        return words[lead] != 0
    width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    point = lead & (0x7F >> width)
    for step in range(1, width):
        point = point << 6 | int(data[at + step] & 0x3F)
    return words[point] != 0

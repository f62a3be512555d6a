"""Lower case, character by character: one table from code points to code points.

It is `str.lower` where that gives one character for one, but for two letters: the Turkish İ, which Python lowers to
two characters, stays as it is, and the Greek ς is taken for σ, so that no character depends on its neighbours. Unicode
never changes the case pairs of letters it has (its stability policy), so any Python gives the same for those of its
own version.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

_WITH_CASE: Final = ((0, 0x590), (0x10A0, 0x1400), (0x1C80, 0x2000), (0x2100, 0x2190), (0x24B0, 0x24F0))
_WITH_CASE_LATER: Final = ((0x2C00, 0x2E00), (0xA640, 0xABC0), (0xFF20, 0xFF60), (0x10400, 0x10600))
_WITH_CASE_ABOVE: Final = ((0x10C80, 0x10D00), (0x118A0, 0x118E0), (0x16E40, 0x16E80), (0x1E900, 0x1E950))


@cache
def lower_case() -> npt.NDArray[np.uint32]:
    """The table: index = code point (0 to 0x10FFFF), value = the code point in lower case. Shared, so read-only."""
    table = np.arange(0x110000, dtype=np.uint32)
    for point in chain.from_iterable(range(*span) for span in (*_WITH_CASE, *_WITH_CASE_LATER, *_WITH_CASE_ABOVE)):
        lower = chr(point).lower()
        if len(lower) == 1:
            table[point] = ord(lower)
    table[0x3C2] = 0x3C3
    table.flags.writeable = False
    return table


def lowered(text: str) -> str:
    """The text in the lower case of the table; for words that texts are compared with."""
    return "".join(chr(lower_case()[ord(character)]) for character in text)

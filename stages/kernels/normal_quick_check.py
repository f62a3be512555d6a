"""Whether a text is in a Unicode normal form, told from each character and the one before (UAX #15, section 9).

The answer is yes or perhaps, so that only the few texts with a perhaps are handed to `unicodedata`. The table is made
from Python's own `unicodedata`: what is normalised is the same for all Pythons that know the characters (Unicode's
stability policy), and characters that a Python does not know yet are left as they are.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import chain
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Form = Literal["NFC", "NFKC", "NFD"]
PERHAPS: Final = 0x100
"""The bit of characters that do not occur in the form or may join the one before; below it the combining class."""

_DECOMPOSED: Final = ((0xA0, 0x3400), (0xA000, 0xABFF), (0xF900, 0x12000), (0x16000, 0x17000), (0x1B000, 0x1FC00))
_COMPATIBLE: Final = (0x2F800, 0x2FA20)
_HANGUL: Final = (0xAC00, 0xD7A4)


@cache
def quick_check(form: Form) -> npt.NDArray[np.uint16]:
    """The table: index = code point, value as above. Shared, so read-only. Takes about 0.1 CPU-seconds."""
    table = np.zeros(0x110000, np.uint16)
    for point in chain.from_iterable(range(*span) for span in (*_DECOMPOSED, _COMPATIBLE)):
        character = chr(point)
        table[point] |= unicodedata.combining(character)
        if unicodedata.normalize(form, character) != character:
            table[point] |= PERHAPS
        if form == "NFD":
            continue
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            table[int(parts[1], 16)] |= PERHAPS
    if form == "NFD":
        table[slice(*_HANGUL)] |= PERHAPS
    else:  # vowels and final consonants of Hangul join what is before them
        table[0x1161:0x1176] |= PERHAPS
        table[0x11A8:0x11C3] |= PERHAPS
    table.flags.writeable = False
    return table

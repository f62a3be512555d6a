"""Which script each letter belongs to, as one table from code points to numbers.

Pinned on purpose, as `characters.py` is: `scripts.txt` holds, by ISO 15924 code, the letters and marks (categories L
and M) of Unicode 17.0 by their property Script (https://www.unicode.org/reports/tr24/). Digits, signs and punctuation
belong to none here.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

NO_LETTER: Final = 0
"""The number of whatever is neither a letter nor a mark."""
COMMON: Final = "Zyyy"
"""Letters that several scripts share, such as the long mark of Japanese; they tell no script."""
INHERITED: Final = "Zinh"
"""Marks that belong to the letter before them; they tell no script."""


@cache
def script_codes() -> tuple[str, ...]:
    """ISO 15924 codes by the numbers of `script_table`; the first stands for `NO_LETTER`, then Common and Inherited."""
    return ("", COMMON, INHERITED, *(code for code in _ranges() if code not in (COMMON, INHERITED)))


@cache
def script_table() -> npt.NDArray[np.uint8]:
    """The table: index = code point (0 to 0x10FFFF), value = a number of `script_codes`. Shared, so read-only."""
    table = np.zeros(0x110000, np.uint8)
    for number, code in enumerate(script_codes()):
        for span in _ranges().get(code, ()):
            first, _, last = span.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] = number
    table.flags.writeable = False
    return table


@cache
def _ranges() -> dict[str, list[str]]:
    """The spans of code points by script, in the order of the file: a line that begins with a blank goes on."""
    found: dict[str, list[str]] = {}
    for line in files("stages.kernels").joinpath("scripts.txt").read_text("ascii").splitlines():
        words = line.split()
        if not line.startswith(" "):
            spans = found.setdefault(words.pop(0), [])
        spans += words
    return found

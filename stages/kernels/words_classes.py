"""What kind a character is to the word and sentence splitters: the bits of `characters.py`, and more above them.

`words_classes.txt` holds the code points, written by `benchmarks/parity/words_tables.py`: character classes after spaCy
3.8 (MIT licence, `spacy/lang/char_classes.py`), whose rules `words_rules.py` follows, and categories of Unicode 14.0,
pinned as in `characters.py`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.kernels.characters import character_classes

ALPHA: Final = 1 << 8
"""spaCy's letters: not all of Unicode, but with the marks of scripts without case."""
LOWER: Final = 1 << 9
"""Its small letters, and those without case."""
UPPER: Final = 1 << 10
"""Its capital letters, and those without case."""
ICON: Final = 1 << 11
"""Its symbols, emoji among them."""
QUOTE: Final = 1 << 12
"""Its quotation marks, a comma among them."""
PREFIX: Final = 1 << 13
"""Split off where a word starts with it."""
SUFFIX: Final = 1 << 14
"""Split off where a word ends in it."""
BEFORE_STOP: Final = 1 << 15
"""A full stop after it is split off at the end of a word."""
ENDS_SENTENCE: Final = 1 << 16
"""The punctuation after which spaCy's sentencizer starts a sentence."""
PUNCTUATION_MARK: Final = 1 << 17
"""Unicode's category P."""
NUMBER: Final = 1 << 18
"""Unicode's category N."""
DIGIT: Final = 1 << 19
"""Unicode's category Nd, `\\d` of regular expressions."""
MARK: Final = 1 << 20
"""Unicode's category M."""
ALONE: Final = 1 << 21
"""Letters of scripts without spaces that the splitter `unicode` takes for words of their own: Han, Hiragana, Thai, Lao,
Khmer, Myanmar, the Tai scripts and Ahom."""
INFIX: Final = 1 << 22
"""Where spaCy's rules may cut a word inside; whether they do depends on the neighbours."""
MAY_START: Final = 1 << 23
"""ASCII that a prefix may start with."""
MAY_END: Final = 1 << 24
"""ASCII that a suffix may end in, units among them."""

_BITS: Final = {
    "alpha": ALPHA,
    "lower": LOWER,
    "upper": UPPER,
    "icon": ICON | INFIX,
    "quote": QUOTE,
    "prefix": PREFIX,
    "suffix": SUFFIX,
    "before_stop": BEFORE_STOP,
    "sentence_end": ENDS_SENTENCE,
    "punctuation": PUNCTUATION_MARK,
    "number": NUMBER,
    "digit": DIGIT,
    "mark": MARK,
    "alone": ALONE,
}
_INFIXES: Final = ".…+-*^,–—~:<>=/"
_STARTS: Final = ".+UCA"
_ENDS: Final = ".+sS$%BGKMTabdghmnrtz"


@cache
def word_classes() -> npt.NDArray[np.uint32]:
    """The table: index = code point (0 to 0x10FFFF), value = the bits. Shared, so read-only."""
    table = character_classes().astype(np.uint32)
    for paragraph in files("stages.kernels").joinpath("words_classes.txt").read_text("ascii").split("\n\n"):
        name, _, ranges = paragraph.partition(":")
        for span in ranges.split():
            first, _, last = span.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] |= _BITS[name]
    for characters, bit in ((_INFIXES, INFIX), (_STARTS, MAY_START), (_ENDS, MAY_END)):
        for character in characters:
            table[ord(character)] |= bit
    table[:0x80][(table[:0x80] & PREFIX) != 0] |= MAY_START
    table[:0x80][(table[:0x80] & SUFFIX) != 0] |= MAY_END
    table.flags.writeable = False
    return table

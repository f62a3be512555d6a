"""What a text looks like before anybody reads it: its script, and how much of it is words as people write them.

The idea: logs, code, base64 and tables are told from language by their shape. In language nearly all that is not blank
stands in plain words; in the others digits and signs stand within and against the letters. Random letters have plain
words too, but pairs of letters that no language has, or hardly ever. One pass over the bytes counts it all.

A plain word is a run of letters, marks and inner apostrophes and hyphens. A run of ASCII letters is none where a
capital follows a small letter (`setFlags`), where a digit or a sign touches it (`x86`, `a=b`, `dir/file`, `<p>`), where
a point or colon joins it to the next (`os.path`), or where it is longer than 30. Letters beyond ASCII are always plain:
scripts without blanks have digits and signs right beside their words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import ascii_lowercase
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.scripts import INHERITED, script_codes, script_table
from stages.kernels.texts import Texts
from stages.kernels.words import whitespace_width

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

_BLANK: Final = 1
_ENDS: Final = 2
_JOINS: Final = 4
_INNER: Final = 8
_LETTER: Final = 32
_CAPITAL: Final = 64
_PLACE: Final = 31
"""Kinds of ASCII characters: white space; what touches a word and leaves it plain (quotes, comma, brackets round words,
end of a sentence); what makes two words one when it stands between (point, colon); what may stand within a word
(apostrophe, hyphen); a letter, with its place in the alphabet in the lowest five bits; a capital. All others, digits
too, make the words that they touch no plain ones."""

_LONGEST: Final = 30
"""Letters of the longest plain word in ASCII; German and Finnish compounds are seldom longer, base64 nearly always."""
_SCRIPTS: Final = 256


@dataclass(frozen=True, slots=True)
class Shapes:
    """Int64 counts, one per text.

    `script`: the number of the script (`scripts.script_codes`) that most letters belong to, 0 where there is none ·
    `letters`: letters, without marks that only change the one before · `own`: letters of that script, of those that
    tell one · `telling`: letters that tell a script · `inked`: characters that are not white space · `plain`: those of
    plain words · `pairs`: pairs of ASCII letters within plain words · `odd`: those of them that languages do not have,
    and letters after three of the same kind.
    """

    script: Longs
    letters: Longs
    own: Longs
    telling: Longs
    inked: Longs
    plain: Longs
    pairs: Longs
    odd: Longs


def shapes_of(texts: Texts) -> Shapes:
    """Count the letters, words and pairs of each text."""
    counts = np.zeros((8, len(texts)), np.int64)
    marks = script_codes().index(INHERITED)
    _count(texts.data, texts.starts, texts.ends, script_table(), marks, _kinds(), odd_pairs(), counts)
    return Shapes(*counts)


@cache
def _kinds() -> Bytes:
    """Kinds by byte; 0 for all that are not ASCII."""
    kinds = np.zeros(256, np.uint8)
    for bits, characters in (
        (_BLANK, "\t\n\v\f\r\x1c\x1d\x1e\x1f \0"),
        (_ENDS, ".,;:!?\"'()-*"),
        (_JOINS, ".:"),
        (_INNER, "'-"),
    ):
        kinds[np.frombuffer(characters.encode(), np.uint8)] |= bits
    for place, letter in enumerate(ascii_lowercase, 1):
        kinds[ord(letter)] = _LETTER | place
        kinds[ord(letter.upper())] = _LETTER | _CAPITAL | place
    kinds.flags.writeable = False
    return kinds


@cache
def odd_pairs() -> Bytes:
    """Whether languages hardly ever write letter n // 32 of the alphabet before letter n % 32, counted from 1.

    `odd_pairs.txt` is made by benchmarks/language_pairs.py.
    """
    odd = np.zeros(32 * 32, np.uint8)
    for pair in files("stages.kernels").joinpath("odd_pairs.txt").read_text("ascii").split():
        odd[(ord(pair[0]) & _PLACE) * 32 + (ord(pair[1]) & _PLACE)] = 1
    odd.flags.writeable = False
    return odd


@native(int64(BYTES, int64, int64), inline="always", memory="given")
def _width(data: Bytes, at: int, end: int) -> int:
    """Bytes of the character that starts here, no more than there are."""
    lead = data[np.uint64(at)]
    width = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    return min(width, end - at)


@native(int64(BYTES, int64, int64), inline="always", memory="given")
def _code_point(data: Bytes, at: int, width: int) -> Any:
    place = np.uint64(at)
    if width == 2:
        return (np.int64(data[place]) & 0x1F) << 6 | (np.int64(data[place + np.uint64(1)]) & 0x3F)
    if width == 3:
        return (
            (np.int64(data[place]) & 0x0F) << 12
            | (np.int64(data[place + np.uint64(1)]) & 0x3F) << 6
            | (np.int64(data[place + np.uint64(2)]) & 0x3F)
        )
    if width == 4:
        return (
            (np.int64(data[place]) & 0x07) << 18
            | (np.int64(data[place + np.uint64(1)]) & 0x3F) << 12
            | (np.int64(data[place + np.uint64(2)]) & 0x3F) << 6
            | (np.int64(data[place + np.uint64(3)]) & 0x3F)
        )
    return np.int64(data[place])


@native(boolean(BYTES, int64, int64, int64, int64, BYTES), memory="given")
def _touched(data: Bytes, start: int, end: int, at: int, step: int, kinds: Bytes) -> bool:
    """Whether the character at `at`, beside a word of the text [start, end), makes it no plain word.

    `step`: 1 behind the word, -1 before it; a point or colon is judged with what lies beyond it.
    """
    if at < start or at >= end or data[np.uint64(at)] >= 0x80:
        return False
    kind = int(kinds[data[np.uint64(at)]])
    if kind & (_BLANK | _ENDS) == 0:
        return True
    beyond = at + step
    if kind & _JOINS == 0 or beyond < start or beyond >= end or data[np.uint64(beyond)] >= 0x80:
        return False
    kind = kinds[data[np.uint64(beyond)]]
    return bool(kind & _LETTER or kind & (_BLANK | _ENDS) == 0)


@native(void(BYTES, LONGS, LONGS, BYTES, int64, BYTES, BYTES, int64[:, ::1]))
def _count(
    data: Bytes, starts: Longs, ends: Longs, scripts: Bytes, marks: int, kinds: Bytes, odd: Bytes, counts: Longs
) -> None:
    latin = scripts[65]
    by_script = np.zeros(_SCRIPTS, np.int64)
    for row in range(len(starts)):
        by_script[:] = 0
        start, end = starts[row], ends[row]
        ascii_letters = inked = plain = pairs = odd_ones = 0
        at = start
        while at < end:
            kind = int(kinds[data[np.uint64(at)]])
            if kind & _LETTER == 0:
                if data[np.uint64(at)] < 0x80:
                    inked += 1 - (kind & _BLANK)
                    at += 1
                    continue
                blank = whitespace_width(data, at, end)
                if blank:
                    at += blank
                    continue
                width = _width(data, at, end)
                if scripts[np.uint64(_code_point(data, at, width))] == 0:
                    inked += 1
                    at += width
                    continue
            first = at
            characters = word_letters = word_pairs = word_odd = 0
            crooked = 0
            while at < end:
                run = at
                before = np.uint64(0)
                same = 0
                small = 0
                while at < end:
                    kind = int(kinds[data[np.uint64(at)]])
                    if kind & _LETTER == 0:
                        break
                    letter = np.uint64(kind & _PLACE)
                    same = same + 1 if letter == before else 0
                    word_odd += int(odd[before << np.uint64(5) | letter]) + (same > 2)
                    crooked |= small & kind
                    small = ~kind & _CAPITAL
                    before = letter
                    at += 1
                word_letters += at - run
                word_pairs += max(0, at - run - 1)
                if at >= end:
                    break
                byte = data[np.uint64(at)]
                if byte < 0x80:
                    if kind & _INNER == 0 or at + 1 >= end:
                        break
                    after = data[np.uint64(at + 1)]
                    if after < 0x80 and kinds[after] & _LETTER == 0:
                        break
                    at += 1
                else:
                    width = _width(data, at, end)
                    script = scripts[np.uint64(_code_point(data, at, width))]
                    if script == 0:
                        break
                    by_script[script] += 1
                    at += width
                characters += 1
            ascii_only = characters + word_letters == at - first
            characters += word_letters
            ascii_letters += word_letters
            inked += characters
            if not ascii_only or not (
                crooked
                or characters > _LONGEST
                or _touched(data, start, end, first - 1, -1, kinds)
                or _touched(data, start, end, at, 1, kinds)
            ):
                plain += characters
                pairs += word_pairs
                odd_ones += word_odd
        by_script[latin] += ascii_letters
        letters = by_script.sum() - by_script[marks]
        telling = letters - by_script[1]
        by_script[1] = by_script[marks] = 0
        best = by_script.argmax()
        counts[0, row] = best if by_script[best] else 0
        counts[1, row] = letters
        counts[2, row] = by_script[best]
        counts[3, row] = telling
        counts[4, row] = inked
        counts[5, row] = plain
        counts[6, row] = pairs
        counts[7, row] = odd_ones

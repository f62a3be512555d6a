"""One line by C4's rules: cleaned into the output, judged there, and told which rule it breaks."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64, uint8

from stages.kernels.characters import DIGIT
from stages.kernels.code_points import code_point
from stages.kernels.loads import eight_bytes, put_eight_bytes, zero_bytes
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.phrases import JAVASCRIPT, LOREM_IPSUM, POLICY, has_phrase
from stages.kernels.words import whitespace_width

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

LINE_RULES: Final = ("too_long_word", "no_terminal_punctuation", "too_few_words", "javascript", "policy", "citation")
"""Why a line, or a citation in one, is cut; numbers are places."""
SWITCHES: Final = ("terminal_punctuation", "citations", "javascript", "policy", "lorem_ipsum", "curly_bracket")
"""What can be switched on, by the place of its bit."""

_TOO_LONG_WORD, _NO_TERMINAL, _TOO_FEW_WORDS, _JAVASCRIPT, _POLICY, _CITATION = range(6)
_CITATION_WORDS: Final = np.frombuffer(b"[edit]|[citation needed]|", np.uint8)
_BRACKETS: Final = np.uint64(0x5B5B5B5B5B5B5B5B)
KEPT: Final = -1
_LOREM_IPSUM: Final = -2
_CURLY_BRACKET: Final = -3


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, int64), memory="given")
def _look_at_words(page: Bytes, start: int, end: int, enough: int, long_word: int) -> tuple[int, int]:
    """The span's words, counted up to `enough`, and whether one has more than `long_word` code points (-1: any may)."""
    if end - start <= long_word:
        long_word = -1
    words = letters = 0
    inside = False
    at = start
    while at < end and (words < enough or long_word >= 0):
        byte = page[np.uint64(at)]
        width = 0
        if byte <= 0x20 or byte == 0xC2 or 0xE1 <= byte <= 0xE3:
            width = whitespace_width(page, at, end)
        if width > 0:
            inside = False
            at += width
            continue
        if not inside:
            inside = True
            letters = 0
            words += 1
        letters += (byte & 0xC0) != 0x80
        if 0 <= long_word < letters:
            return words, 1
        at += 1
    return words, 0


@native(int64(BYTES, int64, int64, BYTES), memory="given")
def _citation_end(page: Bytes, at: int, end: int, classes: Bytes) -> int:
    """Where the citation mark that starts with the bracket at `at` ends: `[12]`, `[]`, `[edit]`; `at` if none does."""
    stop = at + 1
    while stop < end and classes[np.uint64(code_point(page, stop)[0])] & DIGIT:
        stop += 1
        while page[np.uint64(stop)] & 0xC0 == 0x80:
            stop += 1
    if stop < end and page[np.uint64(stop)] == 0x5D:
        return stop + 1
    for word in (0, 7):
        step = 0
        while at + step < end and page[np.uint64(at + step)] == _CITATION_WORDS[word + step]:
            step += 1
        if _CITATION_WORDS[word + step] == 0x7C:
            return at + step
    return at


@native(boolean(BYTES, int64, int64), memory="given")
def _ends_a_sentence(text: Bytes, start: int, end: int) -> bool:
    """Whether text[start:end] ends in one of `.?!"'`, and not in an ellipsis."""
    if start == end:
        return False
    last = text[np.uint64(end - 1)]
    if last == 0x2E:
        return end - start < 3 or text[np.uint64(end - 2)] != 0x2E or text[np.uint64(end - 3)] != 0x2E
    return bool(last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27)


@native(int64(BYTES, int64, int64, int64, boolean, BYTES), memory="given")
def _phrase_rule(text: Bytes, start: int, end: int, switches: int, phrases_possible: bool, phrases: Bytes) -> int:
    """The line rule that the line breaks by what it says, or the page rule below zero; `KEPT` for none."""
    if phrases_possible and switches & 16 and has_phrase(text, start, end, phrases, LOREM_IPSUM):
        return _LOREM_IPSUM
    if phrases_possible and switches & 4 and has_phrase(text, start, end, phrases, JAVASCRIPT):
        return _JAVASCRIPT
    if switches & 32:
        for at in range(np.uint64(start), np.uint64(end)):
            if text[at] == 0x7B:
                return _CURLY_BRACKET
    if phrases_possible and switches & 8:
        for phrase in POLICY:
            if has_phrase(text, start, end, phrases, phrase):
                return _POLICY
    return KEPT


@native(int64(int64[:, ::1], *(int64,) * 5), inline="always", memory="given")
def note_cut(cuts: Longs, made: int, row: int, start: int, end: int, rule: int) -> int:
    """Write a cut down if there is room; how many are made by now."""
    if made < len(cuts):
        cuts[made, 0], cuts[made, 1], cuts[made, 2], cuts[made, 3] = row, start, end, rule
    return made + 1


@native(
    UniTuple(int64, 2)(*(BYTES, int64, int64, int64, int64), *(BYTES, uint8[::1], int64, int64[:, ::1], int64)),
    memory="given",
)
def _put_line(
    page: Bytes,
    start: int,
    end: int,
    row: int,
    switches: int,
    classes: Bytes,
    out: Bytes,
    to: int,
    cuts: Longs,
    made: int,
) -> tuple[int, int]:
    """Copy the line to `out` without its citation marks; where it ends there, and how many cuts are made by now."""
    at = start
    while at < end:
        word = eight_bytes(page, at)
        if not switches & 2 or zero_bytes(word ^ _BRACKETS) == 0:
            put_eight_bytes(out, to, word)
            to += min(8, end - at)
            at += 8
            continue
        for _ in range(8):
            if at >= end:
                break
            stop = _citation_end(page, at, end, classes) if page[np.uint64(at)] == 0x5B else at
            if stop == at:
                out[np.uint64(to)] = page[np.uint64(at)]
                to += 1
                at += 1
                continue
            made = note_cut(cuts, made, row, at, stop, _CITATION)
            at = stop
    return to, made


@native(
    UniTuple(int64, 3)(
        *(BYTES, int64, int64, int64, LONGS, boolean, BYTES, BYTES), *(uint8[::1], int64, int64[:, ::1], int64)
    ),
    memory="given",
)
def clean_line(
    page: Bytes,
    start: int,
    end: int,
    row: int,
    limits: Longs,
    phrases_possible: bool,
    classes: Bytes,
    phrases: Bytes,
    out: Bytes,
    begin: int,
    cuts: Longs,
    made: int,
) -> tuple[int, int, int]:
    """Write a line to `out` from `begin` on; the rule it breaks or `KEPT`, where it ends there, cuts made by now."""
    switches, min_words, long_word = limits[0], limits[1], limits[2]
    words, has_long = _look_at_words(page, start, end, min_words, long_word)
    if has_long:
        return _TOO_LONG_WORD, begin, made
    to, made = _put_line(page, start, end, row, switches, classes, out, begin, cuts, made)
    if switches & 1 and not _ends_a_sentence(out, begin, to):
        return _NO_TERMINAL, to, made
    if words < min_words:
        return _TOO_FEW_WORDS, to, made
    return _phrase_rule(out, begin, to, switches, phrases_possible, phrases), to, made

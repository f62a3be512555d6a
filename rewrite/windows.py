"""Cuts a text into windows that lose nothing: put together in order they are the text again, byte for byte.

White space belongs to the unit before it (at the start of the text to the first unit), so a window ends where the next
word begins. Neighbouring units are joined while they fit the limit; a unit too large for it is cut at the next finer
border:

    paragraph   after an empty line
    line        after a line break
    sentence    after `.`, `!`, `?` and their kin in other scripts, with closing quotes and brackets, where white space
                and no lower-case letter follows; an initial (`J. Smith`) ends none. After `。` and its kin at once, for
                Chinese and Japanese have no spaces.
    word        where white space ends
    character   a longer word is halved until its parts fit; one code point always fits
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

Unit = Literal["paragraph", "line", "sentence", "word"]
Measure = Callable[[Sequence[str]], Sequence[int]]
"""The size of each text; sizes of neighbours add up."""

UNITS: Final[tuple[Unit, ...]] = ("paragraph", "line", "sentence", "word")

_EMPTY_LINE: Final = re.compile(r"\n[^\S\n]*\n\s*")
_LINE_BREAK: Final = re.compile(r"\n+")
_CLOSERS: Final = r"[\"'”’»›)\]}」』）】〉》]*+"
# Possessive, and begun only where a run begins: a megabyte of dots is read once.
_SENTENCE: Final = re.compile(
    rf"(?<![.!?…؟۔।॥։።။។])[.!?…؟۔।॥։።။។]++{_CLOSERS}\s++|(?<![。！？｡])[。！？｡]++{_CLOSERS}\s*+"
)
_INITIAL: Final = re.compile(r"(?:^|[^\w])[^\W\d_]\.\s+$")
_WORD: Final = re.compile(r"(?<!\s)\s++(?=\S)")


def windows(text: str, unit: Unit, limit: int, measure: Measure) -> list[str]:
    """The text in pieces of at most `limit`, each of whole units where they fit. An empty text is one empty window."""
    return list(_joined(list(_fitting(text, UNITS.index(unit), limit, measure)), limit)) or [text]


def byte_sizes(texts: Sequence[str]) -> list[int]:
    """Bytes of UTF-8."""
    return [len(text.encode("utf-8")) for text in texts]


def character_sizes(texts: Sequence[str]) -> list[int]:
    """Code points."""
    return [len(text) for text in texts]


def units_of(text: str, unit: Unit) -> list[str]:
    """The text cut at every border of this kind; nothing is lost."""
    edges = [0, *(edge for edge in _borders(text, unit) if edge < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(edges) if end > start]


def _fitting(text: str, level: int, limit: int, measure: Measure) -> Iterator[tuple[str, int]]:
    """Units with their sizes, those too large cut more finely."""
    units = units_of(text, UNITS[level]) if level < len(UNITS) else _halves(text)
    for unit, size in zip(units, measure(units)):
        if size <= limit or len(unit) == 1:
            yield unit, size
        else:
            yield from _fitting(unit, min(level + 1, len(UNITS)), limit, measure)


def _joined(units: Sequence[tuple[str, int]], limit: int) -> Iterator[str]:
    """Neighbours put together while they fit."""
    held: list[str] = []
    total = 0
    for unit, size in units:
        if held and total + size > limit:
            yield "".join(held)
            held, total = [], 0
        held.append(unit)
        total += size
    if held:
        yield "".join(held)


def _halves(text: str) -> list[str]:
    middle = (len(text) + 1) // 2
    return [text[:middle], text[middle:]]


def _borders(text: str, unit: Unit) -> Iterator[int]:
    if unit == "paragraph":
        return (found.end() for found in _EMPTY_LINE.finditer(text))
    if unit == "line":
        return (found.end() for found in _LINE_BREAK.finditer(text))
    if unit == "word":
        return (found.end() for found in _WORD.finditer(text))
    return (found.end() for found in _SENTENCE.finditer(text) if _ends_sentence(text, found))


def _ends_sentence(text: str, found: re.Match[str]) -> bool:
    """Whether a sentence ends here: no lower-case letter follows, and it is not the dot of an initial."""
    follows = text[found.end() : found.end() + 1]
    return not follows.islower() and _INITIAL.search(text[max(0, found.start() - 2) : found.end()]) is None

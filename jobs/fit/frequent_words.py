"""The words that a language uses most, for rules that look for stop words.

As in FineWeb2, a stop word is not one of the first so many but any word above a share of all words: languages with rich
endings have few such words and languages with articles many. Words that are not letters alone are left out, and English
ones that leaked in with English text are, too.
"""

from __future__ import annotations

import unicodedata
from statistics import median
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_EXACT: Final = 1 << 16
"""Different words of a language that are counted exactly; beyond, the rarest are let go of."""
_LOSS: Final = 0.02
"""The share of the asked share by which a count may then be too low at most."""
FEWEST: Final = 8
"""Stop words of a language at least: two are asked for, and FineWeb2's shortest lists (Basque, Thai) have eight."""
_INSIDE: Final = "'’ʼ-·\u200c\u200d"
_AKIN: Final = 0.5
_NO_MORE: Final = 3.0


class FrequentWords:
    """Counts words in little memory: those above `share` of all are found, whatever there are.

    Lossy counting (Manku and Motwani 2002, https://doi.org/10.1016/B978-155860869-6/50038-X): counts are exact up to
    65,536 different words; beyond, a count is too low by at most a fiftieth of `share` times the number of words.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.total = 0
        self._counts: dict[str, int] = {}
        self._missed: dict[str, int] = {}
        self._lost = 0

    def add(self, text: pa.Array) -> None:
        """Count the words of more documents: what lies between Unicode white space."""
        words = pc.list_flatten(pc.utf8_split_whitespace(text))
        words = words.filter(pc.not_equal(words, ""))
        self.total += len(words)
        for entry in words.value_counts().to_pylist():
            word = entry["values"]
            if word not in self._counts:
                self._missed[word] = self._lost
            self._counts[word] = self._counts.get(word, 0) + entry["counts"]
        if len(self._counts) > _EXACT:
            self._lost = int(_LOSS * self.share * self.total)
            kept = [word for word, times in self._counts.items() if times + self._missed[word] > self._lost]
            self._counts = {word: self._counts[word] for word in kept}
            self._missed = {word: self._missed[word] for word in kept}

    def share_of(self, word: str) -> float:
        """The share of a word among all words."""
        return self._counts.get(word, 0) / self.total if self.total else 0.0

    def above(self) -> list[str]:
        """The words of letters that are at least the asked share, the most frequent first; eight, if there are any."""
        least = self.share * self.total
        ranked = sorted(self._counts, key=lambda word: (-self._counts[word], word))
        found: list[str] = []
        for word in ranked:
            if self._counts[word] < least and len(found) >= FEWEST:
                break
            if _is_word(word):
                found.append(word)
        return found


def without_leaked(own: FrequentWords, english: FrequentWords | None) -> list[str]:
    """The language's frequent words without those that came in with English text.

    English text brings all of English's frequent words at once, in their English proportions: the median over them of
    share here / share in English tells how much English there is. A word that is in both lists is the language's own
    (such as `a` in Hungarian) where it is over three times as frequent as that explains. Languages that are half
    English by this measure (Scots, creoles) are left as they are.
    """
    words = own.above()
    common = english.above() if english is not None else []
    if english is None or not common:
        return words
    leaked = median(own.share_of(word) / english.share_of(word) for word in common)
    if leaked >= _AKIN:
        return words
    gone = {word for word in common if own.share_of(word) <= _NO_MORE * leaked * english.share_of(word)}
    return [word for word in words if word not in gone]


def _is_word(word: str) -> bool:
    """Whether a word has a letter, and nothing but letters, their marks, and what stands inside words."""
    kinds = [unicodedata.category(character)[0] for character in word if character not in _INSIDE]
    return "L" in kinds and set(kinds) <= {"L", "M"}

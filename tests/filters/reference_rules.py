"""Gopher's and FineWeb's rules once more, slow and obvious: what the filters have to say of any text.

Each function measures one text as a list of `Measured`, in the order in which the rules are tried. No kernel, no Arrow,
no trick: strings, lists and sets, written from the published rules alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import nan
from typing import Literal

from stages.kernels.characters import PUNCTUATION, SENTENCE_END, character_classes

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
TOP_LIMITS = {2: 0.20, 3: 0.18, 4: 0.16}
DUPLICATE_LIMITS = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}

Verdict = tuple[str | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule measures, and which side of its limit a document may not be on; a NaN breaks no limit."""

    rule: str
    value: float | None
    forbidden: Literal["<", ">"] = ">"
    limit: float | None = None

    @property
    def fails(self) -> bool:
        """A rule that stands here without numbers is broken."""
        if self.value is None or self.limit is None:
            return True
        return self.value < self.limit if self.forbidden == "<" else self.value > self.limit


def verdict(measured: list[Measured]) -> Verdict:
    """The first rule that fails, with its value and limit."""
    for one in measured:
        if one.fails:
            return one.rule, one.value, one.limit
    return None, None, None


def gopher_quality(text: str) -> list[Measured]:
    """Rae et al. 2021, appendix A.1.1."""
    words, lines = text.split(), text.splitlines()
    plain = [word for word in words if not is_punctuation(word)]
    hashes = text.count("#")
    ellipses = text.count("...") + text.count("…")
    bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines)
    unfinished = sum(line.rstrip().endswith(("...", "…")) for line in lines)
    alphabetic = sum(any(character.isalpha() for character in word) for word in words)
    mean_length = share(sum(len(word) for word in plain), len(plain))
    return [
        Measured("too_few_words", len(plain), "<", 50),
        Measured("too_many_words", len(plain), ">", 100_000),
        Measured("short_words", mean_length, "<", 3),
        Measured("long_words", mean_length, ">", 10),
        Measured("too_many_hashes", share(hashes, len(words)), ">", 0.1),
        Measured("too_many_ellipses", share(ellipses, len(words)), ">", 0.1),
        Measured("bullet_lines", share(bullets, len(lines)), ">", 0.9),
        Measured("ellipsis_lines", share(unfinished, len(lines)), ">", 0.3),
        Measured("few_alphabetic_words", share(alphabetic, len(words)), "<", 0.8),
        Measured("few_stop_words", len(STOP_WORDS & set(words)), "<", 2),
    ]


def gopher_repetition(text: str) -> list[Measured]:
    """Rae et al. 2021, table A1."""
    words = text.split()
    paragraphs, lines = re.split("\n\n+", text.strip()), re.split("\n+", text)
    again, lines_again = said_again(paragraphs), said_again(lines)
    measured = [
        Measured("duplicate_paragraphs", share(len(again), len(paragraphs)), ">", 0.3),
        Measured("duplicate_paragraph_characters", share(len("".join(again)), len(text)), ">", 0.2),
        Measured("duplicate_lines", share(len(lines_again), len(lines)), ">", 0.3),
        Measured("duplicate_line_characters", share(len("".join(lines_again)), len(text)), ">", 0.2),
    ]
    for length, limit in TOP_LIMITS.items():
        measured.append(Measured(f"top_{length}_gram", share(top_gram(words, length), len(text)), ">", limit))
    for length, limit in DUPLICATE_LIMITS.items():
        repeated = share(grams_said_again(words, length), len(text))
        measured.append(Measured(f"duplicate_{length}_gram", repeated, ">", limit))
    return measured


def fineweb(text: str) -> list[Measured]:
    """Penedo et al. 2024, section 3.5, with the limits of datatrove's code."""
    lines = [line for line in text.split("\n") if line.strip()]
    ended = sum(bool(character_classes()[ord(line[-1])] & SENTENCE_END) for line in lines)
    short = sum(len(line) <= 30 for line in lines)
    again = "".join(said_again(lines))
    return [
        *([] if lines else [Measured("empty", None)]),
        Measured("few_punctuated_lines", share(ended, len(lines)), "<", 0.12),
        Measured("short_lines", share(short, len(lines)), ">", 0.67),
        Measured("duplicate_line_characters", share(len(again), len(text.replace("\n", ""))), ">", 0.01),
        Measured("newlines", share(text.count("\n"), len(text.split())), ">", 0.3),
    ]


def share(part: float, whole: float) -> float:
    return part / whole if whole else nan


def is_punctuation(word: str) -> bool:
    return all(character_classes()[ord(character)] & PUNCTUATION for character in word)


def said_again(pieces: list[str]) -> list[str]:
    """The pieces that equal an earlier one."""
    return [piece for at, piece in enumerate(pieces) if piece in set(pieces[:at])]


def top_gram(words: list[str], length: int) -> int:
    """Characters of the most frequent n-gram, blanks and all, times how often it occurs; of several the first."""
    grams = [" ".join(words[at : at + length]) for at in range(len(words) - length + 1)]
    if not grams:
        return 0
    count = Counter(grams)
    return max(len(gram) * count[gram] for gram in [next(one for one in grams if count[one] == max(count.values()))])


def grams_said_again(words: list[str], length: int) -> int:
    """Characters of n-grams met before, walking from left to right and past each one found."""
    met, at, characters = set(), 0, 0
    while at + length <= len(words):
        gram = "".join(words[at : at + length])
        if gram in met:
            characters += len(gram)
            at += length
        else:
            met.add(gram)
            at += 1
    return characters

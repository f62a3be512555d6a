"""Turn sentence patterns into sentences.

One idea: a pattern is text with `{this|that}` choices and `<list>` names in it. Hand-written patterns give grammatical
text in any language, because every alternative was written for its own place in its own sentence.
All chance comes from the `random.Random` that is handed in, so a page depends on its seed and on nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random

_CHOICE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"<(\w+)>")

Words = Mapping[str, Sequence[str]]


def expand(pattern: str, words: Words, random: Random) -> str:
    """Fill in `pattern`: innermost `{a|b}` first, then `<name>` from `words`, whose entries may be patterns too.

    The first letter is made a capital. Raises KeyError when a `<name>` is in no list.
    """
    text = pattern
    while True:
        text, choices = _CHOICE.subn(lambda found: random.choice(found.group(1).split("|")), text)
        text, names = _NAME.subn(lambda found: random.choice(words[found.group(1)]), text)
        if not choices and not names:
            return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """The text with its first letter made small, for the middle of a sentence."""
    return text[:1].lower() + text[1:]


def several(patterns: Sequence[str], count: int, words: Words, random: Random) -> list[str]:
    """`count` sentences in random order, each from another pattern; fewer when there are fewer patterns."""
    return [expand(pattern, words, random) for pattern in random.sample(patterns, min(count, len(patterns)))]


def paragraphs(sentences: Sequence[str], random: Random, *, shortest: int = 3, longest: int = 5) -> list[str]:
    """Group sentences into paragraphs of `shortest` to `longest` sentences; the last one takes what is left."""
    grouped: list[str] = []
    start = 0
    while start < len(sentences):
        size = random.randint(shortest, longest)
        if len(sentences) - start - size < shortest:
            size = len(sentences) - start
        grouped.append(" ".join(sentences[start : start + size]))
        start += size
    return grouped

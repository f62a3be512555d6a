"""spaCy's tokenizer and sentencizer again, slow and obvious: the regular expressions and the loop that they stand in.

The expressions are built for the characters that occur in a text only, from the table of classes; the algorithm is
that of `spacy/tokenizer.pyx` (3.8, MIT licence), with Python's `re` in place of character tables.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from stages.kernels import words_classes
from stages.kernels.words_cases import case_lists

BASE, ENGLISH, UNITS = case_lists()


def characters(text: str, bit: int) -> str:
    """The characters of a text that have a bit, as the inside of a class of `re`; never empty."""
    table = words_classes.word_classes()
    return "".join(re.escape(character) for character in sorted(set(text)) if table[ord(character)] & bit) + "\ue000"


class Rules:
    """What spaCy calls prefix, suffix, infix and URL, for the characters of one text."""

    def __init__(self, text: str, english: bool) -> None:
        c = words_classes
        alpha, lower, upper = characters(text, c.ALPHA), characters(text, c.LOWER), characters(text, c.UPPER)
        icon, quote = characters(text, c.ICON), characters(text, c.QUOTE)
        units = "|".join(map(re.escape, UNITS))
        self.prefix = re.compile(rf"[{characters(text, c.PREFIX)}]|\+(?![0-9])|\.\.+|US\$|C\$|A\$").match
        self.suffix = re.compile(
            rf"(?:[{characters(text, c.SUFFIX)}]|……|\.\.+|'s|'S|’s|’S"
            rf"|(?<=[0-9])\+|(?<=°[FfCcKk])\.|(?<=[0-9])(?:{units})"
            rf"|(?<=[{characters(text, c.BEFORE_STOP)}])\.|(?<=[{upper}][{upper}])\.)$"
        ).search
        self.infix = re.compile(
            rf"\.\.+|…|[{icon}]|(?<=[0-9])[+\-\*^](?=[0-9-])|(?<=[{lower}{quote}])\.(?=[{upper}{quote}])"
            rf"|(?<=[{alpha}]),(?=[{alpha}])|(?<=[{alpha}{'0-9' if english else ''}])(?:-|–|—|--|---|——|~)(?=[{alpha}])"
            rf"|(?<=[{alpha}0-9])[:<>=/](?=[{alpha}])"
        ).finditer
        part = r"(?:1?\d{1,2}|2[0-4]\d|25[0-5])"
        name = r"(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\."
        self.url = re.compile(
            r"(?:[\w+\-.]{2,}://)?(?:\S+(?::\S*)?@)?(?:"
            r"(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})"
            r"(?!172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})"
            rf"(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])(?:\.{part}){{2}}\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4])"
            rf"|(?:{name})+[{lower}]{{2,63}})(?::\d{{2,5}})?(?:[/?#]\S*)?$"
        ).match


def split_chunk(chunk: str, rules: Rules, cases: dict[str, list[str]]) -> list[str]:
    """The tokens of a text without white space, before special cases are put together again."""
    prefixes: list[str] = []
    suffixes: list[str] = []
    size = -1
    while chunk and len(chunk) != size and chunk not in cases:
        size = len(chunk)
        before = rules.prefix(chunk)
        prefix = before.group() if before else ""
        if prefix and chunk[len(prefix) :] in cases:
            prefixes.append(prefix)
            chunk = chunk[len(prefix) :]
            break
        after = rules.suffix(chunk[len(prefix) :])
        suffix = after.group() if after else ""
        if suffix and chunk[: -len(suffix)] in cases:
            suffixes.append(suffix)
            chunk = chunk[: -len(suffix)]
            break
        prefixes += [prefix] * bool(prefix)
        suffixes += [suffix] * bool(suffix)
        chunk = chunk[len(prefix) : len(chunk) - len(suffix)]
    return [*prefixes, *_middle(chunk, rules, cases), *reversed(suffixes)]


def _middle(chunk: str, rules: Rules, cases: dict[str, list[str]]) -> list[str]:
    if not chunk or chunk in cases:
        return cases.get(chunk, [])
    matches = [match for match in rules.infix(chunk) if match.start() > 0]
    if rules.url(chunk) or not matches:
        return [chunk]
    tokens, at = [], 0
    for match in matches:
        tokens += [chunk[at : match.start()], match.group()]
        at = match.end()
    return [token for token in [*tokens, chunk[at:]] if token]


def words(text: str, english: bool = True) -> list[str]:
    """The tokens of a text but those of white space."""
    return [token for token in tokens_of(text, english) if token.strip()]


def tokens_of(text: str, english: bool) -> list[str]:
    """The tokens of a text, those of white space too. A single blank between two others is none."""
    cases = ENGLISH if english else BASE
    rules = Rules(text, english)
    tokens: list[str] = []
    glued: list[bool] = []
    for chunk in re.findall(r"\s+|\S+", text):
        if chunk.isspace():
            rest = chunk.removeprefix(" ") if tokens else chunk
            tokens += [rest] * bool(rest)
            glued += [False] * bool(rest)
            if not rest and glued:
                glued[-1] = False
            continue
        parts = split_chunk(chunk, rules, cases)
        tokens += parts
        glued += [True] * (len(parts) - 1) + [False]
    return _put_together(tokens, glued, _patterns(english), cases)


@cache
def _patterns(english: bool) -> frozenset[tuple[str, ...]]:
    cases = ENGLISH if english else BASE
    rules = Rules("".join(cases), english)
    patterns = (tuple(split_chunk(text, rules, {})) for text in cases)
    return frozenset(pattern for pattern in patterns if len(pattern) > 1)


def _put_together(
    tokens: list[str], glued: list[bool], patterns: frozenset[tuple[str, ...]], cases: dict[str, list[str]]
) -> list[str]:
    longest = max(map(len, patterns))
    matches = [
        (first, last)
        for first in range(len(tokens))
        for last in range(first + 2, min(first + longest, len(tokens)) + 1)
        if tuple(tokens[first:last]) in patterns
    ]
    seen: set[int] = set()
    chosen = {}
    for first, last in sorted(matches, key=lambda match: (match[0] - match[1], match[0])):
        if first not in seen and last - 1 not in seen:
            chosen[first] = last
        seen.update(range(first, last))
    told, at = [], 0
    while at < len(tokens):
        last = chosen.get(at, at + 1)
        whole = last > at + 1 and all(glued[at : last - 1])
        told += cases["".join(tokens[at:last])] if whole else tokens[at:last]
        at = last
    return told


def sentences(text: str) -> int:
    """How many sentences with more than white space spaCy's sentencizer makes of a text."""
    table = words_classes.word_classes()
    found: list[list[str]] = [[]]
    ended = False
    for token in tokens_of(text, english=True):
        punctuation = all(unicodedata.category(character)[0] == "P" for character in token)
        stops = len(token) == 1 and bool(table[ord(token)] & words_classes.ENDS_SENTENCE)
        if ended and not punctuation and not stops:
            found.append([])
            ended = False
        ended |= stops
        found[-1].append(token)
    return sum(any(token.strip() for token in tokens) for tokens in found)

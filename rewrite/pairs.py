"""Questions and answers out of a reply's lines, and which of them are kept.

A pair is a line that begins with `Question:` and the lines from `Answer:` to the next question; list marks and stars
round the words are looked past. Whatever else the model wrote is no pair. The words of an answer must come from the
document: `grounded_share` says how many do.
"""

from __future__ import annotations

import re
from typing import Final

from rewrite.traits import words_of
from stages.hashing import unit_interval

_QUESTION: Final = re.compile(r"^\W{0,8}(?:\d+\W{1,4})?(?:question|q)(?:\s*\d+)?\W{0,3}:[*_ \t]*", re.IGNORECASE)
_ANSWER: Final = re.compile(r"^\W{0,8}(?:\d+\W{1,4})?(?:answer|a)(?:\s*\d+)?\W{0,3}:[*_ \t]*", re.IGNORECASE)
_TELLING: Final = 4


def read_pairs(reply: str) -> list[tuple[str, str]]:
    """All whole pairs of a reply in order; a question without an answer is none."""
    pairs: list[tuple[list[str], list[str]]] = []
    answers = False
    for line in reply.splitlines():
        if found := _QUESTION.match(line):
            pairs.append(([line[found.end() :]], []))
            answers = False
        elif pairs and (found := _ANSWER.match(line)):
            pairs[-1][1].append(line[found.end() :])
            answers = True
        elif pairs:
            pairs[-1][answers].append(line)
    joined = [("\n".join(question).strip(), "\n".join(answer).strip()) for question, answer in pairs]
    return [(question, answer) for question, answer in joined if question and answer]


def kept_count(tokens: int, seed: int, document: str) -> int:
    """How many pairs of a document are kept: 1 to one per 15 tokens, each number as likely, drawn from seed and id.

    Nemotron-CC draws uniformly from 1 to max(1, 10 · tokens / 150) for each segment.
    """
    most = max(1, 10 * tokens // 150)
    return 1 + int(unit_interval(seed, "pairs", document) * most)


def shuffled(count: int, seed: int, document: str) -> list[int]:
    """The numbers below `count` in an order drawn from seed and id."""
    return sorted(range(count), key=lambda number: (unit_interval(seed, "order", document, str(number)), number))


def grounded_share(answer: str, document: str) -> float | None:
    """Share of the answer's different words of 4 letters or more that the document has too; None without such words.

    A word counts as there when one in the document begins with its first four letters, so that `turned` finds `turns`.
    """
    wanted = {word[:_TELLING] for word in words_of(answer) if len(word) >= _TELLING}
    if not wanted:
        return None
    return len(wanted & {word[:_TELLING] for word in words_of(document)}) / len(wanted)

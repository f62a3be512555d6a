"""Copy documents with small edits, and measure how alike two texts are.

The measure is the one that near-duplicate detection uses: the Jaccard similarity of the sets of five words in a row
(Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900). An inserted word breaks four of them and adds five; a word
taken away breaks five and adds four.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from random import Random

from jobs.sample.page import Block, Document

_WORD = re.compile(r"\w+")
_WIDTH = 5
_APART = 8
"""Words between two edits, so that they break different runs of five."""


def similarity(first: str, second: str) -> float:
    """Jaccard similarity of the sets of five lower-cased words in a row; 1.0 for two texts without any."""
    left, right = _shingles(first), _shingles(second)
    return len(left & right) / len(left | right) if left | right else 1.0


def near_copy(document: Document, insertions: Sequence[str], random: Random) -> Document:
    """The document with words put in or taken out here and there: similarity to the original about 0.87 to 0.95.

    Only running text is edited; a document without any raises ValueError.
    """
    places = [
        (number, line, word)
        for number, block in enumerate(document.blocks)
        if block.kind in ("paragraph", "post")
        for line in range(1 if block.kind == "post" else 0, len(block.lines))
        for word in range(1, len(block.lines[line].split()) - 1)
    ]
    if not places:
        raise ValueError(f"{document.title!r} has no running text to edit; copy a page with paragraphs")
    aim = random.uniform(0.895, 0.935)
    edits = max(1, ceil(len(places) * (1 - aim) / (1 + aim) / 4.5))
    start = random.randrange(_APART)
    spots = sorted(random.sample(range(start, len(places), _APART), min(edits, (len(places) - start) // _APART)))
    blocks = list(document.blocks)
    for spot in reversed(spots):
        number, line, word = places[spot]
        blocks[number] = _edited(blocks[number], line, word, insertions, random)
    return replace(document, blocks=tuple(blocks))


def _edited(block: Block, line: int, word: int, insertions: Sequence[str], random: Random) -> Block:
    words = block.lines[line].split()
    if random.random() < 0.75:
        words.insert(word, random.choice(insertions))
    else:
        del words[word]
    return replace(block, lines=(*block.lines[:line], " ".join(words), *block.lines[line + 1 :]))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[start : start + _WIDTH]) for start in range(len(words) - _WIDTH + 1)}

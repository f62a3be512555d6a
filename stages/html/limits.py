"""Refuses the few pages whose parsing or extraction would take minutes or gigabytes, by counts and never by a clock.

The one idea: every cost that grows with a square has a product of two sizes that bounds it, and both are cheap to take.
Measured with resiliparse 2.0: choosing the main content costs 2.5 s for 10^9 of (characters × depth of the tree);
formatting tags that are never closed are copied into every later block, 400 bytes each; the attributes of one tag are
compared with each other, 0.13 s for 8,000.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

MAX_TAG_CHARACTERS = 100_000
MAX_ATTRIBUTES = 10_000
MAX_DEPTH_TIMES_CHARACTERS = 1_000_000_000
_FEW_TAGS = 1_000
_COPIES_KEPT = 3
"""Of equal open tags a parser keeps three: https://html.spec.whatwg.org/#push-onto-the-list-of-active-formatting-elements"""
_FORMATTING = re.compile(
    r"<(/?)([bB](?:[iI][gG])?|[cC][oO][dD][eE]|[eE][mM]|[fF][oO][nN][tT]|[iIuU]|[tT][tT]"
    r"|[sS](?:[mM][aA][lL][lL]|[tT][rR][iI][kK][eE]|[tT][rR][oO][nN][gG])?)(?=[\s/>])([^>]{0,512})>"
)
"""b, big, code, em, font, i, s, small, strike, strong, tt, u; written out, it takes a third of the time of IGNORECASE."""
_SCRIPT = re.compile(r"<(script|style)[\s>].*?</\1|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BETWEEN_ATTRIBUTES = re.compile(r"[\s/\"']+")


class PageError(ValueError):
    """A page that gives no document; `rule` is the cause for the ledger, `value` and `limit` go with it where known."""

    def __init__(self, rule: str, message: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.limit = limit


def check_source(source: str, max_nodes: int) -> None:
    """Refuse a page whose parsing alone would be the damage (rules `too_many_attributes`, `too_many_nodes`)."""
    if len(source) > MAX_TAG_CHARACTERS:
        _check_attributes(source)
    tags = source.count("<")
    if tags > _FEW_TAGS:
        copies = _unclosed_formatting(source) * tags
        if copies > max_nodes * 10:
            raise PageError(
                "too_many_nodes",
                f"formatting tags that stay open would be copied some {copies} times by the parser",
                value=copies,
                limit=max_nodes * 10,
            )


def check_tree(tree: HTMLTree, characters: int, *, max_nodes: int, max_depth: int) -> None:
    """Refuse a parsed page of more than `max_nodes` elements or `max_depth` levels (`too_many_nodes`, `too_deep`).

    The depth allowed shrinks for a page of more than half a million characters, so that the product stays bounded.
    """
    document = tree.document
    if document is None:
        raise PageError("empty", "the page has no document")
    nodes = len(document.query_selector_all("*"))
    if nodes > max_nodes:
        raise PageError("too_many_nodes", f"the page has {nodes} elements", value=nodes, limit=max_nodes)
    allowed = max(64, min(max_depth, MAX_DEPTH_TIMES_CHARACTERS // max(characters, 1)))
    if nodes > allowed and document.query_selector(_deeper_than(allowed)) is not None:
        message = f"the page nests elements deeper than {allowed}"
        raise PageError("too_deep", message, value=allowed + 1, limit=allowed)


def _check_attributes(source: str) -> None:
    if not any(True for _ in _long_stretches(source)):
        return
    for stretch in _long_stretches(_SCRIPT.sub("", source)):
        start = stretch.find("<")
        attributes = len(_BETWEEN_ATTRIBUTES.findall(stretch, start)) if start >= 0 else 0
        if len(stretch) - start > MAX_TAG_CHARACTERS and attributes > MAX_ATTRIBUTES:
            message = f"one tag has some {attributes} attributes"
            raise PageError("too_many_attributes", message, value=attributes, limit=MAX_ATTRIBUTES)


def _long_stretches(source: str) -> Iterator[str]:
    """Stretches of more than a tag's allowance without the `>` that would end a tag.

    Looks at one place in a hundred thousand: a jump that finds a `>` behind it has no long stretch inside.
    """
    start = 0
    while start + MAX_TAG_CHARACTERS < len(source):
        last = source.rfind(">", start, start + MAX_TAG_CHARACTERS)
        if last < 0:
            end = source.find(">", start)
            end = len(source) if end < 0 else end
            yield source[start:end]
            last = end
        start = last + 1


def _unclosed_formatting(source: str) -> int:
    """How many different formatting tags stand open at the worst place."""
    open_tags: dict[str, Counter[str]] = {}
    standing = worst = 0
    for slash, name, attributes in _FORMATTING.findall(source):
        tags = open_tags.setdefault(name.lower(), Counter())
        if not slash:
            tags[attributes] += 1
            standing += tags[attributes] <= _COPIES_KEPT
            worst = max(worst, standing)
        elif tags:
            last = next(reversed(tags))
            standing -= tags[last] <= _COPIES_KEPT
            tags[last] -= 1
            if not tags[last]:
                del tags[last]
    return worst


@lru_cache(maxsize=256)
def _deeper_than(depth: int) -> str:
    """A selector for any element with `depth` ancestors, which native code looks for in one pass over the tree."""
    return ">".join(["*"] * (depth + 1))

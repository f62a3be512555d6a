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
_COPIES_PER_NODE = 10
_SAFE_DEPTH = 64
_IMPLIED_TAGS = 8
"""html, head, body, tbody, tr, colgroup … which a parser adds by itself."""
_COPIES_KEPT = 3
"""Of equal open tags a parser keeps three: https://html.spec.whatwg.org/#push-onto-the-list-of-active-formatting-elements"""
_FORMATTING = re.compile(
    r"<(/?)([bB](?:[iI][gG])?|[cC][oO][dD][eE]|[eE][mM]|[fF][oO][nN][tT]|[iIuU]|[tT][tT]"
    r"|[sS](?:[mM][aA][lL][lL]|[tT][rR][iI][kK][eE]|[tT][rR][oO][nN][gG])?)(?=[\s/>])([^>]{0,512})>"
)
"""b, big, code, em, font, i, s, small, strike, strong, tt, u; written out, in a third of the time of IGNORECASE."""
_VALUE = re.compile(r"=\s*(?:\"[^\"]*\"|'[^']*')")
_HIDING = (
    (re.compile("<script", re.IGNORECASE), re.compile("</script", re.IGNORECASE)),
    (re.compile("<style", re.IGNORECASE), re.compile("</style", re.IGNORECASE)),
    (re.compile("<!--"), re.compile("-->")),
)
_BETWEEN_ATTRIBUTES = re.compile(r"[\s/\"']+")


class PageError(ValueError):
    """A page that gives no document; `rule` is the cause for the ledger, `value` and `limit` go with it where known."""

    def __init__(self, rule: str, message: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.limit = limit


def check_work(source: str, *, max_nodes: int, max_depth: int) -> str | HTMLTree:
    """Refuse a page that would take too much work: `too_many_attributes`, `too_many_nodes` or `too_deep`.

    Depth and number of elements are measured on the parsed tree, which is then handed back in place of the source. For
    nine pages of ten the number of start tags already bounds them, and the source comes back as it is. The depth that
    is allowed shrinks for a page of more than half a million characters, so that the product stays bounded.
    """
    if len(source) > MAX_TAG_CHARACTERS:
        _check_attributes(source)
    tags = source.count("<")
    most_copies = max_nodes * _COPIES_PER_NODE
    if tags * tags > 4 * most_copies:
        copies = _unclosed_formatting(source) * tags
        if copies > most_copies:
            message = f"formatting tags that stay open would be copied some {copies} times by the parser"
            raise PageError("too_many_nodes", message, value=copies, limit=most_copies)
    allowed = max(_SAFE_DEPTH, min(max_depth, MAX_DEPTH_TIMES_CHARACTERS // max(len(source), 1)))
    bound = min(allowed, max_depth, max_nodes) - _IMPLIED_TAGS
    if tags <= bound or tags - source.count("</") <= bound:
        return source
    return _checked_tree(source, max_nodes, min(allowed, max_depth))


def _checked_tree(source: str, max_nodes: int, max_depth: int) -> HTMLTree:
    from resiliparse.parse.html import HTMLParserException, HTMLTree

    try:
        tree = HTMLTree.parse(source)
    except HTMLParserException as error:
        raise PageError("not_parsed", f"the HTML parser gave up: {error}") from error
    document = tree.document
    if document is None:
        raise PageError("empty", "the page has no document")
    nodes = len(document.query_selector_all("*"))
    if nodes > max_nodes:
        raise PageError("too_many_nodes", f"the page has {nodes} elements", value=nodes, limit=max_nodes)
    if nodes > max_depth and document.query_selector(_deeper_than(max_depth)) is not None:
        message = f"the page nests elements deeper than {max_depth}"
        raise PageError("too_deep", message, value=max_depth + 1, limit=max_depth)
    return tree


def _check_attributes(source: str) -> None:
    if any(_most_attributes(stretch) > MAX_ATTRIBUTES for stretch in _long_stretches(source)):
        # Scripts hold such stretches without harm; only now is it worth the time to take them out.
        attributes = max(map(_most_attributes, _long_stretches(_without_scripts(source))), default=0)
        if attributes > MAX_ATTRIBUTES:
            message = f"one tag has some {attributes} attributes"
            raise PageError("too_many_attributes", message, value=attributes, limit=MAX_ATTRIBUTES)


def _most_attributes(stretch: str) -> int:
    start = stretch.find("<")
    is_long = 0 <= start < len(stretch) - MAX_TAG_CHARACTERS
    return len(_BETWEEN_ATTRIBUTES.findall(_VALUE.sub(" ", stretch[start:]))) if is_long else 0


def _without_scripts(source: str) -> str:
    """The source without scripts, styles and comments; one that never ends takes all the rest with it."""
    for opening, closing in _HIDING:
        pieces: list[str] = []
        place = 0
        while start := opening.search(source, place):
            pieces.append(source[place : start.start()])
            end = closing.search(source, start.end())
            place = end.start() if end else len(source)
        source = "".join((*pieces, source[place:]))
    return source


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

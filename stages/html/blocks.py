"""Turns the small markup that the extractor writes into plain text, and says where its headings, lists, tables … are.

The one idea: the extractor is asked for its reduced HTML, so the structure comes out of the very pass that chose the
main content, and nothing has to be aligned afterwards. Three kinds it does not write (tables, quotes, formulas) travel
through it as control characters that `mark_source` puts round their elements in the page. `render` removes both again:
it lays the text out by one rule and notes, while it writes, at which byte each element starts and ends.

Blocks do not nest. The outermost element gives the block, unless it only arranges others: a list or table that holds
headings, code or tables (a page laid out with tables, a list of cards) is passed over for what is in it.
"""

from __future__ import annotations

import html
import re

from stages.html.layout import Block, Layout

__all__ = ["Block", "mark_source", "render"]

_MARKS = {
    "table": "\x01",
    "/table": "\x02",
    "blockquote": "\x03",
    "/blockquote": "\x04",
    "math": "\x05",
    "/math": "\x06",
}
_MARKED = re.compile(r"<(/?[tTbBmM][aAlL](?:[bB][lL][eE]|[oO][cC][kK][qQ][uU][oO][tT][eE]|[tT][hH]))(?=[\s>/])[^<>]*>")
"""`table`, `blockquote`, `math` (and what is no tag, like `bath`, marked by nobody); half the time of IGNORECASE."""
_MARKED_KINDS = {1: "table", 3: "quote", 5: "math"}
_RESERVED = "\x00\x01\x02\x03\x04\x05\x06"
_UNFIT = re.compile("[\x00\x07\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r'<(/?)(h[1-6]|p|ul|ol|li|pre|a|br)(?: href="([^"]*)")?>|([\x01-\x06])')


def mark_source(source: str) -> str:
    """The page with control characters round its tables, quotes and formulas, and free of NULs and its own such.

    They stand outside the elements: text inside `<table>` but in no cell would be moved in front of it by the parser.
    """
    for character in _RESERVED:
        if character in source:
            source = source.replace(character, "")
    return _MARKED.sub(_marked_tag, source)


def render(markup: str) -> tuple[str, tuple[Block, ...]]:
    """The plain text of resiliparse's `minimal_html`, and its blocks as sorted, disjoint byte spans.

    Every word of the text lies in one block; text that no element claims is `other`. Paragraphs are parted by an empty
    line, list items start with `- ` or their number, cells of a table row are parted by a tab, code keeps its lines.
    """
    layout = Layout()
    place = 0
    markup = _UNFIT.sub("", markup)
    for token in _TOKEN.finditer(markup):
        if token.start() > place:
            layout.text(html.unescape(markup[place : token.start()]))
        place = token.end()
        slash, name, href, mark = token.groups()
        if mark:
            code = ord(mark)
            if code % 2:
                layout.open_marked(_MARKED_KINDS[code])
            else:
                layout.close_marked(_MARKED_KINDS[code - 1])
        elif name == "br":
            layout.line_break()
        elif slash:
            layout.close(name)
        else:
            layout.open(name, html.unescape(href or ""))
    layout.text(html.unescape(markup[place:]))
    return layout.finish()


def _marked_tag(tag: re.Match[str]) -> str:
    name = tag.group(1).lower()
    if name not in _MARKS:
        return tag.group(0)
    return tag.group(0) + _MARKS[name] if name[0] == "/" else _MARKS[name] + tag.group(0)

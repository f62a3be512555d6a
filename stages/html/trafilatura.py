"""The second engine: trafilatura's choice of the main content, laid out and measured like the first one's.

The one idea: trafilatura hands over its tree, not only its text, so the same pen (`stages.html.layout`) writes both
engines' texts and notes their blocks. Kept from it: the choice of content and its search for a date. Kept out: its
duplicate cache, which would make a page depend on those before it, and today's date as the latest one believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stages.html.layout import Block, Layout

if TYPE_CHECKING:
    from stages.html.page import Options

_LATEST = "2100-01-01"
_UNFIT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NAMES = {"p": "p", "ab": "p", "div": "p", "item": "li"}
_MARKED = frozenset({"quote", "table"})


def extract_article(source: str, options: Options, crawled: str | None) -> tuple[str, tuple[Block, ...], str | None]:
    """Text, blocks and date (yyyy-mm-dd) of a page; an empty text where trafilatura finds none.

    `options.mode` is trafilatura's balance of precision and recall. The balanced mode goes without its fallback
    engines: F1 .947 against .945 on our pages; precision needs them (.952 against .937). Raises ImportError where
    trafilatura is missing.
    """
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        message = f"the engine 'trafilatura' cannot be loaded ({error}); mend: pip install 'textmill[trafilatura]'"
        raise ImportError(message) from error
    dates = {"original_date": True, "extensive_search": False, "max_date": (crawled or _LATEST)[:10]}
    document = bare_extraction(
        source,
        fast=options.mode == "balanced",
        favor_precision=options.mode == "precision",
        favor_recall=options.mode == "recall",
        include_comments=options.comments,
        include_formatting=False,
        include_links=options.links,
        include_tables=True,
        deduplicate=False,
        with_metadata=True,
        date_extraction_params=dates,
    )
    if document is None or document.body is None:
        return "", (), None
    layout = Layout()
    _lay_out(document.body, layout)
    if options.comments and document.commentsbody is not None:
        _lay_out(document.commentsbody, layout)
    text, blocks = layout.finish()
    return text, blocks, document.date or None


def _lay_out(body: Any, layout: Layout) -> None:
    from lxml.etree import iterwalk

    for event, element in iterwalk(body, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        if event == "start":
            _start(element, layout)
            layout.text(_UNFIT.sub("", element.text or ""))
        else:
            _end(element, layout)
            layout.text(_UNFIT.sub("", element.tail or "") if element is not body else "")


def _start(element: Any, layout: Layout) -> None:
    name = _name(element)
    if element.tag in _MARKED:
        layout.paragraph_break()
        layout.open_marked(element.tag)
    elif element.tag == "cell":
        if element.getprevious() is not None:
            layout.cell()
    elif element.tag == "lb":
        layout.line_break()
    elif element.tag == "ref":
        layout.open("a", element.get("target") or "")
    elif name:
        layout.open(name)


def _end(element: Any, layout: Layout) -> None:
    name = _name(element)
    if element.tag in _MARKED:
        layout.close_marked(element.tag)
        layout.paragraph_break()
    elif element.tag == "row":
        layout.line_break()
    elif element.tag == "ref":
        layout.close("a")
    elif name:
        layout.close(name)


def _name(element: Any) -> str:
    """The HTML name that the pen knows for an element of trafilatura's tree; nothing for one that is part of a line."""
    if element.tag == "head":
        level = element.get("rend") or ""
        return level if level in _HEADINGS else "h2"
    if element.tag == "list":
        return "ol" if element.get("rend") == "ol" else "ul"
    if element.tag == "code":
        is_block = "\n" in "".join(element.itertext()) and all(outer.tag != "code" for outer in element.iterancestors())
        return "pre" if is_block else ""
    return _NAMES.get(element.tag, "")

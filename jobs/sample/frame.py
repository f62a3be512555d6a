"""Dress a document as a web page: navigation, cookie banner, related links and footer, for extraction to remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from jobs.sample.page import Block, Document
from jobs.sample.words import LANGUAGES, read_words

Link = tuple[str, str]
"""An address and what the link to it says."""

_STYLE = (
    "body{font:1em serif;margin:2em}.cookie-banner{position:fixed;bottom:0}nav ul{display:flex}.sidebar{float:right}"
)
_SCRIPT = "window.visits=(window.visits||0)+1;document.documentElement.className='ready';"
_FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
    "<semantics><mrow>{mathml}</mrow>{note}</semantics></math>"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every page of one site."""

    name: str
    navigation: tuple[Link, ...]


def render(
    document: Document,
    frame: Frame,
    *,
    address: str,
    related: Sequence[Link] = (),
    head: str = "",
    charset: str | None = "utf-8",
) -> str:
    """The whole page. `head` is raw markup for the head; `charset` is what the page declares, None for nothing."""
    words = read_words(LANGUAGES[document.language])
    declared = f'<meta charset="{charset}">' if charset else ""
    return f"""<!DOCTYPE html>
<html lang="{document.language}">
<head>{declared}<title>{escape(document.title)} | {escape(frame.name)}</title>
<link rel="canonical" href="{address}">{head}
<style>{_STYLE}</style>
<script>{_SCRIPT}</script></head>
<body>
<div class="cookie-banner" id="cookie-consent" role="dialog"><p>{words["label.cookies"][0]}</p>\
<button>{words["label.accept"][0]}</button></div>
<header class="site-header"><a class="logo" href="/">{escape(frame.name)}</a>
<nav class="navigation">{_links([("/", words["label.home"][0]), *frame.navigation])}</nav></header>
<main><article>
<h1>{escape(document.title)}</h1>
{"".join(_block(block) for block in document.blocks)}</article></main>
<aside class="sidebar related"><h4>{words["label.related"][0]}</h4>{_links(related)}</aside>
<footer class="site-footer"><p>{words["label.footer"][0]}</p></footer>
</body>
</html>
"""


def listing(title: str, links: Sequence[Link], frame: Frame, pictures: Sequence[str] = ()) -> str:
    """A page that is nothing but links, from which the crawl goes on."""
    shown = "".join(f'<img src="{picture}" alt="">' for picture in pictures)
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{escape(title)} | {escape(frame.name)}</title></head>
<body><nav>{_links([("/", frame.name), *frame.navigation])}</nav><h1>{escape(title)}</h1>{shown}
<nav class="listing">{_links(links)}</nav></body></html>
"""


def _links(links: Sequence[Link]) -> str:
    return "<ul>" + "".join(f'<li><a href="{target}">{escape(label)}</a></li>' for target, label in links) + "</ul>"


def _block(block: Block) -> str:
    lines = [escape(line, quote=False) for line in block.lines]
    if block.kind == "heading":
        return f"<h2>{lines[0]}</h2>\n"
    if block.kind == "paragraph":
        return f"<p>{lines[0]}</p>\n"
    if block.kind == "list":
        return "<ul>\n" + "".join(f"<li>{line}</li>\n" for line in lines) + "</ul>\n"
    if block.kind == "code":
        return "<pre><code>" + "\n".join(lines) + "</code></pre>\n"
    if block.kind == "table":
        return "<table>\n" + "".join(_row(line, "td" if row else "th") for row, line in enumerate(lines)) + "</table>\n"
    if block.kind == "math":
        note = f'<annotation encoding="application/x-tex">{lines[0]}</annotation>'
        return _FORMULA.format(mathml=block.lines[1], note=note) + f"\n<p>\\[{lines[0]}\\]</p>\n"
    return (
        f'<section class="entry"><h3>{lines[0]}</h3>' + "".join(f"<p>{line}</p>" for line in lines[1:]) + "</section>\n"
    )


def _row(line: str, cell: str) -> str:
    return "<tr>" + "".join(f"<{cell}>{text}</{cell}>" for text in line.split("\t")) + "</tr>\n"

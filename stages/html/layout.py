"""Writes the text of a page and notes what each part of it is: the pen behind `stages.html.blocks.render`.

The one idea: text is written in runs, and an element is a range of runs. So spans are never searched for, begin and end
at words, and cannot cross; which elements become blocks is decided at the end, from the outside in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Block = tuple[str, int, int]
"""Kind, first byte and end byte of a piece of UTF-8 text."""

_KINDS = {"p": "paragraph", "ul": "list", "ol": "list", "li": "list", "pre": "code", "a": "link"}
_KINDS.update({f"h{level}": "heading" for level in range(1, 7)})
_STRUCTURE = frozenset({"heading", "code", "table"})
_TEX = re.compile(r"\$\$.+\$\$|\\\[.+\\\]|\\begin\{(\w+\*?)\}.+\\end\{\1\}", re.DOTALL)
_TEX_STARTS = ("$$", "\\[", "\\begin{")
_MOST_MARKED = 256
"""Tables and quotes open at one time; beyond it they are tags that a page opens and never closes."""
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SPACES = re.compile(r" {2,}")


def _tidy(text: str) -> str:
    """One paragraph with single spaces, single tabs between cells, and no white space round its line breaks."""
    if "\t\t" in text:
        text = text.replace("\t\t", "\t")
    if "\n" in text:
        text = "\n".join(line.strip(" \t") for line in text.split("\n"))
    return _SPACES.sub(" ", text) if "  " in text else text


@dataclass(slots=True)
class _Run:
    text: str
    start: int
    end: int
    before: str
    """The white space in front of it: empty within a line where there is none, a line feed for the very first run."""


@dataclass(slots=True)
class _Element:
    name: str
    kind: str
    first: int
    last: int = -1
    href: str = ""
    items: int = 0
    arranges: bool = False


@dataclass(slots=True)
class Layout:
    """A text in the making. Call the methods in the order of the page, `finish` last."""

    _pieces: list[str] = field(default_factory=list)
    _size: int = 0
    _newlines: int = 0
    _between: str = ""
    _bullet: str = ""
    _code: list[str] = field(default_factory=list)
    _runs: list[_Run] = field(default_factory=list)
    _open: list[_Element] = field(default_factory=list)
    _marked: list[_Element] = field(default_factory=list)
    _closed: list[_Element] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Text between two tokens; white space at its ends parts words or lines, white space in it is collapsed."""
        if self._open and self._open[-1].kind == "code":
            self._code.append(text)
            return
        rest = text.lstrip()
        if len(rest) < len(text):
            self._white(text[: len(text) - len(rest)])
        body = rest.rstrip()
        if not body:
            return
        if "\n\n" in body:
            for paragraph in _PARAGRAPHS.split(body):
                self._write(_tidy(paragraph))
                self._gap(2)
            self._newlines = 0
        else:
            self._write(_tidy(body))
        if len(body) < len(rest):
            self._white(rest[len(body) :])

    def line_break(self) -> None:
        """A `<br>`: two of them part paragraphs."""
        if self._open and self._open[-1].kind == "code":
            self._code.append("\n")
        else:
            self._newlines += 1

    def paragraph_break(self) -> None:
        """The border of an element that stands by itself."""
        self._gap(2)

    def cell(self) -> None:
        """The border between two cells of a table row, for trees that do not bring it as text."""
        self._between = "\t"

    def open(self, name: str, href: str = "") -> None:
        """A start tag of the reduced HTML."""
        if name == "li":
            if self._open and self._open[-1].name == "li":
                self.close("li")
            self._start_item()
        elif name in ("ul", "ol"):
            self._gap(1 if self._depth() else 2)
        elif name != "a":
            self._gap(2)
        self._open.append(_Element(name, _KINDS[name], len(self._runs), href=href))

    def close(self, name: str) -> None:
        """An end tag; what was left open inside is closed with it, and one that closes nothing is passed over."""
        if all(element.name != name for element in self._open):
            return
        while True:
            element = self._open.pop()
            self._end(element)
            if element.name == name:
                return

    def open_marked(self, kind: str) -> None:
        """The place where a table, quote or formula starts."""
        if len(self._marked) < _MOST_MARKED:
            self._marked.append(_Element(kind, kind, len(self._runs)))

    def close_marked(self, kind: str) -> None:
        """The place where the last open table, quote or formula ends; one whose start was cut away is passed over."""
        for number in range(len(self._marked) - 1, -1, -1):
            if self._marked[number].kind == kind:
                self._close_element(self._marked.pop(number))
                return

    def finish(self) -> tuple[str, tuple[Block, ...]]:
        """The text and its blocks."""
        while self._open:
            self._end(self._open.pop())
        # Of elements with the same words the outer one counts, which was closed later; but a formula is a formula.
        elements = [element for element in reversed(self._closed) if self._is_block(element)]
        elements.sort(key=lambda element: (element.first, -element.last, element.kind != "math"))
        blocks: list[Block] = []
        done = 0
        for element in elements:
            if element.first >= done:
                self._others(done, element.first, blocks)
                blocks.append((element.kind, self._runs[element.first].start, self._runs[element.last - 1].end))
                done = element.last
        self._others(done, len(self._runs), blocks)
        return "".join(self._pieces), tuple(blocks)

    def _depth(self) -> int:
        return sum(element.name in ("ul", "ol") for element in self._open)

    def _start_item(self) -> None:
        self._gap(1)
        self._bullet = "- "
        lists = [element for element in self._open if element.name in ("ul", "ol")]
        if lists:
            if lists[-1].items or len(lists) > 1:
                self._newlines = 1
            lists[-1].items += 1
            number = f"{lists[-1].items}. " if lists[-1].name == "ol" else "- "
            self._bullet = "  " * (len(lists) - 1) + number

    def _end(self, element: _Element) -> None:
        if element.kind == "code":
            code = "".join(self._code).strip("\r\n").rstrip()
            self._code.clear()
            if code.strip():
                self._write(code)
        if element.name == "a":
            if element.href and len(self._runs) > element.first:
                self._between = " "
                self._write(f"({element.href})")
            return
        if element.name == "li":
            self._bullet = ""
        self._gap(1 if element.name == "li" or (element.name in ("ul", "ol") and self._depth()) else 2)
        self._close_element(element)

    def _close_element(self, element: _Element) -> None:
        element.last = len(self._runs)
        if element.last == element.first:
            return
        if element.kind == "paragraph" and self._is_tex(element):
            element.kind = "math"
        if element.kind == "table" and not self._has_cells(element):
            return
        self._closed.append(element)
        if element.kind in _STRUCTURE and self._is_block(element):
            for outer in (*self._open, *self._marked):
                outer.arranges = True

    def _is_block(self, element: _Element) -> bool:
        if element.kind == "math" and element.name == "math":
            borders = [self._runs[element.first], *self._runs[element.last : element.last + 1]]
            return all("\n" in run.before for run in borders)
        return element.kind in ("heading", "code") or not element.arranges

    def _has_cells(self, element: _Element) -> bool:
        return any("\t" in run.text or run.before == "\t" for run in self._runs[element.first : element.last])

    def _is_tex(self, element: _Element) -> bool:
        runs = self._runs[element.first : element.last]
        if not runs[0].text.startswith(_TEX_STARTS):
            return False
        return _TEX.fullmatch(" ".join(run.text for run in runs)) is not None

    def _others(self, first: int, last: int, blocks: list[Block]) -> None:
        """Runs that no element claims, one block for each stretch without an empty line."""
        start = first
        for number in range(first, last):
            after = self._runs[number + 1].start if number + 1 < last else -1
            if after < 0 or after - self._runs[number].end > 1:
                blocks.append(("other", self._runs[start].start, self._runs[number].end))
                start = number + 1

    def _white(self, white: str) -> None:
        if "\n" in white:
            self._gap(2 if white.count("\n") > 1 else 1)
        self._between = self._between or " "

    def _gap(self, newlines: int) -> None:
        if not self._bullet:
            self._newlines = max(self._newlines, newlines)

    def _write(self, text: str) -> None:
        before = "\n"
        if self._pieces:
            before = "\n" * min(self._newlines, 2) or self._between
            self._pieces.append(before)
            self._size += len(before)
        text = self._bullet + text
        self._newlines, self._between, self._bullet = 0, "", ""
        self._pieces.append(text)
        start = self._size
        self._size += len(text) if text.isascii() else len(text.encode())
        self._runs.append(_Run(text, start, self._size, before))

"""What a village page is before it becomes HTML, and what the truth file says of it afterwards.

One idea: text stays text (titles and blocks) until the very end, so a near-copy is an edit of words, not of markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "math", "post"]
Expect = Literal[
    "kept",
    "exact_duplicate",
    "near_duplicate",
    "low_quality",
    "repetition",
    "opt_out",
    "empty",
    "error",
    "not_document",
    "damaged",
    "unspecified",
]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page. `lines`: one text for headings and paragraphs; the items of a list; the rows of a table with
    cells parted by tabs; the lines of code; TeX and MathML of a formula; author and paragraphs of a post."""

    kind: BlockKind
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a page, without its frame. `language` is ISO 639-1."""

    title: str
    blocks: tuple[Block, ...]
    language: str = "en"
    personal: tuple[str, ...] = ()

    def text(self) -> str:
        """Title and blocks as lines, about what an extractor should find."""
        lines = [self.title]
        for block in self.blocks:
            lines.extend(block.lines[:1] if block.kind == "math" else block.lines)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Planted:
    """One line of truth.jsonl: a page of the village and what a run should make of it.

    `cluster` names the copies of one text: just one of them should be kept, whichever. `twin` is the URL that was
    copied. `personal` are made-up personal data in the text. `phrase` is only found when the charset was. `file`,
    `offset` and `length` say where a damaged record is stored.
    """

    url: str
    kind: str
    language: str
    expect: Expect
    cluster: str | None = None
    twin: str | None = None
    personal: tuple[str, ...] = ()
    phrase: str | None = None
    file: str | None = None
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response as it goes over the wire: `body` is already encoded and chunked as `headers` say."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Site:
    """One virtual host: its answers by path, and what was planted in it. The crawl starts at `/`."""

    host: str
    answers: dict[str, Answer] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a path of this site, which never holds the port that the server happens to get."""
        return f"http://{self.host}{path}"

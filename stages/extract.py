"""The stage `stages.extract`: stored HTTP responses become text, title and blocks.

One page at a time passes status → content codings → charset → parser; whatever stops it on the way is a rule in the
ledger with its value and limit. How each of these works is in `stages/html/`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field

from stages.document import BLOCKS
from stages.fields import Size
from stages.html.body import read_body
from stages.html.charset import charset_of, decode_text
from stages.html.inflate import BodyError
from stages.html.page import Options, Page, PageError, extract_page
from stages.stage import Map
from stages.verdicts import Mapped, verdicts_of

FAILED: Final = "error:"
_READ: Final = ("content", "content_type", "http_headers", "http_status")

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")

Verdict = tuple[str, float | None, float | None, str | None]


@dataclass(frozen=True, slots=True)
class Extracted:
    """One page's result: the page and how it was decoded, or the verdict that ended it."""

    page: Page | None = None
    encoding: str | None = None
    truncated: bool = False
    verdict: Verdict | None = None


class Extract(Map):
    """Makes text out of stored web pages: the main content, with title, declared language and blocks.

    Reads `content` (the stored HTTP payload), `http_headers`, `http_status`, `content_type` where present; they do not
    go on. Reads `date`, after which no date of publication is believed. Adds `text`, `title`, `published` (yyyy-mm-dd,
    where the page tells), `html_language`, `encoding`, `truncated` (the stored body breaks off), `opt_out` and `blocks`
    (kind, start, end: byte spans of `text`).

    Drops by `http_status` (not 2xx), `not_html`, `empty`, `opt_out`; by `too_deep`, `too_many_nodes`,
    `too_many_attributes`, `too_large` with value and limit. A body that cannot be decoded fails with
    `error:unknown_coding` or `error:bad_coding`, one that the parser gives up on with `error:not_parsed`.
    """

    ends_step: ClassVar[bool] = True

    engine: Literal["resiliparse", "trafilatura"] = "resiliparse"
    """`resiliparse` is fast; `trafilatura` finds a little more and is many times slower (`textmill[trafilatura]`)."""
    mode: Literal["balanced", "precision", "recall"] = "balanced"
    """What trafilatura favours."""
    main_content: bool = True
    """Leave out navigation, headers and footers; off, all text of the page is kept."""
    comments: bool = False
    """Keep comments of readers."""
    links: bool = False
    """Keep the targets of links."""
    alt_texts: bool = False
    """Keep the alternative texts of images."""
    opt_out: Literal["tag", "drop"] = "tag"
    """Pages that refuse use for training (robots `noai`, `tdm-reservation`): tell in `opt_out`, or drop them, too."""
    max_depth: Annotated[int, Field(ge=1)] = 2000
    """Depth of the parsed tree above which a page is dropped; less for pages of over half a million characters."""
    max_nodes: Annotated[int, Field(ge=1)] = 250_000
    """Nodes of the parsed tree above which a page is dropped."""
    max_bytes: Annotated[Size, Field(ge=1)] = 64 * 2**20
    """Bytes of the decoded body above which a page is dropped, however small it was stored."""

    def needs(self) -> tuple[str, ...]:
        return ("content",)

    def uses(self) -> tuple[str, ...]:
        return (*_READ[1:], "date")

    def adds(self) -> Mapping[str, pa.DataType]:
        return {
            "text": pa.string(),
            "title": pa.string(),
            "published": pa.string(),
            "html_language": pa.string(),
            "encoding": pa.string(),
            "truncated": pa.bool_(),
            "opt_out": pa.string(),
            "blocks": BLOCKS,
        }

    def removes(self) -> tuple[str, ...]:
        return _READ

    def check(self, schema: pa.Schema) -> list[str]:
        if self.engine == "trafilatura":
            try:
                import_module("trafilatura")
            except ImportError as error:
                return [f"the engine trafilatura cannot be loaded ({error}): pip install 'textmill[trafilatura]'"]
        return []

    def open(self) -> Options:
        if self.engine == "trafilatura":
            # It logs every page it can do nothing with; the ledger says so already.
            logging.getLogger("trafilatura").setLevel(logging.CRITICAL + 1)
        return Options(
            engine=self.engine,
            mode=self.mode,
            main_content=self.main_content,
            comments=self.comments,
            links=self.links,
            alt_texts=self.alt_texts,
            max_depth=self.max_depth,
            max_nodes=self.max_nodes,
        )

    def map(self, batch: pa.RecordBatch, tools: Options) -> Mapped:
        # Every page is a parse of its own in native code; the loop around it does not show beside that.
        found = [self._one(row, tools) for row in _rows(batch)]
        verdicts = verdicts_of([one.verdict for one in found])
        kept = np.array([at for at, one in enumerate(found) if one.verdict is None], np.int32)
        pages = [found[at] for at in kept.tolist()]
        rows = batch.take(pa.array(kept))
        columns = {name: rows[name] for name in rows.schema.names if name not in _READ}
        columns |= {name: pa.array(values, self.adds()[name]) for name, values in _columns(pages).items()}
        return Mapped(pa.RecordBatch.from_pydict(columns), kept, verdicts)

    def _one(self, row: dict[str, Any], options: Options) -> Extracted:
        status = row["http_status"]
        if status is not None and not 200 <= status < 300:
            return Extracted(verdict=("http_status", float(status), 299.0 if status >= 300 else 200.0, None))
        headers = _headers(row)
        try:
            body = read_body(row["content"] or b"", headers, max_bytes=self.max_bytes)
            text, encoding, _ = decode_text(body.data, charset_of(row["content_type"]))
            page = extract_page(text, headers, options, crawled=_day(row["date"]))
        except BodyError as error:
            rule = error.rule if error.rule == "too_large" else FAILED + error.rule
            return Extracted(verdict=(rule, error.value, error.limit, str(error)))
        except PageError as error:
            rule = FAILED + error.rule if error.rule == "not_parsed" else error.rule
            return Extracted(verdict=(rule, error.value, error.limit, str(error)))
        if page.opt_out and self.opt_out == "drop":
            return Extracted(verdict=("opt_out", None, None, f"the page says {page.opt_out}"))
        return Extracted(page, encoding, body.damaged)


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    names = (*_READ, "date")
    columns = {
        name: batch[name].to_pylist() if name in batch.schema.names else [None] * batch.num_rows for name in names
    }
    return [dict(zip(names, values)) for values in zip(*columns.values())]


def _day(date: str | None) -> str | None:
    """The day of capture, if that is what `date` holds."""
    return date[:10] if date and _DAY.match(date) else None


def _headers(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The response's headers; for a page that has none, its content type alone."""
    if row["http_headers"]:
        return [(name, value) for name, value in orjson.loads(row["http_headers"])]
    return [("Content-Type", row["content_type"])] if row["content_type"] else []


def _columns(found: list[Extracted]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("text", "title", "published", "html_language", "encoding", "truncated", "opt_out", "blocks")
    }
    for one in found:
        page = one.page
        assert page is not None
        values = (page.text, page.title, page.date, page.language, one.encoding, one.truncated, page.opt_out)
        for column, value in zip(columns.values(), values):
            column.append(value)
        columns["blocks"].append([{"kind": kind, "start": start, "end": end} for kind, start, end in page.blocks])
    return columns

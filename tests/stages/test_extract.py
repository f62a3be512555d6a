"""The extract stage: stored pages become text, and each cause that ends a page is a rule with its value and limit."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pyarrow as pa
import pytest

from stages.extract import Extract
from stages.laws import check_stage
from stages.verdicts import Mapped

WORDS = "The mill stands where the river bends, and people bring it their grain in autumn. " * 5
PAGE = f"""<!doctype html><html lang="en"><head><title>The mill</title>
<meta property="article:published_time" content="2024-05-06T10:00:00Z"></head>
<body><nav><a href="/">Home</a> <a href="/a">About</a></nav>
<main><article><h1>The mill</h1><p>{WORDS}</p>
<table><tr><th>sack</th><th>weight</th></tr><tr><td>first</td><td>12</td></tr></table>
<pre><code>grind(grain)</code></pre></article></main></body></html>"""


def stored(*pages: dict[str, Any]) -> pa.RecordBatch:
    """Pages as `stages.read` gives them; a page is described by what is unusual about it."""
    rows = []
    for number, page in enumerate(pages):
        headers = [["Content-Type", page.get("type", "text/html; charset=utf-8")], *page.get("headers", [])]
        rows.append(
            {
                "id": f"{number:032x}",
                "content": page.get("content", PAGE.encode()),
                "content_type": headers[0][1],
                "http_headers": orjson.dumps(headers).decode(),
                "http_status": page.get("status", 200),
                "date": "2024-06-01T00:00:00Z",
            }
        )
    schema = pa.schema(
        [
            *[(name, pa.string()) for name in ("id",)],
            ("content", pa.binary()),
            ("content_type", pa.string()),
            ("http_headers", pa.string()),
            ("http_status", pa.int32()),
            ("date", pa.string()),
        ]
    )
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def extract(*pages: dict[str, Any], **fields: Any) -> Mapped:
    stage = Extract(**fields)
    return stage.map(stored(*pages), stage.open())


def test_a_page_gives_text_title_date_and_blocks() -> None:
    [page] = extract({}).rows.to_pylist()
    assert "people bring it their grain" in page["text"]
    assert "About" not in page["text"]
    assert (page["title"], page["published"], page["html_language"]) == ("The mill", "2024-05-06", "en")
    kinds = {block["kind"]: page["text"].encode()[block["start"] : block["end"]].decode() for block in page["blocks"]}
    assert kinds["heading"].strip() == "The mill"
    assert "grind(grain)" in kinds["code"]
    assert "first" in kinds["table"]


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        ({"status": 404}, "http_status"),
        ({"status": 301}, "http_status"),
        ({"content": b"", "type": "text/html"}, "empty"),
        ({"content": b"\x89PNG\r\n", "type": "image/png"}, "not_html"),
        ({"content": b"not gzip \x00\xff" * 9, "headers": [["Content-Encoding", "br"]]}, "error:bad_coding"),
        ({"content": ("<div>" * 3000 + WORDS).encode()}, "too_deep"),
    ],
)
def test_what_ends_a_page_is_named(page: dict[str, Any], rule: str) -> None:
    mapped = extract({}, page)
    assert mapped.drops is not None
    assert mapped.drops.rule.to_pylist() == [None, rule]
    assert mapped.parent.tolist() == [0]


def test_an_opt_out_is_told_or_ends_the_page() -> None:
    page = {"headers": [["X-Robots-Tag", "noai"]]}
    assert extract(page).rows["opt_out"].to_pylist() == ["noai"]
    drops = extract(page, opt_out="drop").drops
    assert drops is not None
    assert drops.rule.to_pylist() == ["opt_out"]


def test_content_codings_and_charsets_are_undone() -> None:
    page = PAGE.replace("The mill stands", "Die Mühle steht")
    packed = {"content": gzip.compress(page.encode()), "headers": [["Content-Encoding", "gzip"]]}
    latin = {"content": page.encode("windows-1252"), "type": "text/html; charset=iso-8859-1"}
    rows = extract(packed, latin).rows
    assert all("Die Mühle steht" in text for text in rows["text"].to_pylist())
    assert rows["encoding"].to_pylist() == ["utf-8", "windows-1252"]


def test_a_body_that_breaks_off_is_kept_and_marked() -> None:
    whole = gzip.compress((PAGE + "<p>tail</p>" * 4000).encode())
    cut = {"content": whole[: len(whole) - 20], "headers": [["Content-Encoding", "gzip"]]}
    assert extract({}, cut).rows["truncated"].to_pylist() == [False, True]


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura"])
def test_extract_keeps_the_laws_of_stages(engine: str) -> None:
    pages = [
        {},
        {"status": 404},
        {"content": b""},
        {"type": "text/plain", "content": WORDS.encode()},
        {"content": b"\xff"},
    ]
    check_stage(Extract(engine=engine), stored(*pages * 4))

"""How well each engine finds the main text of real pages, and how fast: token F1, snippets, pages a CPU second.

    TEXTMILL_DATA=/path/to/data python benchmarks/extraction_quality.py [--engines resiliparse trafilatura:precision]

Reads `extraction/pages-*.warc.gz` and `extraction/gold.jsonl` below TEXTMILL_DATA. F1 is the mean over the pages whose
whole text is known, on multisets of lower-cased `\\w+`; a page without text counts 0. Snippets are texts that must
(`recall`) or must not (1 - `precision`, as the share of unwanted ones kept) occur in a page. Seconds are CPU seconds of
this process, from the HTTP payload to the page; `plain` is the main-content extraction alone, without blocks or checks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stages.html.body import BodyError, decode_body
from stages.html.charset import charset_of, decode_text
from stages.html.page import Options, PageError, extract_page

_WORD = re.compile(r"\w+")
_MAX_BYTES = 64 << 20

Headers = list[tuple[str, str]]
Record = tuple[str, Headers, bytes]


def main() -> None:
    """Print one row for each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--engines", nargs="+", default=["plain", "resiliparse", "trafilatura", "trafilatura:precision"]
    )
    engines = parser.parse_args().engines
    folder = Path(os.environ["TEXTMILL_DATA"]) / "extraction"
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    records = [record for path in sorted(folder.glob("pages-*.warc.gz")) for record in _responses(path)]
    print(f"{len(records)} pages, {sum(page['kind'] == 'full' for page in gold)} with their whole text")
    print(f"{'engine':24} {'F1':>7} {'recall':>7} {'precision':>9} {'refused':>7} {'pages/s':>8}")
    for engine in engines:
        extract = _plain if engine == "plain" else _engine(engine)
        start = time.process_time()
        texts = {url: extract(headers, payload) for url, headers, payload in records}
        seconds = time.process_time() - start
        scores = _scores(texts, gold)
        refused = sum(not text for text in texts.values())
        print(
            f"{engine:24} {scores[0]:7.4f} {scores[1]:7.3f} {scores[2]:9.3f} {refused:7} {len(records) / seconds:8.1f}"
        )


def _responses(path: Path) -> Iterator[Record]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
            head, _, payload = record.reader.read().partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")[1:]
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            yield record.headers["WARC-Target-URI"], headers, payload


def _engine(name: str) -> Callable[[Headers, bytes], str]:
    engine, _, mode = name.partition(":")
    options = Options(engine=engine, mode=mode or "balanced")  # type: ignore[arg-type]

    def extract(headers: Headers, payload: bytes) -> str:
        try:
            return extract_page(_source(headers, payload), headers, options, crawled="2024-03-04").text
        except (BodyError, PageError):
            return ""

    return extract


def _plain(headers: Headers, payload: bytes) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    text: str = extract_plain_text(
        _source(headers, payload), main_content=True, comments=False, alt_texts=False, post_meta=False
    )
    return text


def _source(headers: Headers, payload: bytes) -> str:
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    return decode_text(decode_body(payload, headers, max_bytes=_MAX_BYTES), charset_of(content_type))[0]


def _scores(texts: dict[str, str], gold: list[dict[str, Any]]) -> tuple[float, float, float]:
    f1: list[float] = []
    wanted: list[bool] = []
    unwanted: list[bool] = []
    for page in gold:
        text = texts.get(page["url"], "")
        if page["kind"] == "full":
            f1.append(_f1(text, page["text"]))
            continue
        flat = " ".join(text.split())
        unfair = set(page.get("with_not_found_in_plain_dump", ()))
        wanted += [" ".join(snippet.split()) in flat for snippet in page["with"] if snippet not in unfair]
        unwanted += [" ".join(snippet.split()) in flat for snippet in page["without"]]
    hits = sum(wanted)
    return sum(f1) / len(f1), hits / len(wanted), hits / max(hits + sum(unwanted), 1)


def _f1(text: str, truth: str) -> float:
    found, true = Counter(_WORD.findall(text.lower())), Counter(_WORD.findall(truth.lower()))
    total = found.total() + true.total()
    return 2 * (found & true).total() / total if total else 1.0


if __name__ == "__main__":
    main()

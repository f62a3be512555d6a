"""Write down what was planted in the village, and hold a run against it.

One idea: the truth names what must hold whatever the pipeline's details are. Of a cluster of copies just one is kept,
whichever; a page in another language may be kept or dropped for its language; a damaged record may be named by its
URL or by its place in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from jobs.sample.page import Planted
from stages.errors import StoreError

_LABELS = {
    "repetition": "spam that repeats itself",
    "low_quality": "spam of low quality",
    "opt_out": "pages that opt out",
    "empty": "empty pages",
    "error": "redirects and missing pages",
    "not_document": "pictures and robots.txt",
    "damaged": "damaged records",
    "exact_duplicate": "clusters of exact copies",
    "near_duplicate": "clusters of near-copies",
}
_OPT_OUT_RULES = ("opt_out", "opted_out", "noai", "robots")

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Ledger rows by URL."""


@dataclass(frozen=True, slots=True)
class TruthLine:
    """How many of one kind were planted, how many the run treated as it should, and the URLs of the others.

    Copies are counted in clusters; of a cluster that was not found, the URL of its first page is given.
    """

    kind: str
    planted: int
    found: int
    missing: tuple[str, ...]


def write_truth(file: Path, planted: Iterable[Planted]) -> None:
    """Write one JSON object a line; fields as in `Planted`, those without a value left out."""
    lines = [{name: value for name, value in asdict(page).items() if value not in (None, ())} for page in planted]
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def read_truth(file: Path) -> list[Planted]:
    """The pages of a truth file; raises StoreError when it is missing or not one."""
    try:
        rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        return [Planted(**{**row, "personal": tuple(row.get("personal", ()))}) for row in rows]
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"{file}: not the truth of a sample: {error}\n    mend: make it again: textmill sample"
        ) from error


def check_truth(truth: Path, kept_urls: set[str], ledger: Iterable[Mapping[str, Any]]) -> list[TruthLine]:
    """Compare a run over the sample with what was planted.

    `kept_urls` are the URLs in the run's shards. `ledger` rows have `url`, `kind`, `stage` and `rule`, and, to find
    damaged records that nobody could name, `file_path` and `offset` and `length`; other columns are ignored.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {}
    nameless: list[Mapping[str, Any]] = []
    for row in ledger:
        if row.get("url"):
            rows.setdefault(row["url"], []).append(row)
        if row.get("kind") == "failed":
            nameless.append(row)
    pages = read_truth(truth)
    single = [page for page in pages if page.cluster is None and page.expect != "unspecified"]
    checks = [(_label(page), page.url, _single(page, kept_urls, rows, nameless)) for page in single]
    clusters: dict[str, list[Planted]] = {}
    for page in pages:
        if page.cluster is not None:
            clusters.setdefault(page.cluster, []).append(page)
    for members in clusters.values():
        checks.append((_LABELS[members[0].expect], members[0].url, _cluster(members, kept_urls, rows)))
    return _lines(checks)


def _lines(checks: Sequence[tuple[str, str, bool]]) -> list[TruthLine]:
    lines = []
    for kind in dict.fromkeys(kind for kind, _, _ in checks):
        missing = tuple(url for label, url, found in checks if label == kind and not found)
        planted = sum(label == kind for label, _, _ in checks)
        lines.append(TruthLine(kind, planted, planted - len(missing), missing))
    return lines


def _label(page: Planted) -> str:
    if page.expect != "kept":
        return _LABELS[page.expect]
    if page.kind == "wrong_charset":
        return "good pages with a wrong charset"
    return f"good pages: {page.kind}" + ("" if page.language == "en" else f" ({page.language})")


def _single(page: Planted, kept: set[str], rows: Rows, failed: Sequence[Mapping[str, Any]]) -> bool:
    buried = rows.get(page.url, ())
    if page.expect == "kept":
        return page.url in kept or (page.language != "en" and any(_by(row, "language") for row in buried))
    if page.url in kept:
        return False
    if page.expect in ("error", "not_document"):
        # A reader may pass over what is no page and count it, without a row for each.
        return True
    if page.expect == "damaged":
        return any(row.get("kind") == "failed" for row in buried) or any(_overlaps(row, page) for row in failed)
    tests: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "opt_out": lambda row: str(row.get("rule") or "").endswith(_OPT_OUT_RULES),
        "repetition": lambda row: _by(row, "filters."),
        "low_quality": lambda row: _by(row, "filters."),
        "empty": lambda row: True,
    }
    return any(tests[page.expect](row) for row in buried)


def _cluster(members: Sequence[Planted], kept: set[str], rows: Rows) -> bool:
    """Whether one member was kept and the others fell to deduplication; of another language, also none kept."""
    others = [page.url for page in members if page.url not in kept]
    if len(others) == len(members) and members[0].language != "en":
        return all(any(_by(row, "language") for row in rows.get(url, ())) for url in others)
    return len(others) == len(members) - 1 and all(
        any(_by(row, "dedup.") for row in rows.get(url, ())) for url in others
    )


def _by(row: Mapping[str, Any], stage: str) -> bool:
    return stage in str(row.get("stage") or "")


def _overlaps(row: Mapping[str, Any], page: Planted) -> bool:
    if page.file is None or page.offset is None or page.length is None or row.get("offset") is None:
        return False
    if not str(row.get("file_path") or "").endswith(page.file):
        return False
    start = int(row["offset"])
    return start < page.offset + page.length and page.offset < start + max(int(row.get("length") or 1), 1)

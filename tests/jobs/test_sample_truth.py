"""The truth: written, read again, and held against what a run kept and buried."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.sample import TruthLine, check_truth
from jobs.sample.page import Planted
from jobs.sample.truth import read_truth, write_truth
from stages.errors import StoreError


def check(tmp_path: Path, planted: list[Planted], kept: set[str], *ledger: dict[str, object]) -> list[TruthLine]:
    write_truth(tmp_path / "truth.jsonl", planted)
    return check_truth(tmp_path / "truth.jsonl", kept, ledger)


def row(
    url: str | None, stage: str, rule: str = "some_rule", kind: str = "dropped", **more: object
) -> dict[str, object]:
    return {"url": url, "kind": kind, "stage": stage, "rule": rule, **more}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    pages = [
        Planted("http://a/", "forum", "en", "kept", personal=("192.0.2.1",)),
        Planted("http://b/", "broken", "de", "damaged", file="b.warc.gz", offset=0, length=9),
    ]

    write_truth(tmp_path / "truth.jsonl", pages)

    assert read_truth(tmp_path / "truth.jsonl") == pages


def test_kept_pages_are_counted_by_kind(tmp_path: Path) -> None:
    pages = [Planted(f"http://{name}/", "shop", "en", "kept") for name in "abc"]

    lines = check(tmp_path, pages, {"http://a/", "http://c/"})

    assert lines == [TruthLine("good pages: shop", 3, 2, ("http://b/",))]


def test_pages_in_other_languages_may_be_dropped_for_their_language_alone(tmp_path: Path) -> None:
    pages = [Planted(f"http://{name}/", "article", "de", "kept") for name in "abc"]

    buried = [row("http://b/", "stages.language", "language"), row("http://c/", "filters.gopher_quality")]
    lines = check(tmp_path, pages, {"http://a/"}, *buried)

    assert lines == [TruthLine("good pages: article (de)", 3, 2, ("http://c/",))]


@pytest.mark.parametrize(
    ("kept", "found"), [({"http://a/"}, 1), ({"http://c/"}, 1), ({"http://a/", "http://b/"}, 0), (set(), 0)]
)
def test_of_a_cluster_just_one_page_is_kept(tmp_path: Path, kept: set[str], found: int) -> None:
    urls = [f"http://{name}/" for name in "abc"]
    pages = [Planted(url, "forum", "en", "near_duplicate", "near-1") for url in urls]

    lines = check(tmp_path, pages, kept, *[row(url, "dedup.minhash") for url in urls if url not in kept])

    assert [(line.planted, line.found) for line in lines] == [(1, found)]


def test_copies_must_fall_to_deduplication(tmp_path: Path) -> None:
    pages = [Planted(f"http://{name}/", "forum", "en", "exact_duplicate", "exact-1") for name in "ab"]

    lines = check(tmp_path, pages, {"http://a/"}, row("http://b/", "filters.length"))

    assert lines == [TruthLine("clusters of exact copies", 1, 0, ("http://a/",))]


def test_an_opt_out_is_found_by_its_rule(tmp_path: Path) -> None:
    pages = [Planted(f"http://{name}/", "opt_out", "en", "opt_out") for name in "abc"]

    buried = [row("http://a/", "stages.extract", "opt_out"), row("http://b/", "filters.gopher_quality")]
    lines = check(tmp_path, pages, {"http://c/"}, *buried)

    assert lines == [TruthLine("pages that opt out", 3, 1, ("http://b/", "http://c/"))]


def test_damage_is_found_by_url_or_by_place(tmp_path: Path) -> None:
    where = {"file": "x.warc.gz", "length": 50}
    pages = [
        Planted("http://a/", "broken", "en", "damaged", offset=100, file="x.warc.gz", length=50),
        Planted("http://b/", "broken", "en", "damaged", offset=300, file="x.warc.gz", length=50),
        Planted("http://c/", "broken", "en", "damaged", offset=500, file="x.warc.gz", length=50),
    ]

    by_url = row("http://a/", "stages.read", kind="failed")
    by_place = row(None, "stages.read", kind="failed", file_path=where["file"], offset=290, length=20)
    elsewhere = row(None, "stages.read", kind="failed", file_path="y.warc.gz", offset=500, length=50)
    lines = check(tmp_path, pages, set(), by_url, by_place, elsewhere)

    assert lines == [TruthLine("damaged records", 3, 2, ("http://c/",))]


def test_spam_must_fall_to_a_filter_and_errors_must_not_be_kept(tmp_path: Path) -> None:
    pages = [
        Planted("http://a/", "spam", "en", "repetition"),
        Planted("http://b/", "spam", "en", "low_quality"),
        Planted("http://c/", "redirect", "en", "error"),
        Planted("http://d/", "listing", "en", "unspecified"),
    ]

    lines = check(tmp_path, pages, {"http://d/"}, row("http://a/", "filters.gopher_repetition"))

    assert [(line.kind, line.found) for line in lines] == [
        ("spam that repeats itself", 1),
        ("spam of low quality", 0),
        ("redirects and missing pages", 1),
    ]


def test_a_missing_truth_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="textmill sample"):
        read_truth(tmp_path / "truth.jsonl")

"""The village: as many pages as asked for, with a truth that holds for what extraction and filters make of them."""

from __future__ import annotations

from collections import Counter

import orjson
import pyarrow as pa
import pytest

from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from jobs.sample.page import Planted, Site
from jobs.sample.village import build_village
from stages.extract import Extract
from stages.stage import Filter
from stages.verdicts import Mapped

PAGES = 100


@pytest.fixture(scope="module")
def village() -> list[Site]:
    return build_village(7, PAGES)


@pytest.fixture(scope="module")
def texts(village: list[Site]) -> dict[str, str]:
    """What `stages.extract` makes of the pages that are to be kept or dropped for their text."""
    wanted = {"kept", "near_duplicate", "exact_duplicate", "low_quality", "repetition"}
    answers = {site.url(path): answer for site in village for path, answer in site.answers.items()}
    urls = [page.url for page in planted(village) if page.expect in wanted]
    batch = pa.RecordBatch.from_pydict(
        {
            "id": urls,
            "content": [answers[url].body for url in urls],
            "content_type": [dict(answers[url].headers).get("Content-Type") for url in urls],
            "http_headers": [orjson.dumps(answers[url].headers).decode() for url in urls],
            "http_status": pa.array([answers[url].status for url in urls], pa.int32()),
        }
    )
    stage = Extract()
    mapped = stage.map(batch, stage.open())
    assert isinstance(mapped, Mapped)
    places = mapped.parent.tolist()
    return {urls[place]: text for place, text in zip(places, mapped.rows["text"].to_pylist(), strict=True)}


def planted(village: list[Site]) -> list[Planted]:
    return [page for site in village for page in site.planted]


def dropped_by(stage: Filter, texts: dict[str, str]) -> set[str]:
    batch = pa.RecordBatch.from_pydict({"id": list(texts), "text": list(texts.values())})
    rules = stage.judge(batch, stage.open()).rule.to_pylist()
    return {url for url, rule in zip(texts, rules, strict=True) if rule is not None}


def test_a_village_has_as_many_pages_as_asked_for(village: list[Site]) -> None:
    pages = [page for page in planted(village) if page.kind not in ("listing", "robots")]

    assert len(pages) == PAGES
    assert len({page.url for page in planted(village)}) == len(planted(village))


def test_a_village_has_one_of_each_kind_and_language(village: list[Site]) -> None:
    pages = planted(village)

    assert {page.language for page in pages} == {"en", "de", "fr", "es", "ru"}
    assert {page.expect for page in pages} >= {"opt_out", "empty", "error", "damaged", "low_quality", "repetition"}
    assert {page.kind for page in pages} >= {
        "forum",
        "shop",
        "recipe",
        "docs",
        "table",
        "formula",
        "notice",
        "redirect",
    }
    assert any(page.personal for page in pages)


def test_every_cluster_has_an_original_and_copies(village: list[Site]) -> None:
    clusters = Counter(page.cluster for page in planted(village) if page.cluster)
    copies = Counter(page.cluster for page in planted(village) if page.twin)

    assert clusters.keys() == copies.keys()
    assert all(clusters[name] == copies[name] + 1 for name in clusters)


def test_good_pages_pass_the_filters_and_spam_does_not(village: list[Site], texts: dict[str, str]) -> None:
    english = [page for page in planted(village) if page.language == "en"]
    good = {page.url for page in english if page.expect in ("kept", "near_duplicate", "exact_duplicate")}
    spam = {page.url for page in english if page.expect in ("low_quality", "repetition")}

    dropped = dropped_by(GopherRepetition(), texts) | dropped_by(GopherQuality(), texts)

    assert good <= texts.keys()
    assert not good & dropped
    assert spam & texts.keys() <= dropped


def test_repeating_spam_falls_to_the_repetition_filter(village: list[Site], texts: dict[str, str]) -> None:
    repeating = {page.url for page in planted(village) if page.expect == "repetition"}

    assert repeating <= dropped_by(GopherRepetition(), texts)


def test_extraction_leaves_the_frame_behind(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert "cookie" not in text.lower()
        assert "All rights reserved" not in text


def test_wrong_charsets_are_readable_and_personal_data_is_there(village: list[Site], texts: dict[str, str]) -> None:
    for page in planted(village):
        if page.phrase is not None:
            assert page.phrase in texts[page.url]
        if page.expect == "kept":
            assert all(data in texts[page.url] for data in page.personal)


def test_too_small_a_village_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        build_village(7, 10)

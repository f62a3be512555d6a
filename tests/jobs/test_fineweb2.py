"""The recipe fineweb2 on made-up pages in three languages, by limits that are fitted to others of the same kind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import run_command_line
from jobs.run import run_plan
from jobs.sample.writers import article
from pipelines.compile import compile_pipeline
from stages.archives.write import WarcWriter
from stages.language import Language

LABELS = {"fr": "fra_Latn", "de": "deu_Latn", "ru": "rus_Cyrl"}
PAGES = 12


def prose(language: str, number: int) -> str:
    return article(language, Random(f"{language} {number}")).text()


def write_documents(path: Path, documents: int, start: int) -> None:
    """JSONL with texts in English and the three languages, with the labels and scores that the recipe will find."""
    texts = [prose(language, start + number) for language in ("en", *LABELS) for number in range(documents)]
    stage = Language()
    rows = stage.map(pa.record_batch({"text": texts}), stage.open())
    assert isinstance(rows, pa.RecordBatch)
    path.write_bytes(b"\n".join(map(orjson.dumps, rows.to_pylist())))


def write_crawl(path: Path) -> None:
    """Pages in the three languages; of French one more is a copy, one repeats itself, and one says little."""
    pages = [prose(language, number) for language in LABELS for number in range(PAGES)]
    pages += [
        pages[0],
        "\n".join(prose("fr", 99).splitlines()[1:2] * 9),
        "Le vieux moulin est fermé aujourd'hui.\n" * 2,
    ]
    with path.open("wb") as file:
        writer = WarcWriter(file)
        for number, text in enumerate(pages):
            body = "".join(f"<p>{line}</p>\n" for line in text.splitlines())
            page = f"<html><body><article>{body}<p>moulin{number}@exemple.fr</p></article></body></html>".encode()
            block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
            name = f"urn:uuid:7a9f5f4e-0000-4000-8000-{number:012}"
            writer.write(
                "response", record_id=name, date="2024-01-01T00:00:00Z", block=block, url=f"http://m.example/{number}"
            )


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder and the manifest of a run of the recipe."""
    home = tmp_path_factory.mktemp("fineweb2")
    write_documents(home / "clean.jsonl", 40, 1000)
    write_documents(home / "web.jsonl", 40, 2000)
    command = ["fit", "thresholds", str(home / "clean.jsonl"), "--web", str(home / "web.jsonl")]
    assert run_command_line([*command, "-o", str(home / "limits.yaml"), "--min-documents", "30"]) == 0
    (home / "crawl").mkdir()
    write_crawl(home / "crawl" / "a.warc.gz")
    settings = ["vars.limits=limits.yaml", "steps.filters.pii.kinds=[email]"]
    plan = compile_pipeline("fineweb2", settings=settings, working_directory=home, overrides={"workers": 1})
    found = run_plan(plan).manifest
    assert found is not None
    return home, found


def flow(manifest: dict[str, Any], stage: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in manifest["flows"] if one["stage"] == stage)
    return found


def test_prose_of_every_language_comes_through_by_limits_of_its_own(manifest: tuple[Path, dict[str, Any]]) -> None:
    home, told = manifest
    shards = [shard["as"] for output in told["outputs"] for shard in output["shards"]]
    rows = [row for name in shards for row in pq.read_table(home / "out" / "data" / f"{name}.parquet").to_pylist()]
    languages = Counter(row["language"] for row in rows)
    assert set(languages) == set(LABELS.values())
    assert min(languages.values()) > PAGES / 2
    assert all("@exemple.fr" not in row["text"] for row in rows)


def test_copies_repetition_and_little_text_go(manifest: tuple[Path, dict[str, Any]]) -> None:
    _, told = manifest
    assert flow(told, "dedup.minhash")["rules"] == {"near_duplicate": 1}
    gone = sum((Counter(flow(told, f"filters.{name}")["rules"]) for name in FILTERS), Counter())
    assert gone.total() >= 2


def test_no_document_fell_back_on_the_limits_of_english(manifest: tuple[Path, dict[str, Any]]) -> None:
    _, told = manifest
    assert {name: flow(told, f"filters.{name}")["notes"] for name in FILTERS} == {name: {} for name in FILTERS}


FILTERS = ("language", "gopher_repetition", "fineweb", "gopher_quality")

"""One YAML, one input, one digest: whatever the workers, the batches, the listing, or where the files stand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import write_corpus, write_pipeline

DIGESTS = ("digest", "ledger_digest", "content_digest")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return digests_of(corpus, tmp_path_factory.mktemp("first"), workers=1)


def digests_of(corpus: Path, folder: Path, settings: tuple[str, ...] = (), **overrides: Any) -> list[str]:
    pipeline = write_pipeline(folder / "p.yaml", corpus, folder / "out")
    outcome = run_plan(compile_pipeline(pipeline, settings=settings, overrides=overrides))
    assert outcome.manifest is not None
    return [outcome.manifest[name] for name in DIGESTS]


@pytest.mark.parametrize("workers", [2, 5])
def test_the_number_of_workers_changes_nothing(corpus: Path, expected: list[str], tmp_path: Path, workers: int) -> None:
    assert digests_of(corpus, tmp_path, workers=workers, memory="8GB") == expected


@pytest.mark.parametrize(("rows", "size"), [(1, "1MB"), (37, "1MB"), (5000, "20kB")])
def test_the_size_of_batches_changes_nothing(
    corpus: Path, expected: list[str], tmp_path: Path, rows: int, size: str
) -> None:
    settings = (f"run.batch_rows={rows}", f"run.batch_bytes={size}")
    assert digests_of(corpus, tmp_path, settings, workers=1) == expected


def test_another_listing_order_and_another_place_change_nothing(
    corpus: Path, expected: list[str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in sorted(corpus.iterdir(), reverse=True):
        shutil.copy(file, elsewhere / file.name)
    assert digests_of(elsewhere, tmp_path, workers=1) == expected


def test_shards_close_before_the_document_that_would_pass_their_size(corpus: Path, tmp_path: Path) -> None:
    digests_of(corpus, tmp_path, workers=1)
    sizes = []
    for file in sorted((tmp_path / "out/data").glob("*.parquet")):
        sizes.append(sum(len(text.encode()) for text in pq.read_table(file)["text"].to_pylist()))
    assert len(sizes) > 2
    assert all(50_000 < size <= 60_000 for size in sizes[:-1])
    assert sizes[-1] <= 60_000


def test_a_seed_moves_the_holdout_and_nothing_else(corpus: Path, tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path / "p.yaml", corpus, tmp_path / "out")
    ids: dict[str, set[str]] = {}
    held: dict[str, set[str]] = {}
    for seed in ("1", "2"):
        settings = [f"seed={seed}", "write.holdout=20%", f"write.to={tmp_path / seed}"]
        run_plan(compile_pipeline(pipeline, settings=settings, overrides={"workers": 1}))
        ids[seed] = set(pq.read_table(tmp_path / seed / "data")["id"].to_pylist())
        held[seed] = set(pq.read_table(next((tmp_path / seed / "data").glob("validation-*")))["id"].to_pylist())
        assert 0.1 < len(held[seed]) / len(ids[seed]) < 0.3
    assert ids["1"] == ids["2"]
    assert held["1"] != held["2"]

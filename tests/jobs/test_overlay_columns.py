"""Columns of documents keep their values whatever lies over them: names of ours, and Finds that say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import documents, write_pipeline


def run_over(folder: Path, columns: dict[str, list[Any]], steps: list[str]) -> pa.Table:
    """The shard of a run over one Parquet file with these columns beside 66 texts, of which six are copies."""
    corpus = folder / "corpus"
    corpus.mkdir()
    pq.write_table(pa.table({"text": documents(60)} | columns), corpus / "part.parquet")
    file = write_pipeline(folder / "p.yaml", corpus, folder / "out", steps, "1MB", "1MB", "*.parquet")
    run_plan(compile_pipeline(file, overrides={"workers": 1}))
    return pq.read_table(folder / "out/data")


def test_documents_may_have_columns_that_are_called_as_those_of_findings(tmp_path: Path) -> None:
    own = {"place": [f"Paris {row}" for row in range(66)], "rule": ["r"] * 66, "cuts": [[row] for row in range(66)]}
    steps = ["dedup.exact: {}\n    where: \"place != 'Paris'\"", "dedup.minhash", "filters.length: {min_words: 1}"]
    found = run_over(tmp_path, own, steps)
    assert found.num_rows == 60
    assert [f"Paris {cut[0]}" for cut in found["cuts"].to_pylist()] == found["place"].to_pylist()
    assert set(found["rule"].to_pylist()) == {"r"}


def test_what_a_find_was_not_asked_about_keeps_the_columns_of_the_find_before(tmp_path: Path) -> None:
    steps = ["dedup.minhash", "dedup.minhash: {threshold: 0.9}\n    where: \"kind == 'none'\""]
    found = run_over(tmp_path, {"kind": ["some"] * 66}, steps)
    assert found["cluster_size"].to_pylist().count(2) == 6

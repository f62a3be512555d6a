"""Findings lie over their documents wherever these are read: after unions, under other findings, with cuts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jobs.home import open_store
from jobs.run import run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import documents

JOINED = """
textmill: 1
name: joined
sources:
  left: {{stages.read: {{paths: "{left}"}}}}
  right: {{stages.read: {{paths: "{right}", split_size: 20kB}}}}
streams:
  a: {{from: left, steps: [filters.length: {{min_words: 1}}]}}
  b: {{from: right, steps: [filters.length: {{min_words: 1}}, dedup.exact]}}
  all: {{from: [a, b], steps: [{step}]}}
write: {{from: all, to: "{out}"}}
"""


def run_joined(folder: Path, step: str) -> dict[str, Any]:
    for name, seed in (("left", 1), ("right", 2)):
        lines = [json.dumps({"text": text}) for text in documents(120, seed)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    file = folder / f"{len(step)}.yaml"
    out = folder / f"out-{len(step)}"
    left, right = folder / "left.jsonl", folder / "right.jsonl"
    file.write_text(JOINED.format(left=left, right=right, out=out, step=step))
    outcome = run_plan(compile_pipeline(file, overrides={"workers": 1}))
    assert outcome.manifest is not None
    assert [check for check in verify_run(open_store(str(out)), outcome.manifest) if not check.held] == []
    return dict(outcome.manifest)


def test_a_union_reads_documents_as_the_finds_of_its_streams_left_them(tmp_path: Path) -> None:
    assert run_joined(tmp_path, "")["documents"] == 132 + 120


def test_a_map_behind_a_union_reads_them_so_too(tmp_path: Path) -> None:
    assert run_joined(tmp_path, "filters.length: {max_words: 1000}")["documents"] == 132 + 120


def test_a_find_behind_a_union_stacks_its_findings_on_those_before(tmp_path: Path) -> None:
    manifest = run_joined(tmp_path, "dedup.exact")
    assert manifest["documents"] == 120 + 120
    texts = pq.read_table(tmp_path / "out-11/data")["text"].to_pylist()
    assert len(set(texts)) == len(texts)

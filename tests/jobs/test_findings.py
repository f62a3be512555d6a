"""Findings lie over their documents wherever these are read: after unions, under other findings, with cuts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.commands.explain import tell
from jobs.home import open_store
from jobs.run import run_plan
from jobs.verify import verify_run
from jobs.way import find_ways
from pipelines.compile import compile_pipeline
from stages.errors import StageError
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


CUTTING = """
textmill: 1
name: cutting
read: {{stages.read: {{paths: "{folder}/docs.jsonl", split_size: 8kB}}}}
steps:
  - ./cutting_stages.py:{stage}: {{word: "ÜBEL "}}
  - {then}
write: {{to: "{folder}/out", shard_size: 20kB}}
"""


@pytest.mark.parametrize("stage", ["Trim", "Strike"])
@pytest.mark.parametrize("then", ["dedup.exact", "filters.length: {min_words: 1}"])
def test_what_is_cut_is_gone_from_the_text_and_stands_in_the_ledger(tmp_path: Path, stage: str, then: str) -> None:
    shutil.copy(Path(__file__).with_name("cutting_stages.py"), tmp_path)
    texts = [f"é {text[:40]}ÜBEL ÜBEL {text[40:]}ÜBEL end" if at % 3 else text for at, text in enumerate(documents(60))]
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    file = tmp_path / "p.yaml"
    file.write_text(CUTTING.format(folder=tmp_path, stage=stage, then=then))
    outcome = run_plan(compile_pipeline(file, overrides={"workers": 1}))
    assert outcome.manifest is not None
    store = open_store(str(tmp_path / "out"))
    assert [check for check in verify_run(store, outcome.manifest) if not check.held] == []
    kept = pq.read_table(tmp_path / "out/data")["text"].to_pylist()
    assert set(kept) == {text.replace("ÜBEL ", "") for text in texts}
    rows = [pq.read_table(tmp_path / "out" / entry["name"]).to_pylist() for entry in outcome.manifest["ledger"]]
    cuts = [row for part in rows for row in part if row["kind"] == "cut"]
    assert len(cuts) == 3 * sum("ÜBEL" in text for text in texts)
    assert {(row["excerpt"], row["chars"], row["span_end"] - row["span_start"]) for row in cuts} == {("ÜBEL ", 5, 6)}
    [way] = find_ways(store, outcome.manifest, "id", cuts[0]["id"])
    assert "kept, after 3 cuts" in "\n".join(tell(way, outcome.manifest))


@pytest.mark.parametrize(
    ("cuts", "told"), [("1, 3", "middle of a character"), ("4, 2", "not sorted spans"), ("2, 99", "not sorted spans")]
)
def test_cuts_that_no_text_can_have_are_refused(tmp_path: Path, cuts: str, told: str) -> None:
    shutil.copy(Path(__file__).with_name("cutting_stages.py"), tmp_path)
    (tmp_path / "docs.jsonl").write_text('{"text": "\u00e9\u00e8 what is left of these two decodes by chance"}')
    file = tmp_path / "p.yaml"
    file.write_text(
        f"textmill: 1\nname: slip\nread: {{stages.read: {{paths: '{tmp_path}/docs.jsonl'}}}}\n"
        f"steps: [{{./cutting_stages.py:Slipping: {{cuts: [{cuts}]}}}}]\nwrite: {{to: '{tmp_path}/out'}}\n"
    )
    with pytest.raises(StageError, match=told):
        run_plan(compile_pipeline(file, overrides={"workers": 1}))


def test_a_second_pass_leaves_the_clusters_of_documents_it_does_not_look_at(tmp_path: Path) -> None:
    first, second = documents(2, seed=9)
    rows = [
        {"text": f"{text} {end}", "language": language}
        for language, text in (("en", first), ("de", second))
        for end in ("here", "there")
    ]
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    passes = "".join(
        f"  - dedup.minhash: {{mode: tag, threshold: 0.5}}\n    where: language == '{language}'\n"
        for language in ("en", "de")
    )
    file = tmp_path / "p.yaml"
    file.write_text(
        f"textmill: 1\nname: passes\nread: {{stages.read: {{paths: '{tmp_path}/docs.jsonl'}}}}\n"
        f"steps:\n{passes}write: {{to: '{tmp_path}/out'}}\n"
    )
    run_plan(compile_pipeline(file, overrides={"workers": 1}))
    assert pq.read_table(tmp_path / "out/data")["cluster_size"].to_pylist() == [2, 2, 2, 2]

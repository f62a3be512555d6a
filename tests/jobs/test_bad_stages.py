"""What a run does with stages that die, raise, or break the laws: the document at fault is named, the others go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.commands.explain import tell
from jobs.home import open_store
from jobs.run import RunSettings, run_plan
from jobs.verify import verify_run
from jobs.way import find_ways
from pipelines.compile import compile_pipeline
from stages.errors import StageError
from tests.jobs.village_corpus import documents


def pipeline_of(folder: Path, step: str, marked: int = 1, rows: int = 60) -> Path:
    texts = documents(rows)
    for at in range(marked):
        texts[7 + 5 * at] += " POISON"
    (folder / "docs.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    shutil.copy(Path(__file__).with_name("killing_stages.py"), folder / "killing_stages.py")
    file = folder / "p.yaml"
    file.write_text(
        f"textmill: 1\nname: bad\nread: {{stages.read: {{paths: '{folder}/docs.jsonl'}}}}\n"
        f"steps:\n  - {step}\nwrite: {{to: '{folder}/out'}}\n"
    )
    return file


def run(file: Path, settings: RunSettings | None = None, **overrides: Any) -> dict[str, Any]:
    outcome = run_plan(compile_pipeline(file, overrides={"workers": 1, **overrides}), settings)
    assert outcome.manifest is not None
    return dict(outcome.manifest)


def ledger_rows(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "out/_textmill/ledger").rglob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_document_that_kills_its_worker_is_the_only_one_that_fails(tmp_path: Path) -> None:
    manifest = run(pipeline_of(tmp_path, "./killing_stages.py:Killer: {word: POISON}", marked=2))
    rows = ledger_rows(tmp_path)
    assert [row["rule"] for row in rows] == ["error:WorkerDied"] * 2
    assert all(row["excerpt"] for row in rows)
    assert manifest["documents"] == 66 - 2
    store = open_store(str(tmp_path / "out"))
    assert all(check.held for check in verify_run(store, manifest))


@pytest.mark.parametrize(("number", "told"), [(6, "SIGABRT"), (9, "SIGKILL")])
def test_a_document_that_kills_the_worker_of_a_find_is_named(tmp_path: Path, number: int, told: str) -> None:
    file = pipeline_of(tmp_path, f"./killing_stages.py:KillingFind: {{word: POISON, signal_number: {number}}}")
    with pytest.raises(StageError, match=f"KillingFind: the worker process dies by {told} on the document") as raised:
        run(file)
    [[row]] = [
        [row for row in pq.read_table(rest).to_pylist() if row["text"].endswith("POISON")]
        for rest in (tmp_path / "out/_textmill/steps").glob("00-*/*.parquet")
    ]
    assert row["id"] in str(raised.value)


def test_a_document_that_gets_its_worker_killed_for_memory_is_lost_to_the_machine(tmp_path: Path) -> None:
    file = pipeline_of(tmp_path, "./killing_stages.py:Killer: {word: POISON, signal_number: 9}")
    with pytest.raises(StageError, match="1 documents were lost to the machine"):
        run(file)
    assert run(file, RunSettings(allow_lost=True))["documents"] == 65


def test_a_document_on_which_a_stage_raises_fails_alone(tmp_path: Path) -> None:
    manifest = run(pipeline_of(tmp_path, "./killing_stages.py:Raiser: {word: POISON}"))
    [row] = ledger_rows(tmp_path)
    assert (row["kind"], row["rule"], row["message"]) == ("failed", "error:ValueError", "cannot stand POISON")
    assert manifest["documents"] == 65


def test_a_step_whose_stage_raises_too_often_fails_and_names_three_documents(tmp_path: Path) -> None:
    file = pipeline_of(tmp_path, "./killing_stages.py:Raiser: {word: POISON}", marked=11)
    with pytest.raises(StageError, match=r"raised on 11 of 66 documents(.*error.*|.*ValueError.*){1,}") as told:
        run(file)
    assert str(told.value).count("cannot stand POISON") == 3
    assert run(file, max_error_rate=0.5)["documents"] == 55


def test_a_stage_that_loses_a_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="neither kept nor dropped"):
        run(pipeline_of(tmp_path, "./killing_stages.py:Forgetter"))


def test_children_are_counted_apart_from_their_replaced_parents(tmp_path: Path) -> None:
    manifest = run(pipeline_of(tmp_path, "./killing_stages.py:Splitter"))
    flow = next(flow for flow in manifest["flows"] if "Splitter" in flow["stage"])
    assert (flow["in"], flow["kept"], flow["children"], flow["replaced"], flow["out"]) == (66, 66, 132, 66, 132)
    shard = pq.read_table(tmp_path / "out/data")
    assert len(set(shard["id"].to_pylist())) == 132
    assert len(set(shard["parent_id"].to_pylist())) == 66
    parent = shard["parent_id"][0].as_py()
    [way] = find_ways(open_store(str(tmp_path / "out")), manifest, "id", parent)
    told = tell(way, manifest)
    assert told[0] == f"document {parent}"
    assert told[-3] == "  it went on as other documents"
    for line, child in zip(told[-2:], way.children, strict=True):
        assert line.startswith(f"  parent of {child['id']}: {child['text'][:20]}")


@pytest.mark.parametrize("keep", ["parent", "nothing"])
def test_new_documents_that_were_rejected_have_ledger_rows_whatever_becomes_of_their_parent(
    tmp_path: Path, keep: str
) -> None:
    stage = f"./killing_stages.py:Choosy: {{keep: {keep}}}"
    manifest = run(pipeline_of(tmp_path, stage, marked=3), batch_rows=7)
    flow = next(flow for flow in manifest["flows"] if "Choosy" in flow["stage"])
    rows = [row for row in ledger_rows(tmp_path) if row["kind"] == "rejected"]
    assert flow["rejected"] == len(rows) == 3
    assert all("POISON" in row["excerpt"] + "POISON" * (row["chars"] > 200) for row in rows)
    lost = {row["id"] for row in ledger_rows(tmp_path) if row["kind"] == "dropped"}
    assert lost == ({row["id"] for row in rows} if keep == "nothing" else set())
    assert flow["out"] == (66 + 2 * 66 - 3 if keep == "parent" else 2 * 63)
    assert all(check.held for check in verify_run(open_store(str(tmp_path / "out")), manifest))
    [way] = find_ways(open_store(str(tmp_path / "out")), manifest, "id", rows[0]["id"])
    assert "a new document made from it was rejected by has_the_word" in "\n".join(tell(way, manifest))


def test_a_new_document_that_is_too_large_is_rejected_while_its_parent_goes_on(tmp_path: Path) -> None:
    file = pipeline_of(tmp_path, "./killing_stages.py:Choosy: {times: 3}")
    limit = max(len(text.encode()) for text in documents(60)) + 7
    manifest = run(file, max_document_bytes=limit)
    rows = ledger_rows(tmp_path)
    assert {(row["kind"], row["rule"], row["limit"]) for row in rows} <= {
        ("rejected", "too_large", limit),
        ("rejected", "has_the_word", None),
    }
    large = [row for row in rows if row["rule"] == "too_large"]
    assert large
    assert all(row["value"] > limit for row in large)
    assert manifest["flows"][1]["kept"] == 66
    assert all(check.held for check in verify_run(open_store(str(tmp_path / "out")), manifest))

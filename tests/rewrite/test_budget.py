"""Which documents `rewrite.budget` admits depends on ids, seed and budget alone; what they cost is never above it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from jobs.home import open_store
from jobs.run import run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline, validate_pipeline
from rewrite.budget import Ask, Budget, planned_tokens
from rewrite.sizes import Cutter, open_ruler
from tests.dedup.conftest import MemoryDocuments

TEXTS = [f"Page {at}. " + "The mill stands where the river bends. " * (1 + at % 7) for at in range(200)]
ASK = "asks: [{prompt_tokens: 10, new_tokens: 20, max_input_tokens: 30}]"


def pipeline(folder: Path, step: str, texts: list[str] = TEXTS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "docs.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    file = folder / "p.yaml"
    file.write_text(
        f"textmill: 1\nname: budget\nread: {{stages.read: {{paths: '{folder}/docs.jsonl', split_size: 4kB}}}}\n"
        f"steps:\n  - {step}\nwrite: {{to: '{folder}/out'}}\n"
    )
    return file


def run(file: Path, **overrides: Any) -> tuple[dict[str, Any], list[str], list[dict[str, Any]]]:
    """The manifest, the texts that were admitted, and the ledger."""
    outcome = run_plan(compile_pipeline(file, overrides=overrides))
    assert outcome.manifest is not None
    manifest = dict(outcome.manifest)
    out = file.parent / "out"
    assert all(check.held for check in verify_run(open_store(str(out)), manifest))
    ledger = [row for name in manifest["ledger"] for row in pq.read_table(out / name["name"]).to_pylist()]
    return manifest, pq.read_table(out / "data")["text"].to_pylist(), ledger


def test_the_same_documents_are_admitted_by_any_workers_and_batches_and_the_rest_is_told_of(tmp_path: Path) -> None:
    step = f"rewrite.budget: {{max_tokens_total: 6k, {ASK}}}"
    first = run(pipeline(tmp_path / "a", step), workers=1)
    second = run(pipeline(tmp_path / "b", step), workers=2, batch_rows=7)
    assert [first[0][name] for name in ("digest", "ledger_digest")] == [
        second[0][name] for name in ("digest", "ledger_digest")
    ]
    ruler, ask = open_ruler(None), Ask(prompt_tokens=10, new_tokens=20, max_input_tokens=30)
    cost = [planned_tokens(ruler, (ask,), text) for text in first[1]]
    assert 6000 - max(cost) - 200 < sum(cost) <= 6000
    assert len(first[1]) + len(first[2]) == len(TEXTS)
    assert {(row["kind"], row["rule"], row["limit"]) for row in first[2]} == {("dropped", "budget", 6000.0)}
    assert all(row["value"] >= 30 for row in first[2])


def outside(**fields: Any) -> set[int]:
    """The numbers of the documents that a budget does not admit, on an engine in memory with borders anywhere."""
    budget = Budget.model_validate({"asks": [{"new_tokens": 20}], "seed": 3, **fields})
    ids = [f"{number:032x}" for number in range(len(TEXTS))]
    columns = {"place": pa.array(range(len(TEXTS)), pa.int64()), "id": ids, "text": TEXTS}
    found = budget.find(MemoryDocuments(pa.table(columns)), None).collect()
    if budget.outside == "drop":
        assert set(found["rule"].to_pylist()) == {"budget"}
        return set(found["place"].to_pylist())
    assert found.num_rows == len(TEXTS)
    assert found["rule"].null_count == len(TEXTS)
    return {row["place"] for row in found.to_pylist() if not row["_within_budget"]}


def test_a_larger_budget_admits_all_that_a_smaller_one_did_and_both_limits_hold() -> None:
    small, large = outside(max_documents=20), outside(max_documents=50)
    assert (len(small), len(large)) == (180, 150)
    assert large < small
    assert outside(max_documents=50, max_tokens_total="3k") == large | outside(max_tokens_total="3k")
    assert outside(max_documents=20, seed=4) != small
    assert outside(max_documents=20, outside="tag") == small


def test_every_window_is_planned_with_its_prompt_and_its_longest_answer() -> None:
    ruler = open_ruler(None)
    text = "The mill stands.\n\n" * 4
    windows = len(Cutter(ruler, 12, 0).cut(text))
    one = Ask(prompt_tokens=10, new_tokens=20, max_input_tokens=12)
    assert planned_tokens(ruler, (one,), text) == ruler.count([text])[0] + 30 * windows
    assert planned_tokens(ruler, (one, Ask(min_input_tokens=999)), text) == planned_tokens(ruler, (one,), text)
    assert planned_tokens(ruler, (one.model_copy(update={"times": 3}),), text) == 3 * planned_tokens(
        ruler, (one,), text
    )


def test_small_windows_join_their_neighbours_and_nothing_is_lost() -> None:
    text = "a\n\n" + "The mill stands where the river bends.\n\n" * 3 + "b"
    cut = Cutter(open_ruler(None), 15, 5).cut(text)
    assert "".join(cut) == text
    assert all(len(window) > 15 for window in cut)


def test_a_budget_of_nothing_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no budget is given"):
        Budget()
    file = pipeline(tmp_path, "rewrite.rephrase: {llm: {llm: cpu}, style: easy, max_tokens_total: 0}")
    [fault] = validate_pipeline(file)
    assert "a budget of 0 admits no document" in str(fault)
    assert ":5" in str(fault)

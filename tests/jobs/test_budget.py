"""How many workers a budget carries, and what stages ask for on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.budget import cores, share_out
from pipelines.compile import compile_pipeline
from pipelines.plan import Plan, RunOptions
from stages.errors import PipelineError
from tests.jobs.village_corpus import write_corpus, write_pipeline

GIB = 2**30


def plan_with(folder: Path, resources: str) -> Plan:
    steps = ["filters.length: {min_words: 1}\n    resources: " + resources]
    return compile_pipeline(write_pipeline(folder / "p.yaml", write_corpus(folder / "corpus"), folder / "out", steps))


@pytest.mark.parametrize(("memory", "workers"), [(GIB, 1), (2 * GIB, 3), (100 * GIB, 8)])
def test_the_budget_limits_the_workers(memory: int, workers: int) -> None:
    assert share_out(RunOptions(memory=memory, workers=8)) == (workers, memory)


def test_smaller_documents_let_more_workers_in() -> None:
    assert share_out(RunOptions(memory=GIB, workers=8, max_document_bytes=2**20))[0] == 2


def test_a_budget_too_small_for_one_document_is_refused() -> None:
    with pytest.raises(PipelineError, match="raise --memory"):
        share_out(RunOptions(memory=300 * 2**20))


def test_a_budget_too_small_for_a_stage_is_refused_with_what_it_asks_for(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"2,854 MiB are needed\n.*what stages ask for \(2,048 MiB of this\)"):
        share_out(RunOptions(memory=2 * GIB), plan_with(tmp_path, "{memory: 2GiB}").steps)


def test_memory_and_cores_that_a_stage_asks_for_leave_fewer_workers(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, "{memory: 2GiB}")
    assert share_out(RunOptions(memory=6 * GIB, workers=8), plan.steps)[0] == 2
    plan = plan_with(tmp_path, "{cpus: 1000}")
    assert share_out(RunOptions(memory=100 * GIB), plan.steps)[0] == 1
    assert share_out(RunOptions(memory=100 * GIB))[0] == cores()


def test_a_stage_that_asks_for_a_gpu_is_refused(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, "{gpus: 1}")
    with pytest.raises(PipelineError, match="hands out none"):
        share_out(plan.run, plan.steps)
    assert share_out(plan.run.model_copy(update={"engine": "ray"}), plan.steps)[0] >= 1

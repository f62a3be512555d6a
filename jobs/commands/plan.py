"""`textmill validate` and `textmill plan`: what a pipeline means, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.budget import share_out
from jobs.home import finished_manifest, open_store
from jobs.pandas_later import meet_pandas_later
from jobs.recipes import find_pipeline
from jobs.steps.step import Place
from pipelines.compile import compile_pipeline
from pipelines.description import describe
from pipelines.wording import count_text, size_text


def validate_command(pipeline: str, settings: Sequence[str]) -> None:
    """Compile and say that all is well; raises PipelineError with every fault otherwise."""
    meet_pandas_later()
    plan = compile_pipeline(find_pipeline(pipeline), settings=settings)
    files = sum(len(source.files) for source in plan.sources.values())
    size = f"{count_text(files, 'input file')}, {count_text(len(plan.steps), 'step')}"
    print(f"{plan.file}: no faults; {size}, writes to {plan.home}")


def plan_command(pipeline: str, settings: Sequence[str], limit: int | None) -> None:
    """The steps, which of them stand already, and what the run will take."""
    meet_pandas_later()
    plan = compile_pipeline(find_pipeline(pipeline), settings=settings, limit=limit)
    workers, memory = share_out(plan.run, plan.steps)
    print(describe(plan))
    store = open_store(plan.home)
    manifest = finished_manifest(store)
    if manifest is not None and manifest["fingerprint"] == plan.fingerprint:
        print(f"\nthis run stands finished in {plan.home}")
        return
    stands = [step for step in plan.steps if Place(store, step, plan.run).manifest() is not None]
    names = ", ".join(f"{step.number:02d}-{step.name}" for step in stands) or "none"
    stored = sum(file.size for source in plan.sources.values() for file in source.files)
    print(f"\nsteps that stand already: {names}")
    print(f"input: {size_text(stored)} stored; {count_text(workers, 'worker')} within {size_text(memory)}")

"""What is ordered: `textmill run` with its arguments, as the cluster is to call it.

The pipeline goes by its absolute path, and the run stands in the submitter's working directory, so that what the YAML
names is found where it was written, on a file system that all machines see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.recipes import find_pipeline, shipped_recipes
from pipelines.compile import compile_pipeline


@dataclass(frozen=True, slots=True)
class Order:
    """A run to be: the arguments of `textmill` in it, and the directory it stands in."""

    name: str
    arguments: tuple[str, ...]
    directory: str


def make_order(
    pipeline: str, engine: str, settings: Sequence[str], limit: int | None, workers: int | None, *flags: str
) -> Order:
    """The order for a pipeline. Raises PipelineError with all its faults, as `validate` does, before it travels."""
    file = find_pipeline(pipeline)
    overrides = {"engine": engine} | ({} if workers is None else {"workers": workers})
    plan = compile_pipeline(file, settings=settings, limit=limit, overrides=overrides)
    named = pipeline if file in shipped_recipes().values() else str(file.resolve())
    arguments = ["run", named, "--engine", engine]
    for setting in settings:
        arguments += ["--set", setting]
    if limit is not None:
        arguments += ["--limit", str(limit)]
    if workers is not None:
        arguments += ["--workers", str(workers)]
    return Order(plan.name, (*arguments, *flags), str(Path.cwd()))

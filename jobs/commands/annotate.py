"""`textmill annotate`: columns for a finished run, by stages named as in YAML."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from pydantic import ValidationError

from jobs.annotate import annotate_run
from jobs.budget import share_out
from jobs.engines.local import LocalEngine
from jobs.home import finished_manifest, open_store
from jobs.lease import Lease
from jobs.refusal import store_errors
from pipelines.plan import Link, RunOptions
from stages.errors import Fault, PipelineError
from stages.load import UnknownStageError, kind_of, load_class, make_spec, spec_identity


def annotate_command(directory: Path, stages: list[str], workers: int | None, memory: str | None) -> None:
    """Annotate the run and say where the columns are."""
    store = open_store(str(directory))
    manifest = finished_manifest(store)
    if manifest is None:
        raise PipelineError(Fault(str(directory), "no finished run stands here", "run the pipeline to its end first"))
    links = [as_link(text) for text in stages]
    count, budget = share_out(_options(workers, memory))
    lease = Lease(store)
    lease.acquire()
    try:
        with (
            store_errors(store.home, "go on"),
            LocalEngine(count, budget, Path(tempfile.mkdtemp(prefix="textmill-"))) as engine,
        ):
            told = annotate_run(store, manifest, links, engine)
    finally:
        lease.release()
    rows = sum(file["rows"] for file in told["files"])
    print(f"{rows:,} documents annotated with {', '.join(told['columns'])}")
    print(f"{directory}/{told['folder']}: one file per shard, in the shard's order")


def _options(workers: int | None, memory: str | None) -> RunOptions:
    try:
        return RunOptions.model_validate({"workers": workers, "memory": memory})
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise PipelineError(Fault(f"--memory {memory}", what, "write --memory 8GB")) from error


def as_link(text: str) -> Link:
    """A stage as it is written in YAML (`stages.language`, `filters.length: {mode: tag, min_words: 5}`) as a link."""
    try:
        step = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PipelineError(Fault(text, "this is no YAML", "write `name` or `name: {field: value}`")) from error
    if isinstance(step, str):
        step = {step: None}
    if not isinstance(step, dict) or len(step) != 1:
        raise PipelineError(Fault(text, "this names no stage", "write `name` or `name: {field: value}`"))
    use, fields = next(iter(step.items()))
    try:
        stage = load_class(use, Path()).model_validate(fields or {}, context={"base": str(Path().absolute())})
    except UnknownStageError as error:
        raise PipelineError(Fault(text, str(error), error.mend)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PipelineError(
            Fault(f"{use}: {where}", first["msg"], f"textmill stages {use} shows its fields")
        ) from error
    kind = kind_of(type(stage))
    if kind not in ("filter", "map"):
        raise PipelineError(Fault(use, "only filters and maps can annotate", "run it in a pipeline over the shards"))
    spec = make_spec(stage)
    return Link(use, spec, kind, None, spec_identity(stage, spec), text)

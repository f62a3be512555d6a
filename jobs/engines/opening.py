"""The one place that knows the engines by name: whether one can be used here, and how it is opened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from jobs.engines.engine import Engine
from jobs.engines.local import LocalEngine
from pipelines.plan import RunOptions
from stages.errors import Fault, PipelineError

_LIBRARIES: Final = {"ray": "ray", "spark": "pyspark"}


def check_engine(options: RunOptions) -> None:
    """Raise PipelineError when the engine asked for cannot run here: its extra is not installed, or it has no Java."""
    library = _LIBRARIES.get(options.engine)
    if library is None:
        return
    if find_spec(library) is None:
        raise PipelineError(
            Fault(
                "run.engine",
                f"{options.engine} needs the package {library}, which is not installed",
                f'pip install "textmill[{options.engine}]"',
            )
        )
    if options.engine == "spark" and "PYSPARK_GATEWAY_PORT" not in os.environ and not _java():
        raise PipelineError(
            Fault("run.engine", "spark needs Java, and there is none", "install Java 17 or newer, or set JAVA_HOME")
        )


@contextmanager
def open_engine(options: RunOptions, workers: int, memory: int, scratch: Path) -> Iterator[Engine]:
    """The engine of a run, ready; its processes and scratch files end with the block, unless they were there before.

    `workers` and `memory`: what this machine carries (see `jobs.budget`). A cluster is used whole, or to as many cores
    as `run.workers` says. Raises EngineError when the engine does not start.
    """
    if options.engine == "local":
        with LocalEngine(workers, memory, scratch) as engine:
            yield engine
        return
    try:
        if options.engine == "ray":
            from jobs.engines.ray import open_ray

            with open_ray(workers, options.workers, memory, scratch) as on_ray:
                yield on_ray
        else:
            from jobs.engines.spark_session import open_spark

            with open_spark(workers, memory, scratch) as on_spark:
                yield on_spark
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return os.access(Path(home) / "bin/java", os.X_OK) if home else shutil.which("java") is not None

"""The engine for a Spark cluster, or for a Spark of its own on this machine: `mapInArrow` between direct repartitions.

Each branch of a frame is one `mapInArrow`, whatever its chain, because every further one costs seconds. A shuffle is
`repartitionById` by the part we computed, then `sortWithinPartitions`; Spark sorts out of core. What a worker refuses
with travels inside the message of its exception, the only thing that Spark hands through.
"""

from __future__ import annotations

import base64
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from jobs.engines import frame as frames
from jobs.engines.engine import Progress
from jobs.engines.exchange import bin_count
from jobs.engines.failure import as_refusal
from jobs.engines.frame import TASK, Branch, PlannedFrame, Rows, Scan, Shuffled, pass_through
from stages.errors import EngineError
from stages.find import PART, Worker

_REFUSAL: Final = re.compile(r"textmill-refusal:([A-Za-z0-9+/=]+):")

DataFrame = Any
Session = Any


class SparkEngine:
    """Jobs on Spark. `progress(done, tasks)` is called as passes end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.progress: Progress | None = None

    def scan(self, tasks: int) -> PlannedFrame:
        """One row {task: int32} per task."""
        return frames.scan(self, tasks)

    def table(self, rows: pa.Table) -> PlannedFrame:
        """A table of the driver's as a frame."""
        return frames.table(self, rows)

    def collect(self, frame: PlannedFrame) -> pa.Table:
        """Run a frame; its rows, in no stated order."""
        with _told_clearly():
            found = self._rows(frame).toArrow()
        if self.progress is not None:
            self.progress(1, 1)
        return pa.table([found[name].cast(frame.schema.field(name).type) for name in frame.schema.names], frame.schema)

    def _rows(self, frame: PlannedFrame) -> DataFrame:
        first, *others = [self._branch(branch, frame.schema) for branch in frame.branches]
        for other in others:
            first = first.unionByName(other)
        return first

    def _branch(self, branch: Branch, schema: pa.Schema) -> DataFrame:
        from pyspark.sql.pandas.types import from_arrow_schema

        rows, before = self._origin(branch.origin)
        if not branch.chain:
            return rows
        return rows.mapInArrow(RunChain(branch.chain, before, schema), from_arrow_schema(schema))

    def _origin(self, origin: Scan | Rows | Shuffled) -> tuple[DataFrame, pa.Schema]:
        """Where rows begin, and their schema."""
        from pyspark.sql.functions import col, lit, pmod

        if isinstance(origin, Scan):
            tasks = self.session.range(0, origin.tasks, 1, max(1, origin.tasks))
            return tasks.select(col("id").cast("int").alias("task")), TASK
        if isinstance(origin, Rows):
            return self.session.createDataFrame(origin.table), origin.table.schema
        bins = bin_count(origin.parts, self.session.sparkContext.defaultParallelism)
        rows = self._rows(origin.frame).repartitionById(bins, pmod(col(PART), lit(bins)).cast("int"))
        return rows.sortWithinPartitions(*origin.keys), origin.frame.schema


@dataclass(frozen=True, slots=True)
class RunChain:
    """What runs in Spark's Python processes."""

    chain: tuple[Worker, ...]
    before: pa.Schema
    after: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pa.set_cpu_count(1)
        pa.set_io_thread_count(1)
        try:
            for batch in pass_through(self.chain, (_as(batch, self.before) for batch in batches)):
                yield _as(batch, self.after)
        except Exception as error:
            told = base64.b64encode(pickle.dumps(as_refusal(error))).decode()
            raise RuntimeError(f"textmill-refusal:{told}:") from None


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with exactly these columns and types: Spark has names of its own for the items of lists."""
    return pa.RecordBatch.from_arrays([batch[field.name].cast(field.type) for field in schema], schema=schema)


@contextmanager
def _told_clearly() -> Iterator[None]:
    """What a worker refused with, as itself; what happened to Spark, as an EngineError with its mend."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        told = str(error)
        found = _REFUSAL.search(told)
        if found:
            refusal: Exception = pickle.loads(base64.b64decode(found[1]))
            raise refusal from None
        raise EngineError(
            f"Spark gave up: {cause_of(told)}\n"
            "    mend: if memory ran out, lower --workers or run.batch_bytes, or give the executors more; then run the "
            "same command again: what is committed stays"
        ) from error


def cause_of(told: str) -> str:
    """The line that says what happened, out of all that Spark tells."""
    lines = [line.strip().removeprefix("Caused by: ") for line in told.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("at ")]
    aborted = [line for line in lines if "Job aborted" in line]
    return (aborted or lines or ["it did not say why"])[0].split("Driver stacktrace:")[0].strip()

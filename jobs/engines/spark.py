"""The engine for a Spark cluster, or for a Spark of its own on this machine: `mapInArrow` between direct repartitions.

Each branch of a frame is one `mapInArrow`, whatever its chain, because every further one costs seconds. A shuffle is
`repartitionById` by the part we computed, then `sortWithinPartitions`; Spark sorts out of core. What a worker refuses
with travels inside the message of its exception, the only thing that Spark hands through.
"""

from __future__ import annotations

import atexit
import base64
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jobs.engines import frame as frames
from jobs.engines.engine import Progress
from jobs.engines.exchange import bin_count
from jobs.engines.failure import as_refusal
from jobs.engines.frame import TASK, Branch, PlannedFrame, Rows, Scan, Shuffled, pass_through
from jobs.engines.packages import write_zip
from stages.errors import EngineError
from stages.find import PART, Worker

ATTEMPTS: Final = 4
"""How often Spark tries a task in all, before the run gives up."""
_LEAST_HEAP: Final = 512 * 2**20
_MOST_HEAP: Final = 8 * 2**30
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
            f"Spark gave up: {_cause(told)}\n"
            "    mend: if memory ran out, lower --workers or run.batch_bytes, or give the executors more; then run the "
            "same command again: what is committed stays"
        ) from error


def _cause(told: str) -> str:
    """The line that says what happened, out of all that Spark tells."""
    lines = [line.strip().removeprefix("Caused by: ") for line in told.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("at ")]
    aborted = [line for line in lines if "Job aborted" in line]
    return (aborted or lines or ["it did not say why"])[0].split("Driver stacktrace:")[0].strip()


@contextmanager
def open_spark(workers: int, memory: int, scratch: Path) -> Iterator[SparkEngine]:
    """An engine on the SparkSession of this process, else on one made by what started it, else on one of its own.

    A process that `spark-submit` started has its master already; else the environment variable SPARK_MASTER names one;
    else Spark runs here with `workers` cores, a third of `memory` and its files in `scratch`. Only what was begun here
    is ended here.
    """
    if _context() is not None:
        yield SparkEngine(_session())
        return
    before = signal.getsignal(signal.SIGINT)
    gateway = None
    try:
        if "PYSPARK_GATEWAY_PORT" not in os.environ:
            gateway = _start(workers, memory, scratch)
        session = _session()
        session.sparkContext.setLogLevel("OFF")
        yield SparkEngine(session)
    finally:
        context = _context()
        if context is not None:
            context.stop()
        if gateway is not None:
            _end(gateway)
        signal.signal(signal.SIGINT, before)


def _context() -> Any:
    """The SparkContext of this process, or None."""
    from pyspark import SparkContext

    return SparkContext._active_spark_context


def _start(workers: int, memory: int, scratch: Path) -> Any:
    """Start a JVM with its context; what it prints goes to a file of the scratch folder."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    heap = max(_LEAST_HEAP, min(memory // 3, _MOST_HEAP))
    settings = {
        "spark.master": os.environ.get("SPARK_MASTER", f"local[{workers},{ATTEMPTS}]"),
        "spark.app.name": "textmill",
        "spark.driver.memory": f"{heap // 2**20}m",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.adaptive.enabled": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if settings["spark.master"].startswith("local"):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    with (scratch / "spark.log").open("wb") as log:
        try:
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
        except PySparkException as error:
            raise EngineError(_no_java(scratch / "spark.log")) from error
    try:
        SparkContext(conf=conf, gateway=gateway)
    except Exception as error:
        _end(gateway)
        raise EngineError(
            f"Spark did not start: {_cause(str(error))}\n"
            f"    mend: see to it that the master {settings['spark.master']} can be reached"
        ) from error
    return gateway


def _no_java(log: Path) -> str:
    told = log.read_text(errors="replace").strip().splitlines()
    return (
        f"Spark's Java did not start{': ' + told[-1] if told else ''}\n"
        "    mend: install Java 17 or newer and let JAVA_HOME name it"
    )


def _end(gateway: Any) -> None:
    """End a JVM: it goes when its input closes."""
    from pyspark import SparkContext

    gateway.shutdown()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(timeout=20)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


def _session() -> Session:
    """A session whose workers find our packages: here by the driver's path, on a cluster as a zip that travels.

    Whoever submits with a zip has sent it already.
    """
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    context = session.sparkContext
    if context.master.startswith("local"):
        context.environment["PYTHONPATH"] = os.pathsep.join(place or os.getcwd() for place in sys.path)
    elif not context.getConf().get("spark.submit.pyFiles", ""):
        # Executors that start later fetch it, too: it stays as long as this process.
        folder = tempfile.mkdtemp(prefix="textmill-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        archive = Path(folder) / "textmill-packages.zip"
        write_zip(archive)
        context.addPyFile(str(archive))
    return session

"""How a Spark comes to a run: one that is there, one that `spark-submit` brought, or one of our own.

Only what was begun here is ended here.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from jobs.engines.packages import write_zip
from jobs.engines.spark import Session, SparkEngine, cause_of
from stages.errors import EngineError

ATTEMPTS: Final = 4
"""How often Spark tries a task in all, before the run gives up."""
_LEAST_HEAP: Final = 512 * 2**20
_MOST_HEAP: Final = 8 * 2**30
_BATCH_BYTES: Final = 16 * 2**20
"""Bytes of rows handed to a worker at once: Spark's own bound is two gigabytes, or ten thousand rows of any size."""


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
            f"Spark did not start: {cause_of(str(error))}\n"
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

    # A session of our own within the user's: its settings are not theirs.
    session = SparkSession.builder.getOrCreate().newSession()
    session.conf.set("spark.sql.adaptive.enabled", "false")
    session.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", str(_BATCH_BYTES))
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

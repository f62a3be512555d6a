"""Runs on a Spark cluster by `spark-submit`: the driver is a child process here, our code travels as a zip.

https://spark.apache.org/docs/latest/submitting-applications.html
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from jobs.engines.packages import FRONT_DOOR, home, write_zip
from jobs.engines.spark_session import ATTEMPTS
from jobs.submit.order import Order

_QUIET: Final = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1}: %m%n
"""
"""Spark's own log as it is for shells, not line by line for every task."""


@dataclass(frozen=True, slots=True)
class SparkJob:
    """A job that was started: its id, the folder with its files and log, the sha256 of the code that travels."""

    id: str
    folder: Path
    code: str
    command: tuple[str, ...]

    @property
    def log(self) -> Path:
        """Where a job that nobody waits for writes what it has to say."""
        return self.folder / "job.log"


def spark_job(order: Order, master: str | None, workers: int | None, conf: Sequence[str]) -> SparkJob:
    """Lay out a job: its zip, its settings, and the command that starts it."""
    name = f"textmill-{uuid4().hex[:8]}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    archive, quiet = folder / "textmill-packages.zip", folder / "log4j2.properties"
    code = write_zip(archive)
    quiet.write_text(_QUIET)
    master = master or f"local[{workers or '*'},{ATTEMPTS}]"
    settings = [f"spark.cores.max={workers}"] if workers and master.startswith("spark://") else []
    if master.startswith("local"):
        settings += ["spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1"]
    settings += ["spark.ui.enabled=false", *conf]
    command = [_spark_submit(), "--master", master, "--deploy-mode", "client", "--name", f"{order.name} {name}"]
    command += ["--py-files", str(archive), "--driver-java-options", f"-Dlog4j2.configurationFile=file:{quiet}"]
    for setting in settings:
        command += ["--conf", setting]
    return SparkJob(name, folder, code, (*command, str(home() / FRONT_DOOR), *order.arguments))


def run_job(job: SparkJob, directory: str) -> int:
    """Run a job to its end, its output going where ours goes; its exit code."""
    try:
        return subprocess.run(job.command, cwd=directory, env=_environment(), check=False).returncode
    finally:
        shutil.rmtree(job.folder, ignore_errors=True)


def start_job(job: SparkJob, directory: str) -> int:
    """Start a job and leave it alone, its output going to its log; the process id."""
    # A shell that ends at once in between: the job is nobody's child, and nobody has to wait for it.
    shell = ["/bin/sh", "-c", '"$@" >"$0" 2>&1 </dev/null & echo $!', str(job.log), *job.command]
    begun = subprocess.run(
        shell, cwd=directory, env=_environment(), stdout=subprocess.PIPE, start_new_session=True, check=True
    )
    return int(begun.stdout)


def _environment() -> dict[str, str]:
    """Driver and workers on the Python that runs this, unless the user named another."""
    environment = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    return environment | dict(os.environ)


def _spark_submit() -> str:
    """The program of SPARK_HOME, else the one that came with pyspark."""
    import pyspark

    place = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    return str(Path(place) / "bin" / "spark-submit")

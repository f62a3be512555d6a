"""Real clusters of one machine for the tests of submission: a Ray head, a Spark master with a worker."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyspark

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 240.0


@dataclass(frozen=True)
class Cluster:
    """Its address, and the environment in which one may use it."""

    address: str
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def ray_head() -> Iterator[Cluster]:
    """`ray start --head` with its job server, on free ports, with a token of its own.

    Its workers find the tests' own modules. Ports that are named are not waited for: on a busy machine Ray would give
    up its agents after 15 seconds.
    """
    head, dashboard = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment |= {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    options = ["--head", "--block", "--num-cpus=2", "--object-store-memory=150000000", "--disable-usage-stats"]
    options += [f"--port={head}", f"--dashboard-port={dashboard}", "--dashboard-host=127.0.0.1"]
    ports = ("ray-client-server", "dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent")
    options += [f"--{name}-port={free_port()}" for name in (*ports, "metrics-export")]
    # Not below pytest's folder: Ray's sockets have to have short names.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    log = Path(folder) / "head.log"
    try:
        with _child([str(BIN / "ray"), "start", *options, f"--temp-dir={folder}"], environment, log) as child:
            address = f"http://127.0.0.1:{dashboard}"
            _wait(lambda: "Ray runtime started" in log.read_text() and _answers(f"{address}/api/version"), child, log)
            yield Cluster(address, environment | {"RAY_ADDRESS": f"127.0.0.1:{head}"})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def spark_master(folder: Path) -> Iterator[Cluster]:
    """A standalone master and one worker with two cores, on 127.0.0.1."""
    home = Path(pyspark.__file__).parent
    environment = dict(os.environ) | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment |= {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    environment |= {"SPARK_DAEMON_MEMORY": "256m"}
    start = [str(home / "bin/spark-class")]
    deploy = "org.apache.spark.deploy"
    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    master = [*start, f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port"]
    worker = [*start, f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--cores", "2", "--memory", "1g"]
    worker += ["--work-dir", str(folder / "work"), "--webui-port", str(free_port()), address]
    folder.mkdir()
    with ExitStack() as stack:
        for name, command, sign in (
            ("master", [*master, str(free_port())], "I have been elected leader"),
            ("worker", worker, "Successfully registered with master"),
        ):
            log = folder / f"{name}.log"
            child = stack.enter_context(_child(command, environment, log))
            _wait(partial(_tells, log, sign), child, log)
        yield Cluster(address, environment)


@contextmanager
def _child(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all that it starts, ended with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
        )
    try:
        yield process
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, how)
                process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        process.wait()


def _wait(ready: Callable[[], bool], child: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not ready():
        if child.poll() is not None or time.monotonic() > end:
            raise TimeoutError(f"{child.args!r} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


def _tells(log: Path, sign: str) -> bool:
    return sign in log.read_text()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        return False
    return True

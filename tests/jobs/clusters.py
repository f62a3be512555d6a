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
from pathlib import Path

import pyspark

BIN = Path(sys.executable).parent
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
    """`ray start --head` with its job server, on free ports, with a token of its own."""
    dashboard = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment |= {"PATH": f"{BIN}:{os.environ['PATH']}", "RAY_DISABLE_IMPORT_WARNING": "1"}
    options = ["--head", "--block", "--num-cpus=2", "--object-store-memory=100000000", "--disable-usage-stats"]
    options += [f"--dashboard-port={dashboard}", "--dashboard-host=127.0.0.1"]
    ports = ("--port", "--ray-client-server-port", "--dashboard-agent-listen-port")
    options += [f"{name}={free_port()}" for name in ports]
    # Not below pytest's folder: Ray's sockets have to have short names.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    command = [str(BIN / "ray"), "start", *options, f"--temp-dir={folder}"]
    try:
        with _child(command, environment, Path(folder) / "head.log"):
            address = f"http://127.0.0.1:{dashboard}"
            _wait(lambda: _answers(f"{address}/api/version"), Path(folder) / "head.log")
            yield Cluster(address, environment)
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
        stack.enter_context(_child([*master, str(free_port())], environment, folder / "master.log"))
        _wait(lambda: "I have been elected leader" in (folder / "master.log").read_text(), folder / "master.log")
        stack.enter_context(_child(worker, environment, folder / "worker.log"))
        _wait(lambda: "Successfully registered" in (folder / "worker.log").read_text(), folder / "worker.log")
        yield Cluster(address, environment)


@contextmanager
def _child(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """A process with all that it starts, ended with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, how)
                process.wait(timeout=20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        process.wait()


def _wait(ready: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(log.read_text()[-2000:])
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        return False
    return True

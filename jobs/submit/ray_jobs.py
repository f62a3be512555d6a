"""Runs on a Ray cluster by its job server: our code travels as a zip, one process there drives the run.

https://docs.ray.io/en/latest/cluster/running-applications/job-submission/
"""

from __future__ import annotations

import logging
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.engines.packages import FRONT_DOOR, write_zip
from jobs.submit.order import Order
from stages.errors import EngineError

DEFAULT_ADDRESS: Final = "http://127.0.0.1:8265"
_EVERY: Final = 1.0
"""Seconds between two looks at a job."""
_LOST: Final = 30
"""Looks in a row that the job server may leave unanswered."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job as the job server knows it."""

    id: str
    status: str
    message: str
    entry: str
    seconds: float | None


def ray_address(address: str | None) -> str:
    """The job server's address: the one given, else that of the environment, else the usual one on this machine."""
    found = address or os.environ.get("RAY_API_SERVER_ADDRESS")
    if found is None:
        cluster = os.environ.get("RAY_ADDRESS", "")
        found = cluster if cluster.startswith(("http://", "https://")) else DEFAULT_ADDRESS
    return found


def submit_to_ray(order: Order, address: str, python: str) -> tuple[str, str]:
    """Submit; the job's id, and the sha256 of the code that travelled."""
    with tempfile.TemporaryDirectory(prefix="textmill-") as folder, _answered(address):
        archive = Path(folder) / "textmill-packages.zip"
        code = write_zip(archive)
        job = _client(address).submit_job(
            entrypoint=_entry(order, python),
            runtime_env={"working_dir": str(archive)},
            metadata={"textmill": order.name, "code": code},
        )
    return str(job), code


def _entry(order: Order, python: str) -> str:
    """The shell line that the cluster runs: it begins where the zip was unpacked."""
    there = shlex.quote(order.directory)
    missing = shlex.quote(
        f"refused: the cluster has no directory {order.directory}\n"
        "    mend: submit from a directory on a file system that all its machines see"
    )
    run = f'{shlex.quote(python)} "$home/{FRONT_DOOR}" {shlex.join(order.arguments)}'
    return f'home="$PWD"; cd {there} || {{ echo {missing} >&2; exit 2; }}; exec {run}'


def follow_job(job: str, address: str, status: Callable[[str], None], log: Callable[[str], None]) -> JobLine:
    """Tell each new status and each new piece of the log until the job has ended; its last line."""
    shown, told, silent = 0, "", 0
    while True:
        try:
            line, text = show_job(job, address)
            silent = 0
        except EngineError:
            # A head that is busy may not answer for a while; the job goes on meanwhile.
            silent += 1
            if silent > _LOST:
                raise
            time.sleep(_EVERY)
            continue
        if line.status != told:
            told = line.status
            status(f"{job}: {told}")
        if len(text) > shown:
            log(text[shown:])
            shown = len(text)
        if told in ("SUCCEEDED", "FAILED", "STOPPED"):
            return line
        time.sleep(_EVERY)


def show_job(job: str, address: str) -> tuple[JobLine, str]:
    """A job's line and all of its log."""
    with _answered(address):
        client = _client(address)
        return _line(client.get_job_info(job)), str(client.get_job_logs(job))


def list_jobs(address: str) -> list[JobLine]:
    """The jobs that were submitted to the cluster, the youngest first."""
    with _answered(address):
        found = [job for job in _client(address).list_jobs() if job.submission_id]
    return [_line(job) for job in sorted(found, key=lambda job: -(job.start_time or 0))]


def stop_job(job: str, address: str) -> bool:
    """Ask the cluster to stop a job; False when it had ended already."""
    with _answered(address):
        return bool(_client(address).stop_job(job))


def _line(info: Any) -> JobLine:
    begun, ended = info.start_time, info.end_time
    seconds = ((ended or time.time() * 1000) - begun) / 1000 if begun else None
    status = getattr(info.status, "value", info.status)
    message = (info.message or "").strip().splitlines()
    return JobLine(info.submission_id, str(status), message[0] if message else "", info.entrypoint, seconds)


def _client(address: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    # It tells of every upload on its own.
    logging.getLogger("ray.dashboard").setLevel(logging.WARNING)
    return JobSubmissionClient(address)


@contextmanager
def _answered(address: str) -> Iterator[None]:
    """What the job server, or its silence, means for the user."""
    from ray.exceptions import AuthenticationError

    try:
        yield
    except AuthenticationError as error:
        raise EngineError(
            f"{address}: the cluster does not know us\n"
            "    mend: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file with the cluster's token"
        ) from error
    except ConnectionError as error:
        raise EngineError(
            f"{address}: no job server answers there\n"
            "    mend: start one (ray start --head), or name another with --address"
        ) from error
    except (RuntimeError, ValueError) as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"{address}: the job server refused: {told}\n    mend: textmill jobs --address {address} lists the jobs"
        ) from error

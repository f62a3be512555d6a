"""`textmill submit` and `textmill jobs`: hand a run to a cluster, follow it, look at it again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal

from jobs.engines.opening import check_engine
from jobs.offer import command_line
from jobs.submit.order import Order, make_order
from jobs.table import text_table
from pipelines.plan import RunOptions
from stages.errors import EngineError, Fault, PipelineError

To = Literal["ray", "spark"]


def submit_command(
    pipeline: str,
    to: str,
    address: str | None,
    settings: Sequence[str],
    limit: int | None,
    workers: int | None,
    flags: Sequence[str],
    conf: Sequence[str],
    python: str,
    wait: bool,
) -> None:
    """Submit a run, and follow it to its end unless told not to wait."""
    if to not in ("ray", "spark"):
        raise PipelineError(Fault(f"--to {to}", "there is no such cluster", "give ray or spark"))
    if conf and to != "spark":
        raise PipelineError(Fault("--conf", "only Spark takes such settings", "leave it out, or submit --to spark"))
    check_engine(RunOptions(engine="ray" if to == "ray" else "spark"))
    order = make_order(pipeline, to, settings, limit, workers, *flags)
    if to == "ray":
        _to_ray(order, address, python, wait)
    else:
        _to_spark(order, address, workers, conf, wait)


def _to_ray(order: Order, address: str | None, python: str, wait: bool) -> None:
    from jobs.submit.ray_jobs import follow_job, ray_address, submit_to_ray

    server = ray_address(address)
    job, code = submit_to_ray(order, server, python)
    _say(f"submitted {job} to {server}; code sha256 {code}")
    again = command_line("jobs", job, "--address", server)
    if not wait:
        print(job)
        _say(f"next:\n    {again}")
        return
    try:
        line = follow_job(job, server, _say, lambda text: print(text, end="", flush=True))
    except KeyboardInterrupt:
        _say(f"\nthe job goes on without us; look at it, or stop it with --stop:\n    {again}")
        raise EngineError(f"{job}: nobody waits for it any more\n    mend: {again}") from None
    if line.status != "SUCCEEDED":
        raise EngineError(
            f"{job} {line.status.lower()}: {line.message}\n    mend: its log is above; see to what it says"
        )


def _to_spark(order: Order, master: str | None, workers: int | None, conf: Sequence[str], wait: bool) -> None:
    from jobs.submit.spark_jobs import run_job, spark_job, start_job

    job = spark_job(order, master, workers, conf)
    where = job.command[job.command.index("--master") + 1]
    _say(f"submitted {job.id} to {where}; code sha256 {job.code}")
    if not wait:
        process = start_job(job, order.directory)
        print(job.id)
        _say(f"process {process}; its log is {job.log}")
        return
    _say(f"{job.id}: RUNNING")
    code = run_job(job, order.directory)
    _say(f"{job.id}: {'FAILED' if code else 'SUCCEEDED'}")
    if code:
        raise EngineError(f"{job.id} ended with exit code {code}\n    mend: its log is above; see to what it says")


def jobs_command(job: str | None, address: str | None, stop: bool) -> None:
    """List the jobs of a Ray cluster, or show one with its log, or stop it."""
    if find_spec("ray") is None:
        raise PipelineError(
            Fault("jobs", "needs the package ray, which is not installed", 'pip install "textmill[ray]"')
        )
    from jobs.submit.ray_jobs import list_jobs, ray_address, show_job, stop_job

    server = ray_address(address)
    if job is None:
        if stop:
            raise PipelineError(Fault("--stop", "which job is to stop?", "name it: textmill jobs ID --stop"))
        lines = list_jobs(server)
        rows = [[line.id, line.status, "" if line.seconds is None else f"{line.seconds:.0f} s"] for line in lines]
        print(text_table(["job", "status", "time"], rows, right=(2,)) if rows else f"no jobs at {server}")
        return
    if stop:
        print(f"{job}: {'stopping' if stop_job(job, server) else 'had ended already'}")
        return
    line, log = show_job(job, server)
    print(log, end="")
    print(f"{line.id}: {line.status}{'; ' + line.message if line.message else ''}")


def _say(line: str) -> None:
    """Status goes beside the log, so that `--no-wait` prints the id alone."""
    print(line, file=sys.stderr, flush=True)

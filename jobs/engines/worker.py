"""What runs in a worker process: take a task from the driver, pass it through its workers, send back what is small.

Started as `python -m jobs.engines.worker FD`, so that no user's main module is imported again. The process ends when
its driver does: by the kernel's parent-death signal on Linux, and everywhere because the socket to the driver closes.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs import journal
from jobs.engines import spill
from jobs.engines.failure import as_refusal
from jobs.engines.frame import pass_through
from jobs.pandas_later import meet_pandas_later
from stages.find import Worker


@dataclass(frozen=True, slots=True)
class Job:
    """What all tasks of one pass share: where rows come from, the workers they go through, where they end."""

    number: int
    chain: tuple[Worker, ...]
    order: tuple[str, ...] | None
    """The sort order of the shuffle in front, or None when the input is a table."""
    sink: spill.Sink | None
    """Where a shuffle behind begins, or None when the rows go to the driver."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of a job: a table (IPC bytes), or the runs that hold some parts of a shuffle."""

    number: int
    table: bytes | None
    runs: tuple[spill.Run, ...]
    parts: tuple[int, int]
    deaths: tuple[journal.Death, ...]
    journal: str


def run_task(job: Job, task: Task) -> bytes | spill.Run | None:
    """Do one task: the result's IPC bytes, or the spilled run, or None when a spill got no rows."""
    if task.table is not None:
        batches: Iterator[pa.RecordBatch] = iter(pa.ipc.open_stream(task.table).read_all().to_batches())
    else:
        batches = spill.read_parts(task.runs, task.parts, job.order or ())
    batches = pass_through(job.chain, batches)
    if job.sink is not None:
        return spill.write_run(job.sink, task.number, batches)
    return to_ipc(list(batches))


def to_ipc(batches: Sequence[pa.RecordBatch]) -> bytes:
    """A stream of batches as bytes; empty for no batches."""
    if not batches:
        return b""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def serve(connection: Connection) -> None:
    """Take tasks until the driver hangs up."""
    jobs: dict[int, Job] = {}
    while True:
        try:
            job_bytes, task = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if job_bytes is not None:
                job: Job = pickle.loads(job_bytes)
                jobs = {job.number: job}
            journal.begin(journal.Journal(Path(task.journal), task.deaths))
            answer: tuple[str, Any] = ("done", run_task(next(iter(jobs.values())), task))
        except BaseException as error:
            answer = ("refused", (as_refusal(error), traceback.format_exc()))
        journal.begin(journal.Journal())
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return


def end_with_driver(driver: int) -> None:
    """Ask the kernel to kill this process when its driver dies; leave at once if it has died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    threading.Thread(target=_watch, args=(driver,), daemon=True).start()


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        threading.Event().wait(1.0)
    os._exit(1)


def main() -> None:
    """Entry of the worker process: `FD` of the socket and the driver's pid are its arguments."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, driver = int(sys.argv[1]), int(sys.argv[2])
    end_with_driver(driver)
    # While modules and kernels load, Python would look through them for garbage again and again: 5 % of the start.
    gc.set_threshold(20_000, 20, 20)
    meet_pandas_later()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    serve(Connection(descriptor))


if __name__ == "__main__":
    from jobs.engines.worker import main as imported_main

    imported_main()

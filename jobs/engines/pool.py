"""A pool of worker processes that survives their death.

A task whose worker dies runs again, alone, with the journal of the dead attempt, so that a row which kills its process
is found and left out by the worker itself (see `jobs/journal.py`). Everything else a worker raises ends the run.
"""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

from jobs.engines import spill
from jobs.engines.worker import Job, Task
from jobs.journal import NOWHERE, cause, read_death
from stages.errors import EngineError
from stages.find import Worker

MOST_DEATHS: Final = 40
"""Deaths of one task before the run gives up: enough to find a dozen killing rows one after the other."""
_BLIND_DEATHS: Final = 3
"""Deaths outside any row (reading, merging) before the run gives up: nothing can be left out there."""

_MEMORY: Final = "if memory ran out, lower --memory or --workers, or give the machine more"
_CRASH: Final = "a native library crashed: what it told stands above, if it told anything; please report it"

Result = bytes | spill.Run | None


@dataclass(slots=True)
class _Process:
    popen: subprocess.Popen[bytes]
    connection: Connection
    task: Task | None = None
    knows: int = -1


class Pool:
    """`workers` processes, started when first needed and kept until `close`."""

    def __init__(self, workers: int, scratch: Path) -> None:
        self.workers = workers
        self._journals = scratch / "journal"
        self._journals.mkdir(parents=True, exist_ok=True)
        self._processes: list[_Process] = []
        self._numbers = itertools.count()

    def close(self) -> None:
        """Kill the workers: whatever they have in hand is not committed and will be done again."""
        for process in self._processes:
            process.popen.kill()
            process.connection.close()
        for process in self._processes:
            process.popen.wait()
        self._processes.clear()
        shutil.rmtree(self._journals, ignore_errors=True)

    def run(
        self,
        chain: Sequence[Worker],
        order: tuple[str, ...] | None,
        sink: spill.Sink | None,
        tasks: Sequence[Task],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Result]:
        """Do all tasks.

        Raises what a worker refused with: a TextmillError, or an OSError that it met while reading or writing what the
        run keeps. EngineError when a task cannot be finished.
        """
        job = Job(next(self._numbers), tuple(chain), order, sink)
        return _Pass(self, job, tasks, progress).run()

    def idle(self, most: int) -> list[_Process]:
        """Free processes, started up to `most` in all."""
        free = [process for process in self._processes if process.task is None]
        while len(self._processes) < min(most, self.workers):
            free.append(self._start())
        return free

    def busy(self) -> list[_Process]:
        return [process for process in self._processes if process.task is not None]

    def bury(self, process: _Process) -> int:
        """Remove a dead process; its exit code, negative for a signal."""
        self._processes.remove(process)
        process.connection.close()
        try:
            return process.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.popen.kill()
            return process.popen.wait()

    def journal(self, process: _Process) -> str:
        return str(self._journals / str(process.popen.pid))

    def _start(self) -> _Process:
        here, there = socket.socketpair()
        with there:
            environment = dict(os.environ)
            # With -P, and so without the working directory unless the driver has it too: a folder of the user's that is
            # called `jobs` or `filters` must not win in the workers alone.
            environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
            environment.setdefault("OMP_NUM_THREADS", "1")
            popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "jobs.engines.worker", str(there.fileno()), str(os.getpid())],
                pass_fds=[there.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        process = _Process(popen, Connection(here.detach()))
        self._processes.append(process)
        return process


class _Pass:
    """One job's way through the pool."""

    def __init__(
        self, pool: Pool, job: Job, tasks: Sequence[Task], progress: Callable[[int, int], None] | None
    ) -> None:
        self.pool = pool
        self.job = job
        self.message = pickle.dumps(job)
        self.waiting = deque(tasks)
        self.tasks = len(tasks)
        self.results: list[Result] = []
        self.progress = progress

    def run(self) -> list[Result]:
        while len(self.results) < self.tasks:
            self._hand_out()
            for ready in wait([process.connection for process in self.pool.busy()]):
                process = next(process for process in self.pool.busy() if process.connection is ready)
                self._receive(process)
        return self.results

    def _hand_out(self) -> None:
        """Give tasks to free processes. One with deaths behind it waits until it can run alone."""
        while self.waiting:
            lonely = bool(self.waiting[0].deaths)
            busy = self.pool.busy()
            if busy and (lonely or any(process.task and process.task.deaths for process in busy)):
                return
            free = self.pool.idle(len(busy) + 1)
            if not free:
                return
            process, task = free[0], self.waiting.popleft()
            task = replace(task, journal=self.pool.journal(process))
            process.task = task
            try:
                process.connection.send((None if process.knows == self.job.number else self.message, task))
                process.knows = self.job.number
            except (BrokenPipeError, ConnectionResetError):
                self._died(process)

    def _receive(self, process: _Process) -> None:
        try:
            kind, answer = process.connection.recv()
        except (EOFError, OSError):
            self._died(process)
            return
        process.task = None
        if kind == "done":
            self.results.append(answer)
            if self.progress is not None:
                self.progress(len(self.results), self.tasks)
            return
        error, trace = answer
        raise error from EngineError(trace)

    def _died(self, process: _Process) -> None:
        task = process.task
        journal = Path(self.pool.journal(process))
        code = self.pool.bury(process)
        if task is None:
            return
        deaths = (*task.deaths, read_death(journal, code))
        blind = sum(death.position == NOWHERE for death in deaths)
        if len(deaths) >= MOST_DEATHS or blind >= _BLIND_DEATHS:
            mend = _MEMORY if code == -signal.SIGKILL else _CRASH
            raise EngineError(
                f"task {task.number}: its worker died {len(deaths)} times, last by {cause(code)}\n    mend: {mend}"
            )
        self.waiting.appendleft(replace(task, deaths=deaths))

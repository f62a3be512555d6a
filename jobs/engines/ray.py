"""The engine for a Ray cluster, or for a Ray of its own on this machine: tasks and objects, nothing else of Ray.

A task takes pieces (see `jobs/engines/exchange.py`) from Ray's object store and puts pieces back; the driver holds only
their references, so what a shuffle moves never passes through it. Ray places the tasks, spills the objects, and runs
again what a lost process or node had in hand. Ray's Data library is not used: behind its repartition a large part may
be split over several blocks, and workers are promised whole parts.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jobs.engines import frame as frames
from jobs.engines.engine import Progress
from jobs.engines.exchange import Cut, Work, bin_count, run_work, to_piece
from jobs.engines.failure import as_refusal
from jobs.engines.frame import TABLE_ROWS, TASK, Branch, PlannedFrame, Rows, Scan, Shuffled
from jobs.engines.packages import package_folders
from stages.errors import EngineError
from stages.stage import Resources

RETRIES: Final = 3
"""How often a task runs again whose process or node was lost, before the run gives up. Ray itself would go on for ever
where memory ran out."""
_IN_FLIGHT: Final = 2
"""Tasks handed to Ray for each core at a time: one that runs and one that waits."""

_TOKENS: Final = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_LEAST_STORE: Final = 100 * 2**20

Piece = Any
"""A reference to a piece in Ray's object store."""


class RayEngine:
    """Tasks on Ray. `cpus`: cores to use at a time. `progress(done, tasks)` is called as tasks end."""

    def __init__(self, cpus: int) -> None:
        self.cpus = cpus
        self.progress: Progress | None = None

    def scan(self, tasks: int) -> PlannedFrame:
        """One row {task: int32} per task."""
        return frames.scan(self, tasks)

    def table(self, rows: pa.Table) -> PlannedFrame:
        """A table of the driver's as a frame."""
        return frames.table(self, rows)

    def collect(self, frame: PlannedFrame) -> pa.Table:
        """Run a frame; its rows, in no stated order."""
        import ray

        with _told_clearly():
            # As bytes of the driver's own: Ray's store may give up what it holds once the references are gone.
            copies = [ray.get(piece).to_pybytes() for (piece,) in self._run(frame, None)]
        tables = [pa.ipc.open_stream(copy).read_all() for copy in copies if copy]
        return pa.concat_tables(tables) if tables else frame.schema.empty_table()

    def _run(self, frame: PlannedFrame, cut: Cut | None) -> list[list[Piece]]:
        """Run all branches of a frame; what each task left behind."""
        return [pieces for branch in frame.branches for pieces in self._branch(branch, frame.schema, cut)]

    def _branch(self, branch: Branch, schema: pa.Schema, cut: Cut | None) -> list[list[Piece]]:
        inputs = self._inputs(branch.origin)
        keys = branch.origin.keys if isinstance(branch.origin, Shuffled) else ()
        return self._submit(Work(branch.chain, schema, keys, cut), inputs, branch)

    def _inputs(self, origin: Scan | Rows | Shuffled) -> list[list[Piece]]:
        """The pieces that each task takes."""
        if isinstance(origin, Scan):
            return [[to_piece(pa.table([pa.array([task], pa.int32())], schema=TASK))] for task in range(origin.tasks)]
        if isinstance(origin, Rows):
            rows = origin.table.combine_chunks()
            return [[to_piece(rows.slice(start, TABLE_ROWS))] for start in range(0, rows.num_rows, TABLE_ROWS)]
        bins = bin_count(origin.parts, self.cpus)
        before = self._run(origin.frame, Cut(bins, origin.parts, origin.keys))
        return [list(pieces) for pieces in zip(*before)]

    def _submit(self, work: Work, inputs: Sequence[list[Piece]], branch: Branch) -> list[list[Piece]]:
        import ray

        asked = branch.resources
        _check_room(asked)
        bins = 1 if work.cut is None else work.cut.bins
        options = {"num_cpus": asked.cpus, "num_returns": 1 + bins, "max_retries": RETRIES, "max_calls": 0}
        if asked.gpus:
            options["num_gpus"] = asked.gpus
        if asked.memory:
            options["memory"] = asked.memory
        task = ray.remote(**options)(_run_task)
        shared = ray.put(work)
        made: list[list[Piece]] = []
        waiting: list[Piece] = []
        done = 0
        for pieces in inputs:
            if len(waiting) >= _IN_FLIGHT * self.cpus:
                waiting, done = self._wait(waiting, done, len(inputs))
            # The first of what a task leaves says that it has ended, so that no piece comes to the driver for that.
            ended, *left = task.remote(shared, *pieces)
            made.append(left)
            waiting.append(ended)
        while waiting:
            waiting, done = self._wait(waiting, done, len(inputs))
        return made

    def _wait(self, waiting: list[Piece], done: int, tasks: int) -> tuple[list[Piece], int]:
        """Wait for a task to end. Raises what it raised, and calls the others off."""
        import ray

        (ended,), rest = ray.wait(waiting, num_returns=1, fetch_local=False)
        try:
            ray.get(ended)
        except Exception:
            for piece in rest:
                ray.cancel(piece)
            raise
        if self.progress is not None:
            self.progress(done + 1, tasks)
        return rest, done + 1


def _run_task(work: Work, *pieces: pa.Buffer) -> Any:
    """What runs in a process of Ray's."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    try:
        made = run_work(work, pieces)
    except BaseException as error:
        raise as_refusal(error) from None
    return None, *made


def _check_room(asked: Resources) -> None:
    """Refuse what no machine of the cluster has: Ray would wait for it for ever, without a word."""
    import ray

    wanted = {"CPU": asked.cpus, "GPU": asked.gpus, "memory": asked.memory}
    for node in ray.nodes():
        if node["Alive"] and all(node["Resources"].get(name, 0) >= much for name, much in wanted.items()):
            return
    raise EngineError(
        f"no machine of the cluster has {asked.cpus:g} cores, {asked.gpus:g} GPUs and {asked.memory / 2**20:,.0f} MiB "
        "of memory at once, which a stage asks for\n    mend: lower its `resources`, or add such a machine"
    )


@contextmanager
def _told_clearly() -> Iterator[None]:
    """What a worker refused with, as itself; what happened to Ray, as an EngineError with its mend."""
    from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

    try:
        yield
    except RayTaskError as error:
        raise error.cause from None
    except OutOfMemoryError as error:
        raise EngineError(
            f"a task was killed {RETRIES + 1} times, because the memory of its machine ran out\n"
            "    mend: lower --workers or run.batch_bytes, or give the cluster's machines more memory"
        ) from error
    except RayError as error:
        told = str(error).strip().splitlines() or [""]
        raise EngineError(
            f"a task was lost {RETRIES + 1} times ({type(error).__name__}: {told[0]})\n"
            "    mend: Ray's logs (`ray logs`) say why; then run the same command again: what is committed stays"
        ) from error


@contextmanager
def open_ray(workers: int, most: int | None, memory: int, scratch: Path) -> Iterator[RayEngine]:
    """An engine on the Ray this process belongs to, else on that of RAY_ADDRESS, else on one of its own.

    A Ray of its own has `workers` cores and keeps pieces in a third of `memory`, and in `scratch` what does not fit. Of
    a cluster `most` cores are used at a time, all of them when None. Only what was begun here is ended here. Raises
    EngineError when Ray does not start or cannot be reached.
    """
    import ray

    mine = not ray.is_initialized()
    if mine:
        _begin(workers, memory, scratch)
    try:
        cpus = int(ray.cluster_resources().get("CPU", 1))
        yield RayEngine(max(1, min(most or cpus, cpus)))
    finally:
        if mine:
            ray.shutdown()


def _begin(workers: int, memory: int, scratch: Path) -> None:
    """Join the cluster of RAY_ADDRESS, or start a Ray on this machine."""
    address = os.environ.get("RAY_ADDRESS")
    if address and address.startswith("ray://"):
        raise EngineError(
            f"RAY_ADDRESS={address}: a run's driver has to be on a machine of the cluster\n"
            "    mend: textmill submit --to ray, or give the address of the head itself (HOST:6379)"
        )
    if address and address != "local":
        # A submitted job brings our packages with it; whoever joins from outside has to send them.
        joined = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ
        environment = {} if joined else {"runtime_env": {"py_modules": package_folders()}}
        _init(address=address, **environment)
        return
    if not any(name in os.environ for name in _TOKENS):
        # Nobody else on this machine shall run code in our workers. Ray's own way leaves a token in a file at home.
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    options = {
        "address": "local",
        "num_cpus": workers,
        "object_store_memory": max(_LEAST_STORE, memory // 3),
        "object_spilling_directory": str(scratch),
        "include_dashboard": False,
        "runtime_env": {"env_vars": {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}},
        "_system_config": {"task_oom_retries": RETRIES},
    }
    try:
        _init(**options)
    except EngineError:
        # On a busy machine Ray's processes may miss Ray's own deadline of half a minute.
        _init(**options)


def _init(**options: Any) -> None:
    """`ray.init`, quiet, and with an error that says what to do."""
    import ray

    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as error:
        ray.shutdown()
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"Ray did not start: {told}\n    mend: see to what it says; for a cluster, to RAY_ADDRESS and its token"
        ) from error

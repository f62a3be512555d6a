"""The embedded engine: worker processes on this machine, four verbs, nothing to install.

A shuffle ends a pass: its map tasks spill sorted runs, its reduce tasks merge them. What crosses to the driver is small
by contract.
"""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from jobs.engines import frame as frames
from jobs.engines import spill
from jobs.engines.engine import Progress
from jobs.engines.frame import TABLE_ROWS, TASK, PlannedFrame, Rows, Scan, Shuffled
from jobs.engines.pool import Pool
from jobs.engines.worker import Task, to_ipc

_REDUCE_BYTES = 64 * 2**20


class LocalEngine:
    """Worker processes on this machine. Close it (or use `with`): its workers and scratch files end with it.

    `workers`: processes. `memory`: bytes all of them may hold for shuffles together. `scratch`: a folder on a local
    disk for spilled rows and journals.
    """

    def __init__(self, workers: int, memory: int, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = scratch
        self.memory = memory
        self.pool = Pool(workers, scratch)
        self.progress: Progress | None = None

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and remove the scratch files."""
        self.pool.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def scan(self, tasks: int) -> PlannedFrame:
        """One row {task: int32} per task."""
        return frames.scan(self, tasks)

    def table(self, rows: pa.Table) -> PlannedFrame:
        """A table of the driver's as a frame."""
        return frames.table(self, rows)

    def collect(self, frame: PlannedFrame) -> pa.Table:
        """Run a frame; its rows, in no stated order."""
        with tempfile.TemporaryDirectory(prefix="collect-", dir=self.scratch) as folder:
            results = self.run(frame, None, Path(folder))
        tables = [pa.ipc.open_stream(piece).read_all() for piece in results if isinstance(piece, bytes) and piece]
        return (
            pa.concat_tables([table.cast(frame.schema) for table in tables]) if tables else frame.schema.empty_table()
        )

    def run(self, frame: PlannedFrame, sink: spill.Sink | None, folder: Path) -> list[bytes | spill.Run | None]:
        """Run all branches of a frame; results in no stated order. Runs of shuffles in front go below `folder`."""
        results: list[bytes | spill.Run | None] = []
        first = 0
        for number, branch in enumerate(frame.branches):
            inner = folder / str(number)
            inner.mkdir(parents=True)
            # Tasks are numbered through over all branches: the runs of a shuffle behind them lie in one folder.
            order, tasks = self._tasks(branch.origin, inner, first)
            first += len(tasks)
            results += self.pool.run(branch.chain, order, sink, tasks, self.progress)
            shutil.rmtree(inner, ignore_errors=True)
        return results

    def _tasks(
        self, origin: Scan | Rows | Shuffled, folder: Path, first: int
    ) -> tuple[tuple[str, ...] | None, list[Task]]:
        if isinstance(origin, Scan):
            pieces = [
                to_ipc([pa.record_batch([pa.array([task], pa.int32())], schema=TASK)]) for task in range(origin.tasks)
            ]
            return None, [Task(first + at, piece, (), (0, 0), (), "") for at, piece in enumerate(pieces)]
        if isinstance(origin, Rows):
            batches = origin.table.combine_chunks().to_batches(max_chunksize=TABLE_ROWS)
            return None, [Task(first + at, to_ipc([batch]), (), (0, 0), (), "") for at, batch in enumerate(batches)]
        runs = self._spill(origin, folder)
        return origin.order, [
            Task(first + at, None, _runs_of(runs, low, high), (low, high), (), "")
            for at, (low, high) in enumerate(_ranges(runs))
        ]

    def _spill(self, origin: Shuffled, folder: Path) -> list[spill.Run]:
        spilled = folder / "runs"
        spilled.mkdir()
        # Sorting holds the rows three times: as they came, joined, and sorted.
        memory = max(2**20, min(128 * 2**20, self.memory // (16 * self.pool.workers)))
        sink = spill.Sink(str(spilled), origin.parts, origin.order, memory, origin.frame.schema)
        runs = self.run(origin.frame, sink, folder / "before")
        return [run for run in runs if isinstance(run, spill.Run)]


def _ranges(runs: Sequence[spill.Run]) -> list[tuple[int, int]]:
    """Neighbouring parts joined to tasks of about 64 MiB, so that a thousand tiny parts are not a thousand tasks."""
    ranges: list[tuple[int, int]] = []
    held = 0
    for part, size in spill.part_sizes(runs).items():
        if ranges and held + size <= _REDUCE_BYTES:
            ranges[-1] = (ranges[-1][0], part + 1)
            held += size
        else:
            ranges.append((part, part + 1))
            held = size
    return ranges


def _runs_of(runs: Sequence[spill.Run], low: int, high: int) -> tuple[spill.Run, ...]:
    """The runs' files cut down to what these parts need, so that a task's message stays small."""
    picked = []
    for run in runs:
        # By bisection: parts, runs and tasks all grow with the corpus, and every task asks every run.
        files = tuple(
            (path, kept)
            for path, index in run.files
            if (kept := index[bisect_left(index, (low,)) : bisect_left(index, (high,))])
        )
        if files:
            picked.append(spill.Run(files))
    return tuple(picked)

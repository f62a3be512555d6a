"""The local engine's four verbs, its out-of-core merge, and what it does when workers die."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs.engines import spill
from jobs.engines.local import LocalEngine
from stages.errors import EngineError, StageError
from stages.find import PART

ROWS = pa.schema([(PART, pa.int32()), ("key", pa.int64()), ("task", pa.int64())])
SEEN = pa.schema([("part", pa.int32()), ("keys", pa.list_(pa.int64()))])


@dataclass(frozen=True)
class Spread:
    """Make a hundred rows a task, spread over parts."""

    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                keys = (np.arange(100, dtype=np.int64) * 7919 + task * 104729) % 1000
                part = pa.array((keys % self.parts).astype(np.int32))
                columns = [part, pa.array(keys), pa.array(np.full(100, task))]
                yield pa.RecordBatch.from_arrays(columns, schema=ROWS)


@dataclass(frozen=True)
class Gather:
    """One row per part with its keys in the order met."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        seen: dict[int, list[int]] = {}
        for batch in batches:
            for part, key in zip(batch[PART].to_pylist(), batch["key"].to_pylist()):
                seen.setdefault(part, []).append(key)
        yield pa.RecordBatch.from_pylist([{"part": part, "keys": keys} for part, keys in seen.items()], schema=SEEN)


@dataclass(frozen=True)
class Die:
    """Kill the own process as long as the flag file is missing."""

    flag: str
    always: bool = False

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self.always or not Path(self.flag).exists():
                Path(self.flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


@dataclass(frozen=True)
class Refuse:
    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            raise StageError("this stage refuses")
        yield from ()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("memory", [1 << 20, 1 << 30])
def test_shuffle_brings_parts_together_in_order(tmp_path: Path, workers: int, memory: int) -> None:
    with LocalEngine(workers, memory, tmp_path / "scratch") as engine:
        found = engine.scan(5).map(Spread(3), ROWS).shuffle(3, ["key", "task"]).map(Gather(), SEEN).collect()
    keys = dict(zip(found["part"].to_pylist(), found["keys"].to_pylist()))
    assert sorted(keys) == [0, 1, 2]
    assert all(keys[part] == sorted(keys[part]) for part in keys)
    assert sum(len(keys[part]) for part in keys) == 500


def stream(batches: list[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, bool]]:
    for at, batch in enumerate(batches, 1):
        yield batch, at < len(batches)


@pytest.mark.parametrize("rows", [1, 30, 617, 5000])
def test_merge_of_many_runs_equals_one_sort(rows: int) -> None:
    random = np.random.default_rng(1)
    whole = pa.table({PART: pa.array(np.zeros(5000, np.int32)), "key": random.integers(0, 300, 5000)})
    runs = []
    for start in range(0, 5000, rows):
        run = whole.slice(start, rows).sort_by([("key", "ascending")]).combine_chunks()
        runs.append(stream(run.to_batches(max_chunksize=int(random.integers(1, 90)))))
    merged = pa.Table.from_batches(spill.merge(runs, [PART, "key"]))
    assert merged["key"].to_pylist() == sorted(whole["key"].to_pylist())


def test_a_thousand_runs_are_merged_with_few_open_files(tmp_path: Path) -> None:
    with LocalEngine(1, 1 << 30, tmp_path / "scratch") as engine:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
        try:
            found = engine.scan(300).map(Spread(2), ROWS).shuffle(2, ["key", "task"]).map(Gather(), SEEN).collect()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sum(len(keys) for keys in found["keys"].to_pylist()) == 30_000


def test_union_gives_the_rows_of_both(tmp_path: Path) -> None:
    with LocalEngine(2, 1 << 30, tmp_path / "scratch") as engine:
        left, right = engine.scan(2).map(Spread(2), ROWS), engine.scan(3).map(Spread(2), ROWS)
        assert left.union(right).shuffle(2, ["key", "task"]).collect().num_rows == 500


def test_a_worker_killed_once_is_replaced(tmp_path: Path) -> None:
    with LocalEngine(2, 1 << 30, tmp_path / "scratch") as engine:
        rows = engine.scan(4).map(Die(str(tmp_path / "flag")), pa.schema([("task", pa.int32())])).collect()
    assert sorted(rows["task"].to_pylist()) == [0, 1, 2, 3]


def test_a_task_that_always_kills_its_worker_ends_with_a_clear_error(tmp_path: Path) -> None:
    with LocalEngine(1, 1 << 30, tmp_path / "scratch") as engine:
        frame = engine.scan(1).map(Die(str(tmp_path / "flag"), always=True), pa.schema([("task", pa.int32())]))
        with pytest.raises(EngineError, match=r"died 3 times, last by SIGKILL"):
            frame.collect()


def test_an_error_of_ours_reaches_the_driver_as_itself(tmp_path: Path) -> None:
    with (
        LocalEngine(1, 1 << 30, tmp_path / "scratch") as engine,
        pytest.raises(StageError, match="this stage refuses"),
    ):
        engine.scan(1).map(Refuse(), ROWS).collect()

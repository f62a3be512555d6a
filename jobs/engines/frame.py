"""What a frame is on every engine: a plan until `collect`, as branches of (where rows come from, what they go through).

The four verbs only write down what is to be done, so they and their refusals are the same everywhere; an engine has one
method of its own, `collect`. Consecutive maps are one chain by construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain as joined
from typing import Final, Protocol

import pyarrow as pa

from stages.errors import EngineError
from stages.find import PART, Frame, Worker
from stages.stage import Resources

TASK: Final = pa.schema([("task", pa.int32())])
TABLE_ROWS: Final = 65_536
"""Rows of a driver's table in one task."""


class Collector(Protocol):
    """What a frame needs of its engine."""

    def collect(self, frame: PlannedFrame) -> pa.Table:
        """Do what the frame says; its rows in its schema."""
        ...


@dataclass(frozen=True, slots=True)
class Scan:
    """One row {task} per task."""

    tasks: int


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of the driver's."""

    table: pa.Table


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The rows of a frame, brought together by part and sorted by (`_part`, *order)."""

    frame: PlannedFrame
    parts: int
    order: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All the columns that rows are sorted by."""
        return (PART, *self.order)


@dataclass(frozen=True, slots=True)
class Branch:
    """Rows from one origin on their way through workers. `resources`: the most that one of the workers asks for."""

    origin: Scan | Rows | Shuffled
    chain: tuple[Worker, ...] = ()
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """Rows to be, on one engine. See `stages.find.Frame`."""

    engine: Collector
    branches: tuple[Branch, ...]
    schema: pa.Schema

    def map(self, worker: Worker, schema: pa.Schema, resources: Resources | None = None) -> PlannedFrame:
        branches = tuple(_through(branch, worker, resources) for branch in self.branches)
        return PlannedFrame(self.engine, branches, schema)

    def shuffle(self, parts: int, order: Sequence[str]) -> PlannedFrame:
        missing = [name for name in (PART, *order) if name not in self.schema.names]
        if missing:
            raise EngineError(f"shuffle needs the column {missing[0]}, which the rows before it do not have")
        return PlannedFrame(self.engine, (Branch(Shuffled(self, parts, tuple(order))),), self.schema)

    def union(self, other: Frame) -> PlannedFrame:
        if not isinstance(other, PlannedFrame) or other.engine is not self.engine:
            raise EngineError("union needs two frames of one engine")
        if not self.schema.equals(other.schema):
            raise EngineError("union needs equal schemas on both sides")
        return PlannedFrame(self.engine, (*self.branches, *other.branches), self.schema)

    def collect(self) -> pa.Table:
        return self.engine.collect(self)


def scan(engine: Collector, tasks: int) -> PlannedFrame:
    """One row {task: int32} per task."""
    return PlannedFrame(engine, (Branch(Scan(tasks)),), TASK)


def table(engine: Collector, rows: pa.Table) -> PlannedFrame:
    """A table of the driver's as a frame."""
    return PlannedFrame(engine, (Branch(Rows(rows)),), rows.schema)


def pass_through(chain: Sequence[Worker], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A stream through the workers of a chain. One without any row is handed to no worker, whatever the engine."""
    for batch in batches:
        if batch.num_rows:
            stream: Iterator[pa.RecordBatch] = joined([batch], batches)
            for worker in chain:
                stream = worker(stream)
            yield from (result for result in stream if result.num_rows)
            return


def _through(branch: Branch, worker: Worker, asked: Resources | None) -> Branch:
    most = branch.resources
    if asked is not None:
        most = Resources(
            cpus=max(most.cpus, asked.cpus), gpus=max(most.gpus, asked.gpus), memory=most.memory + asked.memory
        )
    return replace(branch, chain=(*branch.chain, worker), resources=most)

"""Workers that the conformance tests send to every engine."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

import pyarrow as pa

from stages.errors import StageError
from stages.find import PART, groups

TASK = pa.schema([("task", pa.int32())])
ROWS = pa.schema(
    [
        (PART, pa.int32()),
        ("key", pa.int64()),
        ("number", pa.int64()),
        ("name", pa.string()),
        ("raw", pa.binary()),
        ("spans", pa.list_(pa.int64())),
        ("share", pa.float64()),
        ("flag", pa.bool_()),
    ]
)
GROUPS = pa.schema([("part", pa.int32()), ("key", pa.int64()), ("numbers", pa.list_(pa.int64())), ("call", pa.int32())])


@dataclass(frozen=True)
class Spread:
    """`rows` rows a task in batches of seven, with every kind of column, spread over parts; part 0 stays empty."""

    parts: int
    rows: int = 60

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                made = [self._row(task, number) for number in range(self.rows)]
                for start in range(0, self.rows, 7):
                    yield pa.RecordBatch.from_pylist(made[start : start + 7], schema=ROWS)

    def _row(self, task: int, number: int) -> dict[str, object]:
        key = (number * 7919 + task * 104_729) % 23
        part = key % self.parts
        return {
            PART: part or self.parts - 1,
            "key": key,
            "number": task * self.rows + number,
            "name": None if number % 5 == 0 else f"é{number}",
            "raw": bytes([number % 256, 0, 255]),
            "spans": None if number % 3 == 0 else list(range(number % 4)),
            "share": None if number % 7 == 0 else number / 7,
            "flag": number % 2 == 0,
        }


@dataclass(frozen=True)
class Gather:
    """One row per group of (part, key), with its numbers in the order met and which call met it."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        call = int.from_bytes(os.urandom(3), "big")
        for group in groups(batches, [PART, "key"]):
            row = {
                "part": group[PART][0].as_py(),
                "key": group["key"][0].as_py(),
                "numbers": group["number"].to_pylist(),
            }
            yield pa.RecordBatch.from_pylist([{**row, "call": call}], schema=GROUPS)


@dataclass(frozen=True)
class Double:
    """Every row twice, the second with its number negated."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        at = ROWS.get_field_index("number")
        for batch in batches:
            yield batch
            yield batch.set_column(at, ROWS.field(at), pa.array(-1 - batch["number"].to_numpy()))


@dataclass(frozen=True)
class CountCalls:
    """How many rows one call met; a row even for none."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = sum(batch.num_rows for batch in batches)
        yield pa.record_batch([pa.array([rows], pa.int32())], schema=TASK)


@dataclass(frozen=True)
class Refuse:
    """Raise what a worker may raise, behind the first batch."""

    kind: Literal["stage", "disk", "fault", "death"]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in count():
            if number:
                self._refuse()
            yield next(batches)

    def _refuse(self) -> None:
        if self.kind == "stage":
            raise StageError("lines.py: the stage refuses\n    mend: ask it kindly")
        if self.kind == "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/far/away")
        if self.kind == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("not a number")

"""A plain engine in memory: the protocol of `stages.find` in its simplest true form, with borders anywhere.

Workers pass through pickle as on a real engine; a shuffle deals several parts to one stream; batches are cut every
`cut` rows, so that a group may lie across several of them.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest

from stages.find import PART, RestFile, Worker
from stages.stage import Resources

Streams = list[list[pa.RecordBatch]]


@dataclass(frozen=True)
class MemoryFrame:
    schema: pa.Schema
    streams: Streams
    cut: int

    def map(self, worker: Worker, schema: pa.Schema, resources: Resources | None = None) -> MemoryFrame:
        streams = [list(pickle.loads(pickle.dumps(worker))(iter(stream))) for stream in self.streams]
        for batch in (batch for stream in streams for batch in stream):
            assert batch.schema == schema
        return MemoryFrame(schema, [recut(stream, schema, self.cut) for stream in streams], self.cut)

    def shuffle(self, parts: int, order: Sequence[str]) -> MemoryFrame:
        table = self.collect().sort_by([(name, "ascending") for name in (PART, *order)])
        part = table[PART].to_numpy()
        assert len(part) == 0 or (part.min() >= 0 and part.max() < parts)
        dealt = [table.filter(pa.array(part % 2 == stream)).to_batches() for stream in (0, 1)]
        return replace(self, streams=[recut(stream, self.schema, self.cut) for stream in dealt])

    def union(self, other: MemoryFrame) -> MemoryFrame:
        return replace(self, streams=[*self.streams, *other.streams])

    def collect(self) -> pa.Table:
        return pa.Table.from_batches([batch for stream in self.streams for batch in stream], self.schema)


@dataclass(frozen=True)
class MemoryDocuments:
    rows_at_rest: pa.Table
    cut: int = 3
    parts: int = 1

    @property
    def files(self) -> tuple[RestFile, ...]:
        rows = self.rows_at_rest.num_rows
        return (RestFile("00000-000", rows, rows, self.parts * 256 * 2**20),)

    def rows(self, worker: Worker, schema: pa.Schema, columns: Sequence[str] = ("text",)) -> MemoryFrame:
        extra = [name for name in self.rows_at_rest.column_names if name.startswith("+")]
        asked = self.rows_at_rest.select(["place", "id", *columns, *extra])
        asked = asked.rename_columns([name.removeprefix("+") for name in asked.column_names])
        half = asked.num_rows // 2
        streams = [part.to_batches() for part in (asked.slice(0, half), asked.slice(half))]
        return MemoryFrame(asked.schema, [recut(stream, asked.schema, self.cut) for stream in streams], self.cut).map(
            worker, schema
        )

    def only(self, picks: MemoryFrame) -> MemoryDocuments:
        picked = picks.collect()
        picked = picked.rename_columns([name if name == "place" else f"+{name}" for name in picked.column_names])
        joined = self.rows_at_rest.join(picked, "place", join_type="inner").sort_by("place")
        return replace(self, rows_at_rest=joined)

    def table(self, rows: pa.Table) -> MemoryFrame:
        return MemoryFrame(rows.schema, [recut(rows.to_batches(), rows.schema, self.cut)], self.cut)


def recut(batches: list[pa.RecordBatch], schema: pa.Schema, cut: int) -> list[pa.RecordBatch]:
    """The same rows in batches of `cut`, as slices of one buffer, so that offsets are not zero."""
    table = pa.Table.from_batches(batches, schema).combine_chunks()
    return list(table.to_batches(max_chunksize=cut))


Corpus = Callable[..., MemoryDocuments]


@pytest.fixture
def corpus() -> Corpus:
    """Documents of the texts given; ids count up unless given, further columns by name, `cut` and `parts` as wished."""

    def build(texts: Sequence[str | None], *, cut: int = 3, parts: int = 1, **columns: Any) -> MemoryDocuments:
        ids = columns.pop("id", [f"{number:032x}" for number in range(len(texts))])
        arrays = {"id": pa.array(ids, pa.string()), "text": pa.array(texts, pa.string())}
        arrays |= {name: pa.array(values) for name, values in columns.items()}
        places = pa.array([number + (7 << 32) for number in range(len(texts))], pa.int64())
        return MemoryDocuments(pa.table({"place": places, **arrays}), cut, parts)

    return build


@pytest.fixture
def findings() -> Callable[..., dict[int, dict[str, Any]]]:
    """What a stage finds: row number to its finding without the empty fields; a row has one at most."""

    def run(stage: Any, documents: MemoryDocuments) -> dict[int, dict[str, Any]]:
        table = stage.find(documents, stage.open()).collect()
        found = dict(_finding(row) for row in table.to_pylist())
        assert len(found) == table.num_rows
        return dict(sorted(found.items()))

    return run


def _finding(row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    assert row["place"] >> 32 == 7
    return row.pop("place") & 0xFFFFFFFF, {name: value for name, value in row.items() if value is not None}

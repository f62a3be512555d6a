"""What a `Find` works with: documents at rest, and frames of small rows that may travel.

Documents rest, fingerprints travel. A Find maps documents to small rows (`Documents.rows`), lets those meet by
`shuffle`, and answers with findings: a place, and what is to happen there. The texts stay where they are; whoever reads
them next applies the findings.

A *worker* is a picklable callable (a frozen dataclass at module level) from an iterator of record batches to an
iterator of record batches. After `shuffle` a worker sees the rows of whole `_part`s, sorted by (`_part`, *order); one
stream may hold several parts, so it cuts where `_part` changes (`groups` below does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.stage import Resources

Worker = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

PART: Final = "_part"
"""int32: which part of an exchange a row belongs to; computed by us, so that engines cannot differ."""

FINDING: Final = pa.schema(
    [
        ("place", pa.int64()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("twin_id", pa.string()),
        ("similarity", pa.float64()),
        ("cuts", pa.list_(pa.int64())),
    ]
)
"""`place` = file number << 32 | row. `rule` without `cuts` drops the document; with `cuts` (byte offsets start, end,
start, end, … sorted, disjoint, on character boundaries) spans are cut; no rule only adds the stage's columns. A
document without a finding keeps these columns as an earlier pass left them, null where there was none."""


@dataclass(frozen=True, slots=True)
class RestFile:
    """One file of documents at rest: its name, all rows, the rows no finding dropped, and their bytes of text."""

    name: str
    rows: int
    live: int
    text_bytes: int
    feed: str = ""
    """The source or stream that it comes from, where the step joins several."""


class Frame(Protocol):
    """Rows on an engine; nothing happens until `collect`."""

    @property
    def schema(self) -> pa.Schema: ...
    def map(self, worker: Worker, schema: pa.Schema, resources: Resources | None = None) -> Frame:
        """Pass the stream through a worker; consecutive maps are composed before they reach the engine."""
        ...

    def shuffle(self, parts: int, order: Sequence[str]) -> Frame:
        """Bring rows of one `_part` (0 ≤ _part < parts) together, sorted by (`_part`, *order).

        `order` holds no nulls and ends in a column that is unique within the part, so that engines cannot differ.
        """
        ...

    def union(self, other: Frame) -> Frame:
        """The rows of both; schemas must be equal."""
        ...

    def collect(self) -> pa.Table:
        """All rows, on the driver: for what is small. In no stated order unless sorted by the caller."""
        ...


class Documents(Protocol):
    """Documents at rest, as earlier findings left them."""

    @property
    def files(self) -> Sequence[RestFile]: ...
    @property
    def feeds(self) -> Sequence[str]:
        """The sources and streams that the step joins; one without any document has no file."""
        ...

    def rows(self, worker: Worker, schema: pa.Schema, columns: Sequence[str] = ("text",)) -> Frame:
        """Every live document to small rows. Batches carry `place`, `id` and `columns`; committed file by file."""
        ...

    def only(self, picks: Frame) -> Documents:
        """Just the documents at these places (`place` int64, unique); other columns of `picks` join the batches."""
        ...

    def table(self, rows: pa.Table) -> Frame:
        """A small table of the driver's as a frame of the same engine."""
        ...

    def note(self, measures: Mapping[str, float]) -> None:
        """Counts and shares for the step's part of the manifest, by name."""
        ...


def part_of(keys: npt.NDArray[np.int64], parts: int) -> pa.Array:
    """The int32 part of each 64-bit key: a Fibonacci multiply first, so that regular keys spread too."""
    mixed = keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return pa.array(((mixed >> np.uint64(32)) % np.uint64(parts)).astype(np.int32))


def part_count(documents: Documents, bytes_per_part: int = 256 * 2**20) -> int:
    """How many parts an exchange of fingerprints takes: one per 256 MiB of text. Answers must not depend on it."""
    return max(1, -(-sum(file.text_bytes for file in documents.files) // bytes_per_part))


def groups(batches: Iterator[pa.RecordBatch], keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Cut a stream sorted by `keys` into one batch per distinct key: each whole, in order.

    A group is held in memory whole; callers bound their groups (hot keys) before the shuffle or take only its head.
    """
    for table in _closed_tables(batches, keys):
        edges = _edges(table, keys)
        for start, end in pairwise(edges.tolist()):
            yield table.slice(start, end - start)


def grouped(
    batches: Iterator[pa.RecordBatch], keys: Sequence[str]
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """Like `groups`, for kernels: batches of whole groups with the offsets at which groups start, and the end."""
    for table in _closed_tables(batches, keys):
        yield table, _edges(table, keys)


def _closed_tables(batches: Iterator[pa.RecordBatch], keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Rebatch so that no group crosses a border: the last, perhaps unfinished, group waits for the next batch."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows == 0:
            continue
        start = int(_edges(batch, keys)[-2])
        if start == 0 and (not held or _same_key(held[-1], batch, keys)):
            held.append(batch)
            continue
        if held and _same_key(held[-1], batch, keys):
            first = int(_edges(batch, keys)[1])
            held.append(batch.slice(0, first))
            yield pa.concat_batches(held)
            if start > first:
                yield batch.slice(first, start - first)
        else:
            if held:
                yield pa.concat_batches(held)
            if start:
                yield batch.slice(0, start)
        held = [batch.slice(start)]
    if held:
        yield pa.concat_batches(held)


def _same_key(before: pa.RecordBatch, after: pa.RecordBatch, keys: Sequence[str]) -> bool:
    return all(before[key][-1] == after[key][0] for key in keys)


def _edges(batch: pa.RecordBatch, keys: Sequence[str]) -> npt.NDArray[np.int64]:
    """Row numbers at which a new key starts, and the number of rows."""
    changed = np.zeros(max(0, batch.num_rows - 1), np.bool_)
    for key in keys:
        column = batch[key]
        changed |= pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate(([0], np.flatnonzero(changed) + 1, [batch.num_rows])).astype(np.int64)

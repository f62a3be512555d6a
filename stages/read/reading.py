"""What every reader of a format needs: the order to read, and the making of batches that fit the planned schema.

One idea: a reader says which values it found; ids, `source`, `file_path`, places and constants are put in here, in one
place, so that they cannot differ between formats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.document import LENGTH, OFFSET, document_id
from stages.read.inputs import Chunk, Damaged, FileCounts, InputFile, ReadCounts
from stages.read.stage import Read
from stages.read.streams import BrokenStream


@dataclass(slots=True)
class Reading:
    """One split being read. `left`: how many documents may still come (None: all); readers stop when it is 0."""

    read: Read
    source: str
    schema: pa.Schema
    batch_rows: int
    batch_bytes: int
    left: int | None = None

    @property
    def room(self) -> int:
        """Documents that the next batch may hold."""
        return self.batch_rows if self.left is None else min(self.batch_rows, self.left)

    @property
    def finished(self) -> bool:
        """Whether the limit of documents is reached."""
        return self.left == 0

    def took(self, documents: int) -> None:
        """Count documents against the limit."""
        if self.left is not None:
            self.left -= documents

    def identify(self, file: InputFile, records: Sequence[int]) -> list[str]:
        """Ids of the documents whose records stand at these offsets or rows of a file."""
        source, locator = self.source, file.locator
        return [document_id(source, locator, str(record)) for record in records]  # one BLAKE2b a document: 0.8 µs

    def damage(self, file: InputFile, offset: int, length: int, cause: str, url: str | None = None) -> Damaged:
        """A damaged range, with the id that a document of this record would have."""
        return Damaged(file.locator, offset, length, cause, url, document_id(self.source, file.locator, str(offset)))

    def whole_file_id(self, file: InputFile) -> str:
        """The id of the one document that a file is."""
        return document_id(self.source, file.locator, "")

    def broken(self, file: InputFile, stream: BrokenStream) -> Damaged:
        """The rest of a packed file from the stored byte where its packing broke; the id is of no record's offset."""
        place = document_id(self.source, file.locator, f"stored:{stream.offset}")
        return Damaged(file.locator, stream.offset, file.size - stream.offset, stream.cause, None, place)

    def batch(
        self,
        file: InputFile,
        offsets: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        values: Mapping[str, pa.Array],
        ids: Sequence[str] | None = None,
    ) -> pa.RecordBatch:
        """A batch of the planned schema from the columns found; the others are null."""
        count = len(offsets)
        own = {
            "id": pa.array(self.identify(file, offsets.tolist()) if ids is None else ids, pa.string()),
            "file_path": _repeated(file.locator, count),
            "source": self._source_column(values.get("source"), count),
            OFFSET: pa.array(offsets, pa.int64()),
            LENGTH: pa.array(lengths, pa.int64()),
        }
        for name in ("dump", "license", "language"):
            constant = getattr(self.read, name)
            if constant is not None:
                own[name] = _repeated(constant, count)
        columns = []
        for kind in self.schema:
            column = own[kind.name] if kind.name in own else values.get(kind.name)
            columns.append(pa.nulls(count, kind.type) if column is None else column)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _source_column(self, given: pa.Array | None, count: int) -> pa.Array:
        return _repeated(self.source, count) if given is None else pc.fill_null(given, self.source)


@dataclass(slots=True)
class Tally:
    """What was met in a file since the last chunk."""

    skipped: dict[str, int] = field(default_factory=dict)
    damaged: list[Damaged] = field(default_factory=list)

    def skip(self, reason: str, count: int = 1) -> None:
        """Count records that are no documents."""
        self.skipped[reason] = self.skipped.get(reason, 0) + count

    def chunk(self, file: InputFile, rows: pa.RecordBatch, extent: int) -> Chunk:
        """Close the chunk of one file and start anew."""
        counts = FileCounts(rows.num_rows, self.skipped, len(self.damaged), extent)
        chunk = Chunk(rows, tuple(self.damaged), ReadCounts({file.locator: counts}))
        self.skipped, self.damaged = {}, []
        return chunk

    def limited(self, reading: Reading, file: InputFile, extent: int) -> Chunk:
        """The chunk that closes a piece of which the limit of documents leaves a rest unread: one range skipped."""
        self.skip("limit")
        return self.chunk(file, empty_batch(reading.schema), extent)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """No documents, of the planned schema."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, kind.type) for kind in schema], schema=schema)


def numbers(values: Sequence[int]) -> npt.NDArray[np.int64]:
    """Offsets or lengths as an array."""
    return np.asarray(values, np.int64)


def _repeated(value: str, count: int) -> Any:
    return pa.repeat(pa.scalar(value, pa.string()), count)

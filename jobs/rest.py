"""Documents at rest: how a step writes them, how the next one reads them with all findings applied.

A part's documents go into files of at most 256 MiB of text, cut at rows that depend on the documents alone. Findings
lie beside them in files of their own and stack up; nothing is rewritten between Finds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.store import Store
from stages.document import BYTES, TOKEN_BYTES, TOKENS

FILE_TEXT: Final = 256 * 2**20
"""Bytes of text in a rest file at most (law of layout 2)."""
PLACE: Final = "place"
ROW: Final = "_row"
"""int64: row of the rest file. Findings at rest stand by row, not by place: a file has another number among the
documents of each step that joins several inputs."""
_GROUP_BYTES: Final = 8 * 2**20
_GROUP_ROWS: Final = 8192


@dataclass(frozen=True, slots=True)
class RestPart:
    """One rest file: `layers` are the finding files that lie over it, oldest first; `live` rows are left below them."""

    name: str
    rows: int
    live: int
    text_bytes: int
    layers: tuple[str, ...] = ()
    feed: str = ""
    """The source or stream that it comes from, for the step that reads it; no property of the file itself."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rows": self.rows,
            "live": self.live,
            "text_bytes": self.text_bytes,
            "layers": list(self.layers),
        }


def rest_part(data: dict[str, Any]) -> RestPart:
    """The rest part that `to_json` wrote."""
    return RestPart(data["name"], data["rows"], data["live"], data["text_bytes"], tuple(data["layers"]))


class Hashed:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._file.write(view)
        self._hash.update(view)
        self.size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self.closed = True

    def sha256(self) -> str:
        return self._hash.hexdigest()


class RestWriter:
    """Writes the documents of one part as rest files `<stem>-<n:03d>.<attempt>.parquet`."""

    def __init__(self, store: Store, stem: str, attempt: str, schema: pa.Schema) -> None:
        self._store = store
        self._stem = stem
        self._attempt = attempt
        self.schema = schema if BYTES in schema.names else schema.append(pa.field(BYTES, pa.int64()))
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._held_rows = 0
        self._file: Hashed | None = None
        self._writer: pq.ParquetWriter | None = None
        self._name = ""
        self._rows = 0
        self._text = 0
        self.files: list[dict[str, Any]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Append documents; a new file begins before the row that would pass 256 MiB of text."""
        sizes = document_sizes(batch)
        if BYTES in batch.schema.names:
            batch = batch.drop_columns([BYTES])
        batch = batch.append_column(BYTES, pa.array(sizes, pa.int64()))
        start = 0
        while start < batch.num_rows:
            total = self._text + np.cumsum(sizes[start:])
            fit = int(np.searchsorted(total, FILE_TEXT, side="right"))
            if fit == 0 and self._rows == 0:
                fit = 1
            if fit:
                self._append(batch.slice(start, fit), int(total[fit - 1]) - self._text)
                start += fit
            if start < batch.num_rows:
                self._finish()

    def close(self) -> list[dict[str, Any]]:
        """Finish the last file. Gives {name, rows, text_bytes, sha256} per file; a part without documents has none."""
        if self._rows:
            self._finish()
        return self.files

    def _append(self, batch: pa.RecordBatch, text: int) -> None:
        self._held.append(batch)
        self._held_bytes += text
        self._held_rows += batch.num_rows
        self._rows += batch.num_rows
        self._text += text
        if self._held_bytes >= _GROUP_BYTES or self._held_rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._name = f"{self._stem}-{len(self.files):03d}.{self._attempt}.parquet"
            self._file = Hashed(self._store.create(self._name))
            self._writer = pq.ParquetWriter(
                self._file, self.schema, compression="zstd", compression_level=1, use_dictionary=_repeating(self.schema)
            )
        table = pa.Table.from_batches([batch.cast(self.schema) for batch in self._held]).combine_chunks()
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._held.clear()
        self._held_bytes = self._held_rows = 0

    def _finish(self) -> None:
        if self._held:
            self._flush()
        assert self._writer is not None
        assert self._file is not None
        self._writer.close()
        self._file.close()
        self.files.append(
            {"name": self._name, "rows": self._rows, "text_bytes": self._text, "sha256": self._file.sha256()}
        )
        self._writer = self._file = None
        self._rows = self._text = 0


def _repeating(schema: pa.Schema) -> list[str]:
    """Columns whose values repeat: a dictionary pays there, and costs time everywhere else."""
    often = {"source", "dump", "file_path", "language", "license", "content_type"}
    return [name for name in schema.names if name in often]


def document_sizes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Bytes per document: of its text, of its stored content where there is no text yet, or of its tokens.

    A document without a text, such as a packed sequence, counts 4 bytes per token.
    """
    for name in ("text", "content"):
        if name in batch.schema.names:
            sizes = pc.fill_null(pc.binary_length(batch[name]), 0)
            return np.asarray(sizes.to_numpy(zero_copy_only=False), np.int64)
    if TOKENS in batch.schema.names:
        counts = pc.fill_null(pc.list_value_length(batch[TOKENS]), 0)
        return TOKEN_BYTES * np.asarray(counts.to_numpy(zero_copy_only=False), np.int64)
    return np.zeros(batch.num_rows, np.int64)

"""The ledger: a row for every document that was dropped or failed, every span cut, and every new document rejected.

A run's ledger is its receipt to the user: with the shards it accounts for every document that went in. Rows stand in
the order of the documents, then of the stages, whatever the batches were, so the ledger has a digest of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.store import Store
from stages.document import LENGTH, OFFSET
from stages.kernels.texts import texts_of
from stages.verdicts import Cuts, Rejected, Verdicts

LEDGER: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("id", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("file_path", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("step", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("twin_id", pa.string()),
        ("similarity", pa.float64()),
        ("span_start", pa.int64()),
        ("span_end", pa.int64()),
        ("chars", pa.int64()),
        ("message", pa.string()),
        ("excerpt", pa.string()),
    ]
)
"""`kind`: dropped, failed, cut, rejected, merged, skipped. `offset`, `length`: the record in its file. `span_*`: bytes
of the text as the stage saw it. `chars`: characters of the text, or of the span. `excerpt`: its first 200
characters."""

EXCERPT: Final = 200
FAILED: Final = "error:"


def fill(rows: int, **columns: pa.Array | str | None) -> pa.RecordBatch:
    """A ledger batch of `rows` rows from some columns; a string is repeated, what is not named is null."""
    made = []
    for column in LEDGER:
        value = columns.get(column.name)
        if value is None:
            made.append(pa.nulls(rows, column.type))
        elif isinstance(value, str):
            made.append(pa.repeat(pa.scalar(value, pa.string()), rows))
        else:
            made.append(value if value.type == column.type else value.cast(column.type))
    return pa.RecordBatch.from_arrays(made, schema=LEDGER)


def burial(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], verdicts: Verdicts, step: str, stage: str
) -> pa.RecordBatch:
    """Ledger rows for the documents at `rows` of a batch, whose verdicts (aligned with the batch) drop or fail them."""
    picks = pa.array(rows)
    rule = verdicts.rule.take(picks)
    failed = pc.starts_with(rule, FAILED)
    return fill(
        len(rows),
        kind=pc.if_else(failed, "failed", "dropped"),
        step=step,
        stage=stage,
        rule=rule,
        value=verdicts.value.take(picks),
        limit=verdicts.limit.take(picks),
        message=None if verdicts.message is None else verdicts.message.take(picks),
        **whereabouts(batch, picks),
    )


def whereabouts(batch: pa.RecordBatch, picks: pa.Array) -> dict[str, pa.Array | None]:
    """The columns that say which documents these are and where they came from."""
    names = batch.schema.names
    found: dict[str, pa.Array | None] = {
        name: batch[name].take(picks) if name in names else None for name in ("id", "url", "source", "file_path")
    }
    found["offset"] = batch[OFFSET].take(picks) if OFFSET in names else None
    found["length"] = batch[LENGTH].take(picks) if LENGTH in names else None
    if "text" in names:
        text = batch["text"].take(picks)
        found["chars"] = pc.utf8_length(text).cast(pa.int64())
        found["excerpt"] = pc.utf8_slice_codeunits(text, 0, EXCERPT)
    return found


def cut_rows(batch: pa.RecordBatch, cuts: Cuts, step: str, stage: str) -> pa.RecordBatch:
    """Ledger rows for spans cut out of texts of this batch; spans are bytes of the text as it was before."""
    picks = pa.array(cuts.row)
    span = _spans(batch["text"], cuts)
    columns = whereabouts(batch.drop_columns(["text"]), picks)
    return fill(
        len(picks),
        kind="cut",
        step=step,
        stage=stage,
        rule=cuts.rule,
        span_start=pa.array(cuts.start, pa.int64()),
        span_end=pa.array(cuts.end, pa.int64()),
        chars=pc.utf8_length(span).cast(pa.int64()),
        excerpt=pc.utf8_slice_codeunits(span, 0, EXCERPT),
        **columns,
    )


def _spans(text: pa.StringArray, cuts: Cuts) -> pa.StringArray:
    """The text of each cut, without a step per cut where they ascend and fall on characters, as they should."""
    texts = texts_of(text)
    starts, ends = texts.starts[cuts.row] + cuts.start, texts.starts[cuts.row] + cuts.end
    bounds = np.stack([starts, ends], axis=1).reshape(-1)
    inside = bounds[bounds < len(texts.data)]
    if (np.diff(bounds) >= 0).all() and not (texts.data[inside] & 0xC0 == 0x80).any():
        # Every second piece of the texts' bytes is a cut, the others lie between two.
        pieces = pa.StringArray.from_buffers(
            max(len(bounds) - 1, 0), pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(texts.data)
        )
        return pieces.take(pa.array(np.arange(0, len(bounds), 2)))
    data = texts.data
    return pa.array(
        [data[start:end].tobytes().decode("utf-8", "replace") for start, end in zip(starts, ends)], pa.string()
    )


def rejected_rows(batch: pa.RecordBatch, rejected: Rejected, step: str, stage: str) -> pa.RecordBatch:
    """Ledger rows for documents made from rows of this batch and found wanting: the parent's id, the new text."""
    picks = pa.array(rejected.parent)
    columns = whereabouts(batch.drop_columns(["text"]) if "text" in batch.schema.names else batch, picks)
    return fill(
        len(picks),
        kind="rejected",
        step=step,
        stage=stage,
        rule=rejected.verdicts.rule,
        value=rejected.verdicts.value,
        limit=rejected.verdicts.limit,
        message=rejected.verdicts.message,
        chars=pc.utf8_length(rejected.text).cast(pa.int64()),
        excerpt=pc.utf8_slice_codeunits(rejected.text, 0, EXCERPT),
        **columns,
    )


class LedgerWriter:
    """Writes one part's ledger file and hashes its rows on the way; nothing is written for a part without rows."""

    _group = 16_384

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._held: list[pa.RecordBatch] = []
        self._rows_held = 0
        self._hash = hashlib.sha256()
        self._writer: pq.ParquetWriter | None = None
        self._file: Any = None
        self.rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Append rows; the caller keeps the canonical order."""
        if rows.num_rows == 0:
            return
        hash_rows(self._hash, rows)
        self.rows += rows.num_rows
        self._rows_held += rows.num_rows
        self._held.append(rows)
        if self._rows_held >= self._group:
            self._flush()

    def close(self) -> dict[str, Any] | None:
        """Finish the file. Gives {name, rows, sha256 of the canonical rows}, or None if there were no rows."""
        if self._held:
            self._flush()
        if self._writer is None:
            return None
        self._writer.close()
        self._file.close()
        return {"name": self._name, "rows": self.rows, "rows_sha256": self._hash.hexdigest()}

    def _flush(self) -> None:
        if self._writer is None:
            self._file = self._store.create(self._name)
            self._writer = pq.ParquetWriter(self._file, LEDGER, compression="zstd", compression_level=3)
        self._writer.write_table(pa.Table.from_batches(self._held, LEDGER).combine_chunks())
        self._held.clear()
        self._rows_held = 0


def hash_rows(state: Any, rows: pa.RecordBatch) -> None:
    """Feed rows to a hash in their canonical form: a JSON array per row in LEDGER's order, ended by a newline."""
    columns = [column.to_pylist() for column in rows.columns]
    # The JSON of a row is its canonical form, so rows must become Python values here; ledgers are small beside texts.
    for row in zip(*columns):
        state.update(orjson.dumps(row))
        state.update(b"\n")


def ledger_digest(parts: Sequence[tuple[str, str, str]]) -> str:
    """The digest of a run's ledger from (step, part, sha256 of its canonical rows), in order of step and part."""
    lines = [f"{sha}  {step}/{part}\n" for step, part, sha in sorted(parts)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()

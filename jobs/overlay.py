"""Reading documents at rest: the live ones of a rest file, with every finding that lies over it applied.

Findings are joined by row, batch by batch; a text is touched only where it is cut, and columns nobody asked for are
not read at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.parquet import open_parquet, read_parquet, trusted
from jobs.rest import ROW, RestPart, document_sizes
from jobs.store import Store
from stages.document import BYTES
from stages.find import FINDING


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents at rest are read: which columns of which schema, and how large the batches are."""

    schema: pa.Schema
    batch_rows: int
    batch_bytes: int


def read_rest(
    store: Store, part: RestPart, reading: Reading, picks: pa.Table | None = None, start: int = 0
) -> Iterator[pa.RecordBatch]:
    """The live documents of a rest file from the row `start` on, findings applied, with the column `_row` in front.

    `picks`: a table with a sorted unique `_row`; only these documents, with its other columns joined. Columns that no
    file has are null.
    """
    layers = [read_parquet(store, name) for name in part.layers]
    with trusted(store, part.name), open_parquet(store, part.name) as file:
        stored = [name for name in _columns_to_read(reading.schema, layers) if name in file.schema_arrow.names]
        for group, first in _row_groups(file, picks, start):
            skipped = max(0, start - first)
            for table in _read_group(file, group, first, stored, reading.batch_rows):
                table, skipped = table.slice(skipped), max(0, skipped - table.num_rows)
                for piece in _in_shape(_overlaid(table, layers, picks), reading.schema, picks):
                    yield from cut_to_bytes(piece, reading.batch_bytes)


def _columns_to_read(schema: pa.Schema, layers: Sequence[pa.Table]) -> list[str]:
    names = [BYTES, *[name for name in schema.names if name != BYTES]]
    return names if "text" in names or not any(_has_cuts(layer) for layer in layers) else [*names, "text"]


def _has_cuts(layer: pa.Table) -> bool:
    return bool(layer["cuts"].null_count < layer.num_rows)


def _row_groups(file: pq.ParquetFile, picks: pa.Table | None, start: int) -> list[tuple[int, int]]:
    """(row group, its first row) of those to read: all that end behind `start`, or those in which a pick lies."""
    rows = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
    firsts = np.concatenate(([0], np.cumsum(rows))).astype(np.int64)
    chosen = np.flatnonzero(firsts[1:] > start)
    if picks is not None:
        chosen = np.intersect1d(chosen, np.searchsorted(firsts, picks[ROW].to_numpy(), side="right") - 1)
    return [(at, int(firsts[at])) for at in chosen.tolist()]


def _read_group(file: pq.ParquetFile, group: int, first: int, stored: list[str], rows: int) -> Iterator[pa.Table]:
    """A row group as it was written, in tables of at most `rows` rows, with the column `_row`."""
    for batch in file.iter_batches(rows, row_groups=[group], columns=stored):
        numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
        first += batch.num_rows
        yield pa.Table.from_batches([batch]).append_column(ROW, pa.array(numbers))


def _overlaid(table: pa.Table, layers: Sequence[pa.Table], picks: pa.Table | None) -> pa.Table:
    for layer in layers:
        table = _apply(table, layer)
    return table if picks is None else _join(table, picks)


def _in_shape(table: pa.Table, schema: pa.Schema, picks: pa.Table | None) -> list[pa.RecordBatch]:
    fields = [pa.field(ROW, pa.int64()), *schema]
    if picks is not None:
        fields += [field for field in picks.schema if field.name != ROW]
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in fields
    ]
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields)).combine_chunks()
    return list(table.to_batches())


def cut_to_bytes(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """Slices of a batch with at most `most` bytes of text each, but for a single larger document."""
    if batch.num_rows <= 1 or batch.nbytes <= most:
        if batch.num_rows:
            yield batch
        return
    ends = np.cumsum(document_sizes(batch))
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield batch.slice(start, end - start)
        start = end


def _locate(table: pa.Table, layer: pa.Table) -> tuple[npt.NDArray[np.int64], pa.Table]:
    """Where the layer's rows stand in the table: row numbers, and the layer's rows that are there."""
    rows = table[ROW].to_numpy()
    if not len(rows):
        return np.zeros(0, np.int64), layer.slice(0, 0)
    theirs = layer[ROW].to_numpy()
    low, high = np.searchsorted(theirs, [rows[0], rows[-1] + 1])
    layer, theirs = layer.slice(low, high - low), theirs[low:high]
    at = np.searchsorted(rows, theirs)
    there = rows[np.minimum(at, len(rows) - 1)] == theirs
    return at[there], layer.filter(pa.array(there))


def _apply(table: pa.Table, layer: pa.Table) -> pa.Table:
    """Lay findings over documents: cut texts, add columns, then drop rows."""
    at, layer = _locate(table, layer)
    table = _add_columns(table, at, layer)
    if not len(at):
        return table
    cut = layer["cuts"].is_valid().to_numpy(zero_copy_only=False) if layer["cuts"].null_count < len(at) else None
    if cut is not None and cut.any():
        table = _cut(table, at[cut], layer["cuts"].filter(pa.array(cut)).to_pylist())
    dropped = layer["rule"].is_valid().to_numpy()
    if cut is not None:
        dropped = dropped & ~cut
    live = np.ones(table.num_rows, np.bool_)
    live[at[dropped]] = False
    return table if live.all() else table.filter(pa.array(live))


def _add_columns(table: pa.Table, at: npt.NDArray[np.int64], layer: pa.Table) -> pa.Table:
    """The layer's columns. Documents without a finding keep what they had, as in files in which nothing was found."""
    picks = np.full(table.num_rows, -1, np.int64)
    picks[at] = np.arange(len(at))
    index = pa.array(picks, mask=picks < 0)
    for name in layer.column_names:
        if name == ROW or name in FINDING.names:
            continue
        column = layer[name].take(index)
        where = table.schema.get_field_index(name)
        if where < 0:
            table = table.append_column(name, column)
        else:
            table = table.set_column(where, name, pc.if_else(pa.array(picks >= 0), column, table[name]))
    return table


def _cut(table: pa.Table, at: npt.NDArray[np.int64], cuts: list[list[int]]) -> pa.Table:
    texts = table["text"].to_pylist()
    sizes = table[BYTES].to_numpy().copy()
    # Only the texts that are cut are touched: slicing bytes has no Arrow kernel.
    for row, spans in zip(at.tolist(), cuts):
        texts[row] = cut_text(texts[row], spans)
        sizes[row] = len(texts[row].encode())
    table = table.set_column(table.schema.get_field_index("text"), "text", pa.array(texts, pa.string()))
    return table.set_column(table.schema.get_field_index(BYTES), BYTES, pa.array(sizes))


def cut_text(text: str, spans: Sequence[int]) -> str:
    """The text without the byte spans (start, end, start, end, …)."""
    raw, kept, last = text.encode(), [], 0
    for start, end in zip(spans[::2], spans[1::2]):
        kept.append(raw[last:start])
        last = end
    return (b"".join(kept) + raw[last:]).decode()


def _join(table: pa.Table, picks: pa.Table) -> pa.Table:
    at, there = _locate(table, picks)
    table = table.take(pa.array(at))
    for name in there.column_names:
        if name != ROW:
            where = table.schema.get_field_index(name)
            table = table.append_column(name, there[name]) if where < 0 else table.set_column(where, name, there[name])
    return table

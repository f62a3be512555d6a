"""Parquet to documents: whole columns at a time, one row group after the other.

One idea: a row is known by its number in the file, so pieces (ranges of row groups) and batches of any size give the
same ids. A row group that cannot be decoded is damaged from the first row that did not come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.errors import Fault, PipelineError, StoreError
from stages.read.inputs import Chunk, InputFile, Piece
from stages.read.reading import Reading, Tally, empty_batch
from stages.read.stage import Read
from stages.read.storage import is_url, open_file
from stages.read.tables import columns_of, decoding_cause, documents


@dataclass(frozen=True, slots=True)
class Footer:
    """What planning needs of a file: its columns with their own types, and rows and stored bytes of each row group."""

    schema: pa.Schema
    rows: tuple[int, ...]
    sizes: tuple[int, ...]


@lru_cache(maxsize=2**14)
def footer(path: str, mark: str) -> Footer:
    """The footer of a Parquet file as it was when it had this mark. Raises PipelineError when it cannot be read."""
    del mark  # part of the key alone
    try:
        with open_file(path) as stored:
            known = pq.read_metadata(stored)
    except pa.ArrowException as error:
        mend = "leave the file out, or make it anew; a file cut short has no footer"
        raise PipelineError(Fault(path, f"is no readable Parquet file: {error}", mend)) from error
    groups = [known.row_group(number) for number in range(known.num_row_groups)]
    sizes = (sum(group.column(at).total_compressed_size for at in range(group.num_columns)) for group in groups)
    return Footer(known.schema.to_arrow_schema(), tuple(group.num_rows for group in groups), tuple(sizes))


def schema_of(read: Read, file: InputFile) -> pa.Schema:
    """The columns of a Parquet file with their own types. Raises PipelineError when it cannot be read."""
    del read
    return footer(file.path, file.mark).schema


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The documents of row groups `start` to before `end`."""
    path = piece.file.path
    try:
        source = open_file(path) if is_url(path) else pa.OSFile(path)
        table = pq.ParquetFile(source, pre_buffer=is_url(path), buffer_size=2**20)
    except pa.ArrowException as error:
        mend = "let whoever writes it finish, then run the same command again"
        raise StoreError(f"{path}: is no readable Parquet file any more: {error}\n    mend: {mend}") from error
    with source:
        yield from _row_groups(reading, piece, table)


def _row_groups(reading: Reading, piece: Piece, table: Any) -> Iterator[Chunk]:
    file, tally = piece.file, Tally()
    sizes = [table.metadata.row_group(number).num_rows for number in range(table.num_row_groups)]
    row, end = sum(sizes[: piece.start]), sum(sizes[: piece.end])
    columns = columns_of(reading.read, file, table.schema_arrow)
    for number in range(piece.start, piece.end):
        close = row + sizes[number]
        for found in _decoded(reading, table, number):
            if isinstance(found, str):
                tally.damaged.append(reading.damage(file, row, close - row, found))
                yield tally.chunk(file, empty_batch(reading.schema), close - row)
                row = close
                break
            rows = np.arange(row, row + found.num_rows, dtype=np.int64)
            for batch, taken in documents(reading, file, columns, found, rows, tally):
                yield tally.chunk(file, batch, taken)
                row += taken
            if reading.finished:
                if row < end:
                    yield tally.limited(reading, file, end - row)
                return
        if row != close:
            raise StoreError(f"{file.path}: row group {number} ended at row {row} of {close}")


def _decoded(reading: Reading, table: Any, number: int) -> Iterator[pa.RecordBatch | str]:
    """The batches of a row group; where it cannot be decoded further, the cause as the last item."""
    group = table.metadata.row_group(number)
    mean = max(1, group.total_byte_size // max(1, group.num_rows))
    rows = max(1, min(reading.batch_rows, reading.batch_bytes // mean))
    try:
        yield from table.iter_batches(rows, row_groups=[number], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        yield f"row group {number} cannot be decoded: {decoding_cause(error)}"

"""Reading Parquet files of the run directory, whole or row by row, and finding rows in them by one column.

Without threads, and so without `pyarrow.parquet.read_table`: threads once outlived a command and aborted the process at
its end, and small files gain nothing from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.record import start_over
from jobs.store import HOUSE, Store
from stages.errors import StoreError


@contextmanager
def trusted(store: Store, name: str) -> Iterator[None]:
    """For reading a file that textmill wrote: raises StoreError with its mend when it is gone or damaged."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        what = "is gone" if isinstance(error, FileNotFoundError) else f"is damaged: {error}"
        mend = "run the pipeline again with --replace: what is damaged is made anew"
        if name.startswith(f"{HOUSE}/steps/"):
            mend = start_over(store)
        raise StoreError(f"{store.home}: {name} {what}\n    mend: {mend}") from error


@contextmanager
def open_parquet(store: Store, name: str) -> Iterator[pq.ParquetFile]:
    """A Parquet file of the store's, read without threads.

    Arrow buffers ahead by default. Its thread then lets go of a buffer of ours after the read has returned, and where
    that met the end of Python the process aborted, about once in ten short runs.
    """
    with store.open(name) as handle, pq.ParquetFile(handle, pre_buffer=False) as file:
        yield file


def read_parquet(store: Store, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole file, or some of its columns."""
    with trusted(store, name), open_parquet(store, name) as file:
        return file.read(columns=None if columns is None else list(columns), use_threads=False)


def find_rows(store: Store, name: str, column: str, value: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, row) of every row whose `column` is `value`, or of a list holds it.

    The other columns are read only where there is such a row.
    """
    start = 0
    with trusted(store, name), open_parquet(store, name) as file:
        if column not in file.schema_arrow.names:
            return
        for group in range(file.num_row_groups):
            keys = file.read_row_group(group, columns=[column], use_threads=False)[column]
            hits = _hits(keys, value)
            if hits:
                table = file.read_row_group(group, use_threads=False)
                for hit in hits:
                    yield start + hit, table.slice(hit, 1).to_pylist()[0]
            start += len(keys)


def _hits(keys: pa.ChunkedArray, value: str) -> list[int]:
    """The rows of a column that are the value, or whose list holds it."""
    if not pa.types.is_list(keys.type):
        return list(pc.indices_nonzero(pc.fill_null(pc.equal(keys, value), False)).to_pylist())
    held = pc.fill_null(pc.equal(pc.list_flatten(keys), value), False)
    return list(pc.unique(pc.list_parent_indices(keys).filter(held)).to_pylist())

"""What both dedup stages read off a batch: the bytes of a text column, and the scope a document belongs to.

A scope is a value of the columns named in `within`: documents of two scopes never meet. It is one number per row, mixed
into every hash under which documents meet, so that scoping costs neither a column nor a second exchange.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from stages.errors import StageError

Hashes = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def utf8_view(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The bytes of a string or binary column and the offsets of its rows in them, without a copy; null is empty."""
    if column.null_count:
        column = pc.fill_null(column, b"" if pa.types.is_binary(column.type) else "")
    _, offsets, data = column.buffers()
    if len(column) == 0 or offsets is None:
        return np.empty(0, np.uint8), np.zeros(1, np.int32)
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8), starts


def as_strings(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as strings. Raises StageError for lists and structs, which have no one way of being written."""
    column = batch[name]
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return column
    if pa.types.is_nested(column.type):
        raise StageError(
            f"dedup: column `{name}` is of type {column.type}, and documents cannot be compared by it\n"
            "    mend: name a column of strings or numbers"
        )
    return column.cast(pa.string())


def scopes(batch: pa.RecordBatch, within: Sequence[str]) -> Hashes | None:
    """One hash per row over the columns of `within`, or None without any; missing values are one value of their own."""
    if not within:
        return None
    mixed = np.zeros(batch.num_rows, np.uint64)
    for name in within:
        coded = as_strings(batch, name).dictionary_encode()
        # A loop over distinct values, of which a scope has few.
        values = [xxhash.xxh3_64_intdigest(value.as_buffer(), seed=1) for value in coded.dictionary]
        known = np.array([*values, 0], np.uint64)
        mixed = (mixed ^ known[coded.indices.fill_null(len(values)).to_numpy()]) * _GOLDEN
        mixed ^= mixed >> np.uint64(29)
    return mixed

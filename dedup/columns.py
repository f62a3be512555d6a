"""What the dedup stages read off a batch: the values of a column, and the scope a document belongs to.

A scope is a value of the columns named in `within`: documents of two scopes never meet. It is one number per row, mixed
into every hash under which documents meet, so that scoping costs neither a column nor a second exchange.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from stages.errors import StageError

Hashes = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def as_strings(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column of strings or numbers as strings. Raises StageError for any other, which has no one spelling."""
    column = batch[name]
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
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

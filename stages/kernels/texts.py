"""A string column as kernels read it: one array of UTF-8 bytes, and where each document starts and ends.

Nothing is copied: the bytes are Arrow's own buffer, so a sliced column costs the same as a whole one. A null reads as
the empty text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Texts:
    """`data`: read-only UTF-8 bytes of the buffer. `starts`, `ends`: int64 byte offsets into it, one per row."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)


def texts_of(column: pa.Array) -> Texts:
    """The texts of a `string` or `large_string` array. Raises TypeError for any other type."""
    if pa.types.is_string(column.type):
        width: type[np.signedinteger] = np.int32
    elif pa.types.is_large_string(column.type):
        width = np.int64
    else:
        raise TypeError(f"kernels read string columns, not {column.type}")
    rows = len(column)
    _, offsets, data = column.buffers()
    if rows == 0 or offsets is None or data is None:
        return Texts(np.zeros(0, np.uint8), np.zeros(rows, np.int64), np.zeros(rows, np.int64))
    bounds = np.frombuffer(offsets, width, rows + 1, column.offset * np.dtype(width).itemsize).astype(np.int64)
    starts, ends = bounds[:-1], bounds[1:]
    if column.null_count:
        ends = np.where(pc.is_null(column).to_numpy(zero_copy_only=False), starts, ends)
    return Texts(np.frombuffer(data, np.uint8), starts, ends)

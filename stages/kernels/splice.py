"""Texts with spans taken out, each for another piece of text or for nothing.

What stands between two spans is copied in one go, over the borders of texts; so a batch with few spans costs what
copying its bytes costs. No compiled code: joining slices is what Python does best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.kernels.texts import Texts

Longs = npt.NDArray[np.int64]


def spliced(
    texts: Texts,
    row: npt.NDArray[np.int32],
    start: Longs,
    end: Longs,
    pieces: Sequence[bytes],
) -> pa.StringArray:
    """The texts in which span i, of text `row[i]`, is replaced by `pieces[i]`; no text is null.

    Spans are byte offsets of their text, sorted by row and start, disjoint, on borders of characters; pieces are UTF-8.
    """
    sizes = texts.ends - texts.starts
    np.add.at(sizes, row, np.fromiter(map(len, pieces), np.int64, len(pieces)) - (end - start))
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    base = texts.starts[row]
    first, last, new = (base + start).tolist(), (base + end).tolist(), list(pieces)
    gaps = np.flatnonzero(texts.ends[:-1] < texts.starts[1:])  # bytes of no text, behind a null
    if len(gaps):
        first += texts.ends[gaps].tolist()
        last += texts.starts[gaps + 1].tolist()
        order = sorted(range(len(first)), key=lambda span: (first[span], last[span]))
        new += [b""] * len(gaps)
        first, last, new = ([column[span] for span in order] for column in (first, last, new))
    data = texts.data.data
    parts: list[bytes | memoryview] = []
    at = int(texts.starts[0]) if len(texts) else 0
    for left, right, piece in zip(first, last, new):
        parts += (data[at:left], piece)
        at = right
    parts.append(data[at : int(texts.ends[-1]) if len(texts) else 0])
    joined = pa.py_buffer(b"".join(parts))
    if offsets[-1] < 2**31:
        return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets.astype(np.int32)), joined)
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(offsets), joined).cast(pa.string())

"""Texts with spans taken out, each for another piece of text or for nothing.

Everything is copied once, into one buffer of the right size; texts without a span are copied whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba.types import int64, uint8, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]


def spliced(
    texts: Texts,
    row: npt.NDArray[np.integer],
    start: Longs,
    end: Longs,
    pieces: list[bytes],
    piece: npt.NDArray[np.integer],
) -> pa.StringArray:
    """The texts in which span i of text `row[i]` is replaced by `pieces[piece[i]]`.

    Spans are byte offsets of their text, sorted by row and start, disjoint, on borders of characters; pieces are UTF-8.
    Raises OverflowError where the result is larger than 2 GiB, which no batch is.
    """
    bounds = np.cumsum([0, *map(len, pieces)]).astype(np.int64)
    store = np.frombuffer(b"".join(pieces), np.uint8)
    change = bounds[1:][piece] - bounds[:-1][piece] - (end - start)
    sizes = texts.ends - texts.starts
    np.add.at(sizes, row, change)
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    if offsets[-1] >= 2**31:
        raise OverflowError("the texts of a batch would hold more than 2 GiB")
    out = np.empty(offsets[-1], np.uint8)
    spans = np.searchsorted(row, np.arange(len(texts) + 1)).astype(np.int64)
    numbers = piece.astype(np.int64)
    _copy(texts.data, texts.starts, texts.ends, spans, start, end, store, bounds, numbers, out)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(out))


@native(void(BYTES, LONGS, LONGS, LONGS, LONGS, LONGS, BYTES, LONGS, LONGS, uint8[::1]))
def _copy(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    spans: Longs,
    span_starts: Longs,
    span_ends: Longs,
    store: Bytes,
    bounds: Longs,
    pieces: Longs,
    out: Bytes,
) -> None:
    at = int64(0)
    for row in range(len(starts)):
        begin = place = starts[row]
        for span in range(spans[row], spans[row + 1]):
            stop = begin + span_starts[span]
            out[at : at + stop - place] = data[place:stop]
            at += stop - place
            first, last = bounds[pieces[span]], bounds[pieces[span] + 1]
            out[at : at + last - first] = store[first:last]
            at += last - first
            place = begin + span_ends[span]
        out[at : at + ends[row] - place] = data[place : ends[row]]
        at += ends[row] - place

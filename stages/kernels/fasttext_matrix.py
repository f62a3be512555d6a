"""The matrices of a fastText file: dense ones as they lie there, quantised ones unpacked, pruned ones put in order.

Quantisation: Joulin et al. 2016, https://arxiv.org/abs/1612.03651; the layout is that of fastText's `densematrix.cc`,
`quantmatrix.cc` and `productquantizer.cc` (https://github.com/facebookresearch/fastText).
"""

from __future__ import annotations

import mmap
import struct
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

_CENTROIDS: Final = 256


def read_matrix(data: mmap.mmap, at: int, *, quantised: bool) -> tuple[Floats, int, int]:
    """A matrix as one row after the other, its number of rows, and where the file goes on."""
    if not quantised:
        rows, columns = struct.unpack_from("<qq", data, at)
        return np.frombuffer(data, "<f4", rows * columns, at + 16), rows, at + 16 + 4 * rows * columns
    normed, rows, columns, size = struct.unpack_from("<?qqi", data, at)
    codes = np.frombuffer(data, np.uint8, size, at + 21)
    matrix, at = _read_quantised(data, at + 21 + size, codes.reshape(rows, -1) if rows else codes.reshape(0, 1))
    if matrix.shape != (rows, columns):
        raise ValueError("its quantised matrix does not fit its centroids")
    if normed:
        norms, at = _read_quantised(data, at + rows, np.frombuffer(data, np.uint8, rows, at).reshape(rows, 1))
        matrix = matrix * norms
    return np.ascontiguousarray(matrix).reshape(-1), rows, at


def in_order_of_buckets(
    matrix: Floats, word_count: int, pairs: Ints, buckets: int
) -> tuple[Floats, npt.NDArray[np.uint64], Ints]:
    """The rows of a pruned model in the order of their buckets, so that a bit per bucket and a count find them.

    `pairs`: bucket and row of each that is kept. A table of rows would be 8 MB for 2 million buckets, and nearly every
    look-up in it would wait for memory; the bits of lid.176 are 250 kB.
    """
    bits = np.zeros(-(-buckets // 64) * 64, np.uint8)
    bits[pairs[:, 0]] = 1
    kept = np.packbits(bits, bitorder="little").view("<u8")
    before = np.cumsum(bits.reshape(-1, 64).sum(1, dtype=np.int32), dtype=np.int32)
    order = pairs[np.argsort(pairs[:, 0], kind="stable"), 1]
    rows = np.concatenate((matrix[:word_count], matrix[word_count:][order]))
    return rows.reshape(-1), kept.astype(np.uint64), np.concatenate((np.zeros(1, np.int32), before[:-1]))


def _read_quantised(data: mmap.mmap, at: int, codes: npt.NDArray[np.uint8]) -> tuple[Floats, int]:
    """The values behind the codes: each code of a row picks one of 256 centroids of its stretch of columns."""
    columns, stretches, stretch, last = struct.unpack_from("<iiii", data, at)
    centroids = np.frombuffer(data, "<f4", columns * _CENTROIDS, at + 16)
    if codes.shape[1] != stretches:
        raise ValueError("its codes do not fit its centroids")
    values = np.empty((len(codes), columns), np.float32)
    for number in range(stretches):
        wide = last if number == stretches - 1 else stretch
        first = number * _CENTROIDS * stretch
        table = centroids[first : first + _CENTROIDS * wide].reshape(_CENTROIDS, wide)
        values[:, number * stretch : number * stretch + wide] = table[codes[:, number]]
    return values, at + 16 + 4 * columns * _CENTROIDS

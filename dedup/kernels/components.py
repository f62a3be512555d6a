"""Which documents hang together: union-find over pairs of row numbers.

The root of a component is its smallest row, so the answer depends on neither the order nor the direction of the pairs
(Tarjan 1975, with path halving).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import int64, void

from stages.kernels.native import LONGS, native

Longs = npt.NDArray[np.int64]


@native(int64(int64[::1], int64))
def find_root(parents: Longs, row: int) -> int:
    """The smallest row of the component, as known so far; halves the way there for the next one who asks."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@native(void(LONGS, LONGS, int64[::1]))
def join_pairs(ones: Longs, others: Longs, parents: Longs) -> None:
    """Join the components of each pair. `parents` starts as every row's own number."""
    for pair in range(len(ones)):
        one = find_root(parents, ones[pair])
        other = find_root(parents, others[pair])
        if one < other:
            parents[other] = one
        else:
            parents[one] = other


@native(void(int64[::1]))
def flatten(parents: Longs) -> None:
    """Let every row point at its root."""
    for row in range(len(parents)):
        parents[row] = find_root(parents, row)

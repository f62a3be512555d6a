"""Which documents hang together: the components of pairs of row numbers.

The root of a component is its smallest row, so the answer depends on neither the order nor the direction of the pairs.
All pairs go at once, a step up their trees at a time (as in Shiloach and Vishkin 1982): it runs on the driver, where to
load numba and a compiled kernel takes almost a CPU-second, and ten million pairs 0.8 to 4 this way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]


def join_pairs(ones: Longs, others: Longs, parents: Longs) -> None:
    """Join the components of each pair. `parents` starts as every row's own number; no row's parent is larger."""
    while len(ones):
        one, other = roots_of(ones, parents), roots_of(others, parents)
        low, high = np.minimum(one, other), np.maximum(one, other)
        apart = low < high
        ones, others = ones[apart], others[apart]
        # Of a root's several new parents the smallest counts; the pairs of the others come again.
        np.minimum.at(parents, high[apart], low[apart])


def roots_of(rows: Longs, parents: Longs) -> Longs:
    """The smallest row of each one's component, as known so far; halves the way there for the next one who asks."""
    above = parents[rows]
    while True:
        higher = parents[above]
        if np.array_equal(higher, above):
            return above
        parents[rows] = higher
        above = higher

"""How many bands of how many rows suit a threshold: the least area of error under the curve of being found.

Two documents of similarity s share a bucket with probability 1 - (1 - s^rows)^bands. Below the threshold that area is
work in vain, above it what is missing is duplicates that stay; the best shape has the least sum of both, equally
weighted, as in datasketch's `MinHashLSH` (https://ekzhu.com/datasketch/lsh.html; Leskovec, Rajaraman and Ullman, Mining
of Massive Datasets, 3.4.3).
"""

from __future__ import annotations

import numpy as np


def chance(similarity: float, bands: int, rows: int) -> float:
    """The probability that two documents of this Jaccard similarity share a bucket and so are compared at all."""
    return float(1 - (1 - similarity**rows) ** bands)


def best_shape(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, rows) with bands · rows ≤ permutations; of equal errors the fewest bands, then rows."""
    # Gauss-Legendre with 96 nodes is exact up to degree 191, and beyond that far closer than shapes differ.
    nodes, weights = np.polynomial.legendre.leggauss(96)
    below = (nodes + 1) / 2 * threshold
    above = threshold + (nodes + 1) / 2 * (1 - threshold)
    best, least = (1, 1), float("inf")
    for bands in range(1, permutations + 1):
        for rows in range(1, permutations // bands + 1):
            in_vain = float(weights @ (1 - (1 - below**rows) ** bands)) * threshold / 2
            missed = float(weights @ ((1 - above**rows) ** bands)) * (1 - threshold) / 2
            if in_vain + missed < least:
                best, least = (bands, rows), in_vain + missed
    return best

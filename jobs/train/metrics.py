"""How well scores tell two kinds of documents apart: exact figures over held-out ones, ties included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]

SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75)
"""Kept shares in the table of thresholds; DCLM and REWIRE keep 0.1."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What keeping documents with `score >= threshold` means on the held-out ones.

    `wanted`: the share asked for · `kept`: the share that is kept, more where scores are equal · `precision`: which
    part of the kept ones is positive · `recall`: which part of the positive ones is kept.
    """

    wanted: float
    threshold: float
    kept: float
    precision: float
    recall: float


def area_under_curve(scores: Scores, positive: Truth) -> float:
    """The chance that a positive document scores higher than a negative one, half for equal scores (ROC AUC).

    From the ranks (Mann-Whitney U), so it is exact. Raises ValueError when one of the two kinds is missing.
    """
    good = int(positive.sum())
    bad = len(positive) - good
    if not good or not bad:
        raise ValueError("it takes positive and negative documents")
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(sizes) - (sizes - 1) / 2
    above = float(middle[group][positive].sum()) - good * (good + 1) / 2
    return above / (good * bad)


def precision_and_recall(kept: Truth, positive: Truth) -> tuple[float, float]:
    """Which part of the kept documents is positive, and which part of the positive ones is kept; 0 for no such part."""
    right = int((kept & positive).sum())
    return right / max(1, int(kept.sum())), right / max(1, int(positive.sum()))


def thresholds(scores: Scores, positive: Truth, shares: Sequence[float] = SHARES) -> list[Threshold]:
    """For each share the threshold that keeps at least so many, and what it keeps; equal scores stay together."""
    ordered = np.sort(scores)[::-1]
    found = []
    for share in shares:
        lowest = ordered[max(1, round(share * len(ordered))) - 1]
        kept = scores >= lowest
        below = scores[~kept]
        limit = shortest_between(float(below.max()) if len(below) else -1.0, float(lowest))
        found.append(Threshold(share, limit, float(kept.mean()), *precision_and_recall(kept, positive)))
    return found


def shortest_between(low: float, high: float) -> float:
    """The number with the fewest digits that is above `low` and not above `high`: a limit that can be written down."""
    for digits in range(1, 17):
        number = float(f"{high:.{digits}g}")
        lower = float(f"{number - 10.0 ** (np.floor(np.log10(abs(high))) - digits + 1):.{digits}g}") if high else 0.0
        for candidate in (number, lower):
            if low < candidate <= high:
                return candidate
    return high

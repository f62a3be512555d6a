"""How a limit that is right for English becomes one for another language: four ways, each a line of statistics.

FineWeb2 (https://arxiv.org/abs/2506.20920) tried such ways and chose one per group of filters by training models; which
one won where is in none of the sources that this was made from, so the default in `jobs/fit/targets.py` is ours. All
take sorted values, so that no order of documents can change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
"""The finite values of one measure over the documents of one language, ascending."""

OUTER: Final = 10
"""`tail` removes one in so many of the clean documents."""
LOWEST_FLOOR, HIGHEST_FLOOR = 0.3, 0.9


def mean_std(limit: float, english: Values, own: Values, *, at_most: bool) -> float | None:
    """The value as many standard deviations from the language's mean as `limit` is from English's."""
    spread = float(english.std())
    if spread == 0:
        return None
    return float(own.mean() + (limit - english.mean()) / spread * own.std())


def quantile(limit: float, english: Values, own: Values, *, at_most: bool) -> float | None:
    """The value that removes the same share of documents as `limit` does of English, or just less.

    Where it removes none of English, the limit stays, unless the language needs a wider one to lose none either.
    """
    if at_most:
        removed = len(english) - int(np.searchsorted(english, limit, "right"))
        found = float(own[max(0, len(own) - 1 - removed * len(own) // len(english))])
        return found if removed else max(limit, found)
    removed = int(np.searchsorted(english, limit, "left"))
    found = float(own[min(len(own) - 1, removed * len(own) // len(english))])
    return found if removed else min(limit, found)


def tail(limit: float | None, english: Values, own: Values, *, at_most: bool) -> float | None:
    """The value that removes a tenth of the language's clean documents, or just less; English has no part in it."""
    outer = len(own) // OUTER
    return float(own[len(own) - 1 - outer] if at_most else own[outer])


def median_ratio(limit: float, english: Values, own: Values, *, at_most: bool) -> float | None:
    """The limit times the language's median over English's."""
    middle = float(np.median(english))
    return limit * float(np.median(own)) / middle if middle else None


METHODS: Final[dict[str, Callable[..., float | None]]] = {
    "mean_std": mean_std,
    "quantile": quantile,
    "tail": tail,
    "median_ratio": median_ratio,
}


def score_floor(scores: Values) -> float:
    """FineWeb2's floor of a language's scores: their median less one standard deviation, from 0.3 to 0.9."""
    return float(np.clip(np.median(scores) - scores.std(), LOWEST_FLOOR, HIGHEST_FLOOR))

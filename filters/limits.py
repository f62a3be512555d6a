"""Rules that compare a measured number with a limit: what most filters consist of.

A limit of None switches its rule off. Where nothing could be measured (NaN, a division by zero) no limit is broken.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stages.verdicts import Rule

Floats = npt.NDArray[np.float64]
Numbers = Floats | npt.NDArray[np.int64]


def below(name: str, measured: Numbers, limit: float | None) -> Iterator[Rule]:
    """The rule that fails where `measured` < `limit`; no rule without a limit."""
    if limit is not None:
        yield Rule(name, measured < limit, measured.astype(np.float64), limit)


def above(name: str, measured: Numbers, limit: float | None) -> Iterator[Rule]:
    """The rule that fails where `measured` > `limit`; no rule without a limit."""
    if limit is not None:
        yield Rule(name, measured > limit, measured.astype(np.float64), limit)


def ratio(part: Numbers, whole: Numbers) -> Floats:
    """`part` / `whole` in float64, as Python divides two integers; NaN where `whole` is 0."""
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares

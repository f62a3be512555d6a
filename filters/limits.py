"""Rules that compare a measured number with a limit: what most filters consist of.

A limit of None switches its rule off, and so does NaN in an array with one limit per row. Where nothing could be
measured (NaN, a division by zero) no limit is broken. `measure` names the number in the columns of mode `tag`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stages.verdicts import Rule

Floats = npt.NDArray[np.float64]
Numbers = Floats | npt.NDArray[np.int64]


def below(name: str, measured: Numbers, limit: float | Floats | None, measure: str = "") -> Iterator[Rule]:
    """The rule that fails where `measured` < `limit`; no rule without a limit."""
    if limit is not None:
        yield Rule(name, measured < limit, measured.astype(np.float64), limit, measure)


def above(name: str, measured: Numbers, limit: float | Floats | None, measure: str = "") -> Iterator[Rule]:
    """The rule that fails where `measured` > `limit`; no rule without a limit."""
    if limit is not None:
        yield Rule(name, measured > limit, measured.astype(np.float64), limit, measure)


def ratio(part: Numbers, whole: Numbers) -> Floats:
    """`part` / `whole` in float64, as Python divides two integers; NaN where `whole` is 0."""
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares

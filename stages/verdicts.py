"""What a stage says of its rows: kept, or dropped by which rule at which value against which limit.

Verdicts are three columns, not objects, so that judging a million documents allocates a handful of arrays. A rule that
starts with `error:` marks the row as failed (broken input), any other as dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict per row of a batch.

    `rule` string, null = keep · `value`, `limit` float64, null where a rule has no number · `message` string or None.
    """

    rule: pa.StringArray
    value: pa.DoubleArray
    limit: pa.DoubleArray
    message: pa.StringArray | None = None

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over a whole batch: which rows fail it, with the measured values and the limit.

    `value`: NaN where nothing could be measured. `measure`: what the values are called in columns of mode `tag`; rules
    that compare the same number with two limits share one.
    """

    name: str
    fails: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64] | None = None
    limit: float | npt.NDArray[np.float64] | None = None
    measure: str = ""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Spans a stage removed from texts that stay: `row` indexes the input batch, spans are byte offsets of its text."""

    row: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    rule: pa.StringArray


@dataclass(frozen=True, slots=True)
class Rejected:
    """New documents that a stage made and did not find good enough; they get a ledger row and go nowhere.

    `parent`: for each the input row it was made from, ascending. `text`: what was made. `verdicts`: one per rejected
    document, each with a rule. What becomes of the input row is told apart from it, by `rows` or `drops`.
    """

    parent: npt.NDArray[np.int32]
    text: pa.StringArray
    verdicts: Verdicts


@dataclass(frozen=True, slots=True)
class Mapped:
    """The result of a Map that drops, fans out or cuts.

    `rows`: the documents that go on. `parent`: for each of them the input row it comes from, ascending. `drops`: one
    verdict per *input* row. `derived`: which rows are new documents (they get ids of their own and `parent_id`); None
    means none is. Every input row is in `parent` at least once or dropped, never both. `rejected`: new documents that
    were made and are not among `rows`.
    """

    rows: pa.RecordBatch
    parent: npt.NDArray[np.int32]
    drops: Verdicts | None = None
    cuts: Cuts | None = None
    derived: npt.NDArray[np.bool_] | None = None
    rejected: Rejected | None = None


def keep_all(rows: int) -> Verdicts:
    """Verdicts that keep every row."""
    return Verdicts(pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float64()), pa.nulls(rows, pa.float64()))


def first_failure(rows: int, rules: Sequence[Rule]) -> Verdicts:
    """The verdicts of rules tried in the order given: of each row the first rule that fails it counts."""
    winner = np.full(rows, -1, np.int32)
    value = np.full(rows, np.nan)
    limit = np.full(rows, np.nan)
    for number, rule in enumerate(rules):
        hit = rule.fails & (winner < 0)
        if not hit.any():
            continue
        winner[hit] = number
        if rule.value is not None:
            value[hit] = rule.value[hit]
        if rule.limit is not None:
            limit[hit] = rule.limit[hit] if isinstance(rule.limit, np.ndarray) else rule.limit
    kept = winner < 0
    names = pa.array([rule.name for rule in rules], pa.string())
    picks = pa.array(winner, pa.int32(), mask=kept)
    return Verdicts(
        names.take(picks) if len(rules) else pa.nulls(rows, pa.string()),
        pa.array(value, pa.float64(), mask=kept | np.isnan(value)),
        pa.array(limit, pa.float64(), mask=kept | np.isnan(limit)),
    )


def verdicts_of(rows: Sequence[tuple[str, float | None, float | None, str | None] | None]) -> Verdicts:
    """Verdicts from one tuple (rule, value, limit, message) or None per row; for stages that go row by row anyway."""
    return Verdicts(
        pa.array([row and row[0] for row in rows], pa.string()),
        pa.array([row and row[1] for row in rows], pa.float64()),
        pa.array([row and row[2] for row in rows], pa.float64()),
        pa.array([row and row[3] for row in rows], pa.string()),
    )

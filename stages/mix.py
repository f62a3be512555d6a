"""Mixes streams, sources or any groups of documents in stated shares: by weights or by budgets, over several epochs.

One idea: a group's documents stand in a random but fixed order (hash of seed and id), and its share takes the beginning
of that order, so which documents are in depends on the seed and the ids alone. What is taken more than once is repeated
by `stages.repeat`, which the plan puts behind this stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field, model_validator

from stages.document import BYTES
from stages.errors import StageError
from stages.expression import parse_expression
from stages.fields import Count, parse_share
from stages.find import FINDING, Documents, Frame
from stages.hashing import hash_ids
from stages.quota import SIZED, Edge, Quotas, Total, place_in_order
from stages.repeat import EPOCHS, Repeat
from stages.stage import Find

OVER: Final = "over_quota"
OUTSIDE: Final = "not_in_mix"
GROUP: Final = "mix"


def _weight(value: object) -> float:
    """A weight as people write it: `60%`, 0.6 or 3."""
    if isinstance(value, str):
        return parse_share(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a weight such as 60% or 3")
    return float(value)


Weight = Annotated[float, BeforeValidator(_weight), Field(gt=0, allow_inf_nan=False)]


class Mix(Find):
    """Takes of each group of documents as much as its weight or budget allows, and repeats or drops the rest.

    Groups are the streams or sources that the stream takes from, the values of a column (`by`), or whatever conditions
    say (`groups`). `from: {raw: 60%, rewritten: 40%}` is short for this stage with these weights at the stream's start.

    With `weights` the shares hold as far as whole documents allow: where a group has too little for its share of
    `total`, even over `epochs` passes, all groups shrink alike. With `budgets` each group stands for itself. A document
    that is not taken is dropped by `over_quota` (value: its place in the group's order, limit: the last place taken),
    one of no group by `not_in_mix`. Adds `mix` (string), the group's name. The manifest tells the realised counts.
    """

    weights: Mapping[str, Weight] = Field(default_factory=dict)
    """Shares by group, such as `{raw: 60%, rewritten: 40%}` or `{raw: 3, rewritten: 2}`."""
    budgets: Mapping[str, Annotated[Count, Field(ge=1)]] = Field(default_factory=dict)
    """Instead of weights: how much of each group, in `unit`, such as `{raw: 20B, rewritten: 10B}`."""
    total: Annotated[Count, Field(ge=1)] | None = None
    """With weights: how much of all groups together, in `unit`; as much as there is when left out."""
    unit: Literal["tokens", "bytes", "documents"] = "bytes"
    """What is counted: bytes of text, documents, or `tokens` (the column of stages.tokenize)."""
    epochs: Annotated[float, Field(ge=1, le=1000)] = 1.0
    """How often a document may be taken at most, such as 4; past the whole passes a part of the group is taken."""
    by: str | None = None
    """The column whose values name the groups, such as `source` or `language`; the streams it takes from when left
    out."""
    groups: Mapping[str, str] = Field(default_factory=dict)
    """Instead of a column: a condition per group, the first that holds, such as `{synthetic: "style is not None"}`."""
    seed: int | None = None
    """Decides which documents are taken; the pipeline's seed when left out."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.weights) == bool(self.budgets):
            raise ValueError("give either `weights` or `budgets`, such as `weights: {raw: 60%, rewritten: 40%}`")
        if self.budgets and self.total is not None:
            raise ValueError("`total` belongs to `weights`: with `budgets` the sum is what it is")
        if self.by is not None and self.groups:
            raise ValueError("give either `by` or `groups`, not both")
        unknown = [name for name in self.groups if name not in self.shares] + [
            name for name in self.shares if self.groups and name not in self.groups
        ]
        if unknown:
            raise ValueError(f"the group {unknown[0]!r} needs both a condition in `groups` and a weight or budget")
        for name, condition in self.groups.items():
            try:
                parse_expression(condition)
            except ValueError as error:
                raise ValueError(f"groups.{name}: {error}") from error
        return self

    @property
    def shares(self) -> Mapping[str, float]:
        """The groups with their weights or budgets."""
        return self.weights or self.budgets

    def needs(self) -> tuple[str, ...]:
        read = [self.by] if self.by else []
        read += [column for condition in self.groups.values() for column in parse_expression(condition).columns]
        return tuple(dict.fromkeys([*read, *(["tokens"] if self.unit == "tokens" else [])]))

    def adds(self) -> Mapping[str, pa.DataType]:
        added: dict[str, pa.DataType] = {GROUP: pa.string()}
        return added | ({EPOCHS: pa.int32()} if self.epochs > 1 else {})

    def check(self, schema: pa.Schema) -> list[str]:
        faults = [
            f"groups.{name}: {fault}"
            for name, condition in self.groups.items()
            for fault in parse_expression(condition).check(schema)
        ]
        if self.by is not None and schema.field(self.by).type != pa.string():
            faults.append(
                f"by: the column {self.by!r} is {schema.field(self.by).type}, and groups are named by strings"
            )
        return faults

    def placed(self, house: Any, seed: int) -> Mix:
        return self if self.seed is not None else self.model_copy(update={"seed": seed})

    def followed_by(self) -> Sequence[Repeat]:
        return (Repeat(),) if self.epochs > 1 else ()

    def find(self, documents: Documents, tools: Any) -> Frame:
        seed, names = self.seed or 0, tuple(self.shares)
        feeds = tuple(names.index(file.feed) if file.feed in names else -1 for file in documents.files)
        self._check_feeds(documents.feeds)
        size = Measure(names, self.unit, self.by, tuple(self.groups.values()), feeds)
        unit = {"bytes": (BYTES,), "documents": (), "tokens": ("tokens",)}[self.unit]
        sized = documents.rows(size, SIZED, tuple(dict.fromkeys((*self.needs(), *unit))))
        quotas = Quotas(sized, len(names), seed)
        totals = quotas.totals()
        wanted = self._wanted(totals)
        full = [want // total.size if total.size else 0 for want, total in zip(wanted, totals)]
        edges = quotas.edges([want - times * total.size for want, times, total in zip(wanted, full, totals)])
        documents.note(self._told(names, totals, wanted, full, edges))
        schema = pa.schema([*FINDING, *self.adds().items()])
        return sized.map(Take(names, tuple(full), tuple(edges), seed, self.epochs > 1), schema)

    def _check_feeds(self, feeds: Sequence[str]) -> None:
        """Raise StageError for a group that is none of the streams taken from, where groups are these."""
        unknown = [name for name in self.shares if name not in feeds]
        if self.by is None and not self.groups and unknown:
            known = ", ".join(sorted(set(feeds)))
            raise StageError(
                f"stages.mix: there is no stream {unknown[0]!r} to take from here; there are {known or 'none'}"
                "\n    mend: mix where the stream begins, or name groups by a column (`by`) or conditions (`groups`)"
            )

    def _wanted(self, totals: Sequence[Total]) -> list[int]:
        """How much is taken of each group, in its unit, over all passes."""
        most = [int(self.epochs * total.size) for total in totals]
        if self.budgets:
            return [min(budget, there) for budget, there in zip(self.budgets.values(), most)]
        for name, there in zip(self.weights, most):
            if not there:
                raise StageError(
                    f"stages.mix: the group {name!r} has no documents, so its share cannot be met\n"
                    "    mend: take the group out of `weights`, or see in the ledger why nothing of it came here"
                )
        sum_ = sum(self.weights.values())
        shares = [weight / sum_ for weight in self.weights.values()]
        whole = min(there / share for there, share in zip(most, shares))
        whole = whole if self.total is None else min(whole, self.total)
        return [min(there, round(share * whole)) for there, share in zip(most, shares)]

    def _told(
        self,
        names: Sequence[str],
        totals: Sequence[Total],
        wanted: Sequence[int],
        full: Sequence[int],
        edges: Sequence[Edge],
    ) -> dict[str, float]:
        """The realised counts, for the manifest."""
        told: dict[str, float] = {}
        taken = [times * total.size + edge.size for times, total, edge in zip(full, totals, edges)]
        for at, name in enumerate(names):
            told[f"{name}.documents"] = full[at] * totals[at].documents + edges[at].documents
            told[f"{name}.{self.unit}"] = taken[at]
            told[f"{name}.wanted"] = wanted[at]
            told[f"{name}.available"] = totals[at].size
            told[f"{name}.epochs"] = round(taken[at] / totals[at].size, 6) if totals[at].size else 0.0
            told[f"{name}.share"] = round(taken[at] / max(1, sum(taken)), 6)
        return told


@dataclass(frozen=True, slots=True)
class Measure:
    """Documents to rows of SIZED. `feeds`: the group of each file's documents, where groups are streams."""

    names: tuple[str, ...]
    unit: str
    by: str | None
    conditions: tuple[str, ...]
    feeds: tuple[int, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            size = pa.array(np.ones(batch.num_rows, np.int64))
            if self.unit != "documents":
                size = pc.fill_null(batch[BYTES if self.unit == "bytes" else "tokens"].cast(pa.int64()), 0)
            yield pa.record_batch([batch["place"], batch["id"], pa.array(self._groups(batch)), size], schema=SIZED)

    def _groups(self, batch: pa.RecordBatch) -> npt.NDArray[np.int32]:
        group: npt.NDArray[np.int32]
        if self.by is not None:
            found = pc.index_in(batch[self.by], pa.array(self.names, pa.string()))
            return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int32)
        if not self.conditions:
            group = np.array(self.feeds, np.int32)[batch["place"].to_numpy() >> 32]
            return group
        group = np.full(batch.num_rows, -1, np.int32)
        for at, condition in enumerate(self.conditions):
            group[parse_expression(condition).mask(batch) & (group < 0)] = at
        return group


@dataclass(frozen=True, slots=True)
class Take:
    """Rows of SIZED to findings: how often each document is taken, and by which rule it is dropped when it is not."""

    names: tuple[str, ...]
    full: tuple[int, ...]
    edges: tuple[Edge, ...]
    seed: int
    repeats: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield self._findings(batch)

    def _findings(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.num_rows
        keys, group = hash_ids(batch["id"], self.seed), batch["group"].to_numpy()
        times, limit = np.zeros(rows, np.int32), np.zeros(rows)
        for at, (full, edge) in enumerate(zip(self.full, self.edges)):
            mine = group == at
            times[mine] = full + edge.admits(keys, batch["id"])[mine]
            limit[mine] = edge.share
        outside, out = group < 0, times == 0
        rule = np.where(outside, OUTSIDE, OVER)
        numbers = pa.array(~out | outside)
        value = pa.array([place_in_order(int(key)) for key in keys], pa.float64())
        columns = {
            "place": batch["place"],
            "rule": pa.array(rule.tolist(), pa.string(), mask=~out),
            "value": pc.if_else(numbers, None, value),
            "limit": pc.if_else(numbers, None, pa.array(limit)),
            "twin_id": pa.nulls(rows, pa.string()),
            "similarity": pa.nulls(rows, pa.float64()),
            "cuts": pa.nulls(rows, pa.list_(pa.int64())),
            GROUP: pa.array(self.names, pa.string()).take(pa.array(group, mask=outside)),
        }
        if self.repeats:
            columns[EPOCHS] = pa.array(times)
        return pa.record_batch(columns)

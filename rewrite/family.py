"""From what was made of each document to the `Mapped` that goes on: children, parents that stay, and losses.

A document that stays or has a child goes on, and each loss of its is told as a rejected new document. One of which
nothing goes on is dropped by its first loss; further ones are told as rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from stages.verdicts import Mapped, Rejected, verdicts_of


@dataclass(frozen=True, slots=True)
class Child:
    """A new document: its text, and the columns that the stage adds to it."""

    text: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loss:
    """A new document that was not made or not good enough, and why. `text`: as much of it as there is."""

    rule: str
    value: float | None = None
    limit: float | None = None
    message: str | None = None
    text: str = ""


@dataclass(slots=True)
class Family:
    """What became of one document."""

    stays: bool
    children: list[Child] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)


def gathered(
    batch: pa.RecordBatch, families: Sequence[Family], adds: Mapping[str, pa.DataType], removes: Sequence[str]
) -> Mapped:
    """The result for a batch, with one family per row. A family that neither stays nor has a child has a loss."""
    parent: list[int] = []
    children: list[Child | None] = []
    drops: list[Loss | None] = []
    rejected: list[tuple[int, Loss]] = []
    # Row by row: each row stands for requests to a language model, beside which this costs nothing.
    for row, family in enumerate(families):
        made = [*([None] if family.stays else []), *family.children]
        parent += [row] * len(made)
        children += made
        drops.append(None if made else family.losses[0])
        rejected += [(row, loss) for loss in (family.losses if made else family.losses[1:])]
    return Mapped(
        _rows(batch, parent, children, adds, removes),
        np.array(parent, np.int32),
        verdicts_of([_verdict(loss) for loss in drops]) if any(drops) else None,
        None,
        np.array([child is not None for child in children], np.bool_),
        _rejected(rejected),
    )


def _rows(
    batch: pa.RecordBatch,
    parent: Sequence[int],
    children: Sequence[Child | None],
    adds: Mapping[str, pa.DataType],
    removes: Sequence[str],
) -> pa.RecordBatch:
    """Children with what they inherit and what is their own; documents that stay keep what they have."""
    picks = pa.array(parent, pa.int32())
    columns = {name: batch[name].take(picks) for name in batch.schema.names if name not in removes}
    for name, kind in adds.items():
        old = columns[name].to_pylist() if name in columns else [None] * len(parent)
        own = [
            before if child is None else child.text if name == "text" else child.columns.get(name)
            for before, child in zip(old, children)
        ]
        columns[name] = pa.array(own, kind)
    return pa.RecordBatch.from_pydict(columns)


def _rejected(losses: Sequence[tuple[int, Loss]]) -> Rejected | None:
    if not losses:
        return None
    return Rejected(
        np.array([row for row, _ in losses], np.int32),
        pa.array([loss.text for _, loss in losses], pa.string()),
        verdicts_of([_verdict(loss) for _, loss in losses]),
    )


def _verdict(loss: Loss | None) -> tuple[str, float | None, float | None, str | None] | None:
    return None if loss is None else (loss.rule, loss.value, loss.limit, loss.message)

"""Repeats documents as often as the column `epochs` says: what training over several epochs sees more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.stage import Map
from stages.verdicts import Mapped, verdicts_of

EPOCHS: Final = "epochs"
EPOCH: Final = "epoch"


class Repeat(Map):
    """Makes of each document as many as its column `epochs` (int32) says: itself, and copies with ids of their own.

    A copy has the `parent_id` of the document that it repeats. Adds `epoch` (int32): 0 for the document itself, 1 for
    its first copy. A document whose `epochs` is 0 is dropped by the rule `no_epoch`; null counts as 1. `stages.mix`
    with `epochs` above 1 sets the column, and the plan puts this stage behind it.
    """

    def needs(self) -> tuple[str, ...]:
        return (EPOCHS,)

    def uses(self) -> tuple[str, ...]:
        return ("parent_id",)

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"parent_id": pa.string(), EPOCH: pa.int32()}

    def removes(self) -> tuple[str, ...]:
        return (EPOCHS,)

    def check(self, schema: pa.Schema) -> list[str]:
        kind = schema.field(EPOCHS).type
        return [] if kind == pa.int32() else [f"the column {EPOCHS!r} is {kind}, and should be int32"]

    def map(self, batch: pa.RecordBatch, tools: Any) -> Mapped:
        times = np.maximum(np.asarray(pc.fill_null(batch[EPOCHS], 1).to_numpy(zero_copy_only=False), np.int64), 0)
        parent = np.repeat(np.arange(batch.num_rows, dtype=np.int32), times)
        first = np.cumsum(times) - times
        epoch = (np.arange(len(parent)) - np.repeat(first, times)).astype(np.int32)
        if "parent_id" not in batch.schema.names:
            batch = batch.append_column("parent_id", pa.nulls(batch.num_rows, pa.string()))
        rows = batch.drop_columns([EPOCHS]).take(pa.array(parent)).append_column(EPOCH, pa.array(epoch))
        drops = verdicts_of([("no_epoch", 0.0, 1.0, None) if not count else None for count in times.tolist()])
        return Mapped(rows, parent, drops, derived=epoch > 0)

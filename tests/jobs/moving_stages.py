"""Moves for tests: one that sorts documents into folders by their length, one that makes pairs of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.move import Gathered, Move, Route, route_by_order
from stages.verdicts import verdicts_of


class ByLength(Move):
    """Puts short documents (`length` 1) before long ones (`length` 2), in folders of their own."""

    def adds(self) -> dict[str, pa.DataType]:
        return {"length": pa.int32()}

    def folders(self) -> str:
        return "length"

    def stored(self) -> dict[str, pa.DataType]:
        return {"length": pa.uint16()}

    def parts(self, files: Any) -> int:
        return 2

    def route(self, batch: pa.RecordBatch, parts: int, tools: Any) -> Route:
        size = np.asarray(pc.binary_length(batch["text"]).to_numpy(), np.int64)
        return (size > 600).astype(np.int32), size

    def gather(self, batches: Iterator[pa.RecordBatch], tools: Any) -> Iterator[Gathered]:
        for batch in batches:
            size = np.asarray(pc.binary_length(batch["text"]).to_numpy(), np.int64)
            yield Gathered(batch.append_column("length", pa.array((size > 600).astype(np.int32) + 1)))


class Pairs(Move):
    """Joins each two neighbours into one text; drops one that stays alone."""

    consumes: ClassVar[bool] = True

    def adds(self) -> dict[str, pa.DataType]:
        return {"id": pa.string(), "text": pa.string()}

    def route(self, batch: pa.RecordBatch, parts: int, tools: Any) -> Route:
        return route_by_order("shuffle", batch, parts, 5)

    def gather(self, batches: Iterator[pa.RecordBatch], tools: Any) -> Iterator[Gathered]:
        rows = pa.Table.from_batches(list(batches)).to_pylist()
        pairs = [
            {"id": first["id"], "text": first["text"] + second["text"]} for first, second in zip(rows[::2], rows[1::2])
        ]
        drops = None
        if len(rows) % 2:
            drops = pa.RecordBatch.from_pylist(rows[-1:]), verdicts_of([("alone", 1.0, 2.0, None)])
        schema = pa.schema([("id", pa.string()), ("text", pa.string())])
        yield Gathered(pa.RecordBatch.from_pylist(pairs, schema), drops, {"pairs": len(pairs)})


class Loses(ByLength):
    """Gathers no document."""

    def gather(self, batches: Iterator[pa.RecordBatch], tools: Any) -> Iterator[Gathered]:
        return iter(())


class Keeps(Move):
    """Moves documents to where they stand already."""

    def route(self, batch: pa.RecordBatch, parts: int, tools: Any) -> Route:
        return route_by_order("keep", batch, parts, 0)

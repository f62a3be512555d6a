"""Shuffles all documents of a stream: the global, seeded order in which a trainer should meet them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from stages.move import Move, Route, route_by_order
from stages.stage import Stage


class Shuffle(Move):
    """Puts all documents into one random order, which depends on the seed and the documents' ids alone.

    Documents themselves travel here, so this costs about one more reading and writing of everything. `stages.pack`
    shuffles as well: before it, this stage is not needed.
    """

    seed: int | None = None
    """Decides the order; the pipeline's seed when left out."""

    def needs(self) -> tuple[str, ...]:
        return ()

    def placed(self, house: Any, seed: int) -> Stage:
        return self if self.seed is not None else self.model_copy(update={"seed": seed})

    def route(self, batch: pa.RecordBatch, parts: int, tools: Any) -> Route:
        return route_by_order("shuffle", batch, parts, self.seed or 0)

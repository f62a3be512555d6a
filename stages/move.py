"""What a `Move` is: the one kind of stage that lets whole documents travel, as a shuffle or a packing of sequences.

Each document is routed to a part and a rank; a part's documents meet on one worker in the order of (rank, id), and
`gather` says what goes on: the documents as they are, or something made of them, such as packed sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.find import RestFile
from stages.hashing import hash_ids
from stages.stage import Stage
from stages.verdicts import Verdicts

PART_BYTES: Final = 256 * 2**20
"""Bytes of text, or of tokens, that meet in one part, about (law of layout 4)."""

EVEN: Final = "_even_part"
"""int32: the part that a document's file belongs to when neighbouring files make up parts of about equal bytes."""

Route = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What goes on from a part, piece by piece.

    `rows`: documents, or what was made of them, in the columns that the stage declares. `drops`: documents that do not
    go on, each with its verdict. `measures`: counts for the step's manifest, summed over pieces and parts.
    """

    rows: pa.RecordBatch
    drops: tuple[pa.RecordBatch, Verdicts] | None = None
    measures: Mapping[str, int] = field(default_factory=dict)


class Move(Stage):
    """Lets documents travel. Subclasses say where to, and may make something else of those that meet."""

    consumes: ClassVar[bool] = False
    """Whether documents end here and what `gather` gives is new: then `adds()` names all columns there are after it."""

    def parts(self, files: tuple[RestFile, ...]) -> int:
        """How many parts the documents go to: by their bytes alone, never by engine or workers."""
        return max(1, -(-sum(file.text_bytes for file in files) // PART_BYTES))

    def route(self, batch: pa.RecordBatch, parts: int, tools: Any) -> Route:
        """Part (0 ≤ part < parts) and rank of each document.

        `batch` has `id` and all other columns, `place`, and the part of EVEN.
        """
        raise TypeError(f"{type(self).__name__} does not define route")

    def gather(self, batches: Iterator[pa.RecordBatch], tools: Any) -> Iterator[Gathered]:
        """What becomes of one part's documents, which come in order of (rank, id), all columns with them."""
        for batch in batches:
            yield Gathered(batch)


def route_by_order(order: Literal["shuffle", "keep"], batch: pa.RecordBatch, parts: int, seed: int) -> Route:
    """Shuffled: a part and a rank by hash of seed and id, uniform and independent. Kept: as the documents stand.

    The order that is kept is that of files and rows; each part then holds neighbouring files.
    """
    if order == "shuffle":
        keys = hash_ids(batch["id"], seed)
        # The high bits choose the part and the whole number the rank: within a part all orders are as likely.
        part = ((keys >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32)
        return part.astype(np.int32), (keys * np.uint64(0x9E3779B97F4A7C15)).view(np.int64)
    return batch[EVEN].to_numpy(), batch["place"].to_numpy()

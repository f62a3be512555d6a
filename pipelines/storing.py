"""How documents are stored at last: columns that shards have in another type, and those that name folders.

Stages say it (`Stage.stored`, `Stage.folders`); it follows the documents along the streams to the outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.faults import Found, Place
from pipelines.links import Configured


@dataclass(frozen=True, slots=True)
class End:
    """What is known of documents where a source or stream ends: columns (None: not known), and how to store them."""

    schema: pa.Schema | None
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    folders: str | None = None


def stored_after(links: Sequence[Configured | None], end: End) -> End:
    """`end`, which has the columns behind these links already, with what the links say of storing."""
    types, folders = dict(end.types), end.folders
    for link in links:
        if link is not None:
            types |= link.stage.stored()
            folders = link.stage.folders() or folders
    return End(end.schema, types, folders)


def stored_together(
    ends: Sequence[tuple[str, End]], at: Place, faults: list[Found]
) -> tuple[dict[str, pa.DataType], str | None]:
    """How documents of several streams are stored in one place; a fault where they contradict each other."""
    types: dict[str, pa.DataType] = {}
    origin: dict[str, str] = {}
    folders = {end.folders for _, end in ends}
    for name, end in ends:
        for column, kind in end.types.items():
            if types.setdefault(column, kind) != kind:
                what = f"the column {column!r} is stored as {types[column]} by {origin[column]} and as {kind} by {name}"
                faults.append(Found(at, what, "use one tokenizer for both, or write them to two outputs"))
            origin.setdefault(column, name)
    if len(folders) > 1:
        what = f"{' and '.join(name for name, _ in ends)} are stored in different folders"
        faults.append(Found(at, what, "write them to two outputs"))
    return types, next(iter(folders)) if len(folders) == 1 else None

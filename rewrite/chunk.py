"""Cuts documents into windows of a few paragraphs or sentences, each a document of its own, and loses nothing.

For models that take little text at a time, and for what is to be judged or rewritten piece by piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from rewrite.sizes import Ruler, open_ruler
from rewrite.windows import Unit, byte_sizes, character_sizes, windows
from stages.fields import ContentPath, Count, Size
from stages.stage import Map
from stages.verdicts import Mapped


class Chunk(Map):
    """Replaces each document by the windows it is cut into; in order they are its text again, byte for byte.

    White space belongs to the unit before it, at the start of a text to the first one. Neighbouring units are joined
    while they fit; a unit too large is cut at line breaks, sentences, words, and a longer word between characters. A
    sentence ends after `.`, `!`, `?`, `…` and their kin in other scripts where white space and no lower-case letter
    follows, and right after `。`, `！`, `？`.

    Adds `parent_id` (string), `chunk` (int32, from 0), `chunk_start` and `chunk_end` (int64, bytes of the parent's
    text). A text that fits is one window; so is an empty one. `blocks` do not go on: they are places in the old text.
    """

    by: Literal["paragraph", "line", "sentence", "token"] = "paragraph"
    """What a window is made of; `token` fills windows to the limit with whole words."""
    max_tokens: Annotated[Count, Field(ge=1)] | None = None
    """Tokens of a window at most: by `tokenizer`, else one for 3 bytes, rounded up."""
    max_bytes: Annotated[Size, Field(ge=4)] | None = None
    """Bytes of a window at most, in place of `max_tokens`."""
    max_characters: Annotated[Count, Field(ge=1)] | None = None
    """Characters (code points) of a window at most, in place of `max_tokens`."""
    tokenizer: ContentPath | None = None
    """A `tokenizer.json` to count with (extra `tokenize`); the tokens of units are added up."""

    @model_validator(mode="after")
    def _one_limit(self) -> Chunk:
        given = [name for name in ("max_tokens", "max_bytes", "max_characters") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} are given" if given else "no limit is given"
            raise ValueError(f"{said}; give one of max_tokens, max_bytes, max_characters")
        if self.tokenizer is not None and self.max_tokens is None:
            raise ValueError(
                f"a tokenizer counts tokens, but the limit is {given[0]}; give max_tokens, or no tokenizer"
            )
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        return {
            "text": pa.string(),
            "parent_id": pa.string(),
            "chunk": pa.int32(),
            "chunk_start": pa.int64(),
            "chunk_end": pa.int64(),
        }

    def removes(self) -> tuple[str, ...]:
        return ("blocks",)

    def open(self) -> Ruler:
        """The tokenizer. Raises StageError for a file that is none."""
        return open_ruler(self.tokenizer)

    def map(self, batch: pa.RecordBatch, tools: Ruler) -> Mapped:
        parent: list[int] = []
        pieces: list[str | None] = []
        number: list[int] = []
        start: list[int] = []
        end: list[int] = []
        # Row by row: where a text may be cut is a question of Unicode that no column kernel answers.
        for row, text in enumerate(batch["text"].to_pylist()):
            parts = [None] if text is None else self._cut(text, tools)
            edges = np.cumsum([0, *byte_sizes([part or "" for part in parts])]).tolist()
            parent += [row] * len(parts)
            pieces += parts
            number += range(len(parts))
            start += edges[:-1]
            end += edges[1:]
        picks = pa.array(parent, pa.int32())
        names = [name for name in batch.schema.names if name not in (*self.adds(), *self.removes())]
        columns = {name: batch[name].take(picks) for name in names} | {
            "text": pa.array(pieces, pa.string()),
            "parent_id": pa.nulls(len(parent), pa.string()),
            "chunk": pa.array(number, pa.int32()),
            "chunk_start": pa.array(start, pa.int64()),
            "chunk_end": pa.array(end, pa.int64()),
        }
        derived = np.ones(len(parent), np.bool_)
        return Mapped(pa.RecordBatch.from_pydict(columns), np.array(parent, np.int32), derived=derived)

    def _cut(self, text: str, ruler: Ruler) -> list[str | None]:
        unit: Unit = "word" if self.by == "token" else self.by
        if self.max_tokens is not None:
            return [*ruler.windows(text, unit, self.max_tokens)]
        if self.max_bytes is not None:
            return [*windows(text, unit, self.max_bytes, byte_sizes)]
        return [*windows(text, unit, self.max_characters or 1, character_sizes)]

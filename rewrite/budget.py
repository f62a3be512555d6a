"""Admits documents to a language model until a budget of tokens or documents is full, before anything is asked.

The order is that of hash(seed, id) (`stages/quota.py`), so which documents are admitted depends on the data and the
budget alone: no worker count, no batch and no engine changes it, and a larger budget admits all that a smaller one did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rewrite.sizes import Cutter, Ruler, open_ruler
from stages.fields import ContentPath, Count
from stages.find import FINDING, Documents, Frame
from stages.hashing import hash_ids
from stages.quota import SIZED, Edge, Quotas
from stages.stage import Find

RULE: Final = "budget"
COLUMN: Final = "_within_budget"


class Ask(BaseModel):
    """What one prompt of a document costs beside its text."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    prompt_tokens: Annotated[Count, Field(ge=0)] = 0
    """Tokens of the prompt without the document."""
    new_tokens: Annotated[Count, Field(ge=0)] = 512
    """Tokens of the answer at most; all of them are planned."""
    max_input_tokens: Annotated[Count, Field(ge=1)] | None = None
    """Longer documents are cut into windows, each with a prompt of its own; null never cuts."""
    min_input_tokens: Annotated[Count, Field(ge=0)] = 0
    """Shorter documents are not asked about and cost nothing."""
    times: Annotated[int, Field(ge=1)] = 1
    """How often each window is asked about."""


class Budget(Find):
    """Admits documents by order of hash(seed, id) until a budget of planned tokens or of documents is full.

    Planned tokens of a document: for each prompt that it takes, the tokens of prompt, document and longest answer,
    counted by `tokenizer`, else one for 3 bytes. The rest is dropped by the rule `budget`, with the document's planned
    tokens as value and the budget as limit; under `max_documents` alone with 1 and that number.

    `rewrite.rephrase` and `rewrite.instruct` put it in front of themselves where they have `max_tokens_total` or
    `max_documents`.
    """

    max_tokens_total: Annotated[Count, Field(ge=1)] | None = None
    """Planned tokens of all admitted documents together at most."""
    max_documents: Annotated[Count, Field(ge=1)] | None = None
    """Admitted documents at most."""
    asks: tuple[Ask, ...] = (Ask(),)
    """The prompts that each document takes."""
    tokenizer: ContentPath | None = None
    """A `tokenizer.json` to count with (extra `tokenize`)."""
    outside: Literal["drop", "tag"] = "drop"
    """What becomes of documents outside: `tag` lets them go on, and admitted ones have true in `_within_budget`."""
    seed: int | None = None
    """Another seed admits others; the pipeline's when left out."""

    @model_validator(mode="after")
    def _some_budget(self) -> Self:
        if self.max_tokens_total is None and self.max_documents is None:
            raise ValueError("no budget is given; give max_tokens_total or max_documents")
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        return {COLUMN: pa.bool_()} if self.outside == "tag" else {}

    def placed(self, house: Path, seed: int) -> Self:
        return self if self.seed is not None else self.model_copy(update={"seed": seed})

    def open(self) -> None:
        """Fail early where the tokenizer is none. Raises StageError."""
        open_ruler(self.tokenizer)

    def find(self, documents: Documents, tools: Any) -> Frame:
        seed = self.seed or 0
        sized = documents.rows(Planned(self.asks, self.tokenizer), SIZED)
        edges = []
        if self.max_tokens_total is not None:
            edges += Quotas(sized, 1, seed).edges([self.max_tokens_total])
        if self.max_documents is not None:
            edges += Quotas(sized.map(OneEach(), SIZED), 1, seed).edges([self.max_documents])
        budget = float(self.max_tokens_total or self.max_documents or 0)
        counts = self.max_tokens_total is None
        if self.outside == "tag":
            return sized.map(Tag(seed, tuple(edges)), pa.schema([*FINDING, (COLUMN, pa.bool_())]))
        return sized.map(DropOutside(seed, tuple(edges), budget, counts), FINDING)


def planned_tokens(ruler: Ruler, asks: tuple[Ask, ...], text: str) -> int:
    """Tokens that one document may cost."""
    [tokens] = ruler.count([text])
    total = 0
    for one in asks:
        if tokens >= one.min_input_tokens:
            prompts = len(Cutter(ruler, one.max_input_tokens, one.min_input_tokens).cut(text))
            total += one.times * (tokens + prompts * (one.prompt_tokens + one.new_tokens))
    return total


@dataclass(frozen=True, slots=True)
class Planned:
    """Documents to rows of SIZED in planned tokens."""

    asks: tuple[Ask, ...]
    tokenizer: Path | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ruler = open_ruler(self.tokenizer)
        for batch in batches:
            # Row by row: how many windows a text takes is a question of its sentences.
            sizes = [planned_tokens(ruler, self.asks, text or "") for text in batch["text"].to_pylist()]
            group = pa.array(np.zeros(batch.num_rows, np.int32))
            columns = [batch["place"], batch["id"], group, pa.array(sizes, pa.int64())]
            yield pa.RecordBatch.from_arrays(columns, schema=SIZED)


@dataclass(frozen=True, slots=True)
class OneEach:
    """The same documents, each of size 1."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            ones = pa.array(np.ones(batch.num_rows, np.int64))
            yield batch.set_column(batch.schema.get_field_index("size"), SIZED.field("size"), ones)


@dataclass(frozen=True, slots=True)
class DropOutside:
    """Findings that drop what no edge admits."""

    seed: int
    edges: tuple[Edge, ...]
    budget: float
    counts: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.filter(pc.invert(_admitted(batch, self.seed, self.edges)))
            count = rows.num_rows
            size = pa.array(np.ones(count)) if self.counts else rows["size"].cast(pa.float64())
            columns = {
                "place": rows["place"],
                "rule": pa.repeat(pa.scalar(RULE), count),
                "value": size,
                "limit": pa.repeat(pa.scalar(self.budget), count),
            }
            yield _findings(columns, count, FINDING)


@dataclass(frozen=True, slots=True)
class Tag:
    """Findings that mark what every edge admits."""

    seed: int
    edges: tuple[Edge, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([*FINDING, (COLUMN, pa.bool_())])
        for batch in batches:
            admitted = _admitted(batch, self.seed, self.edges)
            yield _findings({"place": batch["place"], COLUMN: admitted}, batch.num_rows, schema)


def _admitted(batch: pa.RecordBatch, seed: int, edges: tuple[Edge, ...]) -> pa.Array:
    keys = hash_ids(batch["id"], seed)
    inside = np.ones(batch.num_rows, np.bool_)
    for edge in edges:
        inside &= edge.admits(keys, batch["id"])
    return pa.array(inside)


def _findings(columns: Mapping[str, pa.Array], rows: int, schema: pa.Schema) -> pa.RecordBatch:
    made = [columns[one.name] if one.name in columns else pa.nulls(rows, one.type) for one in schema]
    return pa.RecordBatch.from_arrays(made, schema=schema)

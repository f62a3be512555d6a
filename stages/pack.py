"""The stage `stages.pack`: tokenised documents become training sequences.

Documents travel once, to a part and a place there that depend on the seed and their ids; what meets in a part is packed
on its lengths (`stages/kernels/packing.py`) and written with the names of all that lies in it (`stages/sequences.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.move import PART_BYTES, Gathered, Move, Route, route_by_order
from stages.sequences import MASK, SEQUENCE, Form, Longs, measure, sequence_rows, token_counts, tokens_of
from stages.stage import Resources, stage_key
from stages.verdicts import Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from stages.kernels.packing import Packing

LENGTH: Final = 8192
SMALLEST: Final = 256
LARGEST: Final = 8192

Size = Annotated[int, Field(ge=1, le=2**24)]


class Pack(Move):
    """Packs tokenised documents into sequences of stated lengths.

    `concat` cuts the string of all documents every `length` tokens. `best_fit` cuts only documents longer than
    `length` and fits the pieces, with next to no padding (Ding et al. 2024, https://arxiv.org/abs/2404.10830).
    `buckets` cuts documents into pieces of 2^k tokens, one piece per sequence, each length in a folder of its own
    (Pouransari et al. 2024, https://arxiv.org/abs/2405.13226).

    A sequence is a row; the documents' columns end here:

    | column | type | |
    |---|---|---|
    | `id` | string | of the sequence: hash of its first document's id, this stage and the token it begins with |
    | `input_ids` | list<int32> | the tokens |
    | `doc_ids` | list<string> | the document of each piece, in the order in which they lie |
    | `doc_spans` | list<struct<start, end: int32>> | where the piece lies in `input_ids` |
    | `doc_starts` | list<int32> | at which of the document's tokens the piece begins |
    | `seq_lens` | list<int32> | tokens of each piece |
    | `tokens` | int32 | tokens of all pieces: those of `input_ids` that are no padding |
    | `text_bytes` | int64 | bytes of text of all pieces; those of a cut document are dealt out by tokens |
    | `length` | int32 | how many tokens the sequence has room for |
    | `loss_mask` | list<bool> | where asked for: whether the token counts as a target |

    A document without tokens is dropped by the rule `no_tokens`; one too short for any bucket by `below_smallest`
    (value: its tokens, limit: those of the smallest bucket). The manifest counts documents, sequences, tokens, padding,
    split and truncated documents, dropped tokens and the cost of attention.
    """

    consumes: ClassVar[bool] = True

    how: Literal["concat", "best_fit", "buckets"] = "best_fit"
    """`concat`, `best_fit` or `buckets`."""
    length: Size | None = None
    """Tokens of a sequence, for `concat` and `best_fit`; 8192 when left out."""
    smallest: Size | None = None
    """Tokens of the smallest bucket, a power of two; 256 when left out."""
    largest: Size | None = None
    """Tokens of the largest bucket, a power of two; 8192 when left out. Longer documents give several of these."""
    rest: Literal["drop", "pack"] = "drop"
    """For `buckets`: what is left of a document below the smallest; `pack` fits rests together into that bucket."""
    label: Literal["inside", "extra"] = "inside"
    """For `buckets`: `extra` gives each piece a token more, 2^k + 1, so that 2^k tokens have successors to predict."""
    order: Literal["shuffle", "keep"] = "shuffle"
    """`shuffle` packs and writes in an order by hash of seed and id; `keep` in the order in which documents stand."""
    seed: int | None = None
    """Decides the shuffled order; the pipeline's seed when left out."""
    loss_mask: Literal["none", "padding", "starts"] = "none"
    """Adds `loss_mask`: false on `padding`; with `starts` also on the first token of each piece, whose context is
    another document."""
    pad: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """The id of the token that fills sequences up to their length; they stay short when left out."""

    @model_validator(mode="after")
    def _fields_of_its_way(self) -> Self:
        if self.how == "buckets" and self.length is not None:
            raise ValueError("`how: buckets` has no one `length`; write `smallest` and `largest`")
        others = {"smallest": None, "largest": None, "rest": "drop", "label": "inside"}
        given = [name for name, default in others.items() if getattr(self, name) != default]
        if self.how != "buckets" and given:
            raise ValueError(f"`{given[0]}` belongs to `how: buckets`, not to `how: {self.how}`")
        low, high = self._bounds()
        for name, size in (("smallest", low), ("largest", high)):
            if size & (size - 1):
                raise ValueError(f"`{name}` is {size}, which is no power of two, such as {1 << size.bit_length()}")
        if low > high:
            raise ValueError(f"`smallest` is {low}, more than `largest`, {high}")
        return self

    def needs(self) -> tuple[str, ...]:
        return ("input_ids",)

    def uses(self) -> tuple[str, ...]:
        return ("text_bytes",)

    def adds(self) -> Mapping[str, pa.DataType]:
        fields = [*SEQUENCE, *([] if self.loss_mask == "none" else [MASK])]
        return {field.name: field.type for field in fields}

    def check(self, schema: pa.Schema) -> list[str]:
        wanted = {"input_ids": pa.list_(pa.int32()), "text_bytes": pa.int64()}
        return [
            f"the column {name!r} is {schema.field(name).type}, not {kind}; let stages.tokenize make it"
            for name, kind in wanted.items()
            if name in schema.names and schema.field(name).type != kind
        ]

    def folders(self) -> str | None:
        return "length" if self.how == "buckets" else None

    def placed(self, house: Path, seed: int) -> Pack:
        return self if self.seed is not None else self.model_copy(update={"seed": seed})

    def resources(self) -> Resources:
        """A part's tokens twice, while its batches are joined, and some (690 MB were measured for 64 M tokens)."""
        return Resources(memory=3 * PART_BYTES)

    def open(self) -> str:
        """The stage key, of which the sequences' ids are made; loads the kernels too."""
        import stages.kernels.packing  # noqa: F401

        return stage_key(self)

    def route(self, batch: pa.RecordBatch, parts: int, tools: str) -> Route:
        return route_by_order(self.order, batch, parts, self.seed or 0)

    def gather(self, batches: Iterator[pa.RecordBatch], tools: str) -> Iterator[Gathered]:
        """Hold a part's tokens, then give its sequences; what has no place in any is let go at once."""
        held = []
        for batch in batches:
            counts = token_counts(batch["input_ids"])
            verdicts = self._verdicts(counts)
            kept = verdicts.rule.is_null()
            lost = int(counts[~kept.to_numpy(zero_copy_only=False)].sum())
            names = [name for name in ("id", "input_ids", "text_bytes") if name in batch.schema.names]
            held.append(batch.select(names).filter(kept))
            if held[-1].num_rows < batch.num_rows:
                yield Gathered(self._no_rows(), (batch, verdicts), {"dropped_tokens": lost})
        if not any(batch.num_rows for batch in held):
            return
        documents = pa.concat_batches(held)
        held.clear()  # or the tokens would stay in memory twice while sequences are written
        yield from self.pack_part(documents, tools)

    def pack_part(self, documents: pa.RecordBatch, key: str) -> Iterator[Gathered]:
        """Sequences of these documents, of which each has tokens, with what was measured; `key` is the stage key."""
        tokens = tokens_of(documents)
        packing = self.packing(tokens.lengths)
        measures = {**measure(tokens, packing), **self._bucket_counts(packing)}
        form = Form(self.order, key, self.pad, self.loss_mask)
        for rows in sequence_rows(tokens, packing, form):
            yield Gathered(rows, measures=measures)
            measures = {}

    def packing(self, lengths: Longs) -> Packing:
        """Where the tokens of documents with these lengths go."""
        from stages.kernels.packing import best_fit, buckets, concat

        if self.how == "buckets":
            return buckets(lengths, *self._bounds(), extra=self._extra(), rest=self.rest)
        packer = concat if self.how == "concat" else best_fit
        return packer(lengths, self.length or LENGTH)

    def _verdicts(self, counts: Longs) -> Verdicts:
        """Which documents have no place in any sequence."""
        rules = [Rule("no_tokens", counts == 0, counts.astype(np.float64), 1.0)]
        if self.how == "buckets" and self.rest == "drop":
            least = self._bounds()[0] + self._extra()
            rules.append(Rule("below_smallest", counts < least, counts.astype(np.float64), float(least)))
        return first_failure(len(counts), rules)

    def _bucket_counts(self, packing: Packing) -> dict[str, int]:
        """How many sequences each bucket has, for schedules over lengths."""
        if self.how != "buckets":
            return {}
        rooms, counts = np.unique(packing.room, return_counts=True)
        return {f"length_{room}.sequences": count for room, count in zip(rooms.tolist(), counts.tolist())}

    def _bounds(self) -> tuple[int, int]:
        return self.smallest or SMALLEST, self.largest or LARGEST

    def _extra(self) -> int:
        return int(self.label == "extra")

    def _no_rows(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist([], pa.schema(list(self.adds().items())))

"""From documents with tokens and a packing of them to rows of sequences: what a trainer reads, and where it came from.

The idea: a row says of every token whose it is. The pieces of a document, put in the order of `doc_starts`, are its
tokens again, so nothing that was packed is ever anonymous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.document import child_id

if TYPE_CHECKING:
    from stages.kernels.packing import Packing

Longs = npt.NDArray[np.int64]

SPANS: Final = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
SEQUENCE: Final = pa.schema(
    [
        ("id", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("doc_ids", pa.list_(pa.string())),
        ("doc_spans", SPANS),
        ("doc_starts", pa.list_(pa.int32())),
        ("seq_lens", pa.list_(pa.int32())),
        ("tokens", pa.int32()),
        ("text_bytes", pa.int64()),
        ("length", pa.int32()),
    ]
)
MASK: Final = pa.field("loss_mask", pa.list_(pa.bool_()))

_CHUNK: Final = 2**22
"""Tokens in a batch of sequences, about: 16 MiB."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Documents as packing sees them: document i has `data[starts[i] : starts[i] + lengths[i]]`.

    `bytes`: int64, of each document's text; 0 where that is not known.
    """

    ids: pa.StringArray
    data: npt.NDArray[np.int32]
    starts: Longs
    lengths: Longs
    bytes: Longs


@dataclass(frozen=True, slots=True)
class Form:
    """How sequences are written: in which order, under whose key, filled with which token, with which mask."""

    order: Literal["shuffle", "keep"]
    key: str
    pad: int | None = None
    loss_mask: Literal["none", "padding", "starts"] = "none"


def token_counts(column: pa.ListArray) -> Longs:
    """How many tokens each document has; null has none."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), np.int64)


def tokens_of(documents: pa.RecordBatch) -> Tokens:
    """The tokens of documents with `id`, `input_ids` and perhaps `text_bytes`; nothing is copied."""
    column = documents["input_ids"]
    lengths = token_counts(column)
    size = np.zeros(len(lengths), np.int64)
    if "text_bytes" in documents.schema.names:
        size = pc.fill_null(documents["text_bytes"], 0).to_numpy(zero_copy_only=False)
    starts = column.offsets.to_numpy()[:-1].astype(np.int64)
    return Tokens(documents["id"], column.values.to_numpy(), starts, lengths, size)


def sequence_rows(tokens: Tokens, packing: Packing, form: Form) -> Iterator[pa.RecordBatch]:
    """The packed sequences, a few million tokens at a time.

    Shorter rooms come first. Within a room the order is that of the sequences' ids, which are hashes: the order of
    packing has something to do with the lengths of documents, and training should not. `keep` leaves it as it is.
    """
    layout = _layout(tokens, packing, form.key)
    if form.order == "shuffle":
        table = pa.table({"room": packing.room, "id": layout.names})
        order = pc.sort_indices(table, [("room", "ascending"), ("id", "ascending")]).to_numpy().astype(np.int64)
    else:
        order = np.argsort(packing.room, kind="stable")
    size = packing.room if form.pad is not None else layout.filled
    chunk = np.cumsum(size[order], dtype=np.int64) // _CHUNK
    for chosen in np.split(order, np.flatnonzero(np.diff(chunk)) + 1):
        if len(chosen):
            yield _rows(tokens, layout, form, chosen)


def measure(tokens: Tokens, packing: Packing) -> dict[str, int]:
    """Counts of a packing, to be summed over parts.

    `padding`: tokens that the sequences have room for beyond those they hold. `split_documents` lie in several
    sequences; `truncated_documents` are not there to their end, and `dropped_tokens` is what is missing of them.
    `attention_cost`: the sum of squared lengths of pieces, which is what attention within documents costs;
    `attention_cost_unmasked`: that of sequences, where attention does not stop between documents.
    """
    length = (packing.end - packing.start).astype(np.int64)
    filled = np.bincount(packing.sequence, length, len(packing.room)).astype(np.int64)
    covered = np.bincount(packing.document, length, len(tokens.lengths)).astype(np.int64)
    held = int(length.sum())
    return {
        "documents": int((covered > 0).sum()),
        "sequences": len(packing.room),
        "tokens": held,
        "text_bytes": int(_shares(tokens, packing).sum()),
        "padding": int(packing.room.sum(dtype=np.int64)) - held,
        "split_documents": int((np.bincount(packing.document, minlength=1) > 1).sum()),
        "truncated_documents": int(((covered > 0) & (covered < tokens.lengths)).sum()),
        "dropped_tokens": int(tokens.lengths.sum()) - held,
        "attention_cost": int((length**2).sum()),
        "attention_cost_unmasked": int((filled**2).sum()),
    }


@dataclass(frozen=True, slots=True)
class _Layout:
    """A packing with what its rows are made of. Of each sequence the `names`, the tokens `filled` and the pieces, from
    `pieces[i]` to `pieces[i + 1]`; of each piece the `shares`, its bytes."""

    packing: Packing
    names: pa.StringArray
    filled: Longs
    pieces: Longs
    shares: Longs


def _layout(tokens: Tokens, packing: Packing, key: str) -> _Layout:
    filled = np.bincount(packing.sequence, packing.end - packing.start, len(packing.room)).astype(np.int64)
    pieces = _edges(np.bincount(packing.sequence, minlength=len(packing.room)))
    names = _names(tokens, packing, pieces[:-1], key)
    return _Layout(packing, names, filled, pieces, _shares(tokens, packing))


def _names(tokens: Tokens, packing: Packing, first: Longs, key: str) -> pa.StringArray:
    """The id of each sequence, made of the document that it begins with and the token at which.

    One hash per sequence. Where one document came twice, the second sequence of the name gets another.
    """
    documents = tokens.ids.take(pa.array(packing.document[first])).to_pylist()
    names: dict[str, None] = {}  # a set that keeps its order
    for document, start in zip(documents, packing.start[first].tolist()):
        name = child_id(document, key, start)
        while name in names:
            name = child_id(name, key, start)
        names[name] = None
    return pa.array(list(names), pa.string())


def _rows(tokens: Tokens, layout: _Layout, form: Form, chosen: Longs) -> pa.RecordBatch:
    """The rows of the chosen sequences."""
    from stages.kernels.packing import copy_pieces

    packing, filled, room = layout.packing, layout.filled[chosen], layout.packing.room[chosen]
    piece = _ranges(layout.pieces[chosen], layout.pieces[chosen + 1])
    document, start, end = packing.document[piece], packing.start[piece], packing.end[piece]
    count = layout.pieces[chosen + 1] - layout.pieces[chosen]
    row = np.repeat(np.arange(len(chosen)), count)
    edges = _edges(room if form.pad is not None else filled)
    place = np.cumsum(end - start, dtype=np.int64) - (end - start)
    inside = place - (np.cumsum(filled) - filled)[row]
    target = edges[row] + inside
    begin = tokens.starts[document] + start
    ids = np.full(edges[-1], form.pad or 0, np.int32)
    copy_pieces(tokens.data, begin, begin + (end - start), target, ids)
    per_piece = pa.array(_edges(count), pa.int32())
    spans = [pa.array(inside, pa.int32()), pa.array(inside + (end - start), pa.int32())]
    columns = [
        layout.names.take(pa.array(chosen)),
        pa.ListArray.from_arrays(pa.array(edges, pa.int32()), pa.array(ids)),
        pa.ListArray.from_arrays(per_piece, tokens.ids.take(pa.array(document))),
        pa.ListArray.from_arrays(per_piece, pa.StructArray.from_arrays(spans, fields=list(SPANS.value_type))),
        pa.ListArray.from_arrays(per_piece, pa.array(start)),
        pa.ListArray.from_arrays(per_piece, pa.array(end - start)),
        pa.array(filled, pa.int32()),
        pa.array(np.add.reduceat(layout.shares[piece], _edges(count)[:-1])),
        pa.array(room),
    ]
    if form.loss_mask == "none":
        return pa.record_batch(columns, schema=SEQUENCE)
    counts = np.zeros(edges[-1], np.bool_)
    counts[_ranges(edges[:-1], edges[:-1] + filled)] = True
    if form.loss_mask == "starts":
        counts[target] = False
    mask = pa.ListArray.from_arrays(pa.array(edges, pa.int32()), pa.array(counts))
    return pa.record_batch([*columns, mask], schema=SEQUENCE.append(MASK))


def _shares(tokens: Tokens, packing: Packing) -> Longs:
    """The bytes of each piece: its document's bytes, dealt out by tokens, so that pieces add up to the document."""
    size, length = tokens.bytes[packing.document], tokens.lengths[packing.document]
    shares: Longs = size * packing.end // length - size * packing.start // length
    return shares


def _edges(sizes: npt.NDArray[np.integer]) -> Longs:
    return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))


def _ranges(starts: Longs, ends: Longs) -> Longs:
    """All numbers from each start to its end, one range after the other."""
    count = ends - starts
    shift = starts - (np.cumsum(count) - count)
    return np.asarray(np.arange(int(count.sum())) + np.repeat(shift, count), np.int64)

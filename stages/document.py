"""What a document is: the names and types of its columns, and how its id is made.

A batch is a `pyarrow.RecordBatch` of documents. Only plain Arrow types travel (see `PLAIN_TYPES`): engines disagree on
everything else. Columns whose name starts with `_` are textmill's own; they stay in the run directory and are left out
of the shards.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa

BLOCKS: Final = pa.list_(pa.struct([("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())]))
"""Byte spans of `text`: heading, paragraph, list, table, code, math, quote, other."""

COLUMNS: Final[dict[str, pa.DataType]] = {
    "id": pa.string(),
    "text": pa.string(),
    "source_id": pa.string(),
    "record_id": pa.string(),
    "parent_id": pa.string(),
    "url": pa.string(),
    "source": pa.string(),
    "dump": pa.string(),
    "date": pa.string(),
    "title": pa.string(),
    "file_path": pa.string(),
    "language": pa.string(),
    "language_score": pa.float32(),
    "license": pa.string(),
    "metadata": pa.string(),
    "blocks": BLOCKS,
}
"""Columns with a fixed meaning and type. Any other name may be added by a stage or come with the input."""

OFFSET: Final = "_offset"
LENGTH: Final = "_length"
"""int64: where the document's record stands in its input file (bytes, or row number and 1); for ledger rows."""

BYTES: Final = "_bytes"
"""int64: bytes of the document at rest, as `document_sizes` counts them; lets work be planned without reading texts."""

TOKENS: Final = "input_ids"
"""list<int32>: the tokens of a document, or of a sequence packed from several."""
TOKEN_BYTES: Final = 4

TEXT_ALIASES: Final = ("text", "content", "raw_content", "contents")

MAX_BATCH_TEXT: Final = 64 * 2**20
"""Bytes of text in a batch at most; one larger document is a batch of its own."""


def document_id(source: str, file: str, record: str) -> str:
    """32 hex digits of BLAKE2b-128 over the source's name, the file's locator and the record's locator.

    `record` is the byte offset (WARC, JSONL), the row number (Parquet, CSV) or empty (one file, one document).
    """
    return blake2b(f"{source}\0{file}\0{record}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def child_id(parent: str, stage_key: str, ordinal: int) -> str:
    """The id of the `ordinal`-th document that the stage with this key derived from `parent`."""
    return blake2b(f"{parent}\0{stage_key}\0{ordinal}".encode(), digest_size=16).hexdigest()


def is_plain(kind: Any) -> bool:
    """Whether a type may travel between stages and engines: no unsigned, temporal, dictionary or large type."""
    if pa.types.is_list(kind):
        return is_plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_plain(kind.field(at).type) for at in range(kind.num_fields))
    return any(kind == plain for plain in PLAIN_TYPES)


PLAIN_TYPES: Final = (
    pa.string(),
    pa.int64(),
    pa.int32(),
    pa.float64(),
    pa.float32(),
    pa.bool_(),
    pa.binary(),
)


def plain_type(kind: Any) -> pa.DataType:
    """The plain type a foreign type is read as: unsigned and small integers widen, times and decimals become strings.

    Unsigned 64-bit integers become int64 by value; a value above 2^63-1 is refused where it is cast.
    """
    if is_plain(kind):
        return kind
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(kind.field(at).name, plain_type(kind.field(at).type)) for at in range(kind.num_fields)])
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float32()
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    return pa.string()


def with_column(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """The batch with this column, in the place of one that has its name or at the end."""
    at = batch.schema.get_field_index(name)
    return batch.append_column(name, values) if at < 0 else batch.set_column(at, name, values)

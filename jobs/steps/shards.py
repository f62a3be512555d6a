"""How documents are cut into shards, how a shard is cut into row groups, and the digests over what was written.

All of it follows from the documents' sizes and order alone (laws of layout 5 to 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.rest import document_sizes
from stages.document import TOKENS

GROUP_BYTES: Final = 64 * 2**20
GROUP_ROWS: Final = 65_536
TRAIN: Final = "train"
HELD_OUT: Final = "validation"
_MODULUS: Final = 1 << 128

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Documents that lie in shards of their own: of one split, and of one value of the column that names folders."""

    split: str
    folder: str = ""
    value: int | None = None

    @property
    def stem(self) -> str:
        """What the names of its shards begin with, below `data/`."""
        return f"{self.folder}/{self.split}" if self.folder else self.split


def group_of(split: str, column: str | None, value: int | None) -> Group:
    """The group of a split and a folder; the folder is called after its column and value: `length-00512`."""
    return Group(split) if column is None or value is None else Group(split, f"{column}-{value:05d}", value)


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: `rows` documents of its group, from the row `row` of the file number `file` on."""

    name: str
    group: Group
    file: int
    row: int
    rows: int


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """How many documents of each file belong to a group, and the group's shards."""

    counts: tuple[int, ...]
    shards: tuple[Shard, ...]


def plan_group(group: Group, files: Iterable[tuple[Sizes, Sizes]], shard_size: int) -> GroupPlan:
    """Close a shard before the document that would pass `shard_size`; a single larger one has a shard of its own.

    `files`: of each file in order the rows of the group's documents and their bytes of text; one is held at a time.
    """
    counts: list[int] = []
    begun: list[tuple[int, int, int]] = []  # (file, first row, documents) of each shard
    held = 0
    for file, (rows, sizes) in enumerate(files):
        counts.append(len(rows))
        ends = np.cumsum(sizes)
        at = 0
        while at < len(rows):
            before = int(ends[at - 1]) if at else 0
            fit = int(np.searchsorted(ends, before + shard_size - held, side="right")) - at
            if fit <= 0 or not begun:
                begun.append((file, int(rows[at]), 0))
                held = 0
                fit = max(1, int(np.searchsorted(ends, before + shard_size, side="right")) - at)
            begun[-1] = (*begun[-1][:2], begun[-1][2] + fit)
            held += int(ends[at + fit - 1]) - before
            at += fit
    names = [f"{group.stem}-{number:05d}-of-{len(begun):05d}" for number in range(len(begun))]
    return GroupPlan(tuple(counts), tuple(Shard(name, group, *one) for name, one in zip(names, begun)))


def row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Documents as tables of one row group each: rows until 64 MiB of text or 65,536 rows (law of layout 6)."""
    held: list[pa.RecordBatch] = []
    text = rows = 0
    for batch in batches:
        sizes = document_sizes(batch)
        start = 0
        while start < batch.num_rows:
            total = text + np.cumsum(sizes[start:])
            fit = min(int(np.searchsorted(total, GROUP_BYTES, side="right")), GROUP_ROWS - rows)
            if fit == 0 and not held:
                fit = 1
            if fit:
                held.append(batch.slice(start, fit))
                text, rows, start = int(total[fit - 1]), rows + fit, start + fit
            if start < batch.num_rows:
                yield _table(held, schema)
                held, text, rows = [], 0, 0
    if held:
        yield _table(held, schema)


def _table(held: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    # A shard of this schema from the same rows in other chunks had other bytes until the chunks were joined.
    return pa.Table.from_batches(held).cast(schema).combine_chunks()


def content_sum(table: pa.Table) -> int:
    """Sum mod 2^128 of BLAKE2b-128 over id, NUL, content of every document: a digest that no order changes.

    The content is the text; of a document without the column, its tokens as little-endian 32-bit integers.
    """
    total = 0
    # One hash per document: hashlib is native, the loop costs about a microsecond a document.
    for name, content in zip(table["id"].cast(pa.binary()).to_pylist(), _contents(table)):
        total += int.from_bytes(blake2b(name + b"\0" + content, digest_size=16).digest(), "big")
    return total % _MODULUS


def _contents(table: pa.Table) -> Iterator[bytes | memoryview]:
    if "text" in table.column_names:
        # As bytes, because to make them strings and bytes again took half as long as the hash.
        yield from (text or b"" for text in table["text"].cast(pa.binary()).to_pylist())
    elif TOKENS in table.column_names:
        tokens = table[TOKENS].combine_chunks()
        values = np.ascontiguousarray(pc.fill_null(tokens.flatten(), 0).to_numpy(zero_copy_only=False), "<i4").data
        ends = np.cumsum(pc.fill_null(pc.list_value_length(tokens), 0).to_numpy(zero_copy_only=False)).tolist()
        yield from (values[start:end].cast("B") for start, end in zip([0, *ends], ends))
    else:
        yield from (b"" for _ in range(table.num_rows))


def digest_of_shards(shards: Sequence[dict[str, Any]]) -> str:
    """sha256 over the sorted `sha256  name` lines of the shards, as `sha256sum * | sort | sha256sum` would give."""
    lines = sorted(f"{shard['sha256']}  {shard['as']}.parquet\n" for shard in shards)
    return sha256("".join(lines).encode()).hexdigest()


def digest_of_content(shards: Sequence[dict[str, Any]]) -> str:
    """The content digest: 32 hex digits, the sum of the shards' content sums mod 2^128."""
    return f"{sum(int(shard['content_sum'], 16) for shard in shards) % _MODULUS:032x}"

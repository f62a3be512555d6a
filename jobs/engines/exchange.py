"""What a task of a cluster's engine does: rows in as sorted pieces, through a chain of workers, out as pieces again.

A piece is a table as Arrow's IPC bytes, which every engine can carry. For a shuffle behind it a task sorts its rows by
(`_part`, *order) and cuts them into one piece per *bin*; bin b holds the whole parts p with p mod bins = b. A task
behind a shuffle merges the sorted pieces of its bin with one batch of each in hand, so a bin may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.engines import spill
from jobs.engines.frame import pass_through
from stages.find import PART, Worker


@dataclass(frozen=True, slots=True)
class Cut:
    """How the rows of a task are cut for the shuffle behind it."""

    bins: int
    parts: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What all tasks of one pass share. `keys`: what the pieces are sorted by and merged on, () where they are not."""

    chain: tuple[Worker, ...]
    schema: pa.Schema
    keys: tuple[str, ...]
    cut: Cut | None


def run_work(work: Work, pieces: Sequence[pa.Buffer]) -> list[pa.Buffer]:
    """Do one task: one piece, or one for each bin of the shuffle behind it."""
    full = [piece for piece in pieces if piece.size]
    if work.keys and len(full) > 1:
        batches = spill.merge([_stream(piece) for piece in full], work.keys)
    else:
        batches = (batch for piece in full for batch in pa.ipc.open_stream(piece))
    found = pa.Table.from_batches(pass_through(work.chain, batches), work.schema)
    return [to_piece(found)] if work.cut is None else [to_piece(one) for one in _cut(found, work.cut)]


def to_piece(table: pa.Table) -> pa.Buffer:
    """A table as IPC bytes; nothing at all for no rows."""
    if not table.num_rows:
        return pa.py_buffer(b"")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=spill.batch_rows(table))
    return sink.getvalue()


def bin_count(parts: int, cpus: int) -> int:
    """How many bins a shuffle of so many parts has: four for each core, so that none of them idles long."""
    return min(parts, max(8, 4 * cpus))


def _stream(piece: pa.Buffer) -> spill.Stream:
    with pa.ipc.open_stream(piece) as reader:
        batch = next(reader)
        for after in reader:
            yield batch, True
            batch = after
        yield batch, False


def _cut(table: pa.Table, cut: Cut) -> Iterator[pa.Table]:
    """The rows of each bin, sorted."""
    part = table[PART].to_numpy()
    if len(part) and not (part.min() >= 0 and part.max() < cut.parts):
        raise AssertionError(f"a row's _part is outside 0..{cut.parts - 1}")
    order = [(name, "ascending") for name in cut.keys]
    for number in range(cut.bins):
        mine = table if cut.bins == 1 else table.take(pa.array(np.flatnonzero(part % cut.bins == number)))
        yield mine.sort_by(order).combine_chunks()

"""The local engine's shuffle: sorted runs on disk, merged out of core.

Each map task sorts what it has by (`_part`, *order), writes it as one or more runs whose batches never cross a part,
and remembers which batches belong to which part. Reading parts merges the runs with a few batches of each in memory, so
a part may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stages.find import PART

BATCH_ROWS: Final = 16_384
BATCH_BYTES: Final = 2**20
"""A merge holds a batch of every run, so batches of wide rows are short."""
_RUN: Final = "_run"
_LAST: Final = "_last"


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a shuffle's runs go, how many parts there are, their order, and how much a task holds before it spills."""

    folder: str
    parts: int
    order: tuple[str, ...]
    memory: int
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class Run:
    """The sorted files of one map task: per file its path and, for each part, (part, first batch, batches, bytes)."""

    files: tuple[tuple[str, tuple[tuple[int, int, int, int], ...]], ...]


def write_run(sink: Sink, task: int, batches: Iterator[pa.RecordBatch]) -> Run | None:
    """Spill a stream: a file each time the memory allowed is full."""
    files: list[Any] = []
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        held.append(batch)
        size += batch.nbytes
        if size >= sink.memory:
            files.append(_write_file(sink, task, len(files), held))
            held, size = [], 0
    if held:
        files.append(_write_file(sink, task, len(files), held))
    return Run(tuple(files)) if files else None


def _write_file(sink: Sink, task: int, number: int, held: list[pa.RecordBatch]) -> tuple[str, Any]:
    table = pa.Table.from_batches(held, sink.schema).combine_chunks()
    table = table.sort_by([(name, "ascending") for name in (PART, *sink.order)])
    part = table[PART].to_numpy()
    if len(part) and not (part[0] >= 0 and part[-1] < sink.parts):
        raise AssertionError(f"a row's _part is outside 0..{sink.parts - 1}")
    edges = np.concatenate(([0], np.flatnonzero(part[1:] != part[:-1]) + 1, [len(part)])).tolist()
    path = Path(sink.folder) / f"{task:06d}-{number:03d}.arrow"
    index = []
    batch_number = 0
    with pa.OSFile(str(path), "wb") as file:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(file, sink.schema, options=options) as writer:
            for start, end in pairwise(edges):
                piece = table.slice(start, end - start)
                pieces = piece.to_batches(max_chunksize=batch_rows(piece))
                for batch in pieces:
                    writer.write_batch(batch)
                index.append((int(part[start]), batch_number, len(pieces), piece.nbytes))
                batch_number += len(pieces)
    return str(path), tuple(index)


def batch_rows(table: pa.Table) -> int:
    """Rows of a batch: at most 16,384, and about a megabyte."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES * int(table.num_rows) // max(1, int(table.nbytes))))


def part_sizes(runs: Sequence[Run]) -> dict[int, int]:
    """Bytes of each part over all runs, in order of part."""
    sizes: dict[int, int] = {}
    for run in runs:
        for _, index in run.files:
            for part, _, _, size in index:
                sizes[part] = sizes.get(part, 0) + size
    return dict(sorted(sizes.items()))


def read_parts(runs: Sequence[Run], parts: tuple[int, int], order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of parts low ≤ part < high, sorted by (`_part`, *order), as a stream."""
    low, high = parts
    streams = [_stream(path, index, low, high) for run in runs for path, index in run.files]
    yield from merge([stream for stream in streams if stream is not None], (PART, *order))


Stream = Iterator[tuple[pa.RecordBatch, bool]]
"""Batches of one run, each with whether more come."""


def _stream(path: str, index: Any, low: int, high: int) -> Stream | None:
    """One run's rows of some parts; a file is open only while a run of more than a megabyte is read."""
    mine = [(first, count, size) for part, first, count, size in index if low <= part < high]
    return _batches(path, mine) if mine else None


def _batches(path: str, mine: Sequence[tuple[int, int, int]]) -> Stream:
    numbers = [number for first, count, _ in mine for number in range(first, first + count)]
    held: list[pa.RecordBatch] = []
    size, whole = 0, sum(size for _, _, size in mine) <= BATCH_BYTES
    with pa.OSFile(path, "rb") as file, pa.ipc.open_file(file) as reader:
        for at, number in enumerate(numbers, 1):
            held.append(reader.get_batch(number))
            size += held[-1].nbytes
            if not whole and size >= BATCH_BYTES and at < len(numbers):
                yield pa.concat_batches(held), True
                held, size = [], 0
    # The file is closed by now: a thousand small runs must not take a thousand descriptors.
    yield pa.concat_batches(held), False


def merge(streams: Sequence[Stream], order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Merge sorted streams into one, holding about one batch of each.

    A round sorts the heads of all streams together and gives out what lies before the end of the first head behind
    which more comes: whatever that is, it is not smaller. Sorting is stable over streams, so equals keep their order.
    """
    keys = [(name, "ascending") for name in order]
    heads: dict[int, tuple[pa.RecordBatch, bool]] = {at: next(stream) for at, stream in enumerate(streams)}
    while len(heads) > 1:
        marked = [_mark(head, at, more) for at, (head, more) in heads.items()]
        table = pa.Table.from_batches(marked).sort_by([*keys, (_RUN, "ascending")]).combine_chunks()
        last = np.flatnonzero(table[_LAST].to_numpy(zero_copy_only=False))
        given = table.slice(0, int(last[0]) + 1) if len(last) else table
        yield from given.drop_columns([_RUN, _LAST]).to_batches(max_chunksize=BATCH_ROWS)
        taken = np.bincount(given[_RUN].to_numpy(), minlength=len(streams))
        heads = dict(_next_heads(heads, taken, streams))
    for at, (head, more) in heads.items():
        yield head
        if more:
            for batch, _ in streams[at]:
                yield batch


def _next_heads(
    heads: dict[int, tuple[pa.RecordBatch, bool]], taken: Any, streams: Sequence[Stream]
) -> Iterator[tuple[int, tuple[pa.RecordBatch, bool]]]:
    """What is left of each head, or the batch behind it."""
    for at, (head, more) in heads.items():
        rest = head.slice(int(taken[at]))
        if rest.num_rows:
            yield at, (rest, more)
        elif more:
            yield at, next(streams[at])


def _mark(head: pa.RecordBatch, number: int, more: bool) -> pa.RecordBatch:
    last = np.zeros(head.num_rows, np.bool_)
    last[-1] = more
    run = pa.array(np.full(head.num_rows, number, np.int32))
    return pa.RecordBatch.from_arrays([*head.columns, run, pa.array(last)], names=[*head.schema.names, _RUN, _LAST])

"""A split to chunks of documents, whatever its files are.

One idea: readers of formats yield chunks of one file, as large as a batch may be; here small ones are joined, so that a
thousand small files do not become a thousand small batches. The law of reading is checked for every piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from stages.errors import StoreError
from stages.read import arrow, delimited, jsonl, parquet, whole_files
from stages.read.inputs import Chunk, FileCounts, Piece, ReadCounts, Split
from stages.read.reading import Reading, Tally
from stages.read.stage import Read

Reader = Callable[[Reading, Piece], Iterator[Chunk]]


def read_split(
    read: Read, source: str, schema: pa.Schema, split: Split, *, batch_rows: int, batch_bytes: int
) -> Iterator[Chunk]:
    """The documents of a split in order, in batches of at most `batch_rows` rows and `batch_bytes` of text.

    One larger document is a batch of its own. Any batch sizes give the same documents, damages and counts. Raises
    StoreError when a file cannot be read, or when what was read does not cover a piece.
    """
    reading = Reading(read, source, schema, batch_rows, batch_bytes, split.limit)
    yield from _joined(_chunks(reading, split), batch_rows, batch_bytes)


def limit_splits(read: Read, source: str, schema: pa.Schema, splits: Sequence[Split], limit: int) -> tuple[Split, ...]:
    """The same splits for the first `limit` documents of the source: each gets its share, the later ones 0.

    Documents are counted by reading them, split by split, until the limit is reached.
    """
    limited = []
    left = limit
    for split in splits:
        split = replace(split, limit=left)
        if left:
            chunks = read_split(read, source, schema, split, batch_rows=4096, batch_bytes=8 * 2**20)
            left -= sum(chunk.rows.num_rows for chunk in chunks)
        limited.append(split)
    return tuple(limited)


def _chunks(reading: Reading, split: Split) -> Iterator[Chunk]:
    for piece in split.pieces:
        file = piece.file
        if reading.finished:
            yield Tally().limited(reading, file, _extent(piece))
            continue
        covered = 0
        try:
            for chunk in READERS[file.format](reading, piece):
                covered += chunk.counts.files[file.locator].extent
                yield chunk
        except OSError as error:
            what = f"{file.path}: cannot be read: {error.strerror or error}"
            mend = "check that it is still there and may be read, then run the same command again"
            raise StoreError(f"{what}\n    mend: {mend}") from error
        if covered != _extent(piece):
            what = f"{file.path}: reading covered {covered} of {_extent(piece)} from {piece.start}"
            raise StoreError(f"{what}\n    mend: if nothing changed the file meanwhile, please report this with it")


def _extent(piece: Piece) -> int:
    if piece.file.format == "parquet":
        return sum(parquet.footer(piece.file.path, piece.file.mark).rows[piece.start : piece.end])
    return piece.end - piece.start


def _joined(chunks: Iterable[Chunk], most_rows: int, most_bytes: int) -> Iterator[Chunk]:
    held: list[Chunk] = []
    rows = size = 0
    for chunk in chunks:
        weight = _weight(chunk.rows)
        if held and (rows + chunk.rows.num_rows > most_rows or size + weight > most_bytes):
            yield _one(held)
            held, rows, size = [], 0, 0
        held.append(chunk)
        rows += chunk.rows.num_rows
        size += weight
    if held:
        yield _one(held)


def _weight(rows: pa.RecordBatch) -> int:
    """Bytes of text, or of pages that are to become text."""
    return sum(int(rows.column(name).nbytes) for name in ("text", "content") if name in rows.schema.names)


def _one(chunks: Sequence[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    filled = [chunk.rows for chunk in chunks if chunk.rows.num_rows] or [chunks[0].rows]
    counts: dict[str, FileCounts] = {}
    for chunk in chunks:
        for name, found in chunk.counts.files.items():
            counts[name] = counts[name].plus(found) if name in counts else found
    rows = filled[0] if len(filled) == 1 else pa.concat_batches(filled)
    return Chunk(rows, tuple(damaged for chunk in chunks for damaged in chunk.damaged), ReadCounts(counts))


def _read_archive(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    from stages.read import warc  # 50 ms of imports that few sources need

    return warc.read_piece(reading, piece)


READERS: Final[dict[str, Reader]] = {
    "jsonl": jsonl.read_piece,
    "parquet": parquet.read_piece,
    "arrow": arrow.read_piece,
    "csv": delimited.read_piece,
    "html": whole_files.read_piece,
    "text": whole_files.read_piece,
    "warc": _read_archive,
    "wet": _read_archive,
}

"""One file, one document: HTML pages as `content`, plain text as `text`.

A file larger than `max_record_bytes` when unpacked, one whose packing is broken, and text that is not UTF-8 are damaged
as a whole; a byte order mark is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from stages.read.inputs import Chunk, Damaged, Piece
from stages.read.reading import Reading, Tally, empty_batch, numbers
from stages.read.storage import open_file
from stages.read.streams import stream_of


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The one document of an HTML or text file."""
    tally = Tally()
    content = _content(reading, piece)
    values = _values(reading, piece, content) if isinstance(content, bytes) else content
    if isinstance(values, Damaged):
        tally.damaged.append(values)
        yield tally.chunk(piece.file, empty_batch(reading.schema), piece.end)
        return
    own = reading.whole_file_id(piece.file)
    batch = reading.batch(piece.file, numbers([0]), numbers([piece.file.size]), values, [own])
    reading.took(1)
    yield tally.chunk(piece.file, batch, piece.end)


def _content(reading: Reading, piece: Piece) -> bytes | Damaged:
    file, most = piece.file, reading.read.max_record_bytes
    blocks: list[bytes] = []
    size = 0
    with open_file(file.path) as stored:
        stream = stream_of(stored, file.packing, piece.start, piece.end)
        for block in stream:
            size += len(block)
            if size > most:
                return _damaged(reading, piece, f"the file is larger than max_record_bytes ({most})")
            blocks.append(block)
    if stream.broken is not None:
        return _damaged(reading, piece, f"{stream.broken.cause} (at stored byte {stream.broken.offset})")
    return b"".join(blocks)


def _values(reading: Reading, piece: Piece, content: bytes) -> dict[str, pa.Array] | Damaged:
    if piece.file.format == "html":
        return {"content": pa.array([content], pa.binary()), "content_type": pa.array(["text/html"], pa.string())}
    try:
        return {"text": pa.array([content.removeprefix(b"\xef\xbb\xbf").decode()], pa.string())}
    except UnicodeDecodeError as error:
        return _damaged(reading, piece, f"invalid UTF-8 at byte {error.start}; recode the file, or read it otherwise")


def _damaged(reading: Reading, piece: Piece, cause: str) -> Damaged:
    return Damaged(piece.file.locator, 0, piece.file.size, cause, None, reading.whole_file_id(piece.file))

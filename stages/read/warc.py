"""Web archives to documents: WARC and ARC records as pages that `stages.extract` makes text of, WET records as text.

One idea: `stages.archives` tiles a file completely; here each tile becomes a document, a skipped count or a damaged
range, so nothing can fall between.

The HTTP payload goes on as it is stored, still content-encoded and chunked, in `content`; `http_headers` is a JSON
array of pairs, which the decoder of `stages.extract` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from stages.archives.read import read_archive
from stages.archives.tiles import Damage, Record, Skipped, Tile
from stages.read.inputs import Chunk, InputFile, Piece
from stages.read.metadata import json_text
from stages.read.reading import Reading, Tally, numbers
from stages.read.storage import open_file

LANGUAGES = "WARC-Identified-Content-Language"


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The documents of one whole archive."""
    with open_file(piece.file.path) as stored:
        tiles = read_archive(stored, piece.end, max_record_bytes=reading.read.max_record_bytes)
        yield from _Rows(reading, piece.file).chunks(tiles, piece.end)


@dataclass(slots=True)
class _Rows:
    """Records of one archive on their way to batches. `covered`, `reported`: stored bytes behind us, and told of."""

    reading: Reading
    file: InputFile
    tally: Tally = field(default_factory=Tally)
    records: list[Record] = field(default_factory=list)
    covered: int = 0
    reported: int = 0

    def chunks(self, tiles: Iterator[Tile], end: int) -> Iterator[Chunk]:
        """The chunks of an archive of `end` bytes."""
        size = 0
        for tile in tiles:
            if not self._is_document(tile):
                self.covered = tile.stored_end
                continue
            assert isinstance(tile, Record)
            if self.records and size + len(tile.payload) > self.reading.batch_bytes:
                yield self._flush()
                size = 0
            self.records.append(tile)
            self.covered = tile.stored_end
            size += len(tile.payload)
            if len(self.records) >= self.reading.room:
                yield self._flush()
                size = 0
            if self.reading.finished:
                if self.reported == end:
                    return
                yield self.tally.limited(self.reading, self.file, end - self.reported)
                return
        yield self._flush()

    def _is_document(self, tile: Tile) -> bool:
        """Whether a tile becomes a document; what does not is counted here."""
        if isinstance(tile, Damage):
            self.tally.damaged.append(self.reading.damage(self.file, tile.offset, tile.length, tile.cause, tile.url))
            return False
        if isinstance(tile, Skipped):
            self.tally.skip(tile.kind)
            return False
        wanted = "response" if tile.record_type == "arc" else tile.record_type
        if wanted not in self.reading.read.records:
            self.tally.skip(tile.record_type)
            return False
        if self.file.format == "wet" and (wrong := _not_utf8(tile.payload)):
            self.tally.damaged.append(self.reading.damage(self.file, tile.offset, tile.length, wrong, tile.url))
            return False
        return True

    def _flush(self) -> Chunk:
        records, self.records = self.records, []
        values = _converted(records) if self.file.format == "wet" else _pages(records)
        offsets, lengths = (
            numbers([record.offset for record in records]),
            numbers([record.length for record in records]),
        )
        batch = self.reading.batch(self.file, offsets, lengths, values)
        self.reading.took(len(records))
        chunk = self.tally.chunk(self.file, batch, self.covered - self.reported)
        self.reported = self.covered
        return chunk


def _pages(records: list[Record]) -> dict[str, pa.Array]:
    """The columns of records that hold pages."""
    headers = [orjson.dumps(record.http_headers).decode() if record.http_headers else None for record in records]
    return {
        **_named(records),
        "content": pa.array([record.payload for record in records], pa.binary()),
        "content_type": pa.array([record.content_type for record in records], pa.string()),
        "http_headers": pa.array(headers, pa.string()),
        "http_status": pa.array([record.http_status for record in records], pa.int32()),
    }


def _converted(records: list[Record]) -> dict[str, pa.Array]:
    """The columns of WET records, whose payload is text."""
    return {**_named(records), "text": pa.array([record.payload.decode() for record in records], pa.string())}


def _named(records: list[Record]) -> dict[str, pa.Array]:
    dates = pa.array([record.date for record in records], pa.string())
    return {
        "record_id": pa.array([record.record_id for record in records], pa.string()),
        "url": pa.array([record.url for record in records], pa.string()),
        "date": dates,
        "metadata": pa.array([_metadata(record) for record in records], pa.string()),
    }


def _metadata(record: Record) -> str | None:
    """What the archive says of a record beyond its columns: identified languages, a cut, a mended fault."""
    said: dict[str, Any] = {"truncated": record.truncated, "mended": record.mended}
    said["languages"] = next((value for name, value in record.warc_headers if name.lower() == LANGUAGES.lower()), None)
    said = {name: value for name, value in said.items() if value is not None}
    return json_text(said) if said else None


def _not_utf8(payload: bytes) -> str | None:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start} of the record's text"
    return None

"""Read any web archive, however broken, as tiles that cover it from its first byte to its last.

One idea: an archive is a row of members, or one plain stream; what cannot be read is one damaged range up to the next
place that proves to be a member with a record in it, and reading goes on there.

Time is linear in the file's size and memory is bounded by `max_record_bytes`, whatever the file declares or unpacks to.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import BinaryIO

from stages.archives.codecs import (
    FOREIGN_CONTAINERS,
    MAX_DICTIONARY_BYTES,
    Codec,
    codec_of,
    is_dictionary,
    skippable_frame,
    unpacked_dictionary,
)
from stages.archives.headers import starts_record
from stages.archives.records import NO_RECORD, PADDING, Body, Document, Passed, Piece, Spoilt, padding_end, pieces
from stages.archives.resync import head_of_member, next_start, url_of_broken
from stages.archives.streams import END_OF_FILE, MemberStream, StoredStream
from stages.archives.tiles import Damage, Record, Skipped, Tile, Unit

DEFAULT_MAX_RECORD_BYTES = 64 << 20
NOT_AN_ARCHIVE = "not an archive: no WARC or ARC record in it; take the file out of the read's paths"
MEMBER_CUT = "member cut by the end of the file"

_HEAD_BYTES = 4096
_ARCHIVE_SUFFIXES = (".warc", ".arc", ".wet", ".wat")
_PACKED_SUFFIXES = (".gz", ".zst", ".zstd", ".bz2")


def read_archive(
    file: BinaryIO, size: int | None = None, *, max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES
) -> Iterator[Tile]:
    """Yield the tiles of one stored archive, in order; see `stages.archives.tiles` for the law they keep.

    WARC 0.17 to 1.1 (WET and WAT too) and ARC 1 and 2; plain, gzip, zstd (with a dictionary frame) or bzip2, with one
    record a member, several, or records across members. `file` needs `read` and `seek`; it is read forward but for
    damage. `size` is the stored size in bytes, asked from the file if None. A record whose block is larger than
    `max_record_bytes` is damage. Nothing in the bytes raises; StoreError when the file is shorter than `size`.

    A record cut by the end of the file is a `Record` with `truncated == "end of file"` when some of its payload is
    there, else damage. A wrong Content-Length is put right where the record's true end can be told (`Record.mended`).
    """
    if size is None:
        size = file.seek(0, io.SEEK_END)
    return _without_false_start(_Reader(file, size, max_record_bytes).tiles())


def looks_like_archive(head: bytes, name: str) -> bool:
    """Say whether a file is to be read as an archive, by its name or else by its first bytes (4 KiB are enough)."""
    lowered = name.lower()
    for suffix in _PACKED_SUFFIXES:
        lowered = lowered.removesuffix(suffix)
    if lowered.endswith(_ARCHIVE_SUFFIXES) or starts_record(head) or is_dictionary(head):
        return True
    codec = codec_of(head)
    return codec is not None and starts_record(head_of_member(StoredStream(io.BytesIO(head), len(head)), 0, codec))


def _without_false_start(tiles: Iterator[Tile]) -> Iterator[Tile]:
    # Garbage before the first record is one range; when there is nothing else, the file is no archive.
    lead: Damage | None = None
    for tile in tiles:
        if isinstance(tile, Damage) and tile.cause == NO_RECORD and (lead is None or lead.unit == tile.unit):
            first = lead or tile
            length = tile.offset + tile.length - first.offset
            lead = dataclasses.replace(first, length=length, stored_end=tile.stored_end)
            continue
        if lead is not None:
            yield lead
        yield tile
        break
    else:
        if lead is not None:
            yield dataclasses.replace(lead, cause=NOT_AN_ARCHIVE)
        return
    yield from tiles


def _is_padding(piece: Piece) -> bool:
    return isinstance(piece.body, Passed) and piece.body.kind == PADDING


def _record(document: Document, offset: int, length: int, unit: Unit, stored_end: int) -> Record:
    head = document.head
    return Record(
        offset=offset,
        length=length,
        record_type=head.record_type,
        record_id=head.record_id,
        url=head.url,
        date=head.date,
        http_status=document.http_status,
        http_headers=document.http_headers,
        content_type=document.content_type,
        payload=document.payload,
        truncated=document.truncated,
        warc_headers=head.headers,
        unit=unit,
        stored_end=stored_end,
        mended=document.mended,
    )


class _Reader:
    """One pass over one file: where it stands in the stored bytes (`_position`) and on the axis of tiles (`_axis`)."""

    def __init__(self, file: BinaryIO, size: int, budget: int) -> None:
        self._stored = StoredStream(file, size)
        self._size = size
        self._budget = budget
        self._position = 0
        self._axis = 0
        self._unit: Unit = "stored"
        self._codec: Codec | None = None
        self._dictionary: bytes | None = None

    def tiles(self) -> Iterator[Tile]:
        while self._position < self._size:
            head = bytes(self._stored.portion(self._position, _HEAD_BYTES))
            codec = codec_of(head, self._dictionary)
            if codec is not None:
                self._codec = codec
                yield from self._member(codec)
            elif head[0] in b"\r\n\0":
                yield self._to(padding_end(self._stored, self._position), Passed(PADDING))
            elif (length := skippable_frame(head)) is not None:
                yield self._skippable(length, head=head)
            elif self._codec is None and starts_record(head):
                yield from self._plain()
            elif self._position == 0 and (foreign := self._foreign(head)) is not None:
                yield self._to(self._size, Spoilt(foreign, None))
            else:
                yield self._to(self._next_start(self._position + 1), Spoilt(NO_RECORD, None))

    def _plain(self) -> Iterator[Tile]:
        for piece in pieces(self._stored, self._position, self._budget):
            yield self._to(piece.end, piece.body)

    def _member(self, codec: Codec) -> Iterator[Tile]:
        start = self._position
        stream = MemberStream(self._stored, start, codec)
        held: Piece | None = None
        alone = True
        for piece in pieces(stream, 0, self._budget):
            if held is None:
                held = piece
            elif _is_padding(piece) or _is_padding(held):
                held = Piece(held.start, piece.end, held.body if _is_padding(piece) else piece.body)
            else:
                alone, self._unit = False, "unpacked"
                yield self._tile(held.body, held.end - held.start, start)
                held = piece
        if stream.state == "broken":
            yield from self._broken(stream, held, alone=alone)
            return
        self._position = stream.at
        body = self._last_body(stream, held)
        unpacked = held is not None and self._unit == "unpacked"
        yield self._tile(body, held.end - held.start if held and unpacked else stream.at - start, stream.at)

    def _last_body(self, stream: MemberStream, held: Piece | None) -> Body:
        if stream.state == "whole":
            return Passed("empty member") if held is None else held.body
        if held is None or isinstance(held.body, Passed):
            return Spoilt(MEMBER_CUT, None)
        if isinstance(held.body, Spoilt):
            return Spoilt(MEMBER_CUT, held.body.url)
        if held.body.truncated == END_OF_FILE:
            return held.body
        return dataclasses.replace(held.body, mended="the member's own end was missing")

    def _broken(self, stream: MemberStream, held: Piece | None, *, alone: bool) -> Iterator[Tile]:
        # Alone, a record in a broken member is not to be trusted: its checksum failed. Of several, those before the
        # damage have left already; the last one is whole when its own extent is.
        resumed = self._next_start(self._position + 1)
        url = url_of_broken(stream)
        left = 0
        if held is not None and not alone:
            if isinstance(held.body, Spoilt):
                left, url = held.end - held.start, held.body.url
            else:
                yield self._tile(held.body, held.end - held.start, self._position)
                url = None
            left = max(1, left + resumed - stream.at)
        length = resumed - self._position if alone else left
        self._position = resumed
        yield self._tile(Spoilt(stream.fault or "corrupt data", url), length, resumed)

    def _skippable(self, length: int, *, head: bytes) -> Tile:
        end = self._position + length
        if end > self._size:
            return self._to(self._next_start(self._position + 1), Spoilt(MEMBER_CUT, None))
        if is_dictionary(head) and length > MAX_DICTIONARY_BYTES:
            return self._to(end, Spoilt("zstd dictionary larger than 16 MiB", None))
        if not is_dictionary(head):
            return self._to(end, Passed("skippable frame"))
        self._stored.move(self._position)
        self._stored.reach(end)
        self._dictionary = unpacked_dictionary(bytes(self._stored.portion(self._position + 8, length - 8)))
        if self._dictionary is None:
            return self._to(end, Spoilt("corrupt zstd dictionary", None))
        return self._to(end, Passed("dictionary"))

    def _foreign(self, head: bytes) -> str | None:
        return next((cause for magic, cause in FOREIGN_CONTAINERS if head.startswith(magic)), None)

    def _next_start(self, position: int) -> int:
        found = next_start(self._stored, position, self._codec)
        return self._size if found is None else found

    def _to(self, stored_end: int, body: Body) -> Tile:
        length = stored_end - self._position
        self._position = stored_end
        return self._tile(body, length, stored_end)

    def _tile(self, body: Body, length: int, stored_end: int) -> Tile:
        offset = self._axis
        self._axis += length
        if isinstance(body, Passed):
            return Skipped(offset, length, body.kind, self._unit, stored_end)
        if isinstance(body, Spoilt):
            return Damage(offset, length, body.cause, body.url, self._unit, stored_end)
        return _record(body, offset, length, self._unit, stored_end)

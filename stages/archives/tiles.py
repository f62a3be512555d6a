"""What reading an archive yields: records, skipped ranges and damaged ranges that together tile the whole file.

One idea: nothing in a file may go unaccounted for, so the reader's answer is a tiling, and a tiling can be checked.

The axis the tiles lie on
-------------------------
A tile is `[offset, offset + length)`. Each tile starts where the one before it ended, the first at 0; offsets of
records are therefore unique in a file and ids may be made of them.

`unit == "stored"`: offset and length count bytes of the stored file, for compressed files of the member (gzip member,
zstd frame, bzip2 stream) that holds the record. This is so for plain archives and for the usual archives with one
record a member: seek to `offset`, read `length` bytes, and the record is there.

`unit == "unpacked"`: several records live in one member and so have no stored ranges of their own. From the start of
the first such member to the end of the file the axis counts unpacked bytes; it never turns back. A range that cannot
be unpacked (garbage, a corrupt member) stands on this axis for itself, at its stored length. `stored_end` says how
much of the stored file is accounted for once the tile is: it is the member's start until the member's last tile,
which has the member's end. The `stored_end` of the tile before is thus where to seek for the member of a record.

The law, checked by `TilingCheck`: tiles are contiguous from 0; a stored tile has `stored_end == offset + length`;
`stored_end` never falls; that of the last tile is the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stages.errors import StoreError

Unit: TypeAlias = Literal["stored", "unpacked"]
Headers: TypeAlias = tuple[tuple[str, str], ...]


def check_tiling(tiles: Iterable[Tile], size: int, name: str = "archive") -> None:
    """Raise StoreError unless `tiles` cover a stored file of `size` bytes; `name` says in the message which file."""
    check = TilingCheck(name)
    for tile in tiles:
        check.add(tile)
    check.finish(size)


@dataclass(frozen=True, slots=True)
class Record:
    """One record that bears a document.

    `record_type` is `response`, `resource`, `conversion` (WET) or `arc`. `date` is ISO 8601 as in WARC-Date; the 14
    digits of ARC are converted. `http_status` and `http_headers` are empty when the block is no HTTP message.
    `content_type` is that of the HTTP message if there is one, else of the record. `payload` is the HTTP body exactly
    as stored, still content-encoded and chunked, or the whole block. `truncated` is the WARC-Truncated value, or
    `end of file`; `mended` says what was wrong with the record and put right by the reader.
    """

    offset: int
    length: int
    record_type: str
    record_id: str | None
    url: str | None
    date: str | None
    http_status: int | None
    http_headers: Headers
    content_type: str | None
    payload: bytes
    truncated: str | None
    warc_headers: Headers
    unit: Unit
    stored_end: int
    mended: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A healthy range that bears no document.

    `kind` is the record's type (`request`, `warcinfo`, `metadata`, `revisit`, `continuation`, …), or `dns`, `not http`,
    `padding` (zeros and line ends between records), `dictionary`, `skippable frame` (zstd), `empty member`.
    """

    offset: int
    length: int
    kind: str
    unit: Unit
    stored_end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """A range that could not be read: `cause` says why in words, `url` whose record it was, where that is known."""

    offset: int
    length: int
    cause: str
    url: str | None
    unit: Unit
    stored_end: int


Tile: TypeAlias = Record | Skipped | Damage


class TilingCheck:
    """Checks the law of reading tile by tile, in constant memory."""

    def __init__(self, name: str = "archive") -> None:
        self._name = name
        self._end = 0
        self._stored_end = 0
        self._unit: Unit = "stored"

    def add(self, tile: Tile) -> None:
        """Take the next tile; raise StoreError where it leaves a gap, overlaps or turns the axis back."""
        end = tile.offset + tile.length
        if tile.offset != self._end or tile.length < 0:
            raise self._breach(f"tile [{tile.offset}, {end}) does not start at {self._end}")
        if self._unit == "unpacked" and tile.unit == "stored":
            raise self._breach(f"tile [{tile.offset}, {end}) counts stored bytes after unpacked ones")
        if tile.stored_end < self._stored_end or (tile.unit == "stored" and tile.stored_end != end):
            raise self._breach(f"tile [{tile.offset}, {end}) ends at stored byte {tile.stored_end}")
        self._end, self._stored_end, self._unit = end, tile.stored_end, tile.unit

    def finish(self, size: int) -> None:
        """Raise StoreError unless the tiles so far account for all `size` bytes of the stored file."""
        if self._stored_end != size:
            raise self._breach(f"tiles account for {self._stored_end} of {size} stored bytes")

    def _breach(self, what: str) -> StoreError:
        return StoreError(
            f"{self._name}: the law of reading is broken: {what}; this is a fault of the reader, report it"
        )

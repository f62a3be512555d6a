"""Cut one stream of unpacked bytes into records, passed ranges and spoilt ranges.

One idea: the pieces are contiguous in the stream; what the stream is (a plain file, a member) is the caller's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from stages.archives.extents import Extent, extent_of, head_at, next_record
from stages.archives.headers import Head, field, parse_http
from stages.archives.streams import END_OF_FILE, Stream
from stages.archives.tiles import Headers

PADDING = "padding"
NO_RECORD = "garbage where a record should begin"
TOO_LARGE = "larger than max_record_bytes"
RECORD_CUT = "record longer than the file"

_PADDING_RUN = re.compile(rb"[\r\n\0]*")
_DOCUMENT_TYPES = frozenset({"response", "resource", "conversion", "arc"})


def pieces(stream: Stream, position: int, budget: int) -> Iterator[Piece]:
    """Yield contiguous pieces from `position` to the end of the stream.

    No document's block is larger than `budget` bytes; only the last piece may be cut by the end of the stream.
    """
    dialect: str | None = None
    while stream.move(position):
        stream.drop(position)
        if not stream.reach(position + 1):
            return
        head = None
        if stream.data[position - stream.start] in b"\r\n\0":
            piece = Piece(position, padding_end(stream, position), Passed(PADDING))
        elif (head := head_at(stream, position)) is not None:
            dialect = head.dialect
            piece = _record(stream, position, head, budget)
        else:
            following = next_record(stream, position + 1, dialect, 0)
            piece = Piece(position, stream.end if following is None else following, Spoilt(NO_RECORD, None))
        yield piece
        position = piece.end
    # A member that may not be unpacked yet again: what is left of it is given up.
    while stream.reach(stream.end + 1):
        stream.drop(stream.end)
    yield Piece(position, max(position, stream.end), Spoilt(NO_RECORD, None))


def padding_end(stream: Stream, position: int) -> int:
    """Return where the zeros and line ends that begin at `position` end."""
    while True:
        run = _PADDING_RUN.match(stream.data, position - stream.start)
        position = stream.start + run.end() if run else position
        stream.drop(position)
        if position < stream.end or not stream.reach(position + 1):
            return position


def _record(stream: Stream, position: int, head: Head, budget: int) -> Piece:
    extent = extent_of(stream, position, head, budget)
    body: Body
    if head.record_type not in _DOCUMENT_TYPES:
        body = Spoilt(stream.fault or RECORD_CUT, head.url) if extent.cut else Passed(head.record_type)
    elif _is_dns(head):
        body = Passed("dns")
    elif extent.cut and stream.fault not in (None, END_OF_FILE):
        body = Spoilt(str(stream.fault), head.url)
    elif extent.stop - extent.block > budget:
        body = Spoilt(RECORD_CUT if extent.cut else TOO_LARGE, head.url)
    elif not stream.move(extent.block) or not stream.reach(extent.stop):
        body = Spoilt(NO_RECORD, head.url)
    else:
        body = _document(head, stream.data, extent.block - stream.start, extent)
    return Piece(position, extent.end, body)


def _document(head: Head, data: bytes, start: int, extent: Extent) -> Body:
    stop = start + extent.stop - extent.block
    message = parse_http(data, start, stop) if head.record_type in ("response", "arc") else None
    if message is None and head.record_type in ("response", "arc") and not _is_web(head.url):
        return Passed("not http")
    payload = data[message.body if message else start : stop]
    if extent.cut and not payload:
        return Spoilt(RECORD_CUT, head.url)
    return Document(
        head=head,
        http_status=message.status if message else None,
        http_headers=message.headers if message else (),
        content_type=field(message.headers, "content-type") if message else head.content_type,
        payload=payload,
        truncated=END_OF_FILE if extent.cut else head.truncated,
        mended=extent.mended,
    )


def _is_dns(head: Head) -> bool:
    return (head.url or "").startswith("dns:") or (head.content_type or "").startswith("text/dns")


def _is_web(url: str | None) -> bool:
    return url is None or url[:8].lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Document:
    """What a record bears, but for its place on the axis of the file; fields as in `tiles.Record`."""

    head: Head
    http_status: int | None
    http_headers: Headers
    content_type: str | None
    payload: bytes
    truncated: str | None
    mended: str | None


@dataclass(frozen=True, slots=True)
class Passed:
    """A healthy stretch without a document."""

    kind: str


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A stretch that cannot be read."""

    cause: str
    url: str | None


Body: TypeAlias = Document | Passed | Spoilt


@dataclass(frozen=True, slots=True)
class Piece:
    """`[start, end)` of the stream and what it holds."""

    start: int
    end: int
    body: Body

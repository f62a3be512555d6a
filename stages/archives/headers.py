"""Parse the heads of WARC and ARC records and of HTTP messages, as tolerantly as crawlers were careless.

One idea: a head is recognised by its first line and ended by the first empty line; everything between is read for what
it may mean (CRLF or bare LF or CR CR LF, folded lines, any case, spaces in URLs) and never refused for its looks.

WARC: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/ (0.17 and 0.18 look the same);
ARC: https://archive.org/web/researcher/ArcFileFormat.php; HTTP messages: RFC 9112.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stages.archives.tiles import Headers

MAX_HEAD_BYTES = 64 << 10
MAX_ARC_LINE_BYTES = 8 << 10

_WARC_LINE = re.compile(rb"(?i:WARC)/\d+\.\d+[ \t]*\r*\n")
_EMPTY_LINE = re.compile(rb"\n\r*\n")
# URL, IP address, date, type, possibly more (ARC 2), length: a wrong length ("-1", "abc") is read as unknown
_ARC_LINE = re.compile(
    rb"([A-Za-z][A-Za-z0-9+.\-]*:[^\r\n]*?) (\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*|-) (\d{8,20}) "
    rb"([^\r\n]*?) ?(-?[0-9A-Za-z]+)[ \t]*\r*\n"
)
_HTTP_STATUS = re.compile(rb"(?i:HTTP)[A-Za-z]?/[\d.]*[ \t]*(?:(\d{3})(?!\d))?")
_FOLD = re.compile(r"[ \t]*\r*\n[ \t]+(?=\S)")
_HTTP_FIELD_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:[^\n]*(?:\n|\Z)")


def starts_record(data: bytes, start: int = 0) -> bool:
    """Say whether a WARC or ARC head begins at `start`, judged by its first line."""
    return data.startswith(b"WARC/", start) or bool(_WARC_LINE.match(data, start) or _arc_line(data, start))


def parse_head(data: bytes, start: int, stop: int) -> Head | None:
    """Return the WARC or ARC head that begins at `start` and is whole before `stop`; None where there is none."""
    if line := _WARC_LINE.match(data, start, stop):
        return _warc_head(data, start, line.end(), stop)
    if line := _arc_line(data, start, stop):
        return _arc_head(line)
    return None


def parse_http(data: bytes, start: int, stop: int) -> HttpMessage | None:
    """Return the head of the HTTP message that `data[start:stop]` begins with, or None where none does."""
    status = _HTTP_STATUS.match(data, start, stop)
    if status is None:
        return None
    first_end = data.find(b"\n", start, stop) + 1 or stop
    empty = _EMPTY_LINE.search(data, max(first_end - 1, start), min(first_end + MAX_HEAD_BYTES, stop))
    if empty is not None:
        fields_end, body = empty.start() + 1, empty.end()
    else:
        fields_end = body = _end_of_fields(data, first_end, stop)
    code = status.group(1)
    return HttpMessage(int(code) if code else None, parse_fields(data[first_end:fields_end]), body)


def parse_fields(lines: bytes) -> Headers:
    """Return the `Name: value` lines as pairs, folded lines joined, values stripped, UTF-8 or else Latin-1."""
    text = _text(lines)
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    parts = [line.partition(":") for line in text.split("\n")]
    return tuple([(name.strip(), value.strip()) for name, colon, value in parts if colon])


def field(headers: Headers, name: str) -> str | None:
    """Return the first value of the field `name` (lower case), or None."""
    return next((value for key, value in headers if key.lower() == name), None)


def _warc_head(data: bytes, start: int, first_end: int, stop: int) -> Head | None:
    empty = _EMPTY_LINE.search(data, first_end - 1, stop)
    if empty is None:
        return None
    headers = parse_fields(data[first_end : empty.start() + 1])
    known = {name.lower(): value for name, value in reversed(headers)}
    url = known.get("warc-target-uri")
    if url is not None and url.startswith("<") and url.endswith(">"):
        url = url[1:-1]  # WARC 1.0 has the brackets in its grammar; WARC 1.1 took them out
    kind = known.get("warc-type", "").lower()
    truncated = known.get("warc-truncated")
    if truncated is None and "warc-segment-number" in known and kind != "continuation":
        truncated = "segmented"  # the rest stands in continuation records, which are skipped
    return Head(
        dialect="warc",
        size=empty.end() - start,
        record_type=kind or "unknown",
        record_id=known.get("warc-record-id"),
        url=url or None,
        date=known.get("warc-date"),
        content_type=known.get("content-type"),
        length=_length(known.get("content-length", "")),
        truncated=truncated,
        headers=headers,
    )


def _arc_line(data: bytes, start: int, stop: int | None = None) -> re.Match[bytes] | None:
    # A letter first, then a bounded line: this keeps the match away from most bytes and from endless lines.
    limit = start + MAX_ARC_LINE_BYTES
    return _ARC_LINE.match(data, start, limit if stop is None else min(stop, limit))


def _arc_head(line: re.Match[bytes]) -> Head:
    url, _, date, middle, length = (_text(part) for part in line.groups())
    return Head(
        dialect="arc",
        size=line.end() - line.start(),
        record_type="warcinfo" if url.startswith("filedesc:") else "arc",
        record_id=None,
        url=url,
        date=_iso_date(date),
        content_type=middle.split(" ")[0] or None,
        length=_length(length),
        truncated=None,
        headers=(),
    )


def _iso_date(digits: str) -> str:
    digits = digits[:14].ljust(14, "0")
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    return f"{day}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}Z"


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _length(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _end_of_fields(data: bytes, first_end: int, stop: int) -> int:
    # No empty line: the fields go as far as lines look like fields, and the body is the rest.
    end = first_end
    while line := _HTTP_FIELD_LINE.match(data, end, stop):
        end = line.end()
    return end


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one record: its first line and named fields; `size` in bytes, `length` that of the block or None."""

    dialect: Literal["warc", "arc"]
    size: int
    record_type: str
    record_id: str | None
    url: str | None
    date: str | None
    content_type: str | None
    length: int | None
    truncated: str | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """The head of an HTTP message; `body` is the position where its body begins."""

    status: int | None
    headers: Headers
    body: int

"""Write WARC 1.1 records, byte for byte the same for the same input.

One idea: a record is one gzip member of its own, with no clock and no file name in the member's header, so that a
record can be read alone from its offset and two runs of a crawler over the same pages give the same file.

The record layout is that of WARC 1.1 (https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/,
section 4): version line, named fields, empty line, block, two line ends.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import BinaryIO

_GZIP_WRAPPER = 31  # zlib's wbits for a 32 KiB window inside a gzip member; such members carry time 0 and no name
_DEFAULT_CONTENT_TYPES = {
    "request": "application/http; msgtype=request",
    "response": "application/http; msgtype=response",
    "revisit": "application/http; msgtype=response",
    "warcinfo": "application/warc-fields",
    "metadata": "application/warc-fields",
    "conversion": "text/plain",
}


def compress_member(data: bytes, *, level: int = 6) -> bytes:
    """Return `data` as one complete gzip member without time or name."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WRAPPER)
    return compressor.compress(data) + compressor.flush()


def record_bytes(
    record_type: str,
    *,
    record_id: str,
    date: str,
    block: bytes,
    url: str | None = None,
    content_type: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return one unpacked WARC 1.1 record.

    `record_id` is a URI with or without its angle brackets; `date` is ISO 8601 in UTC (`2026-01-31T12:00:00Z`);
    `headers` are further named fields, written in their order after the standard ones. Raises ValueError for a name or
    value with a line end in it, because such a field would split the record.
    """
    fields = [("WARC-Type", record_type), ("WARC-Record-ID", _bracketed(record_id)), ("WARC-Date", date)]
    if url is not None:
        fields.append(("WARC-Target-URI", url))
    kind = content_type if content_type is not None else _DEFAULT_CONTENT_TYPES.get(record_type)
    if kind is not None:
        fields.append(("Content-Type", kind))
    fields.extend(headers)
    fields.append(("Content-Length", str(len(block))))
    for name, value in fields:
        if any(end in name or end in value for end in "\r\n"):
            raise ValueError(f"WARC field {name!r} has a line end in {value!r}; take it out or encode it as %0A")
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode() + block + b"\r\n\r\n"


def _bracketed(record_id: str) -> str:
    return record_id if record_id.startswith("<") else f"<{record_id}>"


class WarcWriter:
    """Appends WARC 1.1 records to an open binary file, each as its own gzip member unless `gzip` is False.

    The file is only written to: closing it is the caller's part.
    """

    def __init__(self, file: BinaryIO, *, gzip: bool = True) -> None:
        self._file = file
        self._gzip = gzip
        self._end = file.tell()

    def write(
        self,
        record_type: str,
        *,
        record_id: str,
        date: str,
        block: bytes,
        url: str | None = None,
        content_type: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> tuple[int, int]:
        """Append one record and return its (offset, length) in the stored file; arguments as in `record_bytes`.

        A `content_type` left out is the usual one of the record type: an HTTP message for request, response and
        revisit, WARC fields for warcinfo and metadata, plain text for conversion, none for others.
        """
        stored = record_bytes(
            record_type,
            record_id=record_id,
            date=date,
            block=block,
            url=url,
            content_type=content_type,
            headers=headers,
        )
        if self._gzip:
            stored = compress_member(stored)
        offset = self._end
        self._file.write(stored)
        self._end += len(stored)
        return offset, len(stored)

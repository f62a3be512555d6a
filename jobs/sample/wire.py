"""HTTP responses in their many shapes: content codings, chunks, redirects, pictures; no byte depends on a clock.

The shapes follow RFC 9110 (https://www.rfc-editor.org/rfc/rfc9110, content codings in 8.4.1) and RFC 9112
(https://www.rfc-editor.org/rfc/rfc9112, chunks in 7.1).
"""

from __future__ import annotations

import struct
import zlib
from typing import Literal

from jobs.sample.page import Answer

Coding = Literal["identity", "gzip", "deflate"]

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
"""The Date of every answer: a clock would make two runs differ."""
HTML = "text/html; charset=utf-8"

_WINDOW: dict[str, int] = {"gzip": 31, "deflate": 15}
_CHUNK = 1900


def answer(
    body: bytes,
    *,
    status: int = 200,
    content_type: str | None = HTML,
    coding: Coding = "identity",
    chunked: bool = False,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """An answer whose body is content-coded and, on wish, cut into chunks."""
    fields = [("Date", DATE), ("Server", "village/1.0")]
    if content_type is not None:
        fields.append(("Content-Type", content_type))
    fields.extend(headers)
    if coding != "identity":
        compressor = zlib.compressobj(6, zlib.DEFLATED, _WINDOW[coding])
        body = compressor.compress(body) + compressor.flush()
        fields.append(("Content-Encoding", coding))
    if chunked:
        fields.append(("Transfer-Encoding", "chunked"))
        body = _chunks(body)
    else:
        fields.append(("Content-Length", str(len(body))))
    return Answer(status, tuple(fields), body)


def varied(html: str, number: int, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A page in UTF-8 whose coding and chunking change from one `number` to the next."""
    codings: tuple[Coding, ...] = ("identity", "gzip", "deflate", "gzip", "identity")
    return answer(html.encode(), coding=codings[number % 5], chunked=number % 4 == 3, headers=headers)


def redirect(target: str) -> Answer:
    """A 301 to another address."""
    body = f'<html><head><title>Moved</title></head><body><p>Moved <a href="{target}">here</a>.</p></body></html>'
    return answer(body.encode(), status=301, headers=(("Location", target),))


def failure(status: int, message: str) -> Answer:
    """A page that says what went wrong."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{message}</p></body></html>"
    return answer(page.encode(), status=status)


def picture(shade: int) -> Answer:
    """A PNG of 16 by 16 pixels in one shade of grey (https://www.w3.org/TR/png-3/)."""
    rows = b"".join(b"\0" + bytes([(shade + row) % 256] * 16) for row in range(16))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 6)),
        (b"IEND", b""),
    )
    body = b"\x89PNG\r\n\x1a\n"
    for name, data in parts:
        body += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return answer(body, content_type="image/png")


def _chunks(body: bytes) -> bytes:
    parts = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"

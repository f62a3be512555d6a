"""Undoes what HTTP did to a body: chunked framing and content codings, with a limit on what may come out.

The one idea: the headers of a crawl are hearsay. Crawlers decode bodies and leave the headers as they were, servers
forget to name a coding, connections break. So a declared coding is undone only when the bytes look like it, an
undeclared gzip or zstd is known by its first bytes, and a broken stream gives what came before the break.

Codings: https://www.rfc-editor.org/rfc/rfc9110#section-8.4, chunks: https://www.rfc-editor.org/rfc/rfc9112#section-7.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stages.html.inflate import BodyError, Unpacked, unpack_brotli, unpack_deflate, unpack_gzip, unpack_zstd

__all__ = ["Body", "BodyError", "decode_body", "read_body"]

_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,1024})?\r?\n")
_SHORT_LINE = re.compile(rb"[^\r\n<]{0,16}\r?\n(?=\s*<)")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NO_CODING = frozenset({"", "identity", "none", "binary", "8bit", "utf-8", "chunked"})
_SNIFFED_LAYERS = 3
"""Gzip inside gzip without a word in the headers happens; deeper nests are made by people who test crawlers."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of the document, and whether they break off: `damaged` is true for truncated or corrupt streams."""

    data: bytes
    damaged: bool


def decode_body(payload: bytes, headers: Sequence[tuple[str, str]], *, max_bytes: int) -> bytes:
    """The bytes of the document behind `payload`; like `read_body`, for callers who do not ask about damage."""
    return read_body(payload, headers, max_bytes=max_bytes).data


def read_body(payload: bytes, headers: Sequence[tuple[str, str]], *, max_bytes: int) -> Body:
    """Undo transfer and content codings of one HTTP body.

    Header names are compared without case; several headers of one name count in their order. No step puts out more
    than `max_bytes` bytes. Raises `BodyError` with the rule `too_large` (a document above the limit, bombs included),
    `unknown_coding` (named in the headers, nothing we can undo, and not plain text) or `bad_coding` (a stream of which
    not one byte could be decoded).
    """
    framing = _codings(headers, "transfer-encoding")
    data, damaged = _unchunk(payload, declared="chunked" in framing)
    declared = [*_codings(headers, "content-encoding"), *framing]
    for coding in reversed(declared):
        if coding not in _NO_CODING:
            layer = _undo(data, coding, max_bytes)
            data, damaged = layer.data, damaged or layer.damaged
    for _ in range(_SNIFFED_LAYERS):
        unpack = _sniffed(data)
        if unpack is None:
            break
        layer = unpack(data, max_bytes)
        data, damaged = layer.data, damaged or layer.damaged
    if len(data) > max_bytes:
        raise BodyError("too_large", f"the body has more than {max_bytes} bytes", value=len(data), limit=max_bytes)
    return Body(data, damaged)


def _codings(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    values = [value for key, value in headers if key.strip().lower() == name]
    return [token.strip(" \t\"'").lower().removeprefix("x-") for value in values for token in value.split(",")]


def _undo(data: bytes, coding: str, max_bytes: int) -> Unpacked:
    """Undo one declared coding where the bytes agree with it; else they stay as they are, if they read like text."""
    if coding == "gzip":
        return unpack_gzip(data, max_bytes) if data.startswith(_GZIP) else Unpacked(data, damaged=False)
    if coding == "zstd":
        return unpack_zstd(data, max_bytes) if data.startswith(_ZSTD) else Unpacked(data, damaged=False)
    if _sniffed(data) is not None:
        return Unpacked(data, damaged=False)
    unpack = {"deflate": unpack_deflate, "br": unpack_brotli}.get(coding)
    if unpack is None:
        if _reads_like_text(data):
            return Unpacked(data, damaged=False)
        raise BodyError("unknown_coding", f"the body is in the content coding {coding!r}, which cannot be undone here")
    try:
        unpacked = unpack(data, max_bytes)
    except BodyError as error:
        if error.rule == "bad_coding" and _reads_like_text(data):
            return Unpacked(data, damaged=False)
        raise
    # Plain HTML read as brotli or raw deflate may start with a few bytes of nonsense before the error comes.
    if unpacked.damaged and _reads_like_text(data):
        return Unpacked(data, damaged=False)
    return unpacked


def _sniffed(data: bytes) -> Callable[[bytes, int], Unpacked] | None:
    if data.startswith(_GZIP):
        return unpack_gzip
    return unpack_zstd if data.startswith(_ZSTD) else None


def _reads_like_text(data: bytes) -> bool:
    """Whether the head has no control characters but white space and escape, as 512 compressed bytes always do."""
    return _BINARY.search(data, 0, 512) is None


def _unchunk(payload: bytes, *, declared: bool) -> tuple[bytes, bool]:
    """The body without chunk framing, and whether the framing breaks off.

    Undeclared framing is believed when the first chunk is complete and a further size line follows it.
    """
    sizes = _CHUNK_SIZE.match(payload)
    if sizes is None:
        garbled = _SHORT_LINE.match(payload) if declared else None
        return (payload[garbled.end() :], True) if garbled else (payload, False)
    if not declared and not _frames(payload, sizes):
        return payload, False
    chunks = list(_chunks(payload))
    return b"".join(data for data, _ in chunks), not chunks[-1][1]


def _frames(payload: bytes, sizes: re.Match[bytes]) -> bool:
    end = sizes.end() + int(sizes.group(1), 16)
    if end == sizes.end() or payload[end : end + 1] not in (b"\r", b"\n"):
        return False
    line_end = end + (2 if payload.startswith(b"\r\n", end) else 1)
    return _CHUNK_SIZE.match(payload, line_end) is not None


def _chunks(payload: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each chunk, and whether it was the proper last one; where a size line is garbled, all the rest is one chunk."""
    place = 0
    while True:
        sizes = _CHUNK_SIZE.match(payload, place)
        if sizes is None:
            yield payload[place:], False
            return
        start, size = sizes.end(), int(sizes.group(1), 16)
        if size == 0:
            yield b"", True
            return
        yield payload[start : start + size], False
        place = start + size
        if payload.startswith(b"\r\n", place):
            place += 2
        elif payload.startswith(b"\n", place):
            place += 1
        if place >= len(payload):
            return

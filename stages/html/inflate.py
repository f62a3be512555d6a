"""The decompressors of HTTP content codings, each with a limit on its output and with salvage after damage.

The one idea: output is asked for in bounded pieces, so a bomb is stopped at the limit and never held in memory, and
what a broken stream gave before the break is kept. Formats: gzip https://www.rfc-editor.org/rfc/rfc1952, zlib rfc1950,
raw deflate rfc1951 (which some servers send for `deflate`), brotli rfc7932, zstd rfc8878.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PIECE = 1 << 20
_SALVAGE_STEP = 256
_ZSTD_STEP = 1024
"""Input bytes a step: a zstd block of four bytes may stand for 128 KiB, so a step of a bomb makes 32 MiB at most."""
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of one decompressor; `damaged` when the stream broke off or went wrong on the way."""

    data: bytes
    damaged: bool


class BodyError(ValueError):
    """A body that cannot be had; `rule` is the cause for the ledger, with `value` and `limit` where there are any."""

    def __init__(self, rule: str, message: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.limit = limit


def unpack_gzip(data: bytes, max_bytes: int) -> Unpacked:
    """All gzip members of `data`; bytes behind the last one that start no further member are padding and left away."""
    return _inflate(data, _GZIP_WINDOW, max_bytes)


def unpack_deflate(data: bytes, max_bytes: int) -> Unpacked:
    """A zlib stream where the two header bytes check out, else a raw deflate stream."""
    if len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0:
        try:
            return _inflate(data, 15, max_bytes)
        except BodyError as error:
            if error.rule == "too_large":
                raise
    return _inflate(data, -15, max_bytes)


def unpack_brotli(data: bytes, max_bytes: int) -> Unpacked:
    """A brotli stream; it has no magic bytes, so anything else ends in `bad_coding` or as damaged."""
    import brotli

    decoder = brotli.Decompressor()
    pieces: list[bytes] = []
    total = 0
    feed = data
    try:
        while not decoder.is_finished():
            piece = decoder.process(feed, output_buffer_limit=_PIECE)
            feed = b""
            if not piece and decoder.can_accept_more_data():
                break
            total = _keep(pieces, piece, total, max_bytes)
    except brotli.error as error:
        return _broken(pieces, "brotli", str(error))
    if not decoder.is_finished():
        return _broken(pieces, "brotli", "the stream breaks off")
    return Unpacked(b"".join(pieces), damaged=False)


def unpack_zstd(data: bytes, max_bytes: int) -> Unpacked:
    """All zstd frames of `data`; windows up to 128 MiB, as the format's `--ultra` levels use them."""
    import zstandard

    pieces: list[bytes] = []
    total = 0
    while True:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        try:
            for start in range(0, len(data), _ZSTD_STEP):
                piece = frame.decompress(data[start : start + _ZSTD_STEP])
                total = _keep(pieces, piece, total, max_bytes)
                if frame.eof:
                    break
        except zstandard.ZstdError as error:
            return _broken(pieces, "zstd", str(error))
        if not frame.eof:
            return _broken(pieces, "zstd", "the stream breaks off")
        data = frame.unused_data + data[start + _ZSTD_STEP :]
        if not data.startswith(_ZSTD_MAGIC):
            return Unpacked(b"".join(pieces), damaged=False)


def _inflate(data: bytes, window_bits: int, max_bytes: int) -> Unpacked:
    pieces: list[bytes] = []
    total = 0
    while True:
        member_start, total_before = len(pieces), total
        stream = zlib.decompressobj(window_bits)
        feed = data
        try:
            while not stream.eof:
                piece = stream.decompress(feed, _PIECE)
                feed = stream.unconsumed_tail
                if not piece and not feed:
                    break
                total = _keep(pieces, piece, total, max_bytes)
        except zlib.error as error:
            # The failing call loses its output, so this member is read again in small steps up to the very break.
            del pieces[member_start:]
            total = total_before
            for piece in _up_to_the_break(data, window_bits):
                total = _keep(pieces, piece, total, max_bytes)
            return _broken(pieces, "deflate", str(error))
        if not stream.eof:
            return _broken(pieces, "deflate", "the stream breaks off")
        data = stream.unused_data
        if window_bits != _GZIP_WINDOW or not data.startswith(_GZIP_MAGIC):
            return Unpacked(b"".join(pieces), damaged=False)


def _up_to_the_break(data: bytes, window_bits: int) -> Iterator[bytes]:
    """Everything a corrupt stream gives: steps of some bytes, and the step that fails again byte by byte."""
    stream = zlib.decompressobj(window_bits)
    for start in range(0, len(data), _SALVAGE_STEP):
        before = stream.copy()
        try:
            piece = stream.decompress(data[start : start + _SALVAGE_STEP])
        except zlib.error:
            yield from _byte_by_byte(before, data[start : start + _SALVAGE_STEP])
            return
        yield piece


def _byte_by_byte(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        try:
            yield stream.decompress(data[place : place + 1])
        except zlib.error:
            return


def _keep(pieces: list[bytes], piece: bytes, total: int, max_bytes: int) -> int:
    total += len(piece)
    if total > max_bytes:
        raise BodyError("too_large", f"the decoded body has more than {max_bytes} bytes", value=total, limit=max_bytes)
    pieces.append(piece)
    return total


def _broken(pieces: Sequence[bytes], coding: str, cause: str) -> Unpacked:
    data = b"".join(pieces)
    if not data:
        raise BodyError("bad_coding", f"not one byte of the {coding} stream could be decoded: {cause}")
    return Unpacked(data, damaged=True)

"""Unpacking gzip, zstd and bzip2 streams piece by piece, up to the very byte at which they break.

One idea: a packed file is fed to the unpacker in small blocks. When one is refused, the member it belongs to is
unpacked once more, in silence, and the refused block byte by byte, so that all that can be unpacked comes out and the
place of the damage is exact. Members (gzip, RFC 1952; zstd frames, RFC 8878; bzip2 streams) may follow each other;
zeros after the last one are padding.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol

_BLOCK: Final = 256 * 2**10
_PLAIN_BLOCK: Final = 2**20
_OUTPUT: Final = 2**20
_ZSTD_FEED: Final = 2 * 2**10  # 4 bytes of zstd can stand for 128 KiB: this bounds what one call gives to 64 MiB


class BrokenStream(Exception):
    """The stream cannot be unpacked beyond stored byte `offset`."""

    def __init__(self, offset: int, cause: str) -> None:
        super().__init__(cause)
        self.offset = offset
        self.cause = cause


def stream_of(file: BinaryIO, packing: str, start: int, end: int) -> Stream:
    """The bytes of an open file from `start` to before `end`; of a packed file the unpacked ones of all of it."""
    return UnpackedStream(file, packing) if packing else StoredRange(file, start, end)


class Stream(Protocol):
    """Blocks of bytes. `position`: stored bytes they took. `broken`: why and where they ended too early."""

    position: int
    broken: BrokenStream | None

    def __iter__(self) -> Iterator[bytes]: ...


class StoredRange:
    """The bytes of a file as they are stored; fewer than asked for when the file has become shorter."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self.position = start
        self.broken: BrokenStream | None = None
        self._file = file
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self.position)
        while block := self._file.read(min(_PLAIN_BLOCK, self._end - self.position)):
            self.position += len(block)
            yield block


class UnpackedStream:
    """The unpacked bytes of a packed file. Where the packing is damaged or cut short they end, with `broken` set."""

    def __init__(self, file: BinaryIO, packing: str) -> None:
        self.position = 0
        self.broken: BrokenStream | None = None
        self._file = file
        self._packing = packing
        self._rest = b""

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        data = self._file.read(_BLOCK)
        try:
            while data:
                if data.strip(b"\0"):
                    yield from self._member(self.position, data)
                    data = self._rest or self._file.read(_BLOCK)
                else:  # padding of tapes and block devices
                    self.position += len(data)
                    data = self._file.read(_BLOCK)
        except BrokenStream as broken:
            self.broken = broken

    def _member(self, start: int, data: bytes) -> Iterator[bytes]:
        """One member, from stored byte `start`; what is left of the last block afterwards is in `_rest`."""
        unpack = UNPACKERS[self._packing]()
        given, refusal = 0, ""
        while data and not unpack.ended and not refusal:
            try:
                for block in unpack.feed(data):
                    yield block
                    given += len(block)
            except unpack.errors as error:
                refusal = f"the {self._packing} stream is damaged: {error}"
                for block in self._salvaged(start, data, given):
                    yield block
                    given += len(block)
                break
            self.position += len(data) - len(unpack.rest)
            data = unpack.rest if unpack.ended else self._file.read(_BLOCK)
        if not unpack.ended:
            broken = self.position if given else start
            raise BrokenStream(broken, refusal or f"the {self._packing} stream ends before its end mark")
        self._rest = data

    def _salvaged(self, start: int, refused: bytes, given: int) -> Iterator[bytes]:
        """What a refused block still holds; sets `position` to the first byte that cannot be taken."""
        unpack = UNPACKERS[self._packing]()
        self._file.seek(start)
        left = self.position - start
        while left:
            block = self._file.read(min(_BLOCK, left))
            left -= len(block)
            given -= sum(map(len, unpack.feed(block)))
        for at in range(len(refused)):
            try:
                for block in unpack.feed(refused[at : at + 1]):
                    if len(block) > given:
                        yield block[max(given, 0) :]
                    given -= min(len(block), given)
            except unpack.errors:
                return
            self.position += 1


def unpacked_head(head: bytes, packing: str) -> bytes:
    """What the first stored bytes of a file unpack to, at most 64 KiB of it; empty when they are damaged."""
    if not packing:
        return head
    unpack = UNPACKERS[packing]()
    try:
        return next(iter(unpack.feed(head)), b"")[: 64 * 2**10]
    except unpack.errors:
        return b""


class _Unpacker:
    """Takes stored bytes, gives unpacked ones; `rest` is what lay behind the end of the member, once it has `ended`."""

    errors: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Unpack the next stored bytes, into blocks of bounded size. Raises one of `errors`."""
        raise TypeError(f"{type(self).__name__} does not define feed")


class _Gzip(_Unpacker):
    errors = (zlib.error,)

    def __init__(self) -> None:
        super().__init__()
        self._stream = zlib.decompressobj(31)  # 16 says gzip, 15 the largest window

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            block = self._stream.decompress(data, _OUTPUT)
            data = self._stream.unconsumed_tail
            if block:
                yield block
            if self._stream.eof or (not data and len(block) < _OUTPUT):
                break
        self.ended, self.rest = self._stream.eof, self._stream.unused_data


class _Bzip2(_Unpacker):
    errors = (OSError, EOFError)

    def __init__(self) -> None:
        super().__init__()
        self._stream = bz2.BZ2Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            block = self._stream.decompress(data, _OUTPUT)
            data = b""
            if block:
                yield block
            if self._stream.eof or self._stream.needs_input:
                break
        self.ended, self.rest = self._stream.eof, self._stream.unused_data


class _Zstd(_Unpacker):
    def __init__(self) -> None:
        super().__init__()
        import zstandard

        self.errors = (zstandard.ZstdError,)
        self._stream = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        held: list[bytes] = []
        size = 0
        for at in range(0, len(data), _ZSTD_FEED):
            block = self._stream.decompress(data[at : at + _ZSTD_FEED])
            held.append(block)
            size += len(block)
            if self._stream.eof:
                self.ended, self.rest = True, self._stream.unused_data + data[at + _ZSTD_FEED :]
                break
            if size >= _OUTPUT:
                yield b"".join(held)
                held, size = [], 0
        if size:
            yield b"".join(held)


UNPACKERS: Final[dict[str, Callable[[], _Unpacker]]] = {"gzip": _Gzip, "bzip2": _Bzip2, "zstd": _Zstd}

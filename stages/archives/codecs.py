"""The compressions that web archives come in, behind one small face, and the containers that are no archive at all.

One idea: an archive is a row of *members* (gzip members, zstd frames, bzip2 streams); each is found by its magic bytes,
unpacked on its own and fed in portions so small that even a bomb cannot unpack to more than some 64 MB a portion.

gzip: RFC 1952; zstd: RFC 8878; a dictionary in the first, skippable frame of a `.warc.zst`:
https://iipc.github.io/warc-specifications/specifications/warc-zstd/. Where `isal` is installed
it unpacks gzip in place of zlib, to the same bytes: 590 against 370 MB of unpacked WARC per CPU-second
(`benchmarks/archive_reading.py`, with and without it).
"""

from __future__ import annotations

import bz2
import functools
import importlib
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_GZIP_WRAPPER = 31  # zlib's wbits for a gzip member with its checksum
_GZIP_MAGIC = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")
_ZSTD_MAGIC = re.compile(rb"\x28\xb5\x2f\xfd")
_BZIP2_MAGIC = re.compile(rb"BZh[1-9]1AY&SY")
_SKIPPABLE_FRAME = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
MAX_DICTIONARY_BYTES = 16 << 20
# Portions by worst ratio: deflate unpacks 1:1032, a zstd block of 4 bytes is 128 KiB, a bzip2 block of 45 bytes 900 kB.
_GZIP_PORTION = 32 << 10
_ZSTD_PORTION = 2 << 10
_BZIP2_PORTION = 2 << 10

FOREIGN_CONTAINERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "not an archive but a zip file (WACZ?): unpack it and read the files of its folder archive/"),
    (b"PK\x05\x06", "not an archive but an empty zip file"),
    (b"\x04\x22\x4d\x18", "not an archive that is read here but lz4: unpack it with lz4 first"),
    (b"\xfd7zXZ\x00", "not an archive that is read here but xz: unpack it with xz first"),
)


def codec_of(head: bytes, dictionary: bytes | None = None) -> Codec | None:
    """Return the codec of the member that `head` begins; `dictionary` is the unpacked one of a `.warc.zst`, if any."""
    if _GZIP_MAGIC.match(head):
        return _gzip()
    if _ZSTD_MAGIC.match(head):
        return _zstd(dictionary)
    if _BZIP2_MAGIC.match(head):
        return Codec("bzip2", _BZIP2_MAGIC, _BZIP2_PORTION, bz2.BZ2Decompressor, (OSError, ValueError))
    return None


def all_codecs() -> tuple[Codec, ...]:
    """Return every codec, to search for the first member of a file that begins with garbage."""
    heads = (b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY")
    return tuple(codec for head in heads if (codec := codec_of(head)) is not None)


def skippable_frame(head: bytes) -> int | None:
    """Return the stored length of the zstd skippable frame that `head` begins, or None."""
    if len(head) < 8 or not _SKIPPABLE_FRAME.match(head):
        return None
    (size,) = struct.unpack_from("<I", head, 4)
    return int(size) + 8


def is_dictionary(head: bytes) -> bool:
    """Say whether `head` begins the dictionary frame of a `.warc.zst`."""
    return head.startswith(_DICTIONARY_FRAME)


def unpacked_dictionary(content: bytes) -> bytes | None:
    """Return the zstd dictionary that the content of a dictionary frame is, plain or packed; None if it is broken."""
    if not _ZSTD_MAGIC.match(content):
        return content
    import zstandard

    try:
        return zstandard.ZstdDecompressor().decompress(content, max_output_size=MAX_DICTIONARY_BYTES)
    except zstandard.ZstdError:
        return None


@functools.cache
def _gzip() -> Codec:
    opener = functools.partial(zlib.decompressobj, _GZIP_WRAPPER)
    reference = Codec("gzip", _GZIP_MAGIC, _GZIP_PORTION, opener, (zlib.error,))
    try:
        isal = importlib.import_module("isal.isal_zlib")
    except ImportError:
        return reference
    opener = functools.partial(isal.decompressobj, _GZIP_WRAPPER)
    return Codec("gzip", _GZIP_MAGIC, _GZIP_PORTION, opener, (isal.error, zlib.error), reference)


@functools.lru_cache(maxsize=4)
def _zstd(dictionary: bytes | None) -> Codec:
    import zstandard

    words = None if dictionary is None else zstandard.ZstdCompressionDict(dictionary)
    opener = zstandard.ZstdDecompressor(dict_data=words).decompressobj
    return Codec("zstd", _ZSTD_MAGIC, _ZSTD_PORTION, opener, (zstandard.ZstdError,))


class Unpacker(Protocol):
    """What unpacks one member: the interface of `zlib.decompressobj`, as far as it is used here."""

    @property
    def eof(self) -> bool:
        """True once the member's last byte was taken, its checksum included."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the member's last byte."""

    def decompress(self, data: bytes | memoryview, /) -> bytes:
        """Unpack the next portion."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One compression: how its members begin, how much to feed at a time, what unpacks them and what that raises.

    `reference` is asked instead about a member that is cut or broken, where libraries differ in what they still give.
    """

    name: str
    magic: re.Pattern[bytes]
    portion: int
    unpacker: Callable[[], Unpacker]
    errors: tuple[type[Exception], ...]
    reference: Codec | None = None

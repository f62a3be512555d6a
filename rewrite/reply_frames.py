"""How replies lie in a segment file: frames, one after the other, each able to say whether it is whole.

    magic 4 · key 16 · length of the payload 4 · crc32 of the payload 4 · crc32 of these 28 bytes 4 · payload

A writer that is killed leaves at most one torn frame, at the end of a file that nobody appends to again; whatever
stands before it is whole. A scan hops from header to header; payloads are checked when they are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final
from zlib import crc32

_FIELDS: Final = struct.Struct("<4s16sII")
_CHECK: Final = struct.Struct("<I")
_MAGIC: Final = b"tmr1"

KEY_BYTES: Final = 16
HEADER_BYTES: Final = _FIELDS.size + _CHECK.size
MAX_PAYLOAD: Final = 2**31


def frame(key: bytes, payload: bytes) -> bytes:
    """One record, ready to be appended. Raises ValueError for a key that is not 16 bytes or a payload above 2 GiB."""
    if len(key) != KEY_BYTES or len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a frame holds a key of {KEY_BYTES} bytes and a payload of {MAX_PAYLOAD} bytes at most")
    fields = _FIELDS.pack(_MAGIC, key, len(payload), crc32(payload))
    return fields + _CHECK.pack(crc32(fields)) + payload


def header(data: bytes) -> tuple[bytes, int, int] | None:
    """Key, payload length and payload checksum of the header that `data` begins with; None where it is none."""
    if len(data) < HEADER_BYTES:
        return None
    fields = data[: _FIELDS.size]
    if crc32(fields) != _CHECK.unpack_from(data, _FIELDS.size)[0]:
        return None
    magic, key, length, check = _FIELDS.unpack(fields)
    return (key, length, check) if magic == _MAGIC and length <= MAX_PAYLOAD else None


def scan(data: memoryview, start: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """(key, offset, offset behind it) of the frames that lie whole in `data`, up to the first that does not."""
    at = start
    while (found := header(bytes(data[at : at + HEADER_BYTES]))) is not None:
        key, length, _ = found
        end = at + HEADER_BYTES + length
        if end > len(data):
            return
        yield key, at, end
        at = end


def payload_of(data: bytes, key: bytes) -> bytes | None:
    """The payload of the frame that `data` is, if it has this key and every byte is as it was written."""
    found = header(data)
    if found is None or found[0] != key:
        return None
    payload = data[HEADER_BYTES : HEADER_BYTES + found[1]]
    return payload if len(payload) == found[1] and crc32(payload) == found[2] else None

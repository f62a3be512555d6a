"""Find where reading can go on after damage.

One idea: magic bytes alone prove nothing, three of them occur by chance in every 16 MB; a place counts once the member
there unpacks to a record head.
"""

from __future__ import annotations

import dataclasses

from stages.archives.codecs import Codec, all_codecs
from stages.archives.extents import next_record
from stages.archives.headers import parse_head, starts_record
from stages.archives.streams import MemberStream, StoredStream

_PROBE_BYTES = 512
_MAGIC_BYTES = 16
_URL_BYTES = 4096
_URL_PORTION = 256


def next_start(stored: StoredStream, position: int, codec: Codec | None) -> int | None:
    """Return the first place at or after `position` where a record can be read, or None.

    With the `codec` of the file known, only its members count; without, members of all codecs and plain records do.
    """
    if codec is not None:
        return _next_member(stored, position, (codec,), stored.limit)
    stored.move(position)
    plain = next_record(stored, position, None, 0)
    member = _next_member(stored, position, all_codecs(), stored.limit if plain is None else plain)
    return plain if member is None else member


def head_of_member(stored: StoredStream, position: int, codec: Codec) -> bytes:
    """Return the first bytes that the member at `position` unpacks to, without line ends before them."""
    member = MemberStream(stored, position, codec)
    member.reach(_PROBE_BYTES)
    return member.data.lstrip(b"\r\n")


def url_of_broken(member: MemberStream) -> str | None:
    """Return the URL of the first record of a broken member, where its head can still be unpacked.

    What is unpacked in the same portion as the damage is lost, hence a second try in small portions.
    """
    codec = dataclasses.replace(member.codec, portion=_URL_PORTION)
    again = MemberStream(member.stored, member.first, codec)
    again.reach(_URL_BYTES)
    head = parse_head(again.data, 0, len(again.data))
    return head.url if head else None


def _next_member(stored: StoredStream, position: int, codecs: tuple[Codec, ...], stop: int) -> int | None:
    stored.move(position)
    while True:
        found = _next_magic(stored, position, codecs)
        if found is not None and found[0] >= stop:
            return None
        if found is None:
            position = max(position, stored.end - _MAGIC_BYTES)
            stored.drop(position)
            if stored.end >= stop or not stored.reach(stored.end + 1):
                return None
            continue
        place, codec = found
        if starts_record(head_of_member(stored, place, codec)):
            return place
        position = place + 1
        stored.move(position)


def _next_magic(stored: StoredStream, position: int, codecs: tuple[Codec, ...]) -> tuple[int, Codec] | None:
    first = position - stored.start
    found = [
        (stored.start + match.start(), codec)
        for codec in codecs
        if (match := codec.magic.search(stored.data, first)) is not None
    ]
    return min(found, key=lambda place: place[0]) if found else None

"""Broken archives: every byte is accounted for, reading goes on after damage, and nothing crashes."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archives.codecs import Codec, codec_of
from stages.archives.read import MEMBER_CUT, NOT_AN_ARCHIVE, read_archive
from stages.archives.records import NO_RECORD, TOO_LARGE
from stages.archives.streams import MemberStream, StoredStream
from stages.archives.tiles import Damage, Record, Skipped, Tile, TilingCheck, check_tiling
from stages.archives.write import compress_member, record_bytes
from stages.errors import StoreError

BODIES = [bytes([97 + number]) * (200 + 700 * number) for number in range(4)]


def page(number: int, *, declared: int | None = None, http_length: bool = False, body: bytes | None = None) -> bytes:
    body = BODIES[number] if body is None else body
    length = b"Content-Length: %d\r\n" % len(body) if http_length else b""
    http = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + body
    record = record_bytes(
        "response", record_id=f"urn:x:{number}", date="2026-01-01T00:00:00Z", block=http, url=f"http://a.test/{number}"
    )
    if declared is None:
        return record
    return record.replace(b"Content-Length: %d\r\n\r\nHTTP" % len(http), b"Content-Length: %d\r\n\r\nHTTP" % declared)


PAGES = [page(number) for number in range(4)]
MEMBERS = [compress_member(record) for record in PAGES]


def read(stored: bytes, *, max_record_bytes: int = 1 << 20) -> list[Tile]:
    tiles = list(read_archive(io.BytesIO(stored), max_record_bytes=max_record_bytes))
    check_tiling(tiles, len(stored))
    return tiles


def payloads(tiles: list[Tile]) -> list[bytes]:
    return [tile.payload for tile in tiles if isinstance(tile, Record)]


def damages(tiles: list[Tile]) -> list[Damage]:
    return [tile for tile in tiles if isinstance(tile, Damage)]


@pytest.mark.parametrize("parts", [PAGES, MEMBERS])
def test_garbage_between_records_is_one_range(parts: list[bytes]) -> None:
    garbage = b"\x93garbage\x1f\x8b\x08\x00 and \x1f\x8b more" * 30
    tiles = read(parts[0] + garbage + parts[1])
    assert payloads(tiles) == BODIES[:2]
    (damage,) = damages(tiles)
    assert (damage.offset, damage.length, damage.cause) == (len(parts[0]), len(garbage), NO_RECORD)


def test_a_corrupt_member_is_lost_alone_and_named_by_its_url() -> None:
    noise = bytes((number * number) % 251 for number in range(40_000))
    broken = bytearray(compress_member(page(1, body=noise)))
    broken[-5] ^= 0xFF
    tiles = read(MEMBERS[0] + bytes(broken) + MEMBERS[2])
    assert payloads(tiles) == [BODIES[0], BODIES[2]]
    (damage,) = damages(tiles)
    assert (damage.offset, damage.length) == (len(MEMBERS[0]), len(broken))
    assert (damage.cause, damage.url) == ("corrupt gzip data", "http://a.test/1")


def test_a_member_cut_in_the_middle_of_the_file_is_lost_alone() -> None:
    tiles = read(MEMBERS[0] + MEMBERS[1][:-20] + MEMBERS[2])
    assert payloads(tiles) == [BODIES[0], BODIES[2]]
    assert [damage.length for damage in damages(tiles)] == [len(MEMBERS[1]) - 20]


def test_records_before_the_damage_of_a_shared_member_are_kept() -> None:
    noise = [bytes((number * number * step) % 251 for number in range(90_000)) for step in (1, 3, 7)]
    pages = [page(number, body=body) for number, body in enumerate(noise)]
    shared = bytearray(zlib.compress(b"".join(pages), 0, wbits=31))
    shared[len(pages[0]) + len(pages[1]) + 70_000] ^= 0xFF  # stored blocks: only the checksum can tell
    shared[len(pages[0]) + 40_000 : len(pages[0]) + 41_000] = b"\xff" * 1000
    tiles = read(bytes(shared) + MEMBERS[3])
    assert payloads(tiles)[0] == noise[0]
    assert payloads(tiles)[-1] == BODIES[3]
    assert len(damages(tiles)) == 1


@pytest.mark.parametrize("parts", [PAGES, MEMBERS])
def test_a_record_cut_by_the_end_of_the_file_keeps_what_is_there(parts: list[bytes]) -> None:
    tiles = read(parts[0] + parts[3][:-12])
    last = tiles[-1]
    assert isinstance(last, Record)
    assert last.truncated == "end of file"
    assert BODIES[3].startswith(last.payload)
    assert damages(tiles) == []


def test_a_member_cut_before_its_payload_is_damage() -> None:
    (damage,) = damages(read(MEMBERS[0] + MEMBERS[1][:60]))
    assert (damage.offset, damage.cause) == (len(MEMBERS[0]), MEMBER_CUT)


def test_zeros_and_line_ends_are_padding() -> None:
    tiles = read(MEMBERS[0] + bytes(700) + MEMBERS[1] + bytes(300))
    assert payloads(tiles) == BODIES[:2]
    assert [tile.kind for tile in tiles if isinstance(tile, Skipped)] == ["padding", "padding"]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("http_length", [False, True])
@pytest.mark.parametrize("declared", [30, 100, 5000, 10**15])
def test_a_wrong_length_is_put_right_by_the_next_record(declared: int, http_length: bool, shared: bool) -> None:
    pages = [PAGES[0], page(1, declared=declared, http_length=http_length), PAGES[2], PAGES[3]]
    stored = compress_member(b"".join(pages)) if shared else b"".join(pages)
    tiles = read(stored)
    assert payloads(tiles) == BODIES
    assert [tile.mended for tile in tiles if isinstance(tile, Record)] == [None, "Content-Length was wrong", None, None]


def test_a_record_head_inside_a_payload_is_no_record() -> None:
    quoting = b"<pre>\r\n\r\n" + PAGES[0] + b"</pre>"
    for pages in ([page(1, body=quoting), PAGES[2]], [page(1, body=quoting, http_length=True, declared=60), PAGES[2]]):
        assert payloads(read(b"".join(pages))) == [quoting, BODIES[2]]


def test_a_large_record_is_damage_and_the_next_is_read() -> None:
    large = page(1, body=bytes(3 << 20))
    for first, last in ((large, PAGES[2]), (compress_member(large), MEMBERS[2])):
        tiles = read(first + last)
        assert payloads(tiles) == [BODIES[2]]
        assert [(damage.length, damage.cause) for damage in damages(tiles)] == [(len(first), TOO_LARGE)]


def test_many_records_that_claim_too_much_are_all_read() -> None:
    body = b"HTTP/1.1 200 OK\r\n\r\nx"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 10000000000\r\n\r\n"
    for stored in ((head + body) * 300, compress_member((head + body) * 300)):
        assert payloads(read(stored)) == [b"x"] * 300


@pytest.mark.parametrize("stored", [b"hello\n" * 900, gzip.compress(b"hello", mtime=0), b"WARC/1.0\n" * 20_000])
def test_a_file_without_a_record_is_one_damaged_range(stored: bytes) -> None:
    (damage,) = damages(read(stored))
    assert (damage.offset, damage.length, damage.cause) == (0, len(stored), NOT_AN_ARCHIVE)


def test_a_container_is_named_with_its_mend() -> None:
    (damage,) = damages(read(b"PK\x03\x04" + bytes(100)))
    assert "WACZ" in damage.cause


def test_a_file_that_shrinks_while_it_is_read_is_refused() -> None:
    with pytest.raises(StoreError, match="ends at byte"):
        list(read_archive(io.BytesIO(PAGES[0]), len(PAGES[0]) + 10))


def test_the_check_finds_gaps_overlaps_and_missing_ends() -> None:
    def tile(offset: int, length: int) -> Skipped:
        return Skipped(offset, length, "padding", "stored", offset + length)

    for tiles in ([tile(1, 9)], [tile(0, 5), tile(4, 6)], [tile(0, 5), tile(6, 4)], [tile(0, 9)]):
        with pytest.raises(StoreError, match="law of reading"):
            check_tiling(tiles, 10)
    check = TilingCheck("a.warc")
    check.add(tile(0, 10))
    check.finish(10)


def test_where_a_fast_unpacker_gives_up_the_reference_goes_on_without_a_seam() -> None:
    class Hasty:
        """Unpacks as zlib does, but fails from the third portion on."""

        def __init__(self) -> None:
            self._unpacker = zlib.decompressobj(31)
            self._portions = 0
            self.eof = False
            self.unused_data = b""

        def decompress(self, data: bytes | memoryview, /) -> bytes:
            self._portions += 1
            if self._portions > 2:
                raise zlib.error("not my kind of data")
            return self._unpacker.decompress(data)

    noise = bytes((number * number * number) % 251 for number in range(5000))
    stored = zlib.compress(noise, 0, wbits=31)
    reference = codec_of(stored)
    assert reference is not None
    hasty = Codec("gzip", reference.magic, 1000, Hasty, (zlib.error,), reference)
    stream = MemberStream(StoredStream(io.BytesIO(stored), len(stored)), 0, hasty)
    assert not stream.reach(6000)
    assert (stream.data, stream.state, stream.at) == (noise, "whole", len(stored))


CUTS = st.tuples(st.integers(0, 20_000), st.integers(0, 400), st.binary(max_size=60))


@given(st.sampled_from(["plain", "members", "shared", "mixed"]), st.lists(CUTS, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_to_the_bytes_the_law_of_reading_holds(kind: str, cuts: list[tuple[int, int, bytes]]) -> None:
    plain = b"".join(PAGES)
    forms = {"plain": plain, "members": b"".join(MEMBERS), "shared": compress_member(plain)}
    stored = bytearray(forms.get(kind, forms["members"] + plain + forms["shared"]))
    for start, length, insert in cuts:
        start %= len(stored) + 1
        stored[start : start + length] = insert
    tiles = read(bytes(stored))
    offsets = [tile.offset for tile in tiles]
    assert offsets == sorted(set(offsets))

"""Healthy archives of every kind: the same records come out, and the tiles cover the file."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable

import pytest
import zstandard

from stages.archives.read import looks_like_archive, read_archive
from stages.archives.tiles import Damage, Record, Skipped, Tile, check_tiling
from stages.archives.write import compress_member, record_bytes

BODIES = [f"<p>page {number}</p>".encode() * (1 + number * 40) for number in range(12)]
DATE = "2026-01-01T00:00:00Z"


def page(number: int, *, line_end: bytes = b"\r\n") -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + BODIES[number]
    record = record_bytes("response", record_id=f"urn:x:{number}", date=DATE, block=http, url=f"http://a.test/{number}")
    head, empty, rest = record.partition(b"\r\n\r\n")
    return (head + empty).replace(b"\r\n", line_end) + rest


PAGES = [page(number) for number in range(len(BODIES))]


def read(stored: bytes) -> list[Tile]:
    tiles = list(read_archive(io.BytesIO(stored)))
    check_tiling(tiles, len(stored))
    return tiles


def records(stored: bytes) -> list[Record]:
    return [tile for tile in read(stored) if isinstance(tile, Record)]


@pytest.mark.parametrize("pack", [bytes, compress_member, zstandard.compress, bz2.compress])
def test_a_record_stands_at_its_own_stored_range(pack: Callable[[bytes], bytes]) -> None:
    parts = [pack(record) for record in PAGES]
    found = records(b"".join(parts))
    assert [record.payload for record in found] == BODIES
    assert [record.length for record in found] == [len(part) for part in parts]
    assert {record.unit for record in found} == {"stored"}


@pytest.mark.parametrize("pack", [compress_member, zstandard.compress, bz2.compress])
def test_records_that_share_a_member_lie_on_the_unpacked_axis(pack: Callable[[bytes], bytes]) -> None:
    found = records(pack(b"".join(PAGES)))
    assert [record.payload for record in found] == BODIES
    assert [record.length for record in found] == [len(record) for record in PAGES]
    assert {record.unit for record in found} == {"unpacked"}


def test_the_axis_turns_to_unpacked_bytes_once_and_offsets_stay_unique() -> None:
    alone = compress_member(PAGES[0])
    stored = alone + compress_member(PAGES[1] + PAGES[2]) + compress_member(PAGES[3])
    found = records(stored)
    assert [record.unit for record in found] == ["stored", "unpacked", "unpacked", "unpacked"]
    assert found[1].offset == len(alone) == found[1].stored_end
    assert found[2].offset == len(alone) + len(PAGES[1])
    assert found[3].stored_end == len(stored)


@pytest.mark.parametrize("block", [700, 5000])
def test_records_that_run_across_members_are_whole(block: int) -> None:
    plain = b"".join(PAGES)
    stored = b"".join(gzip.compress(plain[start : start + block], mtime=0) for start in range(0, len(plain), block))
    assert [record.payload for record in records(stored)] == BODIES


def test_a_zstd_dictionary_frame_is_skipped_and_used() -> None:
    dictionary = zstandard.train_dictionary(4000, PAGES * 20)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    for content in (dictionary.as_bytes(), zstandard.compress(dictionary.as_bytes())):
        frame = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
        tiles = read(frame + b"".join(compressor.compress(record) for record in PAGES))
        assert isinstance(tiles[0], Skipped)
        assert tiles[0].kind == "dictionary"
        assert [tile.payload for tile in tiles[1:] if isinstance(tile, Record)] == BODIES


def test_every_field_of_a_response_is_read() -> None:
    http = b"HTTP/1.1 404\r\nX-Long: a\r\n b\r\nX-Name: \xe9\r\ncontent-type: text/plain\r\n\r\nbody\r\n"
    stored = record_bytes(
        "response",
        record_id="urn:x:7",
        date=DATE,
        block=http,
        url="http://a.test/with space",
        headers=[("WARC-Truncated", "length")],
    )
    (record,) = records(stored)
    assert (record.record_type, record.record_id, record.date) == ("response", "<urn:x:7>", DATE)
    assert (record.url, record.http_status, record.truncated) == ("http://a.test/with space", 404, "length")
    assert record.http_headers == (("X-Long", "a b"), ("X-Name", "é"), ("content-type", "text/plain"))
    assert (record.content_type, record.payload) == ("text/plain", b"body\r\n")
    assert ("WARC-Truncated", "length") in record.warc_headers


@pytest.mark.parametrize("line_end", [b"\n", b"\r\r\n"])
def test_any_line_end_will_do(line_end: bytes) -> None:
    found = records(b"".join(page(number, line_end=line_end) for number in range(3)))
    assert [record.payload for record in found] == BODIES[:3]


def test_old_versions_brackets_and_lower_case_names_are_read() -> None:
    head = b"WARC/0.18\nwarc-type: Response\nwarc-target-uri: <http://a.test/>\ncontent-length: 4\n\nbody\n\n"
    (record,) = records(head)
    assert (record.record_type, record.url, record.http_status, record.payload) == (
        "response",
        "http://a.test/",
        None,
        b"body",
    )


def test_text_records_and_resources_bear_their_whole_block() -> None:
    wet = record_bytes("conversion", record_id="urn:x:1", date=DATE, block="Größe".encode(), url="http://a.test/")
    resource = record_bytes("resource", record_id="urn:x:2", date=DATE, block=b"<p>", content_type="text/html")
    found = records(compress_member(wet) + compress_member(resource))
    assert [(record.content_type, record.payload.decode()) for record in found] == [
        ("text/plain", "Größe"),
        ("text/html", "<p>"),
    ]


def test_records_without_documents_are_skipped_by_kind() -> None:
    kinds = ["warcinfo", "request", "metadata", "revisit"]
    stored = b"".join(record_bytes(kind, record_id="urn:x:1", date=DATE, block=b"") for kind in kinds)
    stored += record_bytes("response", record_id="urn:x:2", date=DATE, block=b"x", url="dns:a.test")
    stored += record_bytes("response", record_id="urn:x:3", date=DATE, block=b"x", url="ftp://a.test/x")
    found = [tile.kind for tile in read(stored) if isinstance(tile, Skipped)]
    assert found == [*kinds, "dns", "not http"]


def test_arc_files_are_read_with_spaces_in_urls_and_fourteen_digit_dates() -> None:
    block = b"HTTP/1.0 200 OK\nContent-Type: text/html\n\n<p>arc</p>"
    version = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n"
    stored = (
        b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain %d\n%s\n" % (len(version), version)
        + b"http://a.test/a b 10.0.0.1 20080430204825 text/html %d\n%s\n" % (len(block), block)
        + b"http://a.test/2 10.0.0.1 20080430204826 text/html 200 - - 7 a.arc %d\n%s\n" % (len(block), block)
    )
    for packed in (stored, compress_member(stored)):
        found = records(packed)
        assert [record.url for record in found] == ["http://a.test/a b", "http://a.test/2"]
        assert (found[0].record_type, found[0].date) == ("arc", "2008-04-30T20:48:25Z")
        assert (found[0].http_status, found[0].payload) == (200, b"<p>arc</p>")


def test_an_empty_file_has_no_tiles() -> None:
    assert read(b"") == []


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"", "a.warc.gz", True),
        (b"?", "A.WET", True),
        (PAGES[0], "download", True),
        (compress_member(PAGES[0])[:60], "download", True),
        (zstandard.compress(PAGES[0]), "download", True),
        (b'{"text": "WARC/1.0"}', "a.jsonl", False),
        (gzip.compress(b'{"text": "x"}', mtime=0), "a.jsonl.gz", False),
    ],
)
def test_archives_are_known_by_name_or_by_content(head: bytes, name: str, expected: bool) -> None:
    assert looks_like_archive(head, name) is expected


def test_a_file_that_is_read_in_dribs_gives_the_same_tiles() -> None:
    class Drib(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 97))

    stored = b"".join(compress_member(record) for record in PAGES) + b"\0" * 300 + PAGES[0]
    assert list(read_archive(Drib(stored), len(stored))) == read(stored)
    assert any(isinstance(tile, Damage) for tile in read(stored))

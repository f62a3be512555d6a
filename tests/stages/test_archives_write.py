"""The WARC writer: what it promises to crawlers and to other programs that read its files."""

from __future__ import annotations

import gzip
import io

import pytest
from warcio.archiveiterator import ArchiveIterator

from stages.archives.write import WarcWriter, record_bytes

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hello</p>"


def write_two(*, gzip: bool) -> tuple[bytes, list[tuple[int, int]]]:
    file = io.BytesIO()
    writer = WarcWriter(file, gzip=gzip)
    places = [
        writer.write("warcinfo", record_id="urn:x:0", date="2026-01-01T00:00:00Z", block=b"software: test\r\n"),
        writer.write("response", record_id="urn:x:1", date="2026-01-01T00:00:01Z", block=PAGE, url="http://a.test/"),
    ]
    return file.getvalue(), places


def test_places_are_contiguous_and_cover_the_file() -> None:
    for zipped in (True, False):
        data, places = write_two(gzip=zipped)
        assert places[0][0] == 0
        assert places[0][1] == places[1][0]
        assert sum(places[1]) == len(data)


def test_every_record_is_a_member_that_reads_alone() -> None:
    data, [_, (offset, length)] = write_two(gzip=True)
    assert gzip.decompress(data[offset : offset + length]).endswith(PAGE + b"\r\n\r\n")


def test_same_input_gives_same_bytes_without_a_clock() -> None:
    first, _ = write_two(gzip=True)
    second, _ = write_two(gzip=True)
    assert first == second
    assert first[4:8] == b"\0\0\0\0"  # RFC 1952: the member's modification time


def test_warcio_reads_what_was_written() -> None:
    data, _ = write_two(gzip=True)
    records = [
        (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read())
        for record in ArchiveIterator(io.BytesIO(data))
    ]
    assert records == [
        ("warcinfo", None, b"software: test\r\n"),
        ("response", "http://a.test/", b"<p>hello</p>"),
    ]


def test_a_line_end_in_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="WARC-Target-URI"):
        record_bytes("response", record_id="urn:x:2", date="2026-01-01T00:00:00Z", block=b"", url="http://a\r\nb")

"""The crawl: what goes over the wire is what is stored, and readers other than ours agree."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from jobs.sample import make_sample
from jobs.sample.crawl import Crawl, crawl_sites
from jobs.sample.page import Site
from jobs.sample.server import message, serving
from jobs.sample.truth import read_truth
from jobs.sample.wire import answer, failure, picture, redirect
from stages.archives.read import read_archive
from stages.archives.tiles import Damage, Record
from stages.errors import StoreError


def small_site() -> Site:
    site = Site("a.village.example")
    links = (
        "<a href='/one.html'>1</a><a href=two.html#part>2</a><a href='http://b.village.example/'>3</a><img src=p.png>"
    )
    site.answers["/"] = answer(links.encode(), coding="gzip")
    site.answers["/one.html"] = answer(b"<p>" + b"one " * 2000, coding="deflate", chunked=True)
    site.answers["/two.html"] = redirect("/three.html?number=1")
    site.answers["/three.html?number=1"] = answer(b"<a href='/gone.html'>", chunked=True)
    site.answers["/p.png"] = picture(7)
    site.answers["/unlinked.html"] = answer(b"nobody comes here")
    return site


@pytest.mark.parametrize("gzip", [True, False])
def test_responses_are_stored_as_they_were_sent(tmp_path: Path, gzip: bool) -> None:
    site, crawl = small_site(), Crawl(7)
    file = tmp_path / ("crawl.warc.gz" if gzip else "crawl.warc")

    with serving([site]) as port:
        crawl_sites([site], port, file, crawl, gzip=gzip)

    stored = file.read_bytes()
    paths = [url.removeprefix("http://a.village.example") for url in crawl.stored]
    assert paths == ["/robots.txt", "/", "/one.html", "/two.html", "/p.png", "/three.html?number=1", "/gone.html"]
    for url, place in crawl.stored.items():
        record = stored[place.offset : place.offset + place.length]
        record = zlib.decompress(record, 31) if gzip else record
        sent = site.answers.get(url.removeprefix("http://a.village.example"))
        assert record.endswith(b"\r\n\r\n" + message(sent) + b"\r\n\r\n") if sent else b"404 Not Found" in record


def test_requests_name_the_host_and_never_the_port(tmp_path: Path) -> None:
    site = small_site()
    file = tmp_path / "crawl.warc"

    with serving([site]) as port:
        crawl_sites([site], port, file, Crawl(7), gzip=False)

    stored = file.read_bytes()
    assert stored.count(b"WARC-Type: request") == stored.count(b"WARC-Type: response") == 7
    assert b"GET /one.html HTTP/1.1\r\nHost: a.village.example\r\n" in stored
    assert str(port).encode() not in stored


def test_another_reader_reads_every_undamaged_record(tmp_path: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    report = make_sample(tmp_path, village_pages=100, python_docs=False, report=lambda line: None)

    records = 0
    for name in report.files:
        if ".warc" in name and "chronicle" not in name:
            with (tmp_path / name).open("rb") as file:
                records += sum(1 for _ in ArchiveIterator(file, check_digests="raise"))
    chronicle = sum(1 for page in read_truth(tmp_path / "truth.jsonl") if "//chronicle." in page.url)
    assert records == report.records - 1 - 2 * chronicle


def test_only_the_damaged_records_cannot_be_read(tmp_path: Path) -> None:
    make_sample(tmp_path, village_pages=100, python_docs=False, report=lambda line: None)
    pages = {page.url: page for page in read_truth(tmp_path / "truth.jsonl") if "//chronicle." in page.url}
    archive = tmp_path / "crawl" / "village-chronicle.warc.gz"

    with archive.open("rb") as file:
        tiles = list(read_archive(file, archive.stat().st_size))

    read = {tile.url for tile in tiles if isinstance(tile, Record)}
    damaged = [(tile.offset, tile.length) for tile in tiles if isinstance(tile, Damage)]
    broken = [page for page in pages.values() if page.expect == "damaged"]
    assert damaged == [(page.offset, page.length) for page in broken]
    assert read == pages.keys() - {page.url for page in broken}


def test_the_server_answers_unknown_hosts_and_paths_with_404() -> None:
    from http.client import HTTPConnection

    with serving([small_site()]) as port:
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/", headers={"Host": "elsewhere.example"})
        response = connection.getresponse()
        body = response.read()
        connection.close()

    assert (response.status, body) == (404, failure(404, "There is no such page in this village.").body)


def test_a_site_without_end_is_given_up(tmp_path: Path) -> None:
    site = small_site()

    with serving([site]) as port, pytest.raises(StoreError, match="more than 3 pages"):
        crawl_sites([site], port, tmp_path / "crawl.warc", Crawl(7), gzip=False, most=3)

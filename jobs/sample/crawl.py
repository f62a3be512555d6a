"""Fetch sites over HTTP, breadth first from `/`, and store every request and response in WARC files as they were sent.

One idea: the socket is listened to, so that the stored bytes are those of the wire, chunks and content codings
included, while `http.client` makes sense of them for the crawler. Dates and record ids are counted, not taken from a
clock, so the same sites give the same bytes. WARC 1.1:
https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import io
import zlib
from base64 import b32encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import socket
from typing import Any, cast
from urllib.parse import urldefrag, urljoin, urlsplit
from uuid import NAMESPACE_URL, uuid5

from jobs.sample.page import Site
from stages.archives.write import WarcWriter
from stages.errors import StoreError

MOST_PAGES = 4000
"""Fetches per site at most, so that a faulty site cannot keep the crawler going for ever."""

_BEGIN = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
_SKIPPED_SCHEMES = ("mailto:", "javascript:", "file:", "data:")


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the response of a page lies: offset and length of the stored record (one gzip member, if packed)."""

    file: str
    offset: int
    length: int


@dataclass(slots=True)
class Crawl:
    """What a crawl has stored so far: a place by URL, and the number of records, which is also its clock."""

    seed: int
    stored: dict[str, Stored] = field(default_factory=dict)
    records: int = 0


def crawl_sites(
    sites: Sequence[Site], port: int, file: Path, crawl: Crawl, *, gzip: bool, most: int = MOST_PAGES
) -> None:
    """Fetch `sites` one after the other from 127.0.0.1:`port` and store them in the new WARC file `file`.

    Raises StoreError for a site of more than `most` pages.
    """
    with file.open("wb") as target:
        writer = _Writer(WarcWriter(target, gzip=gzip), file.name, crawl)
        writer.information()
        for site in sites:
            _crawl_site(site, port, writer, most)


def _crawl_site(site: Site, port: int, writer: _Writer, most: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    seen, queue = {"/robots.txt", "/"}, deque(["/robots.txt", "/"])
    fetched = 0
    try:
        while queue:
            fetched += 1
            if fetched > most:
                raise StoreError(f"{site.host}: more than {most} pages; ask for a smaller sample")
            path = queue.popleft()
            request, response, links = _fetch(connection, site, path)
            writer.exchange(site.url(path), request, response)
            for link in links:
                target = urlsplit(urldefrag(urljoin(site.url(path), link)).url)
                found = target.path + (f"?{target.query}" if target.query else "")
                if target.netloc == site.host and found not in seen:
                    seen.add(found)
                    queue.append(found)
    finally:
        connection.close()


def _fetch(connection: HTTPConnection, site: Site, path: str) -> tuple[bytes, bytes, list[str]]:
    """The bytes sent, the bytes received, and the links found in them."""
    if connection.sock is None:
        connection.connect()
        connection.sock = _Tap(cast(socket, connection.sock))
    tap = cast(_Tap, connection.sock)
    tap.said.clear()
    tap.heard.clear()
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in (
        ("Host", site.host),
        ("User-Agent", "textmill-sample/1 (a crawler that never leaves its machine)"),
        ("Accept", "text/html,*/*;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    return bytes(tap.said), bytes(tap.heard), _links(response, body)


def _links(response: HTTPResponse, body: bytes) -> list[str]:
    moved = response.getheader("Location")
    if moved:
        return [moved]
    if response.status != 200 or not (response.getheader("Content-Type") or "").startswith("text/html"):
        return []
    if response.getheader("Content-Encoding"):
        body = zlib.decompressobj(47).decompress(body)  # 32 + 15: gzip or zlib, told by the header
    finder = _LinkFinder()
    finder.feed(body.decode("utf-8", errors="replace"))
    return finder.links


class _LinkFinder(HTMLParser):
    """Collects the addresses of links and pictures in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"a": "href", "img": "src"}.get(tag)
        for name, value in attrs:
            if name == wanted and value and not value.startswith(_SKIPPED_SCHEMES):
                self.links.append(value)


class _Tap:
    """A socket that keeps what is said and heard; it has just the methods that `http.client` calls."""

    def __init__(self, wire: socket) -> None:
        self.wire = wire
        self.said = bytearray()
        self.heard = bytearray()

    def sendall(self, data: Any) -> None:
        self.said += data
        self.wire.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Ear(self))

    def close(self) -> None:
        self.wire.close()


class _Ear(io.RawIOBase):
    """The reading end of a tap."""

    def __init__(self, tap: _Tap) -> None:
        self._tap = tap

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._tap.wire.recv_into(buffer)
        self._tap.heard += memoryview(buffer)[:count]
        return count


class _Writer:
    """Turns exchanges into records with counted dates and named ids."""

    def __init__(self, writer: WarcWriter, file: str, crawl: Crawl) -> None:
        self._writer = writer
        self._file = file
        self._crawl = crawl

    def information(self) -> None:
        text = "software: textmill sample\r\nformat: WARC File Format 1.1\r\nrobots: classic\r\n"
        self._record("warcinfo", self._file, text.encode(), None, (("WARC-Filename", self._file),))

    def exchange(self, url: str, request: bytes, response: bytes) -> None:
        """Store one request and its response."""
        host = ("WARC-IP-Address", "127.0.0.1")
        answered = ("WARC-Concurrent-To", f"<{self._id('response', url)}>")
        self._record("request", url, request, url, (answered, host))
        offset, length = self._record("response", url, response, url, (host,))
        self._crawl.stored[url] = Stored(self._file, offset, length)

    def _record(
        self, kind: str, name: str, block: bytes, url: str | None, headers: tuple[tuple[str, str], ...]
    ) -> tuple[int, int]:
        date = _BEGIN + timedelta(seconds=self._crawl.records)
        self._crawl.records += 1
        digest = ("WARC-Block-Digest", f"sha1:{b32encode(sha1(block, usedforsecurity=False).digest()).decode()}")
        return self._writer.write(
            kind,
            record_id=self._id(kind, name),
            date=date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            block=block,
            url=url,
            headers=(*headers, digest),
        )

    def _id(self, kind: str, name: str) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'textmill sample {self._crawl.seed} {kind} {name}')}"

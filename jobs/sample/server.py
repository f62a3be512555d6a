"""Serve sites on 127.0.0.1 for the time of a `with` block: virtual hosts by the Host header, answers exactly as given.

One idea: the server adds nothing of its own (no clock, no version), so what goes over the wire is what was built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from jobs.sample.page import Answer, Site
from jobs.sample.wire import failure


@contextmanager
def serving(sites: Sequence[Site]) -> Iterator[int]:
    """Serve `sites` at a free port of 127.0.0.1; the value is the port. Unknown hosts and paths are answered by 404."""
    with _Server({site.host: site.answers for site in sites}) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def message(answer: Answer) -> bytes:
    """Status line, headers and body as one message of HTTP/1.1."""
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head.extend(f"{name}: {value}" for name, value in answer.headers)
    return "\r\n".join([*head, "", ""]).encode("latin-1") + answer.body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, hosts: Mapping[str, Mapping[str, Answer]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hosts = hosts


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        host = self.headers.get("Host", "")
        answer = self.server.hosts.get(host, {}).get(self.path)
        self.wfile.write(message(answer or failure(404, "There is no such page in this village.")))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the WARC files are the log."""

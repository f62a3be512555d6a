"""A real server on 127.0.0.1 that answers chat completions by a rule of the test's, also in ways that break clients.

The rule sees the request and writes to the socket itself, so that it may do whatever a bad server or network does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class Served:
    """What the server was asked: prompts in order of arrival, and the requests' headers of the last one."""

    url: str = ""
    users: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    under_way: int = 0
    most_under_way: int = 0
    connections: list[socket.socket] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def times_asked(self, user: str) -> int:
        with self.lock:
            return self.users.count(user)


Rule = Callable[["Handler", str, int], None]
"""(handler, the user's text, how often it was asked before) -> nothing; it writes the answer."""


class Handler(BaseHTTPRequestHandler):
    """One connection; kept open between requests unless a rule closes it."""

    protocol_version = "HTTP/1.1"
    rule: Rule
    served: Served

    def setup(self) -> None:
        super().setup()
        self.served.connections.append(self.connection)

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = body["messages"][-1]["content"]
        served = self.served
        with served.lock:
            before = served.users.count(user)
            served.users.append(user)
            served.bodies.append(body)
            served.headers = dict(self.headers)
            served.under_way += 1
            served.most_under_way = max(served.most_under_way, served.under_way)
        try:
            type(self).rule(self, user, before)
        except OSError:  # the client hung up, as it should on some of what rules do
            self.close_connection = True
        finally:
            with served.lock:
                served.under_way -= 1

    def answer(self, text: str, finish: str = "stop") -> None:
        """What a good server says."""
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        self.send_json({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": len(text)}})

    def send_json(self, told: object, status: int = 200, **headers: str) -> None:
        self.send(orjson.dumps(told), status, **headers)

    def send(self, data: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", "Content_Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that hung up is what these tests are about."""


@contextmanager
def serving(rule: Rule) -> Iterator[Served]:
    """The server, until the block ends."""
    served = Served()
    handler = type("TheHandler", (Handler,), {"rule": staticmethod(rule), "served": served})
    server = _Server(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        for connection in served.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()


def echo(handler: Handler, user: str, before: int) -> None:
    """The rule of a good server: it says what it was told, backwards."""
    handler.answer(user[::-1])

"""A small server that speaks `/v1/chat/completions` and answers by rule, for tests: real requests, known answers.

It can run in the test's process (`RuleServer`) or as one of its own: `python rule_server.py PORT_FILE COUNT_FILE`.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Rule = Callable[[str, str], str]

DOCUMENT = re.compile(r"<document-([0-9a-f]{16})>\n(.*?)\n</document-\1>", re.DOTALL)


def document_in(user: str) -> str:
    """The document in a prompt."""
    found = DOCUMENT.search(user)
    return found[2] if found else ""


def in_other_words(system: str, user: str) -> str:
    """An answer made of the document alone: its words, each sentence turned into one with a word more."""
    return document_in(user).replace(". ", ", we hear. ")


class _Server(ThreadingHTTPServer):
    """Knows its connections, to end those that clients keep open."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def hang_up(self) -> None:
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that ended."""


class RuleServer:
    """Answers every request by `rule(system, user)`; `asked` holds the (system, user) of each, in order of arrival."""

    def __init__(self, rule: Rule = in_other_words, *, finish: str = "stop", status: int = 200) -> None:
        self.rule = rule
        self.finish = finish
        self.status = status
        self.asked: list[tuple[str, str]] = []
        self.log: Path | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                messages = {message["role"]: message["content"] for message in told["messages"]}
                status, answer = outer.answer(messages.get("system", ""), messages["user"], told)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def asked_about_documents(self) -> list[tuple[str, str]]:
        """Requests without those that only look whether the server is there."""
        return [one for one in self.asked if DOCUMENT.search(one[1])]

    def answer(self, system: str, user: str, told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.asked.append((system, user))
            if self.log is not None and DOCUMENT.search(user):
                with self.log.open("a") as log:
                    log.write(json.dumps([system, user]) + "\n")
        text = self.rule(system, user)
        if self.status != 200 and DOCUMENT.search(user):
            return self.status, {"error": {"message": "not today"}}
        usage = {"prompt_tokens": len(user.split()), "completion_tokens": len(text.split())}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish}
        return 200, {"object": "chat.completion", "choices": [choice], "usage": usage}

    def __enter__(self) -> RuleServer:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()


if __name__ == "__main__":
    port_file, count_file = Path(sys.argv[1]), Path(sys.argv[2])
    with RuleServer() as server:
        server.log = count_file
        port_file.write_text(server.url)
        threading.Event().wait()

"""A partner's endpoint: takes the answers that a hub sends to an address elsewhere.

Belongs here: a small HTTP server on loopback. May not know: SOAP.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import NamedTuple


class Delivery(NamedTuple):
    """One POST that came in."""

    path: str
    content_type: str
    body: bytes


class Inbox(http.server.ThreadingHTTPServer):
    """Answers 202 to every POST, but 307 to `/moved`, and keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._got: Queue[Delivery] = Queue()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://localhost:{self.server_address[1]}"

    def take(self, delivery: Delivery) -> None:
        """Keep what came in."""
        self._got.put(delivery)

    def wait(self, path: str, seconds: float = 30) -> Delivery:
        """The next delivery at the path; raises AssertionError when none comes."""
        while True:
            try:
                found = self._got.get(timeout=seconds)
            except Empty:
                raise AssertionError(f"nothing came to {path}") from None
            if found.path == path:
                return found


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert isinstance(self.server, Inbox)
        self.server.take(Delivery(self.path, self.headers.get("Content-Type", ""), body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def inbox() -> Iterator[Inbox]:
    """An inbox that listens while the block lasts."""
    made = Inbox()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()

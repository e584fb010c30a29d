"""What Tryton's answers mean, and that a bad one is a clear error: against a server on loopback that gives them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from saddlebag.bridge.settings import checked
from saddlebag.kernel.errors import (
    ADAPTER_CONFIGURATION,
    ADAPTER_FATAL,
    ADAPTER_RECORD,
    ADAPTER_UNAVAILABLE,
    ErrorKind,
    SaddlebagError,
)
from saddlebag_adapters.tryton import SETTINGS, wire
from saddlebag_adapters.tryton.rpc import Rpc

Answer = tuple[int, dict[str, str], bytes]

LOGIN: Answer = (200, {}, json.dumps({"id": 1, "result": [1, "token", None]}).encode())
VERSION: Answer = (200, {}, json.dumps({"id": 1, "result": "8.2"}).encode())


def result(value: Any) -> Answer:
    return 200, {}, json.dumps({"id": 1, "result": value}).encode()


def error(*parts: Any) -> Answer:
    return 200, {}, json.dumps({"id": 1, "error": list(parts)}).encode()


class Front(ThreadingHTTPServer):
    """Answers each method from a list, the last answer again and again; remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.path = "/shop/rpc/"
        self.answers: dict[str, list[Answer]] = {"common.db.login": [LOGIN], "common.server.version": [VERSION]}
        self.asked: list[tuple[str, str, str]] = []

    def rpc(self, **settings: Any) -> Rpc:
        """A client of this server."""
        given = {"url": f"http://127.0.0.1:{self.server_port}", "database": "shop", "user": "ann", "password": "hush"}
        return Rpc(checked(SETTINGS, {**given, **settings}), lambda: datetime(2026, 1, 1, tzinfo=UTC))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = body["method"]
        self.server.asked.append((self.path, method, self.headers.get("Authorization", "")))
        answers = self.server.answers.get(method, [(404, {}, b"")])
        known = self.path in (self.server.path, "/rpc/")
        status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
        if not known:
            status, headers, content = 405, {}, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def front() -> Iterator[Front]:
    server = Front()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_call_carries_the_session_of_one_log_in(front: Front) -> None:
    front.answers["model.x.read"] = [result([1])]
    rpc = front.rpc()
    assert [rpc.call("model.x.read"), rpc.call("model.x.read")] == [[1], [1]]
    assert [method for _, method, _ in front.asked].count("common.db.login") == 1
    assert front.asked[-1] == ("/shop/rpc/", "model.x.read", "Session YW5uOjE6dG9rZW4=")
    assert rpc.version == "8.2"


def test_an_older_series_is_called_at_its_own_path(front: Front) -> None:
    front.path = "/shop/"
    front.answers["model.x.read"] = [result(5)]
    assert front.rpc().call("model.x.read") == 5
    assert front.asked[-1][0] == "/shop/"


def test_a_session_that_ended_is_renewed_once(front: Front) -> None:
    front.answers["model.x.read"] = [(401, {}, b""), result(5)]
    assert front.rpc().call("model.x.read") == 5
    assert [method for _, method, _ in front.asked].count("common.db.login") == 2


def test_the_servers_time_is_its_own(front: Front) -> None:
    front.answers["model.x.read"] = [result(5)]
    rpc = front.rpc()
    rpc.call("model.x.read")
    assert rpc.server_time > datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error("UserError", ["Secret at /srv/tryton", "", None]), ADAPTER_RECORD),
        (error("AccessError", ["Secret", ""]), ADAPTER_CONFIGURATION),
        (error("ConcurrencyException", "Secret"), ADAPTER_UNAVAILABLE),
        (error("'nope'", "Secret Traceback /srv/tryton"), ADAPTER_FATAL),
        ((200, {}, b"<html>Secret</html>"), ADAPTER_FATAL),
        ((200, {}, b'{"other": "Secret"}'), ADAPTER_FATAL),
        ((200, {}, b"[" * 10 + b"1" + b"]" * 10), ADAPTER_FATAL),
        ((403, {}, b"Secret"), ADAPTER_CONFIGURATION),
        ((401, {}, b"Secret"), ADAPTER_CONFIGURATION),
        ((302, {"Location": "http://127.0.0.1:9/"}, b"Secret"), ADAPTER_FATAL),
        ((500, {}, b"Secret"), ADAPTER_UNAVAILABLE),
        ((503, {}, b"Secret"), ADAPTER_UNAVAILABLE),
    ],
)
def test_each_failure_says_what_may_be_done_next_and_forwards_no_foreign_text(
    front: Front, answer: Answer, kind: ErrorKind
) -> None:
    front.answers["model.x.read"] = [answer]
    with pytest.raises(SaddlebagError) as caught:
        front.rpc().call("model.x.read")
    assert caught.value.kind is kind
    assert not [word for word in ("Secret", "/srv", "hush", "token") if word in str(caught.value)]


def test_the_wait_that_the_server_asks_for_is_passed_on(front: Front) -> None:
    front.answers["model.x.read"] = [(429, {"Retry-After": "17"}, b"")]
    with pytest.raises(SaddlebagError) as caught:
        front.rpc().call("model.x.read")
    assert caught.value.retry_after == 17


def test_an_answer_beyond_the_cap_is_not_taken(front: Front) -> None:
    front.answers["model.x.read"] = [result("x" * 5000)]
    with pytest.raises(SaddlebagError) as caught:
        front.rpc(max_bytes=1024).call("model.x.read")
    assert (caught.value.kind, caught.value.limit) == (ADAPTER_FATAL, 1024)


@pytest.mark.parametrize("answer", [(401, {}, b"<html>"), result(None), result(False)])
def test_a_refused_log_in_is_a_matter_of_configuration(front: Front, answer: Answer) -> None:
    front.answers["common.db.login"] = [answer]
    with pytest.raises(SaddlebagError) as caught:
        front.rpc().call("model.x.read")
    assert (caught.value.kind, caught.value.field) == (ADAPTER_CONFIGURATION, "password")


def test_a_database_that_no_path_knows_is_named(front: Front) -> None:
    with pytest.raises(SaddlebagError) as caught:
        front.rpc(database="other").call("model.x.read")
    assert (caught.value.kind, caught.value.field) == (ADAPTER_CONFIGURATION, "database")


@pytest.mark.parametrize("url", ["ftp://x", "http://user:pw@x", "x", "https://"])
def test_an_address_that_is_none_is_refused_before_any_call(front: Front, url: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        front.rpc(url=url)
    assert caught.value.field == "url"


def test_numbers_and_times_come_exactly() -> None:
    text = b"""{"price": {"__class__": "Decimal", "decimal": "12.3400"}, "quantity": 0.1,
        "day": {"__class__": "date", "year": 2026, "month": 11, "day": 21},
        "at": {"__class__": "datetime", "year": 2026, "month": 11, "day": 21, "hour": 17, "minute": 3, "second": 9,
               "microsecond": 607373}}"""
    value = wire.decode(text)
    assert str(value["price"]) == "12.3400"
    assert value["quantity"] == Decimal("0.1")
    assert value["day"] == date(2026, 11, 21)
    assert value["at"] == datetime(2026, 11, 21, 17, 3, 9, 607373, tzinfo=UTC)
    assert wire.decode(wire.encode(value | {"quantity": 1})) == value | {"quantity": 1}

"""Answers to other addresses: only to named origins, never into private networks, until they have arrived."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from saddlebag.kernel import limits
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.server.wsa.courier import Courier
from saddlebag.server.wsa.hosts import Refused, ReplyHosts, post
from saddlebag.store import init_store, open_store
from saddlebag.store.base import Store
from saddlebag.store.tables import Reply, ReplyBody
from soap_probe import NOW, TENANT

HOSTS = ReplyHosts.read("https://partner.example, http://127.0.0.1:8080", "127.0.0.0/8")
URL = "https://partner.example/in"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (URL, True),
        ("https://PARTNER.example:443/other?x=1", True),
        ("https://partner.example:8443/in", False),
        ("http://partner.example/in", False),
        ("https://partner.example.evil.test/", False),
        ("https://user@partner.example/", False),
        ("file:///etc/passwd", False),
        ("https://[broken", False),
    ],
)
def test_only_named_origins_are_allowed(url: str, allowed: bool) -> None:
    assert HOSTS.allows(url) is allowed


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "224.0.0.1", "fd00::1"])
def test_a_private_address_is_refused_even_beside_a_public_one(address: str) -> None:
    with pytest.raises(Refused):
        HOSTS.usable(["93.184.216.34", address])


def test_a_private_network_may_be_named() -> None:
    assert HOSTS.usable(["127.0.0.1"]) == "127.0.0.1"
    assert HOSTS.usable(["::ffff:127.0.0.1"]) == "::ffff:127.0.0.1"


@pytest.mark.parametrize("wrong", [("ftp://a", ""), ("https://", ""), ("", "10.0.0.0/99")])
def test_a_wrong_setting_is_named(wrong: tuple[str, str]) -> None:
    with pytest.raises(SaddlebagError) as caught:
        ReplyHosts.read(*wrong)
    assert caught.value.kind is SETTING_INVALID


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Host"], body))  # type: ignore[attr-defined]
        self.send_response(302 if self.path == "/moved" else 202)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def partner() -> Iterator[http.server.HTTPServer]:
    """A partner's endpoint on loopback."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Handler)
    server.got = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_post_goes_to_the_address_that_was_checked_and_follows_no_redirect(partner: http.server.HTTPServer) -> None:
    port = partner.server_address[1]
    hosts = ReplyHosts.read(f"http://partner.example:{port}", "127.0.0.0/8")
    context = ssl.create_default_context()
    statuses = [
        post(hosts, f"http://partner.example:{port}{path}", {}, b"<a/>", context, lambda host, _: ["127.0.0.1"])
        for path in ("/in?a=b", "/moved")
    ]
    assert statuses == [202, 302]
    host = f"partner.example:{port}"
    assert partner.got == [("/in?a=b", host, b"<a/>"), ("/moved", host, b"<a/>")]  # type: ignore[attr-defined]


def test_nothing_is_sent_where_the_name_leads_into_a_private_network(partner: http.server.HTTPServer) -> None:
    port = partner.server_address[1]
    url = f"http://partner.example:{port}/in"
    hosts = ReplyHosts.read(url, "")
    with pytest.raises(Refused):
        post(hosts, url, {}, b"", ssl.create_default_context(), lambda host, _: ["127.0.0.1"])
    assert partner.got == []  # type: ignore[attr-defined]


@dataclass
class Line:
    """A way out that can be down."""

    status: int | None = 202
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.sent.append((url, headers, body))
        if self.status is None:
            raise ConnectionRefusedError("refused")
        return self.status


@dataclass
class Clock:
    """The courier's time."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with the tenant acme."""
    init_store(store_url)
    opened = open_store(store_url, BUILTIN)
    opened.create_tenant(TENANT)
    yield opened
    opened.close()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def courier(store: Store, line: Line, clock: Clock) -> Courier:
    ids = iter(map(str, range(10_000)))
    return Courier(store, lambda: next(ids), clock, line, HOSTS.allows)


def _waiting(store: Store) -> list[Reply]:
    return store.run(TENANT.name, lambda tx: tx.rows.select(Reply), read_only=True)


def test_an_answer_is_sent_once_and_forgotten(courier: Courier, store: Store, line: Line) -> None:
    courier.keep(TENANT.name, URL, "text/xml", "urn:a", b"<e/>")
    assert (courier.turn(), courier.turn()) == (1, 0)
    assert line.sent == [
        (URL, {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "Saddlebag", "SOAPAction": '"urn:a"'}, b"<e/>")
    ]
    assert _waiting(store) == []
    assert store.run(TENANT.name, lambda tx: tx.rows.select(ReplyBody), read_only=True) == []


@pytest.mark.parametrize("status", [None, 500, 302])
def test_an_answer_that_did_not_arrive_is_sent_again_later_and_later(
    courier: Courier, store: Store, line: Line, clock: Clock, status: int | None
) -> None:
    line.status = status
    courier.keep(TENANT.name, URL, "application/soap+xml", "urn:a", b"<e/>")
    waits = []
    for _ in range(3):
        assert courier.turn() == 0
        (row,) = _waiting(store)
        waits.append((row.due_at - clock.now).total_seconds())
        assert courier.turn() == 0
        clock.now = row.due_at
    assert waits == [5, 10, 20]
    assert len(line.sent) == 3
    line.status = 200
    assert courier.turn() == 1


def test_an_answer_is_given_up_after_its_hours(courier: Courier, store: Store, line: Line, clock: Clock) -> None:
    line.status = None
    courier.keep(TENANT.name, URL, "text/xml", "urn:a", b"<e/>")
    clock.now += timedelta(hours=limits.REPLY_HOURS, seconds=1)
    assert courier.turn() == 0
    assert _waiting(store) == []


def test_two_workers_do_not_send_the_same_answer(courier: Courier, line: Line) -> None:
    """The second looks while the first is sending."""
    other = Courier(courier.store, courier.new_id, courier.now, line, HOSTS.allows)
    seen: list[int] = []
    slow = Courier(
        courier.store, courier.new_id, courier.now, lambda *_: seen.append(other.turn()) or 202, HOSTS.allows
    )
    courier.keep(TENANT.name, URL, "text/xml", "urn:a", b"<e/>")
    assert (slow.turn(), seen, line.sent) == (1, [0], [])


def test_a_tenant_keeps_no_more_than_its_share_waiting(courier: Courier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REPLIES_WAITING", 2)
    for _ in range(2):
        courier.keep(TENANT.name, URL, "text/xml", "urn:a", b"")
    with pytest.raises(SaddlebagError, match="Busy"):
        courier.keep(TENANT.name, URL, "text/xml", "urn:a", b"")

"""A hub on a real socket over TLS, called by the standard library: handshake, certificates, documents, a clean stop."""

from __future__ import annotations

import gzip
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from twisted.internet.pollreactor import PollReactor
from zeep.transports import Transport

from saddlebag.contract import namespaces
from saddlebag.contract.spec import Access, Operation, Service
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server import pki
from saddlebag.server.config import Settings
from saddlebag.server.root import Serving
from saddlebag.store.base import Store
from saddlebag.store.tables import Certificate
from soap_probe import NOW, SERVICE, TENANT, Reply, envelope

ADDRESS = "/acme/probe/v1"


@dataclass
class Running:
    """A hub that runs in a thread of its own, on a reactor of its own."""

    serving: Serving
    ca: Path
    partner: pki.Pair
    folder: Path

    def connect(self, *, partner: bool = False, **limits: Any) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.ca))
        context.set_alpn_protocols(["h2", "http/1.1"])
        for name, value in limits.items():
            setattr(context, name, value)
        if partner:
            chain, key = self.folder / "partner.pem", self.folder / "partner.key"
            chain.write_bytes(self.partner.certificate)
            key.write_bytes(self.partner.key)
            context.load_cert_chain(chain, key)
        return http.client.HTTPSConnection("localhost", self.serving.port, context=context)


@contextmanager
def _run(store: Store, tmp_path: Path, services: Sequence[Service], **more: Any) -> Iterator[Running]:
    """A hub with these services, until the block ends; then it is stopped as a signal would stop it."""
    now = datetime.now(UTC)
    authority = pki.make_authority("Test authority", now)
    server = pki.make_server_certificate(authority, ["localhost", "127.0.0.1"], now)
    partner = pki.make_client_certificate(authority, "partner", now)
    for name, data in (("ca", authority.certificate), ("hub", server.certificate), ("key", server.key)):
        (tmp_path / f"{name}.pem").write_bytes(data)
    store.run(TENANT.name, lambda tx: tx.rows.put(Certificate(pki.fingerprint(partner.certificate), "u1", NOW)))
    settings = Settings(
        public_url="https://localhost:1", port=0, certificate=tmp_path / "hub.pem", key=tmp_path / "key.pem",
        client_authority=tmp_path / "ca.pem", client_file=None, ready_file=tmp_path / "ready", message_bytes=100_000,
        **more,
    )  # fmt: skip
    reactor: Any = PollReactor()
    serving = Serving(settings, reactor, store)
    serving.start(services)
    thread = threading.Thread(target=lambda: reactor.run(installSignalHandlers=False))
    thread.start()
    try:
        yield Running(serving, tmp_path / "ca.pem", partner, tmp_path)
    finally:
        reactor.callFromThread(lambda: serving.stop().addBoth(lambda _: reactor.stop()))
        thread.join()
    assert not (tmp_path / "ready").exists()


@pytest.fixture
def running(store: Store, tmp_path: Path) -> Iterator[Running]:
    with _run(store, tmp_path, [SERVICE]) as running:
        yield running


def _soap(connection: http.client.HTTPSConnection, body: str, **headers: str) -> Reply:
    given = {"Content-Type": "text/xml; charset=utf-8"} | {n.replace("_", "-"): v for n, v in headers.items()}
    connection.request("POST", ADDRESS, envelope(body), given)
    response = connection.getresponse()
    data = response.read()
    answer: Any = response
    return Reply(answer, etree.fromstring(gzip.decompress(data) if response.headers["Content-Encoding"] else data))


def test_a_call_goes_over_tls_and_the_connection_is_kept(running: Running) -> None:
    connection = running.connect()
    for word in ("one", "two"):
        reply = _soap(connection, f"<p:Echo><p:stringValue>{word}</p:stringValue></p:Echo>")
        assert (reply.status, reply.text("stringValue")) == (200, [word])
    tls: ssl.SSLSocket = connection.sock
    assert (tls.version(), tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    connection.close()


def test_tls_1_1_is_refused(running: Running) -> None:
    connection = running.connect(maximum_version=ssl.TLSVersion.TLSv1_1, minimum_version=ssl.TLSVersion.TLSv1)
    with pytest.raises(ssl.SSLError):
        connection.connect()


@pytest.mark.parametrize("partner", [False, True])
def test_a_tls_session_is_resumed_with_and_without_a_client_certificate(running: Running, partner: bool) -> None:
    first = running.connect(partner=partner, maximum_version=ssl.TLSVersion.TLSv1_2)
    _soap(first, "<p:Ping/>")
    context = first._context  # type: ignore[attr-defined]
    session = first.sock.session
    with (
        socket.create_connection(("localhost", running.serving.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as again,
    ):
        assert again.session_reused
    first.close()


def test_a_partner_is_known_by_its_certificate(running: Running) -> None:
    known, unknown = running.connect(partner=True), running.connect()
    assert _soap(known, "<p:Who/>").text("user") == ["u1"]
    assert _soap(unknown, "<p:Who/>").code == "SB2002"
    known.close()
    unknown.close()


def test_a_certificate_of_another_authority_ends_the_handshake(running: Running) -> None:
    other = pki.make_authority("Other", datetime.now(UTC))
    running.partner = pki.make_client_certificate(other, "partner", datetime.now(UTC))
    connection = running.connect(partner=True, maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection.connect()


def test_the_wsdl_has_the_address_of_the_port_that_was_free(running: Running) -> None:
    connection = running.connect()
    connection.request("GET", f"{ADDRESS}?wsdl", headers={"Accept-Encoding": "gzip"})
    root = etree.fromstring(gzip.decompress(connection.getresponse().read()))
    address = root.find(f".//{{{namespaces.WSDL_SOAP11}}}address")
    assert address is not None
    assert address.get("location") == f"https://localhost:{running.serving.port}{ADDRESS}"
    ready = (running.folder / "ready").read_text(encoding="utf-8")
    assert ready == f"https://localhost:{running.serving.port}\n"
    connection.close()


def test_s7_a_body_beyond_the_bound_is_413_and_the_hub_goes_on(running: Running) -> None:
    connection = running.connect()
    connection.request("POST", ADDRESS, b"x" * 100_001, {"Content-Type": "text/xml"})
    assert connection.getresponse().status == 413
    connection.close()
    again = running.connect()
    assert _soap(again, "<p:Ping/>").status == 200
    again.close()


def test_s8_a_chunked_call_is_served(running: Running) -> None:
    connection = running.connect()
    data = envelope("<p:Echo><p:stringValue>chunked</p:stringValue></p:Echo>")
    parts = iter([data[:50], data[50:]])
    connection.request("POST", ADDRESS, parts, {"Content-Type": "text/xml"}, encode_chunked=True)
    assert b"chunked" in connection.getresponse().read()
    connection.close()


def test_health_is_told(running: Running) -> None:
    connection = running.connect()
    connection.request("GET", "/healthz")
    assert json.loads(connection.getresponse().read())["status"] == "ok"
    connection.close()


@pytest.mark.parametrize("port", ["ProbeSoap11Port", "ProbeSoap12Port"])
def test_zeep_calls_both_ports_and_gets_typed_faults(running: Running, port: str) -> None:
    """A client that nobody here wrote, in strict mode, from the served WSDL alone."""
    session = requests.Session()
    session.trust_env, session.verify = False, str(running.ca)
    with session:
        wsdl = f"{running.serving.url}{ADDRESS}?wsdl"
        client = zeep.Client(wsdl, transport=Transport(session=session), port_name=port)
        service: Any = client.service
        at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        said = service.Echo(
            stringValue="A & \u00e9", decimalValue=Decimal("10.50"), datetimeValue=at, binaryValue=b"hi",
            colourValue="red", pair={"left": "l", "right": 2}, words=["a", ""],
        )  # fmt: skip
        assert (said.stringValue, said.decimalValue, said.datetimeValue) == ("A & \u00e9", Decimal("10.50"), at)
        assert (said.binaryValue, said.colourValue, said.pair.right, said.words[0]) == (b"hi", "red", 2, "a")
        assert [each.name for each in service.Give(count=2)] == ["A & B", "A & B"]
        with pytest.raises(zeep.exceptions.Fault) as caught:
            service.Fail(how="typed")
        detail = client.wsdl.types.deserialize(caught.value.detail[0])
        assert (detail.code, detail.entity, detail.id, detail.retry) == ("SB3001", "Deal", "d1", "never")


def test_a_connection_too_many_is_closed_and_the_others_are_served(store: Store, tmp_path: Path) -> None:
    with _run(store, tmp_path, [SERVICE], connections=1) as running:
        first, second = running.connect(), running.connect()
        assert _soap(first, "<p:Ping/>").status == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            second.connect()
        assert _soap(first, "<p:Ping/>").status == 200
        first.close()


def test_a_hub_that_stops_lets_calls_under_way_end(store: Store, tmp_path: Path) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait(call: Any, request: Any) -> dict[str, Any]:
        entered.set()
        go_on.wait()
        return {}

    slow = Service("probe", "Slow.", (Operation("Ping", "Waits.", (), (), wait, Access.PUBLIC),))
    statuses: list[int] = []
    with _run(store, tmp_path, [slow]) as running:
        caller = threading.Thread(target=lambda: statuses.append(_soap(running.connect(), "<p:Ping/>").status))
        caller.start()
        entered.wait()
        threading.Timer(0.2, go_on.set).start()
    caller.join()
    assert statuses == [200]


def test_one_tenants_calls_under_way_do_not_keep_another_tenant_waiting(store: Store, tmp_path: Path) -> None:
    entered, go_on = threading.Semaphore(0), threading.Event()

    def wait(call: Any, request: Any) -> dict[str, Any]:
        if call.tenant.name == TENANT.name:
            entered.release()
            go_on.wait()
        return {}

    store.create_tenant(replace(TENANT, name="north"))
    slow = Service("probe", "Slow for one.", (Operation("Ping", "Waits.", (), (), wait, Access.PUBLIC),))
    statuses: list[int] = []
    with _run(store, tmp_path, [slow], threads=3, stranger_calls=64) as running:
        callers = [
            threading.Thread(target=lambda: statuses.append(_soap(running.connect(), "<p:Ping/>").status))
            for _ in range(5)
        ]
        for caller in callers:
            caller.start()
        for _ in range(2):
            entered.acquire()
        north = running.connect()
        for _ in range(3):
            north.request("POST", "/north/probe/v1", envelope("<p:Ping/>"), {"Content-Type": "text/xml"})
            response = north.getresponse()
            assert (response.status, statuses) == (200, [])
            response.read()
        go_on.set()
        for caller in callers:
            caller.join()
    assert statuses == [200] * 5


def test_who_exceeds_the_rate_is_told_when_to_come_again(store: Store, tmp_path: Path) -> None:
    with _run(store, tmp_path, [SERVICE], address_rate=1, address_burst=1) as running:
        connection = running.connect()
        replies = [_soap(connection, "<p:Ping/>")]
        while replies[-1].status == 200:  # a slow machine may earn a second call between the first two
            replies.append(_soap(connection, "<p:Ping/>"))
        refused = replies[-1]
        headers: Any = refused.answer.headers
        assert (refused.status, refused.code, headers["Retry-After"]) == (429, "SB5004", "1")
        connection.close()


def _cut(plain: socket.socket) -> bool:
    """Wait, without reading, until the other side has ended both directions; whether it has."""
    poll = select.poll()
    poll.register(plain, 0)
    return bool(poll.poll()[0][1] & (select.POLLHUP | select.POLLERR))


def test_a_caller_that_does_not_read_its_answer_is_cut_off(store: Store, tmp_path: Path) -> None:
    with _run(store, tmp_path, [SERVICE], answer_seconds=1) as running:
        connection = running.connect()
        connection.connect()
        body = envelope("<p:Give><p:count>400000</p:count></p:Give>")
        connection.request("POST", ADDRESS, body, {"Content-Type": "text/xml"})
        assert _cut(connection.sock)
        with pytest.raises((OSError, http.client.HTTPException)):
            connection.getresponse().read()
        connection.close()


def test_a_caller_that_does_not_end_its_head_is_cut_off(store: Store, tmp_path: Path) -> None:
    with _run(store, tmp_path, [SERVICE], header_seconds=1) as running:
        connection = running.connect()
        connection.connect()
        connection.sock.sendall(b"POST / HTTP/1.1\r\nX: ")
        assert _cut(connection.sock)
        connection.close()


def test_nobody_can_connect_before_the_services_are_there(store: Store, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    serving = Serving(settings, PollReactor(), store)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", serving.port))
    with pytest.raises(SaddlebagError):
        serving.start([SERVICE])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", serving.port))


def _settings(folder: Path, **more: Any) -> Settings:
    return Settings(port=0, certificate=folder / "none.pem", key=folder / "none.key", client_file=None, **more)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda folder: _settings(folder), "certificate"),
        (lambda folder: _settings(folder, listen="203.0.113.1"), "port"),
    ],
)
def test_a_hub_that_cannot_start_says_which_setting_is_wrong(
    store: Store, tmp_path: Path, make: Callable[[Path], Settings], field: str
) -> None:
    with pytest.raises(SaddlebagError) as caught:
        Serving(make(tmp_path), PollReactor(), store).start([SERVICE])
    assert (caught.value.kind, caught.value.field) == (SETTING_INVALID, field)

"""The connection as it is: real sockets, real TLS, a small server that behaves as the test wants."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.packing import Dictionary
from saddlebag.server.pki import Pair, make_authority, make_server_certificate
from saddlebag_client import transport, upgrade
from saddlebag_client.agreed import Packing
from saddlebag_client.transport import Https, Patience


class Server(http.server.ThreadingHTTPServer):
    """An HTTPS server on loopback; `script` gives status, headers and body for each request, or ends the connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Callable[[_Handler], tuple[int, dict[str, str], bytes] | None] = lambda request: (
            200,
            {},
            b"<ok/>",
        )
        self.connections = 0
        self.bodies: list[bytes] = []
        self.codings: list[str] = []

    def get_request(self) -> tuple[socket.socket, object]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the test."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.codings.append(self.headers["Content-Encoding"] or "")
        self.server.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self.do_GET()

    def do_GET(self) -> None:
        scripted = self.server.script(self)
        if scripted is None:
            self.close_connection = True
            return
        status, headers, body = scripted
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("test", datetime.now(UTC))


@pytest.fixture
def server(authority: Pair, tmp_path: Path) -> Iterator[Server]:
    pair = make_server_certificate(authority, ["localhost"], datetime.now(UTC))
    (tmp_path / "pair.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    made = Server()
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(server: Server, authority: Pair, pauses: list[float]) -> Iterator[Https]:
    made = connect(server, authority.certificate.decode(), pauses)
    yield made
    made.close()


def connect(server: Server, ca: str, pauses: list[float], host: str = "localhost") -> Https:
    return Https(f"https://{host}:{server.server_address[1]}", ca, Patience(pauses.append, lambda: 0.5))


def refused(call: Callable[[], object]) -> SaddlebagError:
    with pytest.raises(SaddlebagError) as caught:
        call()
    return caught.value


def test_requests_share_one_connection_and_every_byte_is_counted(server, client):
    assert client.post("/a", "act", b"<x/>", safe=True) == b"<ok/>"
    first = (client.meter.up, client.meter.down)
    assert client.post("/a", "act", b"<x/>", safe=True) == b"<ok/>"
    assert server.connections == 1
    assert client.meter.requests == 2
    # The handshake with its certificate weighs more than the second exchange, whose headers still count.
    assert 100 < client.meter.up - first[0] < first[0]
    assert 100 < client.meter.down - first[1] < first[1]


def test_large_requests_go_out_as_gzip_and_large_answers_come_in_so(server, client):
    answer = b"<ok>" + b"x" * 300_000 + b"</ok>"
    server.script = lambda request: (200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, packed)
    packed = gzip.compress(answer)
    sent = b"<x>" + b"y" * 200_000 + b"</x>"
    assert client.post("/a", "act", sent, safe=True) == answer
    assert server.bodies == [sent]
    assert client.meter.up + client.meter.down < 20_000


def test_a_fault_with_status_500_is_an_answer(server, client):
    server.script = lambda request: (500, {}, b"<fault/>")
    assert client.post("/a", "act", b"<x/>", safe=True) == b"<fault/>"
    assert len(server.bodies) == 1


def test_a_broken_connection_is_tried_again_after_growing_pauses(server, client, pauses):
    server.script = lambda request: (200, {}, b"<ok/>") if len(server.bodies) == 3 else None
    assert client.post("/a", "act", b"<x/>", safe=True) == b"<ok/>"
    assert pauses == [0.5, 1.0]


def test_what_is_not_safe_is_sent_once(server, client, pauses):
    server.script = lambda request: None
    assert refused(lambda: client.post("/a", "act", b"<x/>", safe=False)).kind is errors.NO_CONNECTION
    assert (len(server.bodies), pauses) == (1, [])


def test_a_hub_that_is_not_there_is_no_connection(pauses, server, authority):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = Https(f"https://localhost:{port}", "", Patience(pauses.append, lambda: 0))
    assert refused(lambda: gone.get("/x")).kind is errors.NO_CONNECTION
    assert len(pauses) == transport.TRIES - 1


def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(server, pauses):
    stranger = connect(server, make_authority("other", datetime.now(UTC)).certificate.decode(), pauses)
    assert refused(lambda: stranger.post("/a", "act", b"secret", safe=True)).kind is errors.UNTRUSTED_HUB
    assert (server.bodies, pauses) == ([], [])


def test_a_certificate_for_another_name_is_refused(server, authority, pauses):
    other = connect(server, authority.certificate.decode(), pauses, host="127.0.0.1")
    assert refused(lambda: other.get("/a")).kind is errors.UNTRUSTED_HUB


@pytest.mark.parametrize("url", ["http://hub", "hub:8443", "https://"])
def test_only_https_will_do(url):
    assert refused(lambda: Https(url, "", Patience(lambda _: None, lambda: 0))).kind is errors.UNTRUSTED_HUB


def test_a_ca_file_without_a_certificate_is_refused():
    error = refused(lambda: Https("https://hub", "no certificate", Patience(lambda _: None, lambda: 0)))
    assert error.kind is errors.UNTRUSTED_HUB


def test_an_answer_without_bound_is_cut_off(server, client, monkeypatch):
    monkeypatch.setattr(transport.limits, "ANSWER_BYTES", 1000)
    bomb = gzip.compress(b"0" * 1_000_000)
    server.script = lambda request: (200, {"Content-Encoding": "gzip"}, bomb[:990])
    assert refused(lambda: client.get("/a")).kind is errors.DAMAGED_ANSWER
    server.script = lambda request: (200, {}, b"0" * 1001)
    assert refused(lambda: client.get("/a")).limit == 1000


@pytest.mark.parametrize("spoiled", [b"not gzip at all", gzip.compress(b"<ok/>")[:-9]], ids=["no gzip", "cut off"])
def test_damaged_gzip_is_a_damaged_answer(server, client, spoiled):
    server.script = lambda request: (200, {"Content-Encoding": "gzip"}, spoiled)
    assert refused(lambda: client.get("/a")).kind is errors.DAMAGED_ANSWER


def test_a_page_of_a_proxy_is_no_answer(server, client):
    server.script = lambda request: (503, {}, b"try later")
    assert refused(lambda: client.post("/a", "act", b"<x/>", safe=True)).kind is errors.BUSY
    server.script = lambda request: (404, {}, b"<html/>")
    assert refused(lambda: client.get("/a")).kind is errors.DAMAGED_ANSWER


def offering(data: bytes, **told: object) -> Callable[[_Handler], tuple[int, dict[str, str], bytes]]:
    import hashlib

    version = {"version": "9.9", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), **told}
    pages = {upgrade.VERSION_PATH: json.dumps(version).encode(), upgrade.CLIENT_PATH: data}
    return lambda request: (200, {}, pages[request.path])


def test_an_upgrade_replaces_the_file_and_keeps_the_old_one_beside(server, client, tmp_path):
    installed = tmp_path / "saddlebag.pyz"
    installed.write_bytes(b"old program")
    server.script = offering(b"new program")
    offered = upgrade.offer(client)
    assert not upgrade.same(offered, installed)
    old = upgrade.replace(client, offered, installed)
    assert installed.read_bytes() == b"new program"
    assert old.read_bytes() == b"old program"
    assert upgrade.same(offered, installed)


@pytest.mark.parametrize("told", [{"sha256": "0" * 64}, {"size": 3}])
def test_a_download_that_is_not_the_one_announced_changes_nothing(server, client, tmp_path, told):
    installed = tmp_path / "saddlebag.pyz"
    installed.write_bytes(b"old program")
    server.script = offering(b"new program", **told)
    error = refused(lambda: upgrade.replace(client, upgrade.offer(client), installed))
    assert error.kind is errors.BAD_DOWNLOAD
    assert installed.read_bytes() == b"old program"


@pytest.mark.parametrize("told", [{"sha256": "x"}, {"size": 10**9}, {"size": "many"}, {"sha256": None}])
def test_an_offer_that_makes_no_sense_is_refused(server, client, told):
    server.script = offering(b"new program", **told)
    assert refused(lambda: upgrade.offer(client)).kind is errors.BAD_DOWNLOAD


KNOWN = Dictionary("<deal><id></id><version></version><title></title><stage>qualify</stage></deal>")
ANSWER = b"<ok>" + b"<deal><id>1</id><title>Pumps</title><stage>qualify</stage></deal>" * 5 + b"</ok>"
REQUEST = b"<x>" + b"<deal><id>2</id><title>Valves</title></deal>" * 5 + b"</x>"


def packing(agreed: bool, told: list[bool]) -> Packing:
    return Packing(KNOWN, agreed, told.append)


def in_dictionary(request: _Handler) -> tuple[int, dict[str, str], bytes]:
    """A hub that has the dictionary."""
    assert KNOWN.coding in request.headers["Accept-Encoding"].split(", ")
    return 200, {"Content-Encoding": KNOWN.coding}, KNOWN.packed(ANSWER)


def test_requests_are_packed_with_a_dictionary_once_the_hub_has_shown_that_it_has_it(server, client):
    told: list[bool] = []
    client.packing = packing(False, told)
    server.script = in_dictionary
    assert [client.post("/a", "act", REQUEST, safe=True) for _ in range(2)] == [ANSWER, ANSWER]
    assert server.codings == ["", KNOWN.coding]
    assert [server.bodies[0], KNOWN.unpacked(server.bodies[1], 10_000)] == [REQUEST, REQUEST]
    assert told == [True]


def test_a_hub_without_the_dictionary_is_an_ordinary_hub(server, client):
    told: list[bool] = []
    client.packing = packing(False, told)
    server.script = lambda request: (200, {"Content-Encoding": "gzip"}, gzip.compress(ANSWER))
    assert client.post("/a", "act", REQUEST, safe=True) == ANSWER
    assert (server.codings, told) == ([""], [])


@pytest.mark.parametrize("safe", [True, False])
def test_a_hub_that_has_another_dictionary_by_now_gets_the_request_again_without(server, client, pauses, safe):
    """It was refused before it was read, so even what must not be done twice may be sent again."""
    told: list[bool] = []
    client.packing = packing(True, told)
    server.script = lambda request: (
        (415, {}, b"<fault/>") if request.headers["Content-Encoding"] == KNOWN.coding else (200, {}, b"<ok/>")
    )
    large = REQUEST * 10
    assert client.post("/a", "act", large, safe=safe) == b"<ok/>"
    assert server.codings == [KNOWN.coding, "gzip"]
    assert (server.bodies[1], told, pauses) == (large, [False], [])


def test_a_refused_coding_that_was_none_of_ours_is_an_answer(server, client):
    server.script = lambda request: (415, {}, b"<fault/>")
    assert client.post("/a", "act", REQUEST, safe=True) == b"<fault/>"


@pytest.mark.parametrize(
    "spoiled",
    [b"", b"no zlib", KNOWN.packed(ANSWER)[:-1], KNOWN.packed(ANSWER) + b"x", Dictionary("other").packed(ANSWER)],
    ids=["empty", "no zlib", "cut off", "followed by more", "another dictionary"],
)
def test_a_damaged_answer_in_the_dictionarys_coding_is_refused(server, client, spoiled):
    client.packing = packing(True, [])
    server.script = lambda request: (200, {"Content-Encoding": KNOWN.coding}, spoiled)
    assert refused(lambda: client.post("/a", "act", REQUEST, safe=True)).kind is errors.DAMAGED_ANSWER


def test_an_answer_in_the_dictionarys_coding_is_bounded(server, client, monkeypatch):
    monkeypatch.setattr(transport.limits, "ANSWER_BYTES", 1000)
    client.packing = packing(True, [])
    server.script = lambda request: (200, {"Content-Encoding": KNOWN.coding}, KNOWN.packed(b"0" * 100_000))
    assert refused(lambda: client.get("/a")).limit == 1000

"""Connections over memory transports: bodies and answers in bounds, deadlines, keep-alive, counts (S3-S8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.server.http_rules import Answer, Request
from saddlebag.server.site import Bounds, HubChannel, HubSite

BOUNDS = Bounds(
    body_bytes=1000, header_seconds=5, body_seconds=10, answer_seconds=12, idle_seconds=30, connections=2,
    slowest_bytes=100,
)  # fmt: skip
HEAD = b"POST /acme/probe/v1 HTTP/1.1\r\nHost: hub\r\nContent-Type: text/xml\r\n"


@dataclass
class Echo:
    """A front that says what it was asked."""

    asked: list[Request] = field(default_factory=list)
    refused: list[SaddlebagError] = field(default_factory=list)
    before: bytes = b"got "

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(200, "text/plain", self.before + request.body)

    def refuse(self, request: Request, problem: SaddlebagError) -> Answer:
        self.refused.append(problem)
        return Answer(413 if problem.limit else 503, "text/plain", problem.kind.code.encode())


@dataclass
class Workers:
    """Works at once or later."""

    front: Echo
    later: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)
    forgotten: int = 0

    def submit(self, request: Request, done: Callable[[Answer | None], None]) -> Callable[[], None]:
        if self.later:
            self.waiting.append(lambda: done(self.front.answer(request)))
        else:
            done(self.front.answer(request))
        return self.forget

    def forget(self) -> None:
        self.forgotten += 1


class Wire:
    """A transport in memory.

    Twisted's own stands in `twisted.internet.testing`, which must not be imported here: it marks the abstract classes
    of `collections` with zope interfaces, and xmlschema then fails on every schema for the rest of the process.
    """

    def __init__(self) -> None:
        self._sent = b""
        self.disconnecting = self.disconnected = False

    def write(self, data: bytes) -> None:
        self._sent += data

    def writeSequence(self, parts: Iterable[bytes]) -> None:
        self._sent += b"".join(parts)

    def value(self) -> bytes:
        """All that was sent."""
        return self._sent

    def clear(self) -> None:
        """Forget what was sent so far."""
        self._sent = b""

    def loseConnection(self) -> None:
        self.disconnecting = True

    def abortConnection(self) -> None:
        self.disconnected = True

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 54321)

    getHost = getPeer


@dataclass
class Line:
    """One connection to a site, with its clock."""

    front: Echo
    workers: Workers
    clock: Clock
    site: HubSite
    channel: HubChannel
    wire: Wire

    def send(self, *parts: bytes) -> bytes:
        """What comes back so far."""
        for part in parts:
            self.channel.dataReceived(part)
        return self.wire.value()

    @property
    def closed(self) -> bool:
        return self.wire.disconnecting or self.wire.disconnected


@pytest.fixture
def line() -> Line:
    return _line(BOUNDS)


def _line(bounds: Bounds) -> Line:
    front, clock = Echo(), Clock()
    workers = Workers(front)
    site = HubSite(front, workers, bounds, lambda: "req-7", clock)
    channel, wire = _connect(site)
    return Line(front, workers, clock, site, channel, wire)


def _connect(site: HubSite, address: str = "192.0.2.1") -> tuple[HubChannel, Wire]:
    channel = site.buildProtocol(IPv4Address("TCP", address, 54321))
    assert channel is not None
    wire = Wire()
    channel.makeConnection(wire)
    return channel, wire


def _post(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_s4_a_call_is_handed_over_whole_and_answered(line: Line) -> None:
    sent = line.send(_post(b"<a/>", b"X-More: 1\r\nX-More: 2\r\n"))
    (asked,) = line.front.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/acme/probe/v1", "", b"<a/>")
    assert (asked.headers["x-more"], asked.request_id, asked.fingerprint) == ("1, 2", "req-7", None)
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Request-Id: req-7\r\n" in sent
    assert sent.endswith(b"\r\n\r\ngot <a/>")


def test_a_message_may_come_byte_by_byte(line: Line) -> None:
    data = _post(b"<a>b</a>")
    assert line.send(*(data[index : index + 1] for index in range(len(data)))).endswith(b"got <a>b</a>")


def test_s8_a_chunked_body_is_put_together(line: Line) -> None:
    sent = line.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\n<a>\r\n", b"4\r\n</a>\r\n0\r\n\r\n")
    assert sent.endswith(b"got <a></a>")


def test_a_connection_serves_one_call_after_another(line: Line) -> None:
    sent = line.send(_post(b"1"), _post(b"2") + _post(b"3"))
    assert (sent.count(b"HTTP/1.1 200 OK"), line.closed) == (3, False)


def test_who_asks_to_close_is_closed(line: Line) -> None:
    line.send(_post(b"1", b"Connection: close\r\n"))
    assert line.closed


def test_a_caller_that_waits_for_leave_gets_it(line: Line) -> None:
    sent = line.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    assert sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert line.send(b"<a/>").endswith(b"got <a/>")


def test_s7_a_caller_that_asks_leave_for_too_much_is_refused_before_it_sends(line: Line) -> None:
    sent = line.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
    assert sent.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in sent
    assert line.closed
    assert line.send(b"x" * 1001) == sent


@pytest.mark.parametrize("head", [b"Content-Length: 2000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n"])
def test_s7_a_body_beyond_the_bound_is_thrown_away_as_it_comes_and_refused(line: Line, head: bytes) -> None:
    line.send(HEAD + head)
    for _ in range(20):
        line.send(b"x" * 100)
        assert sum(map(len, line.channel.requests[0].chunks if line.channel.requests else [])) <= 1000
    sent = line.send(b"\r\n0\r\n\r\n" if b"chunked" in head else b"")
    assert sent.startswith(b"HTTP/1.1 413 ")
    assert (line.front.asked, line.front.refused[0].limit, line.closed) == ([], 1000, True)


def test_s7_a_body_that_does_not_end_is_cut(line: Line) -> None:
    line.send(HEAD + b"Content-Length: 999999\r\n\r\n")
    line.send(b"x" * 4000)
    assert not line.closed
    line.send(b"x")
    assert line.wire.disconnected
    assert line.front.asked == []


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nBad Header: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + 20 * (b"X: " + b"x" * 1000 + b"\r\n"),
    ],
)
def test_a_request_that_is_not_http_is_400(line: Line, head: bytes) -> None:
    assert line.send(head).startswith(b"HTTP/1.1 400 ")
    assert line.closed


@pytest.mark.parametrize(
    ("parts", "seconds"),
    [((), 5), ((b"POST / HT",), 5), ((HEAD,), 5), ((HEAD + b"Content-Length: 90\r\n\r\n",), 10)],
)
def test_a_slow_caller_is_cut_off_however_it_drips(line: Line, parts: tuple[bytes, ...], seconds: int) -> None:
    line.send(*parts)
    for _ in range(seconds - 1):
        line.clock.advance(1)
        if parts:
            line.send(b"x")
    assert not line.closed
    line.clock.advance(1)
    assert line.wire.disconnected


def test_an_idle_connection_is_kept_for_its_time(line: Line) -> None:
    line.send(_post(b"1"))
    line.clock.advance(29)
    assert not line.closed
    line.clock.advance(1)
    assert line.closed


def test_the_next_call_has_its_own_deadline(line: Line) -> None:
    line.send(_post(b"1"))
    line.clock.advance(20)
    line.send(b"P")
    line.clock.advance(4.9)
    assert not line.closed
    line.clock.advance(0.1)
    assert line.wire.disconnected


def test_a_call_that_takes_us_long_is_not_cut(line: Line) -> None:
    line.workers.later = True
    line.send(_post(b"1"))
    line.clock.advance(300)
    assert not line.closed
    line.workers.waiting.pop()()
    assert line.wire.value().endswith(b"got 1")


def test_an_answer_for_a_caller_that_has_gone_is_dropped(line: Line) -> None:
    line.workers.later = True
    line.send(_post(b"1"))
    line.channel.connectionLost(Failure(ConnectionDone()))
    line.workers.waiting.pop()()
    assert line.wire.value() == b""


def test_a_caller_that_has_gone_is_forgotten_and_her_bytes_counted_until_the_answer(line: Line) -> None:
    line.workers.later = True
    line.send(_post(b"x" * 900))
    line.channel.connectionLost(Failure(ConnectionDone()))
    assert line.workers.forgotten == 1
    second, _ = _connect(line.site)
    assert not line.site.hold(second.address, BOUNDS.bodies_bytes - 800)
    line.workers.waiting.pop()()
    assert line.site.hold(second.address, 1000)


def test_a_long_body_earns_more_time_by_its_bytes_and_no_longer(line: Line) -> None:
    line.send(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(9):
        line.send(b"x" * 100)
    line.clock.advance(18)
    assert not line.closed
    line.clock.advance(1)
    assert line.wire.disconnected


def test_a_caller_that_does_not_read_its_answer_is_cut_off(line: Line) -> None:
    line.send(_post(b"1"))
    line.channel.pauseProducing()
    line.clock.advance(11)
    line.channel.resumeProducing()
    line.channel.pauseProducing()
    line.clock.advance(11)
    assert not line.closed
    line.clock.advance(1)
    assert line.wire.disconnected


def test_a_caller_that_reads_is_not_cut_off(line: Line) -> None:
    line.send(_post(b"1"))
    line.channel.pauseProducing()
    line.channel.resumeProducing()
    line.clock.advance(29)
    assert not line.closed


def test_a_long_answer_is_written_as_it_is_read(line: Line) -> None:
    line.front.before = b"0123456789abcdef" * 65536
    write, piece = line.wire.write, 64 * 1024

    def write_and_have_enough(data: bytes) -> None:
        write(data)
        if len(data) >= piece:
            line.channel.pauseProducing()

    line.wire.write = line.wire.writeSequence = lambda data: write_and_have_enough(  # type: ignore[method-assign]
        data if isinstance(data, bytes) else b"".join(data)
    )
    line.send(_post(b"!"))
    sizes = [len(line.wire.value())]
    while not line.wire.value().endswith(b"!"):
        line.channel.resumeProducing()
        sizes.append(len(line.wire.value()))
    assert max(after - before for before, after in pairwise(sizes)) <= piece
    assert line.wire.value().endswith(line.front.before + b"!")
    assert not line.closed


def test_all_bodies_together_are_bounded_and_one_address_has_a_quarter_of_it() -> None:
    line = _line(replace(BOUNDS, bodies_bytes=8000, connections=99))
    line.workers.later = True
    greedy = [line.channel, *(_connect(line.site)[0] for _ in range(2))]
    for channel in greedy:
        channel.dataReceived(_post(b"x" * 900))
    assert len(line.workers.waiting) == 2
    (problem,) = line.front.refused
    assert (problem.kind, problem.rule) == (BUSY, "bytes of all bodies")
    other, _ = _connect(line.site, "192.0.2.2")
    other.dataReceived(_post(b"x" * 900))
    assert len(line.workers.waiting) == 3


def test_one_address_has_only_so_many_connections() -> None:
    line = _line(replace(BOUNDS, address_connections=1, connections=99))
    assert line.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1)) is None
    _connect(line.site, "192.0.2.2")
    line.channel.connectionLost(Failure(ConnectionDone()))
    _connect(line.site)


def test_only_so_many_connections_are_open_at_once(line: Line) -> None:
    second = line.site.buildProtocol(None)
    assert second is not None
    second.makeConnection(Wire())
    assert line.site.buildProtocol(None) is None
    second.connectionLost(Failure(ConnectionDone()))
    assert line.site.buildProtocol(None) is not None


def test_head_gets_the_length_and_no_body(line: Line) -> None:
    sent = line.send(b"HEAD /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert b"Content-Length: 4\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")


def test_a_304_has_neither_type_nor_length(line: Line) -> None:
    line.front.answer = lambda request: replace(Answer(304, "text/xml", b""), headers={"ETag": '"a"'})  # type: ignore[method-assign]
    sent = line.send(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert (b"Content-Type" in sent, b'ETag: "a"' in sent) == (False, True)

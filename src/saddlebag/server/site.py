"""Twisted's side of the front: connections, their bounds in bytes and seconds, and the threads that do the work.

Belongs here: everything that touches a socket or the reactor. May not know: SOAP; it hands whole requests to a
`Front`-like object and writes what it answers.

    bytes    the body's bound holds while it comes in: what is beyond is thrown away as it arrives, never stored (S7);
             another holds for all bodies together, so that many connections cannot do what one may not. What comes
             beside an envelope (MTOM) goes to disk, within a bound of its own
    seconds  one deadline for the head, one for the body, one for each stretch of an answer, one for an idle connection:
             a slow caller cannot hold one open. A long body earns more time by its bytes, as a phone sends it slowly
    count    connections in all and from one address
    work     is done elsewhere (`Workers`): the reactor never blocks
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.web import http

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BUSY, INTERNAL, TOO_LARGE, SaddlebagError
from saddlebag.server.across import OpenCounts
from saddlebag.server.http_rules import Answer, media_type
from saddlebag.server.http_rules import Request as Asked
from saddlebag.server.tls import peer_fingerprint
from saddlebag.server.xop import MULTIPART, Package

log = logging.getLogger(__name__)

_WASTE: Final = 4
"""Times the body's bound that is read and thrown away, so that the caller gets to read why; then the line is cut."""
_PIECE: Final = 64 * 1024
"""Bytes of an answer that are written at once: what Twisted's transports take before they ask to wait."""
_JOIN: Final = b", "
_Request: Any = http.Request
_Channel: Any = http.HTTPChannel
"""Twisted's HTTP classes are typed only in part."""


class Answers(Protocol):
    """What the site needs of a front."""

    def refuse(self, request: Asked, problem: SaddlebagError) -> Answer:
        """The answer to a request that is not carried out."""
        ...


class Workers(Protocol):
    """Answers requests elsewhere and brings their answers back to the reactor's thread."""

    def submit(self, request: Asked, done: Callable[[Answer | None], None]) -> Callable[[], None]:
        """Have the request answered; `done` gets None for work that failed. What is returned forgets the request."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection may cost."""

    body_bytes: int
    header_seconds: float
    body_seconds: float
    answer_seconds: float
    idle_seconds: float
    connections: int
    address_connections: int = 0
    """Connections from one address; 0 for no bound of its own."""
    slowest_bytes: int = 1024
    """Bytes of a body that earn it one more second."""
    bodies_bytes: int = limits.BODIES_BYTES
    spool_bytes: int = limits.SPOOL_BYTES
    package_bytes: int = limits.ATTACHMENT_BYTES + limits.MESSAGE_BYTES
    """Bytes of one multipart message: the largest attachment, and its envelope."""


@dataclass(slots=True)
class _Peer:
    """What one address holds."""

    connections: int = 0
    body_bytes: int = 0
    spool_bytes: int = 0


class _Pieces:
    """Writes a long answer as fast as its caller reads it, and no faster: what is ahead of her is held only once."""

    def __init__(self, request: HubRequest, size: int, read: Callable[[int, int], bytes]) -> None:
        self._request = request
        self._size = size
        self._read = read
        self._at = 0
        self._paused = False

    def start(self) -> None:
        """Write the first pieces."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """Write until the transport has enough or the answer ends."""
        self._paused = False
        while not self._paused and self._at < self._size:
            at, self._at = self._at, self._at + _PIECE
            self._request.write(self._read(at, _PIECE))
        if self._at >= self._size and not self._request.finished:
            self._request.unregisterProducer()
            self._request.finish()

    def pauseProducing(self) -> None:
        """The transport has enough."""
        self._paused = True

    def stopProducing(self) -> None:
        """The caller has gone."""
        self._paused = True


class HubRequest(_Request):  # type: ignore[misc]
    """One request: collects its body within bounds, has it answered, writes the answer."""

    channel: HubChannel
    _refused: SaddlebagError | None = None
    _gone = False
    _forget: Callable[[], None] | None = None
    package: Package | None = None
    received = 0
    _held = 0
    _give_up: Callable[[int], None]
    """Counts bytes off; the channel may be gone by then."""

    def gotLength(self, length: int | None) -> None:
        """The head is there: refuse at once a body that is declared too long and has not been sent yet."""
        self.chunks: list[bytes] = []
        self._open_package()
        if length is not None and length > self._most():
            self._refused = self._too_large()
            if self.requestHeaders.hasHeader(b"expect"):
                self.requestHeaders.removeHeader(b"expect")
                self._begin(self.channel._command, self.channel._path, self.channel._version)
                self._refuse(self._refused)

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, or throw it away when there has been too much."""
        site = self.channel.site
        self.received += len(data)
        if self._refused is None:
            if self.received > self._most():
                self._refused = self._too_large()
            elif not self._hold(len(data)):
                self._refused = SaddlebagError(BUSY, rule="bytes of all bodies", retry_after=site.retry_after)
            elif self.package is not None:
                self._unpack(lambda package: package.feed(data))
        if self._refused is not None:
            self.chunks.clear()
            self.package = None
            self._let_go()
            if self.received > _WASTE * site.bounds.body_bytes:
                self.channel.cut()
            return
        self.channel.earn(self.received // site.bounds.slowest_bytes)
        if self.package is None:
            self.chunks.append(data)

    def _open_package(self) -> None:
        """A multipart message is taken apart as it comes: its content is not for memory."""
        given = self.requestHeaders.getRawHeaders(b"content-type") or [b""]
        kind, parameters = media_type(given[0].decode("latin-1"))
        if kind == MULTIPART:
            try:
                self.package = Package(parameters, self.channel.site.bounds.body_bytes)
            except SaddlebagError as problem:
                self._refused = problem

    def _unpack(self, step: Callable[[Package], None]) -> None:
        if self.package is not None:
            try:
                step(self.package)
            except SaddlebagError as problem:
                self._refused = problem

    def _most(self) -> int:
        """Most bytes of this body."""
        bounds = self.channel.site.bounds
        return bounds.body_bytes if self.package is None else bounds.package_bytes

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The request is whole: hand it to a worker."""
        if self._refused is None:
            self._unpack(Package.end)
        self._begin(command, path, version)
        if self._refused is not None:
            self._refuse(self._refused)
            return
        self._forget = self.channel.site.workers.submit(self.asked, self._send)

    def _begin(self, command: bytes, uri: bytes, version: bytes) -> None:
        self.started = perf_counter()
        self.method, self.uri, self.clientproto = command, uri, version
        path, _, query = uri.decode("latin-1").partition("?")
        self.path = path.encode("latin-1")
        headers = {
            name.decode("latin-1").lower(): _JOIN.join(values).decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        body = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        self.chunks = []
        self.asked = Asked(
            command.decode("latin-1"),
            path,
            query,
            headers,
            body,
            self.channel.site.new_request_id(),
            self.channel.fingerprint(),
            self.channel.address,
            self.package,
        )
        self.package = None

    def _too_large(self) -> SaddlebagError:
        return SaddlebagError(TOO_LARGE, limit=self._most())

    def _refuse(self, problem: SaddlebagError) -> None:
        self.channel.close_after_answer()
        self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        self._send(self.channel.site.front.refuse(self.asked, problem))

    def _hold(self, count: int) -> bool:
        """Count bytes of the body among all that the hub holds; False where that would be too many."""
        site, address = self.channel.site, self.channel.address
        spooled = self.package is not None
        if not site.hold(address, count, spooled=spooled):
            return False
        self._held += count
        self._give_up = lambda held: site.let_go(address, held, spooled=spooled)
        return True

    def _let_go(self) -> None:
        if self._held:
            self._give_up(self._held)
            self._held = 0

    def _send(self, answer: Answer | None) -> None:
        self._let_go()
        site = self.channel.site if self.channel is not None else None
        if self._gone or site is None:
            return
        if answer is None:
            answer = site.front.refuse(self.asked, SaddlebagError(INTERNAL))
        self.setResponseCode(answer.status)
        head = self.responseHeaders
        head.setRawHeaders(b"server", [b"Saddlebag"])
        head.setRawHeaders(b"x-request-id", [self.asked.request_id.encode()])
        for name, value in answer.headers.items():
            head.setRawHeaders(name.encode(), [value.encode("latin-1")])
        if answer.status != 304:
            if answer.media_type:
                head.setRawHeaders(b"content-type", [answer.media_type.encode()])
            head.setRawHeaders(b"content-length", [b"%d" % answer.size])
        self._log_line(answer)
        if answer.spool is not None:
            _Pieces(self, answer.size, answer.spool.read).start()
        elif len(answer.body) > _PIECE:
            body = memoryview(answer.body)
            _Pieces(self, len(body), lambda at, count: bytes(body[at : at + count])).start()
        else:
            self.write(answer.body)
            self.finish()

    def _log_line(self, answer: Answer) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        milliseconds = round((perf_counter() - self.started) * 1000, 1)
        said = {
            "request_id": self.asked.request_id,
            "method": self.asked.method,
            "status": answer.status,
            "ms": milliseconds,
            "bytes_in": self.received,
            "bytes_out": answer.size,
            **answer.note,
        }
        log.info("call" if answer.note else "page", extra=said)

    def connectionLost(self, reason: Failure) -> None:
        """The caller has gone: its answer, when it comes, is dropped."""
        self._gone = True
        if self._forget is None:
            self._let_go()
        else:  # its body is counted until whoever has it lets go of it
            self._forget()
        super().connectionLost(reason)


class HubChannel(_Channel):  # type: ignore[misc]
    """One connection, with its deadlines."""

    requestFactory = HubRequest
    site: HubSite
    address = ""
    _deadline: Any = None
    _drain: Any = None
    _earned = 0
    _fingerprint: str | None = None
    _asked_fingerprint = False
    _closing = False

    def connectionMade(self) -> None:
        """The clock for handshake and first head starts."""
        self.site.joined(self)
        super().connectionMade()
        self._start(self.site.bounds.header_seconds)

    def connectionLost(self, reason: Failure) -> None:
        """Forget the connection."""
        self._stop()
        self._stop_drain()
        super().connectionLost(reason)
        self.site.left(self)

    def dataReceived(self, data: bytes) -> None:
        """Bytes of a request: its clock starts with the first of them."""
        if self._closing:
            return
        if self._deadline is None and not self._handlingRequest:
            self._start(self.site.bounds.header_seconds)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        """The clock for the body replaces that for the head."""
        self._earned = 0
        self._start(self.site.bounds.body_seconds)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """The request is whole; from now on it is we who are slow."""
        self._stop()
        if not self._closing:
            super().allContentReceived()

    def earn(self, seconds: int) -> None:
        """Give the body so many seconds in all beyond its first ones."""
        if seconds > self._earned and self._deadline is not None and self._deadline.active():
            self._deadline.delay(seconds - self._earned)
            self._earned = seconds

    def pauseProducing(self) -> None:
        """The caller does not read what is written for her: her clock starts."""
        self._stop_drain()
        self._drain = self.callLater(self.site.bounds.answer_seconds, self.cut)
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """All that was written has gone: her clock stops."""
        self._stop_drain()
        super().resumeProducing()

    def close_after_answer(self) -> None:
        """Read nothing more: the answer that follows is the last one."""
        self._stop()
        self.persistent = 0
        self._closing = True

    def cut(self) -> None:
        """End the connection at once."""
        self._stop()
        self._stop_drain()
        self._closing = True
        self.transport.abortConnection()

    def fingerprint(self) -> str | None:
        """The verified client certificate's; it does not change while the connection lasts."""
        if not self._asked_fingerprint:
            self._fingerprint = peer_fingerprint(self.transport)
            self._asked_fingerprint = True
        return self._fingerprint

    def _start(self, seconds: float) -> None:
        self._stop()
        self._deadline = self.callLater(seconds, self._late)

    def _stop(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _stop_drain(self) -> None:
        if self._drain is not None and self._drain.active():
            self._drain.cancel()
        self._drain = None

    def _late(self) -> None:
        self._deadline = None
        self.cut()


class HubSite(Factory):
    """Makes a channel for each connection, up to a bound."""

    noisy = False

    def __init__(
        self,
        front: Answers,
        workers: Workers,
        bounds: Bounds,
        new_request_id: Callable[[], str],
        reactor: IReactorTime,
        retry_after: int = 1,
    ) -> None:
        self.front = front
        self.workers = workers
        self.bounds = bounds
        self.new_request_id = new_request_id
        self.retry_after = retry_after
        self.reactor = reactor
        self.channels: set[HubChannel] = set()
        self._peers: dict[str, _Peer] = {}
        self._body_bytes = 0
        self._spool_bytes = 0
        self.counts: OpenCounts | None = None
        """Where other workers see how many connections this one has."""

    def full(self, addr: Any) -> bool:
        """Whether as many connections are open as may be, in all or from this address."""
        most = self.bounds.address_connections
        peer = self._peers.get(_host(addr)) if most else None
        return len(self.channels) >= self.bounds.connections or (peer is not None and peer.connections >= most)

    def joined(self, channel: HubChannel) -> None:
        """Count a connection."""
        self.channels.add(channel)
        self._tell()
        self._peers.setdefault(channel.address, _Peer()).connections += 1

    def left(self, channel: HubChannel) -> None:
        """Forget a connection."""
        if channel in self.channels:
            self.channels.discard(channel)
            self._tell()
            self._peers[channel.address].connections -= 1
            self._tidy(channel.address)

    def _tell(self) -> None:
        if self.counts is not None:
            self.counts.put(len(self.channels))

    def hold(self, address: str, count: int, *, spooled: bool = False) -> bool:
        """Count bytes of a body that has to be kept, in memory or on disk; False, and nothing counted, where there are
        too many.
        """
        peer = self._peers[address]
        if spooled:
            most = self.bounds.spool_bytes
            if self._spool_bytes + count > most or peer.spool_bytes + count > most // 4:
                return False
            self._spool_bytes += count
            peer.spool_bytes += count
            return True
        most = self.bounds.bodies_bytes
        if self._body_bytes + count > most or peer.body_bytes + count > max(most // 4, self.bounds.body_bytes):
            return False
        self._body_bytes += count
        peer.body_bytes += count
        return True

    def let_go(self, address: str, count: int, *, spooled: bool = False) -> None:
        """Bytes of a body are kept no longer."""
        if spooled:
            self._spool_bytes -= count
            self._peers[address].spool_bytes -= count
        else:
            self._body_bytes -= count
            self._peers[address].body_bytes -= count
        self._tidy(address)

    def _tidy(self, address: str) -> None:
        peer = self._peers[address]
        if not peer.connections and not peer.body_bytes and not peer.spool_bytes:
            del self._peers[address]

    def hang_up(self) -> None:
        """Close every connection once what was written has been sent."""
        for channel in self.channels:
            channel.transport.loseConnection()

    def buildProtocol(self, addr: Any) -> HubChannel | None:
        """A channel, or None (the connection is closed) when the site is full."""
        if self.full(addr):
            return None
        channel = HubChannel()
        channel.address = _host(addr)
        channel.site = channel.factory = self
        channel.callLater = self.reactor.callLater
        channel.timeOut = self.bounds.idle_seconds
        return channel

    def log(self, request: object) -> None:
        """Twisted's access log is not kept: `HubRequest` writes one line of its own."""


def _host(addr: Any) -> str:
    return str(getattr(addr, "host", ""))

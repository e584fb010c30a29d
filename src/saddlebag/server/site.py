"""Twisted's side of the front: connections, their bounds in bytes and seconds, and the threads that do the work.

Belongs here: everything that touches a socket or the reactor. May not know: SOAP; it hands whole requests to a
`Front`-like object and writes what it answers.

    bytes    the body's bound holds while it comes in: what is beyond is thrown away as it arrives, never stored (S7)
    seconds  one deadline for the head, one for the body, one for an idle connection: a slow caller cannot hold one open
    work     a bounded pool; beyond its queue a caller is told to come again (BUSY), and the reactor never blocks
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
from twisted.python.threadpool import ThreadPool
from twisted.web import http

from saddlebag.kernel.errors import BUSY, INTERNAL, TOO_LARGE, SaddlebagError
from saddlebag.server.http_rules import Answer
from saddlebag.server.http_rules import Request as Asked
from saddlebag.server.tls import peer_fingerprint

log = logging.getLogger(__name__)

_WASTE: Final = 4
"""Times the body's bound that is read and thrown away, so that the caller gets to read why; then the line is cut."""
_JOIN: Final = b", "
_Request: Any = http.Request
_Channel: Any = http.HTTPChannel
"""Twisted's HTTP classes are typed only in part."""


class Answers(Protocol):
    """What the site needs of a front."""

    def answer(self, request: Asked) -> Answer:
        """The answer to a request; it never raises."""
        ...

    def refuse(self, request: Asked, problem: SaddlebagError) -> Answer:
        """The answer to a request that is not carried out."""
        ...


class Workers(Protocol):
    """Carries work out elsewhere and brings its result back to the reactor's thread."""

    def submit(self, work: Callable[[], Answer], done: Callable[[Answer | None], None]) -> bool:
        """Take the work on, or say False when there is too much already. `done` gets None for work that failed."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection may cost."""

    body_bytes: int
    header_seconds: float
    body_seconds: float
    idle_seconds: float
    connections: int


class PooledWorkers:
    """A thread pool with a bounded queue."""

    def __init__(self, pool: ThreadPool, most: int, call_in_reactor: Callable[..., object]) -> None:
        self._pool = pool
        self._most = most
        self._call = call_in_reactor
        self.under_way = 0

    def close(self) -> None:
        """Take on nothing more: a kept connection must not feed calls to a hub that is stopping."""
        self._most = 0

    def submit(self, work: Callable[[], Answer], done: Callable[[Answer | None], None]) -> bool:
        """As `Workers.submit`; called in the reactor's thread."""
        if self.under_way >= self._most:
            return False
        self.under_way += 1

        def back(success: bool, result: Any) -> None:
            self._call(self._finish, done, result if success else None, None if success else result)

        self._pool.callInThreadWithCallback(back, work)
        return True

    def _finish(self, done: Callable[[Answer | None], None], answer: Answer | None, problem: Failure | None) -> None:
        self.under_way -= 1
        if problem is not None:
            log.error("a worker failed", exc_info=problem.value)
        done(answer)


class HubRequest(_Request):  # type: ignore[misc]
    """One request: collects its body within bounds, has it answered, writes the answer."""

    channel: HubChannel
    _refused = False
    _gone = False

    def gotLength(self, length: int | None) -> None:
        """The head is there: refuse at once a body that is declared too long and has not been sent yet."""
        self.chunks: list[bytes] = []
        self.received = 0
        site = self.channel.site
        if length is not None and length > site.bounds.body_bytes:
            self._refused = True
            if self.requestHeaders.hasHeader(b"expect"):
                self.requestHeaders.removeHeader(b"expect")
                self._begin(self.channel._command, self.channel._path, self.channel._version)
                self._too_large()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, or throw it away when there has been too much."""
        site = self.channel.site
        self.received += len(data)
        if self._refused or self.received > site.bounds.body_bytes:
            self._refused = True
            self.chunks.clear()
            if self.received > _WASTE * site.bounds.body_bytes:
                self.channel.cut()
            return
        self.chunks.append(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The request is whole: hand it to a worker."""
        self._begin(command, path, version)
        if self._refused:
            self._too_large()
            return
        site = self.channel.site
        asked = self.asked
        if not site.workers.submit(lambda: site.front.answer(asked), self._send):
            self._send(site.front.refuse(asked, SaddlebagError(BUSY, retry_after=site.retry_after)))

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
        )

    def _too_large(self) -> None:
        site = self.channel.site
        self.channel.close_after_answer()
        self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        self._send(site.front.refuse(self.asked, SaddlebagError(TOO_LARGE, limit=site.bounds.body_bytes)))

    def _send(self, answer: Answer | None) -> None:
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
            head.setRawHeaders(b"content-type", [answer.media_type.encode()])
            head.setRawHeaders(b"content-length", [b"%d" % len(answer.body)])
        self._log_line(answer)
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
            "bytes_out": len(answer.body),
            **answer.note,
        }
        log.info("call" if answer.note else "page", extra=said)

    def connectionLost(self, reason: Failure) -> None:
        """The caller has gone: its answer, when it comes, is dropped."""
        self._gone = True
        super().connectionLost(reason)


class HubChannel(_Channel):  # type: ignore[misc]
    """One connection, with its deadlines."""

    requestFactory = HubRequest
    site: HubSite
    _deadline: Any = None
    _fingerprint: str | None = None
    _asked_fingerprint = False
    _closing = False

    def connectionMade(self) -> None:
        """The clock for handshake and first head starts."""
        self.site.channels.add(self)
        super().connectionMade()
        self._start(self.site.bounds.header_seconds)

    def connectionLost(self, reason: Failure) -> None:
        """Forget the connection."""
        self.site.channels.discard(self)
        self._stop()
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Bytes of a request: its clock starts with the first of them."""
        if self._closing:
            return
        if self._deadline is None and not self._handlingRequest:
            self._start(self.site.bounds.header_seconds)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        """The clock for the body replaces that for the head."""
        self._start(self.site.bounds.body_seconds)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """The request is whole; from now on it is we who are slow."""
        self._stop()
        if not self._closing:
            super().allContentReceived()

    def close_after_answer(self) -> None:
        """Read nothing more: the answer that follows is the last one."""
        self._stop()
        self.persistent = 0
        self._closing = True

    def cut(self) -> None:
        """End the connection at once."""
        self._stop()
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

    @property
    def full(self) -> bool:
        """Whether as many connections are open as may be."""
        return len(self.channels) >= self.bounds.connections

    def hang_up(self) -> None:
        """Close every connection once what was written has been sent."""
        for channel in self.channels:
            channel.transport.loseConnection()

    def buildProtocol(self, addr: Any) -> HubChannel | None:
        """A channel, or None (the connection is closed) when the site is full."""
        if self.full:
            return None
        channel = HubChannel()
        channel.site = channel.factory = self
        channel.callLater = self.reactor.callLater
        channel.timeOut = self.bounds.idle_seconds
        return channel

    def log(self, request: object) -> None:
        """Twisted's access log is not kept: `HubRequest` writes one line of its own."""

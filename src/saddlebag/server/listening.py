"""The socket that callers connect to: taken early, opened late, shared by workers.

Belongs here: binding, listening, and which worker accepts. May not know: TLS, HTTP.

Workers accept from one socket, not each from its own (SO_REUSEPORT): the kernel would spread connections by a hash,
two of four workers might get none of a partner's five, and what waits for a worker that dies would be lost. The
kernel's own choice among processes that wait on one socket favours one of them, so a worker that has more connections
than another leaves the next one to it for `_YIELD_SECONDS`.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from twisted.internet import tcp

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server.across import OpenCounts

_BACKLOG: Final = 512
_YIELD_SECONDS: Final = 0.005
_Port: Any = tcp.Port
"""Twisted's port is typed only in part."""


def bind(address: str, port: int) -> socket.socket:
    """Take the port, so that nobody else does; nobody can connect yet. Raises SETTING_INVALID."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.setblocking(False)
    except OSError as problem:
        bound.close()
        raise _cannot(address, port, problem) from problem
    return bound


def open_up(bound: socket.socket) -> None:
    """From now on callers can connect; raises SETTING_INVALID."""
    try:
        bound.listen(_BACKLOG)
    except OSError as problem:
        address, port = bound.getsockname()[:2]
        raise _cannot(address, port, problem) from problem


def _cannot(address: str, port: int, problem: OSError) -> SaddlebagError:
    sentence = f"Cannot listen on {address} port {port}: {problem.strerror}."
    return SaddlebagError(SETTING_INVALID, sentence, field="port")


def accept_from(reactor: Any, listening: socket.socket, factory: Any, counts: OpenCounts | None = None) -> Any:
    """A Twisted port on the socket, which may be closed afterwards; with `counts` it shares it with other workers."""
    if counts is None:
        return reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
    port = SharingPort._fromListeningDescriptor(reactor, listening.fileno(), listening.family, factory)
    port.counts = counts
    port.startListening()
    return port


class Lifeline:
    """Stops the reactor when the parent has gone: the pipe that only it writes to ends."""

    def __init__(self, end: int, reactor: Any) -> None:
        self._end = end
        self._reactor = reactor

    def fileno(self) -> int:
        """The pipe's reading end."""
        return self._end

    def doRead(self) -> None:
        """Nothing is ever written: it has ended."""
        self._reactor.removeReader(self)
        self._reactor.stop()

    def connectionLost(self, reason: object) -> None:
        """The reactor stops."""

    def logPrefix(self) -> str:
        """As Twisted names it."""
        return "lifeline"


class SharingPort(_Port):  # type: ignore[misc]
    """Accepts one connection at a time, and leaves it to a worker that has fewer."""

    counts: OpenCounts
    _yielded = False

    def doRead(self) -> None:
        """Somebody connects: accept, or look again in a moment, when a worker with fewer should have accepted."""
        if self.counts.crowded() and not self._yielded:
            self._yielded = True
            self.stopReading()
            self.reactor.callLater(_YIELD_SECONDS, self._look_again)
            return
        self._yielded = False
        self.numberAccepts = 1
        super().doRead()

    def _look_again(self) -> None:
        if self.connected and not self.disconnecting:
            self.startReading()

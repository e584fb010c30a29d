"""Worker processes: the parent starts them, replaces those that die, and ends them all.

Belongs here: processes, signals, pipes. May not know: Twisted (a reactor does not survive a fork), SOAP, what a worker
does. The parent has no threads and no database connection, or a fork would take over half of them.

    lifeline  a pipe whose writing end only the parent has: its end tells workers that the parent is gone, however
    ready     a pipe from each worker: one byte once it accepts calls
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

log = logging.getLogger(__name__)

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_HOPELESS: Final = 3
_KILL_SECONDS: Final = 10.0
"""Beyond the time for draining: then a worker is killed."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

Work = Callable[[int, int, Callable[[], None]], None]
"""What a worker does: takes its number, the lifeline's reading end and what to call once it is ready."""


@dataclass(slots=True)
class Place:
    """One worker's place, whoever fills it: decides when it is filled again. Pure: times are arguments, in seconds."""

    number: int
    pid: int | None = None
    since: float = 0.0
    failures: int = 0
    due: float = 0.0

    def started(self, pid: int, now: float) -> None:
        """A process fills the place."""
        self.pid, self.since = pid, now

    def ended(self, now: float) -> float:
        """Its process has ended; the seconds until the next is due: more each time, unless this one was steady."""
        self.failures = 1 if now - self.since >= _STEADY_SECONDS else self.failures + 1
        delay: float = min(_FIRST_DELAY * 2 ** (self.failures - 1), _LONGEST_DELAY)
        self.pid, self.due = None, now + delay
        return delay


@dataclass(slots=True)
class Parent:
    """Keeps `count` workers at work until a signal ends them."""

    count: int
    work: Work
    drain_seconds: float
    on_ready: Callable[[], None]
    """Called once, when every worker accepts calls."""
    on_end: Callable[[int], None]
    """Called with a worker's number when its process has ended."""
    on_stop: Callable[[], None]
    """Called once, when a signal ends them all."""
    _places: list[Place] = field(default_factory=list)
    _ready: dict[int, int] = field(default_factory=dict)
    """Worker's number to the reading end of its pipe, until it is ready."""
    _announced: bool = False
    _stopping: bool = False
    _kill_at: float = float("inf")
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _lifeline: tuple[int, int] = (-1, -1)

    def run(self) -> bool:
        """Start, watch, and end the workers; returns when all have ended after SIGTERM or SIGINT.

        False where they were ended because one died `_HOPELESS` times before the hub was ready: it would not help to go
        on, and whoever started the hub waits for it.
        """
        self._lifeline = os.pipe()
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        before = {number: signal.signal(number, _wake) for number in _SIGNALS}
        wake_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ)
        self._places = [Place(number) for number in range(self.count)]
        try:
            self._watch(reading)
        finally:
            signal.set_wakeup_fd(wake_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            for end in (reading, writing, *self._lifeline):
                os.close(end)
        return self._announced or not any(each.failures >= _HOPELESS for each in self._places)

    def _watch(self, reading: int) -> None:
        while True:
            now = time.monotonic()
            self._fill(now)
            for key, _ in self._selector.select(self._wait(now)):
                if key.fd == reading:
                    self._heed(os.read(reading, 512))
                else:
                    self._is_ready(key.fd)
            self._reap()
            if self._stopping and not any(each.pid for each in self._places):
                return

    def _wait(self, now: float) -> float | None:
        """Seconds until something has to be done unasked; None for never."""
        if self._stopping:
            return max(self._kill_at - now, 0.0)
        due = [each.due for each in self._places if each.pid is None]
        return max(min(due) - now, 0.0) if due else None

    def _fill(self, now: float) -> None:
        if self._stopping:
            if now >= self._kill_at:
                self._signal(signal.SIGKILL)
                self._kill_at = float("inf")
            return
        for place in self._places:
            if place.pid is None and now >= place.due:
                self._start(place, now)

    def _start(self, place: Place, now: float) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._child(place.number, reading, writing)
        os.close(writing)
        place.started(pid, now)
        self._ready[place.number] = reading
        self._selector.register(reading, selectors.EVENT_READ)
        log.info("worker started", extra={"worker": place.number, "pid": pid})

    def _child(self, number: int, reading: int, writing: int) -> None:
        """The new process: does its work and ends; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent tells when to end
            self._selector.close()
            for end in (reading, self._lifeline[1], *self._ready.values()):
                os.close(end)

            def ready() -> None:
                os.write(writing, b"1")
                os.close(writing)

            self.work(number, self._lifeline[0], ready)
            status = 0
        except Exception:
            log.exception("worker failed", extra={"worker": number})
        finally:
            logging.shutdown()
            os._exit(status)

    def _is_ready(self, end: int) -> None:
        """A worker has said that it is ready, or has ended without saying so."""
        said = os.read(end, 1)
        self._selector.unregister(end)
        os.close(end)
        self._ready = {number: other for number, other in self._ready.items() if other != end}
        if said and not self._ready and not self._announced and not self._stopping:
            self._announced = all(each.pid for each in self._places)
            if self._announced:
                self.on_ready()

    def _heed(self, signals: bytes) -> None:
        if signal.SIGTERM in signals or signal.SIGINT in signals:
            self._stop()

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self.on_stop()
            self._kill_at = time.monotonic() + self.drain_seconds + _KILL_SECONDS
            self._signal(signal.SIGTERM)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for place in self._places:
                if place.pid == pid:
                    self._ended(place, status)

    def _ended(self, place: Place, status: int) -> None:
        said: dict[str, Any] = {"worker": place.number, "pid": place.pid}
        delay = place.ended(time.monotonic())
        self.on_end(place.number)
        if not self._stopping:
            code = os.waitstatus_to_exitcode(status)
            log.error("worker ended with status %d; the next starts in %.1f s", code, delay, extra=said)
            if not self._announced and place.failures >= _HOPELESS:
                self._stop()

    def _signal(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.pid is not None:
                with suppress(ProcessLookupError):  # it has ended and is not reaped yet
                    os.kill(place.pid, number)


def _wake(number: int, frame: object) -> None:
    """The wake-up pipe says which signal came."""

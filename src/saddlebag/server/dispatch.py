"""Dispatch: from a request that has come in whole to its answer, through the fair queue, the threads and the gate.

Belongs here: driving `queues.FairQueue` and `gate.Gate`, which decide; threads, which work. May not know: sockets,
SOAP.

    reactor's thread  queue.put -> queue.next -> a thread
    a thread          front.begin -> gate.enter -> finish -> gate.leave
    reactor's thread  queue.done, the answer, calls that the gate now lets in, the next call

A call that finds no place at the gate gives its thread back and comes through the queue again once it has one. A call
whose caller has gone before it began is not carried out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.server.front import Admitted
from saddlebag.server.gate import Gate, Held
from saddlebag.server.http_rules import Answer, Request
from saddlebag.server.queues import FairQueue, Lane, refusal

log = logging.getLogger(__name__)

Done = Callable[[Answer | None], None]
"""Takes the answer, or None where there is none because something failed that nobody foresaw."""


class Steps(Protocol):
    """What dispatch needs of a front."""

    def lane(self, request: Request) -> Lane:
        """Whose turn the request takes."""
        ...

    def begin(self, request: Request) -> Answer | Admitted:
        """The answer, or a call that needs places."""
        ...

    def refuse(self, request: Request, problem: SaddlebagError) -> Answer:
        """The answer to a request that is not carried out."""
        ...


class Pool(Protocol):
    """Runs work in other threads."""

    def callInThread(self, func: Callable[..., object], /, *args: Any, **named: Any) -> None:
        """Have the function called soon."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way."""

    request: Request
    lane: Lane
    done: Done
    since: float
    admitted: Admitted | None = None
    held: Held | None = None
    gone: bool = False

    def forget(self) -> None:
        """Its caller has gone: where it has not begun it need not begin, and its body need not be kept."""
        self.gone = True
        self.request = replace(self.request, body=b"")


@dataclass(slots=True)
class _Outcome:
    """What came of a job's turn in a thread; not `parked` means that it is over."""

    answer: Answer | None = None
    parked: bool = False
    entered: list[tuple[Job, Held]] = field(default_factory=list)


class Dispatcher:
    """Has requests answered. All its methods belong to the reactor's thread.

    `look_later` calls a function in a moment; it is given where several processes share the places.
    """

    def __init__(
        self,
        front: Steps,
        queue: FairQueue[Job],
        gate: Gate[Job],
        pool: Pool,
        threads: int,
        call_in_reactor: Callable[..., object],
        seconds: Callable[[], float],
        look_later: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._front = front
        self._queue = queue
        self._gate = gate
        self._pool = pool
        self._threads = threads
        self._call = call_in_reactor
        self._seconds = seconds
        self._look_later = look_later
        self._looks = False
        self._at_work = 0
        self._open = True
        self.under_way = 0
        """Requests that were taken on and not answered yet."""

    def close(self) -> None:
        """Take on nothing more: a kept connection must not feed calls to a hub that is stopping."""
        self._open = False

    def submit(self, request: Request, done: Done) -> Callable[[], None]:
        """Have a request answered, sooner or later or at once by a refusal; call what is returned to forget it."""
        job = Job(request, self._front.lane(request), done, self._seconds())
        self.under_way += 1
        try:
            if not self._open:
                raise SaddlebagError(BUSY, "The hub is stopping.", retry_after=1)
            displaced = self._queue.put(job.lane, job)
        except SaddlebagError as problem:
            self._refuse(job, problem)
            return job.forget
        if displaced is not None:
            self._refuse(displaced, SaddlebagError(BUSY, rule="waiting calls", retry_after=1))
        self._begin()
        return job.forget

    def _watch(self) -> None:
        """Other processes give places back without telling: look again soon, for as long as somebody waits for one."""
        if self._look_later is not None and not self._looks and self._gate.waiting:
            self._looks = True
            self._look_later(self._look)

    def _look(self) -> None:
        self._looks = False
        self._enter(self._gate.look())
        self._begin()
        self._watch()

    def _begin(self) -> None:
        """Give calls to threads while there are both."""
        while self._at_work < self._threads and (turn := self._queue.next()) is not None:
            lane, job = turn
            if self._is_over(job):
                self._queue.done(lane, 0.0)
            else:
                self._at_work += 1
                self._pool.callInThread(self._work, lane, job)

    def _is_over(self, job: Job) -> bool:
        """Whether nobody waits for the call any more, or too long; its places go to others."""
        waited = self._seconds() - job.since
        if not job.gone and waited <= limits.QUEUE_SECONDS:
            return False
        if job.held is not None:
            self._enter(self._gate.leave(job.held))
        self._refuse(job, refusal(BUSY, "seconds that a call waits", int(waited), limits.QUEUE_SECONDS))
        return True

    def _work(self, lane: Lane, job: Job) -> None:
        """A job's turn; the only method that runs in a worker's thread."""
        began = self._seconds()
        outcome = _Outcome()
        try:
            self._turn(job, outcome)
        except SaddlebagError as problem:
            outcome.answer = self._front.refuse(job.request, problem)
        except Exception:
            log.exception("a worker failed", extra={"request_id": job.request.request_id})
        self._call(self._after, lane, job, outcome, self._seconds() - began)

    def _turn(self, job: Job, outcome: _Outcome) -> None:
        admitted, held = job.admitted, job.held
        if admitted is None:
            begun = self._front.begin(job.request)
            if isinstance(begun, Answer):
                outcome.answer = begun
                return
            if not begun.wants:
                outcome.answer = begun.finish()
                return
            job.admitted = admitted = begun
            held = self._gate.enter(admitted.wants, job)
            if held is None:  # from here on the job is the gate's: another thread may have it already
                outcome.parked = True
                return
        assert held is not None
        try:
            outcome.answer = admitted.finish()
        finally:
            outcome.entered = self._gate.leave(held)

    def _after(self, lane: Lane, job: Job, outcome: _Outcome, seconds: float) -> None:
        self._at_work -= 1
        self._queue.done(lane, seconds)
        self._enter(outcome.entered)
        if outcome.parked:
            self._watch()
        else:
            self._finish(job, outcome.answer)
        self._begin()

    def _enter(self, entered: list[tuple[Job, Held]]) -> None:
        for job, held in entered:
            job.held = held
            self._queue.put(job.lane, job, again=True)

    def _refuse(self, job: Job, problem: SaddlebagError) -> None:
        self._finish(job, self._front.refuse(job.request, problem))

    def _finish(self, job: Job, answer: Answer | None) -> None:
        self.under_way -= 1
        job.done(answer)

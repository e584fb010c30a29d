"""Dispatch: the way of a request through queue, threads and gate, with threads that work when they are told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.server.dispatch import Dispatcher, Job
from saddlebag.server.front import Admitted
from saddlebag.server.gate import Gate, LocalPlaces, Want
from saddlebag.server.http_rules import Answer, Request
from saddlebag.server.queues import Bounds, FairQueue, Lane


@dataclass
class Office:
    """A front, a pool of threads and a clock, all in this thread.

    A request's path is its tenant, its query the user who turns out to call; without one it needs no place.
    """

    threads: int = 2
    now: float = 0.0
    waiting: list[Callable[[], None]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    refused: list[SaddlebagError] = field(default_factory=list)
    answers: dict[str, Answer | None] = field(default_factory=dict)
    broken: bool = False

    def __post_init__(self) -> None:
        queue: FairQueue[Job] = FairQueue(Bounds(waiting=3, party=4, at_work=self.threads))
        self.places = LocalPlaces()
        self.looks: list[Callable[[], None]] = []
        self.dispatcher = Dispatcher(
            self,
            queue,
            Gate(self.places, 2),
            self,
            self.threads,
            lambda func, *args: func(*args),
            lambda: self.now,
            self.looks.append,
        )

    def callInThread(self, func: Callable[..., object], /, *args: Any, **named: Any) -> None:
        self.waiting.append(lambda: func(*args, **named))

    def lane(self, request: Request) -> Lane:
        return Lane(request.path, request.address)

    def begin(self, request: Request) -> Answer | Admitted:
        if self.broken:
            raise RuntimeError("unforeseen")
        if not request.query:
            return self._answer(request)
        return Admitted((Want("calls of one user", request.query, 1),), lambda: self._answer(request))

    def _answer(self, request: Request) -> Answer:
        self.done.append(request.request_id)
        self.now += 0.5
        return Answer(200, "text/plain", request.body)

    def refuse(self, request: Request, problem: SaddlebagError) -> Answer:
        self.refused.append(problem)
        return Answer(503, "text/plain", problem.kind.code.encode())

    def send(self, name: str, tenant: str = "acme", user: str = "") -> Callable[[], None]:
        request = Request("POST", tenant, user, {}, b"body", name, address="192.0.2.1")
        return self.dispatcher.submit(request, lambda answer: self.answers.__setitem__(name, answer))

    def work(self, times: int = 100) -> None:
        """Let the threads work, so many turns."""
        for _ in range(times):
            if self.waiting:
                self.waiting.pop(0)()


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_request_is_answered_by_a_thread(office: Office) -> None:
    office.send("1")
    assert (office.answers, office.dispatcher.under_way) == ({}, 1)
    office.work()
    assert (office.answers["1"], office.dispatcher.under_way) == (Answer(200, "text/plain", b"body"), 0)


def test_no_more_calls_are_at_work_than_there_are_threads(office: Office) -> None:
    for name in "12345":
        office.send(name)
    assert len(office.waiting) == 2
    office.work()
    assert office.done == list("12345")


def test_a_call_that_finds_no_place_gives_its_thread_to_others(office: Office) -> None:
    held: list[Callable[[], Answer]] = []
    begin = office.begin

    def begin_slowly(request: Request) -> Answer | Admitted:
        begun = begin(request)
        if request.request_id != "slow" or isinstance(begun, Answer):
            return begun
        return Admitted(begun.wants, lambda: held[0]())

    office.begin = begin_slowly  # type: ignore[method-assign]

    def others_meanwhile() -> Answer:
        for name in ("second", "third"):
            office.send(name, user="u1")
        office.send("other", user="u2")
        office.work()
        assert office.done == ["other"]
        return Answer(200, "text/plain", b"slow")

    held.append(others_meanwhile)
    office.send("slow", user="u1")
    office.work()
    assert office.done == ["other", "second", "third"]
    assert office.dispatcher.under_way == 0


def test_when_the_queue_is_full_the_longest_lane_pays(office: Office) -> None:
    for name in "123456":
        office.send(name)
    assert office.answers["6"] == Answer(503, "text/plain", b"SB5005")
    office.send("other", tenant="north")
    assert office.answers["5"] == Answer(503, "text/plain", b"SB5005")
    office.work()
    assert office.done == ["1", "2", "other", "3", "4"]
    assert [(each.kind, each.retry_after) for each in office.refused] == [(BUSY, 1)] * 2


def test_a_call_whose_caller_has_gone_is_not_carried_out(office: Office) -> None:
    for name in "12":
        office.send(name)
    forget = office.send("3")
    forget()
    office.work()
    assert (office.done, office.dispatcher.under_way) == (["1", "2"], 0)


def test_a_call_that_waited_too_long_is_refused_and_its_place_goes_on(office: Office) -> None:
    for name in "12":
        office.send(name)
    office.send("late")
    office.now = 31.0
    office.work()
    assert (office.done, office.refused[0].count, office.refused[0].limit) == (["1", "2"], 31, 30)
    office.send("4")
    office.work()
    assert office.done == ["1", "2", "4"]


def test_what_nobody_foresaw_has_no_answer_and_the_thread_goes_on(office: Office) -> None:
    office.broken = True
    office.send("1")
    office.work()
    office.broken = False
    office.send("2")
    office.work()
    assert (office.answers["1"], office.done, office.dispatcher.under_way) == (None, ["2"], 0)


def test_a_closed_office_takes_nothing_on_and_ends_what_it_has(office: Office) -> None:
    office.send("1")
    office.dispatcher.close()
    office.send("2")
    assert office.refused[0].kind is BUSY
    office.work()
    assert (office.done, office.dispatcher.under_way) == (["1"], 0)


def test_places_of_other_processes_are_looked_for_while_a_call_waits_and_no_longer(office: Office) -> None:
    elsewhere = Want("calls of one user", "u1", 1)
    number = office.places.take(elsewhere)
    assert number is not None
    for name in "12":
        office.send(name, user="u1")
    office.work()
    assert (office.done, len(office.looks)) == ([], 1)
    office.looks.pop()()
    assert (office.done, len(office.looks)) == ([], 1)
    office.places.give_back(elsewhere.owner, number)
    office.looks.pop()()
    office.work()
    assert (office.done, office.dispatcher.under_way) == (["1", "2"], 0)
    while office.looks:  # ends, as nobody waits any more
        office.looks.pop()()


def test_nothing_is_looked_for_where_no_call_waits(office: Office) -> None:
    office.send("1", user="u1")
    office.work()
    assert (office.done, office.looks) == (["1"], [])

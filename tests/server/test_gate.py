"""The gate: how many calls of one caller are at work, in one process and across several."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from saddlebag.kernel.errors import QUEUE_FULL, SaddlebagError
from saddlebag.server.across import OpenCounts, Shared, SharedPlaces
from saddlebag.server.gate import Gate, LocalPlaces, Places, Want

MAKERS: list[Callable[[], Places]] = [LocalPlaces, lambda: SharedPlaces(Shared())]
both = pytest.mark.parametrize("make", MAKERS, ids=["local", "shared"])
USER = Want("calls of one user", "user acme u1", 2)
PULL = Want("calls of Pull by one device", "device acme d1 Pull", 1)


@both
def test_so_many_calls_go_in_and_the_next_goes_in_when_one_leaves(make: Callable[[], Places]) -> None:
    gate: Gate[str] = Gate(make(), 8)
    first, second = gate.enter((USER,), "1"), gate.enter((USER,), "2")
    assert first is not None
    assert second is not None
    assert (gate.enter((USER,), "3"), gate.enter((USER,), "4"), gate.waiting) == (None, None, 2)
    entered = gate.leave(first)
    assert ([call for call, _ in entered], gate.waiting) == (["3"], 1)
    assert [call for call, _ in gate.leave(entered[0][1])] == ["4"]


@both
def test_a_second_pull_of_a_device_waits_while_its_users_other_calls_go_on(make: Callable[[], Places]) -> None:
    gate: Gate[str] = Gate(make(), 8)
    pulling = gate.enter((PULL, USER), "pull")
    assert pulling is not None
    assert gate.enter((PULL, USER), "pull again") is None
    other = gate.enter((USER,), "get")
    assert other is not None
    assert gate.leave(other) == []
    assert [call for call, _ in gate.leave(pulling)] == ["pull again"]


@both
def test_what_waits_for_two_places_holds_neither(make: Callable[[], Places]) -> None:
    gate: Gate[str] = Gate(make(), 8)
    held = [gate.enter((USER,), "1"), gate.enter((USER,), "2")]
    assert gate.enter((PULL, USER), "pull") is None
    assert gate.enter((PULL,), "another device's place is free") is None, "first come, first served in a party"
    entered = [call for each in held if each is not None for call, _ in gate.leave(each)]
    assert entered == ["pull"]


@both
def test_parties_take_turns_for_a_place_that_they_share(make: Callable[[], Places]) -> None:
    gate: Gate[str] = Gate(make(), 8)
    all_of = Want("calls without a session", "strangers acme", 1)
    one, two = (Want("calls from one address", f"address {number}", 1) for number in (1, 2))
    held = gate.enter((one, all_of), "1")
    assert held is not None
    for call in ("1b", "1c"):
        assert gate.enter((one, all_of), call) is None
    assert gate.enter((two, all_of), "2") is None
    order = []
    while held is not None:
        entered = gate.leave(held)
        held = entered[0][1] if entered else None
        order += [call for call, _ in entered]
    assert order == ["1b", "2", "1c"]


def test_only_so_many_calls_of_a_party_wait() -> None:
    gate: Gate[str] = Gate(LocalPlaces(), 1)
    gate.enter((PULL,), "1")
    gate.enter((PULL,), "2")
    with pytest.raises(SaddlebagError) as caught:
        gate.enter((PULL,), "3")
    problem = caught.value
    assert (problem.kind, problem.rule, problem.count, problem.limit) == (
        QUEUE_FULL, "waiting calls of Pull by one device", 2, 1,
    )  # fmt: skip


def _in_another_process(work: Callable[[], bool]) -> bool:
    """What `work` says in a forked process, which then ends without a goodbye."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_place_is_taken_for_every_process_and_free_again_when_its_holder_has_died() -> None:
    shared = Shared()
    mine = SharedPlaces(shared)
    assert mine.take(PULL) == 0
    assert _in_another_process(lambda: SharedPlaces(shared).take(PULL) is None)
    assert _in_another_process(lambda: [SharedPlaces(shared).take(USER), None] == [0, None])
    gate: Gate[str] = Gate(mine, 8)
    assert gate.enter((PULL,), "waits") is None
    assert gate.look() == []
    mine.give_back(PULL.owner, 0)
    assert [call for call, _ in gate.look()] == ["waits"]
    assert mine.take(USER) == 0, "the other process took it and died"


def test_workers_see_who_has_fewer_connections() -> None:
    shared = Shared()
    first, second = (OpenCounts(shared, number, 2) for number in (0, 1))
    assert not first.crowded()
    first.put(3)
    second.put(2)
    assert (first.crowded(), second.crowded()) == (True, False)
    second.absent()
    assert not first.crowded()

"""The fair queue: whose turn it is, and who has to go when there are too many."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.errors import BUSY, QUEUE_FULL, SaddlebagError
from saddlebag.server.queues import Bounds, FairQueue, Lane

A, B = Lane("a", "1"), Lane("b", "1")


def _queue(waiting: int = 100, party: int = 50, at_work: int = 7) -> FairQueue[str]:
    return FairQueue(Bounds(waiting, party, at_work))


def _turns(queue: FairQueue[str], count: int, seconds: dict[str, float] | None = None) -> list[str]:
    """Whose tenants' turn it was, one call at work at a time."""
    tenants = []
    for _ in range(count):
        turn = queue.next()
        if turn is None:
            break
        tenants.append(turn[0].tenant)
        queue.done(turn[0], (seconds or {}).get(turn[0].tenant, 1.0))
    return tenants


def test_calls_of_one_caller_keep_their_order() -> None:
    queue = _queue()
    for number in range(5):
        queue.put(A, str(number))
    assert [queue.next() for _ in range(6)] == [*((A, str(number)) for number in range(5)), None]


def test_a_tenant_that_sends_much_has_every_second_turn_while_another_waits() -> None:
    queue = _queue()
    for number in range(40):
        queue.put(A, str(number))
    for number in range(5):
        queue.put(B, str(number))
    assert Counter(_turns(queue, 10)) == {"a": 5, "b": 5}


def test_a_tenant_whose_calls_take_long_gets_as_many_seconds_and_not_as_many_turns() -> None:
    queue = _queue()
    for number in range(40):
        queue.put(A, str(number))
        queue.put(B, str(number))
    turns = Counter(_turns(queue, 22, {"a": 10.0, "b": 1.0}))
    assert turns == {"a": 2, "b": 20}


def test_who_was_idle_is_not_owed_the_time_before() -> None:
    queue = _queue()
    for number in range(30):
        queue.put(A, str(number))
    _turns(queue, 20)
    for number in range(30):
        queue.put(B, str(number))
    assert Counter(_turns(queue, 10)) == {"a": 5, "b": 5}


def test_parties_of_a_tenant_take_turns() -> None:
    queue = _queue()
    for number in range(3):
        queue.put(Lane("a", "greedy"), f"g{number}")
    queue.put(Lane("a", "modest"), "m")
    calls = [turn[1] for _ in range(4) if (turn := queue.next())]
    assert calls == ["g0", "m", "g1", "g2"]


def test_one_tenant_never_has_all_threads() -> None:
    queue = _queue(at_work=2)
    for number in range(3):
        queue.put(A, str(number))
    assert [queue.next(), queue.next(), queue.next()] == [(A, "0"), (A, "1"), None]
    queue.put(B, "b")
    assert queue.next() == (B, "b")
    queue.done(A, 1.0)
    assert queue.next() == (A, "2")


def test_one_caller_may_have_only_so_many_waiting() -> None:
    queue = _queue(party=2)
    queue.put(A, "0")
    queue.put(A, "1")
    with pytest.raises(SaddlebagError) as caught:
        queue.put(A, "2")
    problem = caught.value
    assert (problem.kind, problem.count, problem.limit, problem.retry_after) == (QUEUE_FULL, 3, 2, 1)
    assert queue.put(Lane("a", "2"), "other") is None


def test_a_full_queue_makes_room_at_the_expense_of_the_longest_lane() -> None:
    queue = _queue(waiting=4)
    for number in range(3):
        queue.put(Lane("a", "greedy"), f"g{number}")
    queue.put(Lane("a", "modest"), "m")
    assert queue.put(B, "b") == "g2"
    assert queue.put(B, "b2") == "g1"
    assert (queue.waiting, sorted(turn[1] for _ in range(9) if (turn := queue.next()))) == (4, ["b", "b2", "g0", "m"])


def test_the_longest_lane_itself_is_told_to_come_again() -> None:
    queue = _queue(waiting=2)
    queue.put(A, "0")
    queue.put(A, "1")
    with pytest.raises(SaddlebagError) as caught:
        queue.put(A, "2")
    assert (caught.value.kind, caught.value.limit) == (BUSY, 2)


def test_a_call_that_comes_again_is_never_refused() -> None:
    queue = _queue(waiting=1, party=1)
    queue.put(A, "0")
    assert queue.put(A, "again", again=True) is None
    assert queue.waiting == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.booleans()), max_size=120))
def test_every_call_is_begun_or_refused_once_and_none_is_lost(steps: list[tuple[str, str, bool]]) -> None:
    queue: FairQueue[int] = FairQueue(Bounds(6, 4, 2))
    inside: set[int] = set()
    at_work: list[Lane] = []
    for number, (tenant, party, finish) in enumerate(steps):
        try:
            displaced = queue.put(Lane(tenant, party), number)
        except SaddlebagError:
            pass
        else:
            inside.add(number)
            inside -= {displaced} if displaced is not None else set()
        if finish and at_work:
            queue.done(at_work.pop(0), 0.5)
        elif len(at_work) < 4 and (turn := queue.next()) is not None:
            inside.remove(turn[1])
            at_work.append(turn[0])
        assert queue.waiting == len(inside) <= 6
    while inside or at_work:
        while (turn := queue.next()) is not None:
            inside.remove(turn[1])
            at_work.append(turn[0])
        queue.done(at_work.pop(), 1.0)
    assert queue.next() is None

"""Token buckets: arithmetic, all or nothing, and the same answers from one process's book and a shared one."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.errors import RATE_LIMITED, SETTING_INVALID, SaddlebagError
from saddlebag.server.across import Shared, SharedBook
from saddlebag.server.rates import Book, Charge, LocalBook, Meter, Rate, Rates, charged, parse_tenants

BOOKS: list[Callable[[], Book]] = [LocalBook, lambda: SharedBook(Shared())]
both_books = pytest.mark.parametrize("make", BOOKS, ids=["local", "shared"])


def at(now: float) -> Callable[[], float]:
    """A clock that stands still."""
    return lambda: now


def _charge(owner: str, per_second: int = 2, burst: int = 4) -> Charge:
    return Charge("calls of one tenant", owner, Rate(per_second, burst))


@both_books
def test_a_burst_is_let_through_and_the_next_call_waits_for_one_interval(make: Callable[[], Book]) -> None:
    book = make()
    left = [book.take([_charge("a")], at(100.0))[0].remaining for _ in range(4)]
    (refused,) = book.take([_charge("a")], at(100.0))
    assert left == [3, 2, 1, 0]
    assert (refused.remaining, refused.limit, refused.reset, refused.wait) == (0, 4, 2, pytest.approx(0.5))
    assert book.take([_charge("a")], at(100.5))[0].wait == 0


@both_books
def test_who_was_quiet_has_the_whole_burst_again_and_no_more(make: Callable[[], Book]) -> None:
    book = make()
    for _ in range(4):
        book.take([_charge("a")], at(100.0))
    assert [book.take([_charge("a")], at(9000.0))[0].wait for _ in range(5)] == [0, 0, 0, 0, pytest.approx(0.5)]


@both_books
def test_a_call_that_one_bucket_refuses_is_charged_to_none(make: Callable[[], Book]) -> None:
    book = make()
    small, large = _charge("user", burst=1), _charge("tenant", burst=3)
    book.take([large, small], at(5.0))
    assert [book.take([large, small], at(5.0))[1].wait > 0 for _ in range(9)] == [True] * 9
    assert book.take([large], at(5.0))[0].remaining == 1


@both_books
def test_one_owner_does_not_pay_for_another(make: Callable[[], Book]) -> None:
    book = make()
    for _ in range(4):
        book.take([_charge("a")], at(1.0))
    assert book.take([_charge("b")], at(1.0))[0].remaining == 3


@given(st.integers(1, 1000), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=80))
def test_no_window_lets_more_through_than_burst_and_rate(per_second: int, burst: int, gaps: list[float]) -> None:
    now, full_at, let_through = 1000.0, 0.0, []
    for gap in gaps:
        now += gap
        full_at, standing = charged(full_at, now, _charge("a", per_second, burst))
        if not standing.wait:
            let_through.append(now)
        assert 0 <= standing.remaining < burst
    for index, start in enumerate(let_through):
        for end_index in range(index, len(let_through)):
            allowed = burst + (let_through[end_index] - start) * per_second
            assert end_index - index + 1 <= allowed + 0.001


@given(st.integers(1, 100), st.integers(1, 20))
def test_who_waits_as_told_is_let_through(per_second: int, burst: int) -> None:
    full_at, now = 0.0, 50.0
    for _ in range(burst):
        full_at, _ = charged(full_at, now, _charge("a", per_second, burst))
    _, refused = charged(full_at, now, _charge("a", per_second, burst))
    assert charged(full_at, now + refused.wait, _charge("a", per_second, burst))[1].wait == 0


def test_a_book_forgets_buckets_that_are_full_again() -> None:
    book = LocalBook()
    for number in range(10_000):
        book.take([_charge(f"user {number}", per_second=1, burst=2)], at(float(number)))
    assert len(book) < 8192


def test_a_shared_book_holds_more_owners_than_it_has_slots_and_never_refuses_for_it() -> None:
    book = SharedBook(Shared())
    assert not any(book.take([_charge(f"u{number}", 1, 1)], at(1.0))[0].wait for number in range(70_000))


def test_a_shared_book_is_one_for_all_processes() -> None:
    shared = Shared()
    book = SharedBook(shared)
    book.take([_charge("a")], at(100.0))
    pid = os.fork()
    if pid == 0:
        left = [SharedBook(shared).take([_charge("a")], at(100.0))[0].remaining for _ in range(2)]
        os._exit(0 if left == [2, 1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert book.take([_charge("a")], at(100.0))[0].remaining == 0
    assert book.take([_charge("a")], at(100.0))[0].wait > 0


def test_the_meter_charges_a_tenants_own_rate_and_names_the_rule() -> None:
    meter = Meter(Rates(tenant=Rate(1, 1), tenants={"big": Rate(1, 3)}, principal=Rate(0, 1)), LocalBook(), at(9.0))
    assert [each.limit for _ in range(3) for each in meter.member("big", "u")] == [3, 3, 3]
    meter.member("small", "u")
    with pytest.raises(SaddlebagError) as caught:
        meter.member("small", "v")
    problem = caught.value
    assert (problem.kind, problem.rule, problem.count, problem.limit, problem.retry_after) == (
        RATE_LIMITED, "calls of one tenant", 2, 1, 1,
    )  # fmt: skip


def test_without_rates_nothing_is_counted() -> None:
    meter = Meter(Rates(), LocalBook(), at(9.0))
    assert [meter.member("a", "u"), meter.stranger("192.0.2.1")] == [[], []]


def test_tenants_rates_are_read_from_their_setting() -> None:
    assert parse_tenants(" acme=500:5000\tnorth=0:1 ") == {"acme": Rate(500, 5000), "north": Rate(0, 1)}


@pytest.mark.parametrize("text", ["acme", "acme=5", "acme=x:1", "=1:1", "acme=1:0", "acme=-1:5"])
def test_a_wrong_list_of_rates_names_its_setting(text: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        parse_tenants(text)
    assert (caught.value.kind, caught.value.field) == (SETTING_INVALID, "tenant_rates")

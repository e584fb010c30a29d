"""What holds when several callers write at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

from records_world import World, create, delete, error
from saddlebag.kernel import errors
from saddlebag.records.base import Outcome, Verb, Write
from saddlebag.records.idempotency import once
from saddlebag.records.path import Records

T = TypeVar("T")


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def apply(world: World, who: str, *writes: Write) -> list[Outcome]:
    """As `World.apply`, without its clock, which threads would share."""
    ids = count()

    def new_id() -> str:
        return f"{writes[0].values.get('title')}-{next(ids)}"

    return world.run(lambda tx: Records(tx, world.principal(who), now=world.now, new_id=new_id).apply(writes))


def test_of_two_records_with_one_key_one_is_written(world: World) -> None:
    def call(n: int) -> Outcome:
        return apply(world, "adam", create("Deal", f"k{n}", customer="c-rita", title="x", number="SAME"))[0]

    outcomes = at_once([lambda n=n: call(n) for n in range(6)])  # type: ignore[misc]
    refused = [each for each in outcomes if not each.ok]
    assert len(refused) == 5
    assert {error(each).kind for each in refused} == {errors.DUPLICATE_KEY}


def test_upserts_by_one_key_make_one_record(world: World) -> None:
    def call(n: int) -> Outcome:
        values = {"customer": "c-rita", "title": f"t{n}"}
        return apply(world, "adam", Write(Verb.UPSERT, "Deal", key=("number", "SAME"), values=values))[0]

    outcomes = at_once([lambda n=n: call(n) for n in range(6)])  # type: ignore[misc]
    assert len({each.id for each in outcomes}) == 1
    assert sorted(each.status for each in outcomes) == ["created", *["updated"] * 5]


def test_a_reference_never_outlives_its_target(world: World) -> None:
    """Whichever comes first, the other is refused."""
    for n in range(5):
        world.write("adam", create("Customer", f"t{n}", name="Target"))
        deleted, referring = at_once(
            [
                lambda n=n: apply(world, "adam", delete("Customer", f"t{n}"))[0],
                lambda n=n: apply(world, "adam", create("Contact", f"r{n}", customer=f"t{n}", lastName="x"))[0],
            ]
        )
        assert deleted.ok != referring.ok
        refused = referring if deleted.ok else deleted
        assert error(refused).kind in (errors.BROKEN_REFERENCE, errors.STILL_REFERENCED)


def test_a_key_that_is_sent_at_once_several_times_takes_effect_once(world: World) -> None:
    done: list[int] = []

    def call() -> object:
        return world.run(lambda tx: once(tx, "rita", "key", b"payload", world.now, lambda: {"n": done.append(1)}))

    answers = at_once([call for _ in range(6)])
    assert len(done) == 1
    assert answers == [{"n": None}] * 6


def test_versions_grow_in_the_order_of_commits(world: World) -> None:
    def call(n: int) -> list[int | None]:
        deals = [create("Deal", f"v{n}-{k}", customer="c-rita", title="x") for k in range(5)]
        return [apply(world, "rita", each)[0].version for each in deals]

    versions = [each for group in at_once([lambda n=n: call(n) for n in range(4)]) for each in group]  # type: ignore[misc]
    assert len(set(versions)) == 20
    log = world.run(lambda tx: tx.changes(after=0, limit=1000), read_only=True)
    assert [each.sequence for each in log] == sorted(each.sequence for each in log)

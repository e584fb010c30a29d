"""Two connections of one device at once: each operation still takes effect once, each page is one page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from model_device import Laptop
from records_world import World, update
from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.kernel.ops import OpResult

TWINS = 4


def twins(laptop: Laptop) -> list[Laptop]:
    """The same device, several times."""
    return [laptop.image() for _ in range(TWINS)]


def pushed(laptop: Laptop) -> list[OpResult]:
    """The results, asked for again where the hub was busy with another connection."""
    for _ in range(20):
        try:
            return laptop.push()
        except SaddlebagError as problem:
            if problem.kind is not BUSY:
                raise
    raise AssertionError("the hub stays busy")


def test_operations_that_are_sent_twice_at_once_take_effect_once(hub: World, laptop: Laptop) -> None:
    for number in range(10):
        laptop.create("Activity", f"a{number}", customer="c-rita", kind="note", subject="x")
    laptop.edit("Customer", "c-rita", notes="once")
    with ThreadPoolExecutor(TWINS) as pool:
        results = list(pool.map(pushed, twins(laptop)))
    assert all(each == results[0] for each in results)
    log = hub.run(lambda tx: tx.changes(after=0, limit=10_000, entities=["Activity", "Customer"]), read_only=True)
    by_device = [each.id for each in log if each.origin == f"device:{laptop.device}"]
    assert sorted(by_device) == sorted([*(f"a{number}" for number in range(10)), "c-rita"])


def test_pages_that_are_asked_for_twice_at_once_leave_a_device_that_goes_on(hub: World, laptop: Laptop) -> None:
    for number in range(3):
        hub.write("adam", update("Deal", "d-rita", title=f"Title {number}"))
        copies = twins(laptop)
        with ThreadPoolExecutor(TWINS) as pool:
            list(pool.map(lambda each: each.pull(), copies))
        assert len({each.cursor for each in copies}) == 1
        laptop = copies[number]
    before = laptop.incarnation
    laptop.sync()
    assert laptop.incarnation == before

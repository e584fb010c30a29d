"""Races: many threads at once, and still one truth.

Belongs here: promises about snapshots, locks, the counter's order and repeated attempts. May not know: how a store
keeps them. A test here starts real threads; it waits for another thread to have come so far, not for time to pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from saddlebag.kernel.errors import DUPLICATE_KEY
from saddlebag.model.condition import ALWAYS
from saddlebag.store.base import Store, Transaction
from saddlebag.store.kit.make import Desk, create, refuses, update
from saddlebag.store.tables import Pin

WRITERS = 4
ROUNDS = 12


class RacePromises:
    """What a store keeps when many use it."""

    def test_numbers_become_visible_in_their_own_order(self, store: Store) -> None:
        """A reader that has seen n never later finds a smaller number new."""
        desk = Desk(store)
        done = threading.Event()

        def writer(name: int) -> None:
            for each in range(ROUNDS):
                desk.run(lambda tx, each=each: create(tx, "Sample", f"s{name}-{each}", {}))  # type: ignore[misc]

        def look(seen: list[int]) -> None:
            log, sequence = desk.read(lambda tx: (tx.changes(after=len(seen), limit=1000), tx.sequence()))
            seen += [each.sequence for each in log]
            assert len(seen) == sequence, "the counter and the log were not read from one snapshot"

        def reader() -> list[int]:
            seen: list[int] = []
            while not done.is_set():
                look(seen)
            look(seen)
            return seen

        with ThreadPoolExecutor(WRITERS + 1) as pool:
            reading = pool.submit(reader)
            _all(pool, [lambda each=each: writer(each) for each in range(WRITERS)])  # type: ignore[misc]
            done.set()
            assert reading.result() == list(range(1, WRITERS * ROUNDS + 1))

    def test_a_reader_keeps_its_snapshot_and_does_not_wait(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"number": 1}})
        with store.begin(desk.tenant, read_only=True) as reader:
            assert reader.count("Sample", ALWAYS) == 1
            with ThreadPoolExecutor(1) as pool:
                pool.submit(desk.samples, {"s2": {}}).result()
            assert (reader.count("Sample", ALWAYS), reader.sequence()) == (1, 1)
        assert desk.read(lambda tx: tx.count("Sample", ALWAYS)) == 2

    def test_a_reader_does_not_see_what_is_not_committed(self, store: Store) -> None:
        desk = Desk(store)
        with store.begin(desk.tenant) as writer:
            create(writer, "Sample", "s1", {})
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(desk.found, ALWAYS).result() == set()
        assert desk.found(ALWAYS) == {"s1"}

    def test_a_locked_record_loses_no_update(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"number": 0}})

        def add_one(tx: Transaction) -> None:
            record = tx.get("Sample", ["s1"], lock=True)["s1"]
            update(tx, record, number=_number(record.values["number"]) + 1)

        def work() -> None:
            for _ in range(ROUNDS):
                desk.run(add_one)

        with ThreadPoolExecutor(WRITERS) as pool:
            _all(pool, [work] * WRITERS)
        assert desk.get("Sample", "s1").values["number"] == WRITERS * ROUNDS

    def test_of_two_that_create_one_id_the_second_sees_the_first(self, store: Store) -> None:
        desk = Desk(store)
        together = threading.Barrier(2)

        def create_or_see(name: str) -> str:
            attempts: list[str] = []

            def work(tx: Transaction) -> str:
                held = tx.get("Sample", ["s1"], deleted=True)
                if held:
                    return str(held["s1"].values["body"])
                if not attempts:
                    attempts.append(name)
                    _meet(together)
                create(tx, "Sample", "s1", {"body": name})
                return name

            return desk.run(work)

        with ThreadPoolExecutor(2) as pool:
            results = _all(pool, [lambda: create_or_see("a"), lambda: create_or_see("b")])
        assert results == [desk.get("Sample", "s1").values["body"]] * 2

    def test_writers_that_lock_crosswise_both_end(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"number": 0}, "s2": {"number": 0}})
        together = threading.Barrier(2)

        def crosswise(first: str, second: str) -> None:
            met: list[str] = []

            def work(tx: Transaction) -> None:
                one = tx.get("Sample", [first], lock=True)[first]
                if not met:
                    met.append(first)
                    _meet(together)
                other = tx.get("Sample", [second], lock=True)[second]
                for record in (one, other):
                    update(tx, record, number=_number(record.values["number"]) + 1)

            desk.run(work)

        with ThreadPoolExecutor(2) as pool:
            _all(pool, [lambda: crosswise("s1", "s2"), lambda: crosswise("s2", "s1")])
        assert [desk.get("Sample", each).values["number"] for each in ("s1", "s2")] == [2, 2]

    def test_a_row_is_added_by_one_only(self, store: Store) -> None:
        desk = Desk(store)
        with ThreadPoolExecutor(WRITERS) as pool:
            added = _all(pool, [lambda: desk.run(lambda tx: tx.rows.add(Pin("u", "Deal", "d")))] * (WRITERS * 3))
        assert added.count(True) == 1

    def test_tenants_do_not_share_a_counter(self, store: Store) -> None:
        desks = [Desk(store) for _ in range(WRITERS)]

        def work(desk: Desk) -> None:
            for each in range(ROUNDS):
                desk.samples({f"s{each}": {}})

        with ThreadPoolExecutor(WRITERS) as pool:
            _all(pool, [lambda desk=desk: work(desk) for desk in desks])  # type: ignore[misc]
        assert [desk.read(lambda tx: tx.sequence()) for desk in desks] == [ROUNDS] * WRITERS

    def test_outside_run_a_lost_race_is_told_at_once(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {}})
        with refuses(DUPLICATE_KEY), store.begin(desk.tenant) as tx:
            create(tx, "Sample", "s1", {})
        assert desk.get("Sample", "s1").version == 1


def _all(pool: ThreadPoolExecutor, works: list[Callable[[], object]]) -> list[object]:
    return [each.result() for each in [pool.submit(work) for work in works]]


def _meet(barrier: threading.Barrier) -> None:
    """Wait for the other, unless the store lets only one in at a time: then there is nobody to meet."""
    try:
        barrier.wait(timeout=0.3)
    except threading.BrokenBarrierError:
        barrier.abort()


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value

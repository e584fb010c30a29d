"""A pull that nothing has touched is answered without evaluating the scope, and never wrongly.

Each way in which a scope can be touched is tried alone here; random histories ask both ways before each pull.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from closed_claims import closed
from model_device import Laptop
from random_steps import play, steps_of
from records_world import PRINCIPALS, World, create, delete, update
from saddlebag.model.builtin import BUILTIN
from saddlebag.records.base import Write
from saddlebag.store.sql import SqlStore
from saddlebag.store.tables import Pin, ScopeRuleRow
from saddlebag.sync import engine, fresh, pull
from saddlebag.sync.defaults import CLOSING, DEFAULT, OVERDUE
from saddlebag.sync.rules import write_scope
from saddlebag.sync.scope import Scope
from saddlebag.sync.target import evaluate, question
from sync_histories import Histories


@pytest.fixture
def served(hub: World, laptop: Laptop) -> Laptop:
    """Rita's laptop with nothing new to come, served by a hub that remembers."""
    laptop.memory = engine.memory()
    laptop.sync()
    return laptop


def evaluations(laptop: Laptop) -> int:
    """How often a pull evaluates the scope; what it says is right either way."""
    seen = 0
    original = fresh.evaluate

    def counted(*given: Any) -> Any:
        nonlocal seen
        seen += 1
        return original(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh, "evaluate", counted)
        both_ways(laptop)
        laptop.pull()
    return seen


def both_ways(laptop: Laptop) -> None:
    """Ask for the digests by memory and by evaluation, and for the records by closed conditions, in one snapshot."""
    world, known = laptop.world, laptop.memory

    def ask(tx: Any) -> None:
        asked = question(tx, laptop.principal, world.now)
        target = evaluate(tx, asked)
        assert fresh.digests_of(tx, asked, known)[0] == target.digests()
        assert {entity: {each.id for each in found} for entity, found in target.stamps.items()} == closed(tx, asked)

    world.run(ask, read_only=True)


UNTOUCHED: dict[str, Callable[[World], object]] = {
    "another's contact": lambda hub: hub.write("sam", update("Contact", "k-sam", lastName="Offenbach")),
    "another's new activity": lambda hub: hub.write(
        "sam", create("Activity", "a-sam", customer="c-sam", kind="note", subject="x")
    ),
    "another's deal moves into the week": lambda hub: hub.write(
        "sam", update("Deal", "d-sam", closeDate=date(2026, 3, 4), stage="qualify")
    ),
    "another's new deal": lambda hub: hub.write(
        "sam", create("Deal", "d-new", customer="c-sam", owner="sam", title="x", closeDate=date(2026, 3, 4))
    ),
    "a line on another's deal": lambda hub: hub.write(
        "sam", create("DealLine", "l-sam", deal="d-sam", product="p2", quantity=Decimal(1))
    ),
    "a new product": lambda hub: hub.write("inga", create("Product", "p3", sku="S3", name="x")),
    "a product that she does not carry": lambda hub: hub.write("inga", update("Product", "p2", name="y")),
    "another's contact goes": lambda hub: hub.write("adam", delete("Contact", "k-sam")),
    "a record comes and goes": lambda hub: hub.write(
        "rita", create("Activity", "a1", customer="c-rita", kind="note", subject="x"), delete("Activity", "a1")
    ),
    "a user": lambda hub: hub.write("adam", update("User", "sam", phone="1")),
}

TOUCHED: dict[str, Callable[[World], object]] = {
    "a field of a record that she holds": lambda hub: hub.write("rita", update("Customer", "c-rita", name="x")),
    "a field that she does not get": lambda hub: hub.write("adam", update("Deal", "d-rita", stage="propose")),
    "a record that she holds goes": lambda hub: hub.write("adam", delete("DealLine", "l-rita")),
    "a part of a record that she holds": lambda hub: hub.write(
        "rita", create("Activity", "a1", customer="c-rita", kind="note", subject="x")
    ),
    "a new root": lambda hub: hub.write(
        "adam", create("Deal", "d-2", customer="c-north", owner="rita", title="x", closeDate=date(2026, 3, 4))
    ),
    "a record becomes a root by owner": lambda hub: hub.write(
        "adam", update("Deal", "d-sam", owner="rita", closeDate=date(2026, 3, 4))
    ),
    "stock of a product that she carries": lambda hub: hub.write("inga", update("StockLevel", "s1", onHand=Decimal(1))),
    "new stock of a product that she carries": lambda hub: hub.write(
        "inga",
        create("Warehouse", "w3", code="W3", name="x"),
        create("StockLevel", "s3", product="p1", warehouse="w3", onHand=Decimal(1), available=Decimal(1)),
    ),
    "sight of a customer goes": lambda hub: hub.write(
        "adam", update("Deal", "d-rita", owner="sam"), update("Customer", "c-rita", owner="sam")
    ),
}


@pytest.mark.parametrize("write", UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_a_write_beside_the_scope_costs_no_evaluation(
    hub: World, served: Laptop, write: Callable[[World], object]
) -> None:
    write(hub)
    assert evaluations(served) == 0


@pytest.mark.parametrize("write", TOUCHED.values(), ids=TOUCHED.keys())
def test_a_write_into_the_scope_or_out_of_it_is_noticed(
    hub: World, served: Laptop, write: Callable[[World], object]
) -> None:
    write(hub)
    assert evaluations(served) == 1


@pytest.mark.parametrize("write", [update("Deal", "d-old", owner="sam"), delete("Deal", "d-old")])
def test_a_deal_that_showed_her_a_pinned_customer_is_missed(hub: World, laptop: Laptop, write: Write) -> None:
    """The deal is on no device, and yet she saw the customer by it alone."""
    hub.write("adam", create("Deal", "d-old", customer="c-sam", owner="rita", title="x", stage="won"))
    hub.run(lambda tx: tx.rows.put(Pin("rita", "Customer", "c-sam")))
    laptop.memory = engine.memory()
    laptop.sync()
    assert ("Customer", "c-sam") in laptop.rows
    hub.write("adam", write)
    both_ways(laptop)
    laptop.sync()
    assert ("Customer", "c-sam") not in laptop.rows


def test_the_next_day_is_noticed_without_a_write(hub: World, served: Laptop) -> None:
    hub.tick(days=5)
    assert evaluations(served) == 1
    assert not served.rows


def test_a_rule_that_asks_for_the_moment_is_always_evaluated(hub: World, served: Laptop) -> None:
    text = write_scope(Scope("default", 1, (replace(CLOSING, hops=()),)), BUILTIN)
    hub.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 1, text)))
    served.sync()
    assert evaluations(served) == 0
    moment = (
        '{"rules": [{"name": "soon", "entity": "Activity", "where": '
        '{"field": "startsAt", "op": "lt", "value": {"param": "now+2h"}}}]}'
    )
    hub.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 2, moment)))
    served.sync()
    assert evaluations(served) == 2


def test_rules_pins_and_territories_are_noticed_without_a_write(
    hub: World, served: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.run(lambda tx: tx.rows.put(Pin("rita", "Customer", "c-north")))
    assert evaluations(served) == 1
    scope = Scope("default", 1, (*DEFAULT.rules, OVERDUE))
    hub.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 1, write_scope(scope, BUILTIN))))
    assert evaluations(served) == 1
    monkeypatch.setitem(PRINCIPALS, "rita", replace(PRINCIPALS["rita"], territories=frozenset({"south"})))
    assert evaluations(served) == 1


def test_more_changes_than_are_worth_looking_through_are_evaluated(hub: World, served: Laptop) -> None:
    for start in range(0, fresh.CHANGES + 1, 200):
        many = [create("Contact", f"k{start + n}", customer="c-sam", lastName="x") for n in range(200)]
        hub.write("sam", *many)
    assert evaluations(served) == 1
    assert evaluations(served) == 0


def test_what_lies_too_far_back_is_evaluated(hub: World, served: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "SPAN", 3)
    for _ in range(2):
        hub.write("sam", *[create("Contact", customer="c-sam", lastName="x") for _ in range(3)])
        assert evaluations(served) == 0
    hub.write("sam", *[create("Contact", customer="c-sam", lastName="x") for _ in range(4)])
    assert evaluations(served) == 1


def test_two_devices_of_one_user_share_what_is_remembered(hub: World, served: Laptop) -> None:
    second = Laptop.registered(hub, "rita")
    second.memory = served.memory
    second.sync()
    assert evaluations(second) == 0
    assert second.memory is not None
    assert len(second.memory) == 1


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    def made(sequence: int, size: int) -> fresh.Remembered:
        return fresh.Remembered(sequence, {}, fresh.array("I", range(size)), fresh.Watch({}, frozenset()))

    known = fresh.Memory(targets=3, records=10)
    for number in range(3):
        known.put(number, made(1, 2))
    assert known.get(0) is not None
    known.put(3, made(1, 2))
    assert known.get(1) is None
    known.put(4, made(1, 8))
    assert [each for each in range(5) if known.get(each) is not None] == [3, 4]
    known.put(4, made(0, 1))
    assert known.get(4) == made(1, 8)


@contextmanager
def asked_both_ways() -> Iterator[list[str]]:
    """Every pull is answered by memory and by evaluation, in one snapshot; where they differ, how."""
    honest, differing = pull.prepare, []

    def prepare(*given: Any) -> Any:
        answered = honest(*given)
        evaluated = honest(*(None if isinstance(each, fresh.Memory) else each for each in given))
        if answered != evaluated:
            differing.append(f"{answered} by memory, {evaluated} by evaluation")
        return answered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull, "prepare", prepare)
        yield differing


class BothWays(Histories):
    """Histories in which every pull is asked for both ways: page, cursor, digests and what is remembered of it."""

    differing: list[str]

    def after_event(self) -> None:
        super().after_event()
        assert not self.differing, self.differing


@pytest.mark.parametrize("seed", range(100, 103))
def test_memory_and_evaluation_agree_in_every_history(shared_store: SqlStore, seed: int) -> None:
    """With grace, caps and carried fields, after the death of a process, and for each kind of fault."""
    with asked_both_ways() as differing:
        machine = BothWays.of(shared_store)
        machine.differing = differing
        play(machine, steps_of(BothWays, seed, 60))
    assert not differing


@pytest.mark.parametrize("start", [1, 2])
def test_memory_and_evaluation_agree_when_much_is_pulled_and_little_changes(shared_store: SqlStore, start: int) -> None:
    """The fast path is taken where nothing touches a scope: half of these events are pulls."""
    chance = random.Random(start)
    drawn = [step for seed in range(start * 1000, start * 1000 + 4) for step in steps_of(BothWays, seed, 12)]
    pulls = [("sync", {"who": chance.randrange(5), "budget": None}) for _ in drawn]
    with asked_both_ways() as differing:
        machine = BothWays.of(shared_store)
        machine.differing = differing
        play(machine, [step for pair in zip(drawn, pulls, strict=True) for step in pair])
    assert not differing

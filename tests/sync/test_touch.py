"""Whatever is written in whatever order, under rules of every shape: what is remembered equals what is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import examples
from records_world import START, World, create, delete, merge, settled, undelete, update
from saddlebag.model.condition import Compare, Condition, Missing, Not, Op, Or, Param, both, either, eq
from saddlebag.store.base import Change, ChangeKind, Transaction
from saddlebag.store.sql import SqlStore
from saddlebag.sync import engine, fresh, touch
from saddlebag.sync.defaults import DEFAULT
from saddlebag.sync.scope import Hop, Rule, Scope
from saddlebag.sync.target import Question, circumstances, evaluate

WHO = ("rita", "sam", "mona")
MINE, TEAM = eq("owner", Param("me")), Compare("owner", Op.IN, Param("team"))
AROUND = (
    Hop("customers", "", "Customer", "customer", where=Not(eq("status", "lost"))),
    Hop("contacts", "customers", "Contact", "customer", backward=True, fields=("title",)),
    Hop("lines", "", "DealLine", "deal", backward=True),
    Hop("products", "lines", "Product", "product"),
)
NOT_WON = Not(Compare("stage", Op.IN, ("won", "lost")))
SCOPES = (
    DEFAULT,
    Scope(
        "mine",
        1,
        (Rule("mine", "", "Deal", both(MINE, NOT_WON), AROUND), Rule("all", "", "Customer", Missing("notes"))),
    ),
    Scope(
        "team",
        1,
        (
            Rule("team", "", "Deal", TEAM, AROUND, fields=("stage",)),
            Rule("all", "", "Customer", Missing("owner"), AROUND[1:1]),
        ),
    ),
    Scope(
        "any",
        1,
        (
            Rule("any", "", "Deal", Or((TEAM, Missing("closeDate"))), AROUND),
            Rule("people", "", "User", Not(eq("active", False))),
        ),
    ),
)

pick = st.integers(0, 5)
WRITES = st.one_of(
    st.tuples(
        st.just("Deal"),
        pick,
        st.sampled_from(
            [
                {"owner": "rita"},
                {"owner": "sam"},
                {"stage": "won"},
                {"stage": "qualify"},
                {"closeDate": None},
                {"closeDate": START.date()},
                {"closeDate": date(2030, 1, 1)},
                {"title": "x"},
                None,
            ]
        ),
    ),
    st.tuples(
        st.just("Customer"),
        pick,
        st.sampled_from(
            [
                {"owner": "rita"},
                {"owner": "sam"},
                {"owner": None},
                {"territory": "north-1"},
                {"territory": "south"},
                {"notes": "x"},
            ]
        ),
    ),
    st.tuples(
        st.just("User"),
        st.integers(0, 1),
        st.sampled_from(
            [
                {"territory": "north-1"},
                {"territory": "south"},
                {"territory": None},
                {"phone": "1"},
                {"active": False},
            ]
        ),
    ),
    st.tuples(st.just("Contact"), pick, st.sampled_from([{"lastName": "x"}, {"title": "x"}, None])),
    st.tuples(st.just("DealLine"), pick, st.sampled_from([{"product": "p2"}, {"product": "p1"}, None])),
    st.tuples(st.just("Product"), pick, st.just({"name": "x"})),
    st.tuples(st.sampled_from(["new Deal", "new Contact", "new DealLine", "new Customer"]), pick, pick),
    st.tuples(st.sampled_from(["back Deal", "back Contact", "back DealLine", "back Customer"]), pick, st.none()),
    st.tuples(st.sampled_from(["join Deal", "join Contact", "join Customer"]), pick, pick),
)
STEPS = st.lists(st.tuples(WRITES, st.sampled_from(["", "", "rita", "sam", "mona", "mona"])), max_size=25)

_numbers = count()


class Office:
    """Writes one after the other, by whatever is there."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world, self.scope = world, scope
        self.memory = engine.memory()
        self.spared = 0

    def write(self, what: str, which: int, change: Any) -> None:
        if what.startswith("new "):
            self._create(what[4:], which, change)
            return
        if what.startswith("back "):
            gone = self._gone(what[5:])
            self.world.apply("adam", *[undelete(what[5:], each) for each in gone[which : which + 1]])
            return
        if what.startswith("join "):
            self.world.apply("adam", merge(what[5:], self._some(what[5:], which), self._some(what[5:], change)))
            return
        record = WHO[which] if what == "User" else self._some(what, which)
        number = next(_numbers)
        if record and change is None:
            self.world.apply("adam", delete(what, record))
        elif record:
            distinct = {name: f"x{number}" if value == "x" else value for name, value in change.items()}
            self.world.apply("adam", update(what, record, **distinct))

    def _create(self, entity: str, which: int, other: int) -> None:
        made: dict[str, Any] = {
            "Deal": {"customer": self._some("Customer", which), "title": "x", "owner": WHO[other % 2]},
            "Contact": {"customer": self._some("Customer", which), "lastName": "x"},
            "DealLine": {"deal": self._some("Deal", which), "product": "p1", "quantity": Decimal(1)},
            "Customer": {"name": "x", "currency": "EUR", **({"owner": WHO[other % 2]} if other % 3 else {})},
        }[entity]
        self.world.apply("adam", create(entity, f"n-{next(_numbers)}", **made))

    def _some(self, entity: str, which: int) -> str:
        ids = sorted(each.id for each in self.world.run(lambda tx: tx.find(entity, both()), read_only=True))
        return ids[which % len(ids)] if ids else ""

    def _gone(self, entity: str) -> list[str]:
        """What was deleted, the latest first."""
        log = self.world.run(lambda tx: tx.changes(after=0, limit=9999, entities=[entity]), read_only=True)
        return [each.id for each in reversed(log) if each.kind is ChangeKind.DELETE]

    def ask(self, who: str) -> None:
        """Both ways, in one snapshot."""

        def both_ways(tx: Transaction) -> None:
            principal = self.world.principal(who)
            asked = Question(principal, self.scope, circumstances(tx, principal, self.world.now))
            digests, target = fresh.digests_of(tx, asked, self.memory)
            self.spared += target is None
            assert digests == evaluate(tx, asked).digests()

        self.world.run(both_ways, read_only=True)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.name + str(len(scope.rules)))
def test_what_is_remembered_equals_what_is_evaluated(shared_store: SqlStore, scope: Scope) -> None:
    spared = 0

    @settings(max_examples=examples(25 if shared_store.dialect == "sqlite" else 4), deadline=None)
    @given(STEPS)
    def histories(steps: Sequence[Any]) -> None:
        nonlocal spared
        office = Office(settled(shared_store, f"touch-{next(_numbers)}"), scope)
        for who in WHO:
            office.ask(who)
        for write, who in steps:
            office.write(*write)
            if who:
                office.ask(who)
        for who in WHO:
            office.ask(who)
        spared += office.spared

    histories()
    assert spared


def change(kind: ChangeKind, entity: str, record: str, *fields: str) -> Change:
    return Change(1, entity, record, kind, fields, START + timedelta(seconds=1), "adam", "")


DEALS = eq("owner", "rita")
CLAIMS: dict[str, list[Condition]] = {"Deal": [DEALS], "Contact": [eq("customer", "c")]}


@pytest.mark.parametrize(
    ("changes", "suspected"),
    [
        ([change(ChangeKind.UPDATE, "Deal", "far", "title")], []),
        ([change(ChangeKind.UPDATE, "Deal", "far", "title", "owner")], ["far"]),
        ([change(ChangeKind.UPDATE, "Deal", "held", "title")], None),
        ([change(ChangeKind.CREATE, "Deal", "far", "title")], ["far"]),
        ([change(ChangeKind.DELETE, "Deal", "far")], []),
        ([change(ChangeKind.CREATE, "Deal", "far"), change(ChangeKind.DELETE, "Deal", "far")], []),
        ([change(ChangeKind.UPDATE, "Invoice", "held", "total")], []),
        ([change(ChangeKind.UNDELETE, "Deal", "far")], None),
        ([change(ChangeKind.UNDELETE, "Invoice", "far")], []),
    ],
)
def test_only_what_may_matter_is_looked_at_closely(changes: list[Change], suspected: list[str] | None) -> None:
    watched = touch.watch(touch.nodes(CLAIMS))
    left = touch.suspects(changes, watched, lambda entity, record: record == "held")
    assert (None if left is None else [each.id for each in left]) == suspected


def test_a_set_is_bounded_where_it_is_a_claim_or_narrower() -> None:
    inner = replace(touch.Within("deal", "Deal", both(DEALS, eq("stage", "won"))))
    wider = touch.Within("deal", "Deal", either(DEALS, eq("stage", "won")))
    listed = touch.nodes({"Deal": [DEALS], "DealLine": [inner, wider]})
    assert {(each.where, each.bounded) for each in listed if each.entity == "Deal"} == {
        (DEALS, True),
        (inner.where, True),
        (wider.where, False),
    }

"""A scope asked stage by stage holds exactly what its closed conditions hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from closed_claims import closed
from records_world import World, create
from saddlebag.kernel.errors import SCOPE_CAPPED, SaddlebagError
from saddlebag.model.condition import And, Compare, Op, Or, Param, eq
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Pin
from saddlebag.sync.defaults import CLOSING, DEFAULT, OVERDUE
from saddlebag.sync.scope import Hop, Rule, Scope
from saddlebag.sync.target import Question, circumstances, evaluate

MINE = And((eq("owner", Param("me")), Compare("closeDate", Op.GE, Param("today"))))
TEAM = Compare("owner", Op.IN, Param("team"))
SCOPES = {
    "default": DEFAULT,
    "overdue": replace(DEFAULT, rules=(*DEFAULT.rules, OVERDUE)),
    "several roots": Scope("x", 1, (Rule("several", "", "Deal", Or((MINE, TEAM)), CLOSING.hops[:4]),)),
    "one root alone": Scope("x", 1, (replace(CLOSING, hops=()),)),
    "users of a territory": Scope(
        "x", 1, (Rule("users", "", "Territory", eq("code", "N1"), (Hop("u", "", "User", "territory", backward=True),)),)
    ),
}


def asked_of(hub: World, tx: Transaction, who: str, scope: Scope) -> Question:
    principal = hub.principal(who)
    return Question(principal, scope, circumstances(tx, principal, hub.now))


@pytest.fixture
def busy(hub: World) -> World:
    """Deals of several owners and days, customers that two of them share, pins of what is seen and what is not."""
    for number, (owner, customer, day) in enumerate(
        (owner, customer, day)
        for owner in ("rita", "sam", "mona")
        for customer in ("c-rita", "c-north", "c-sam")
        for day in (date(2026, 2, 20), date(2026, 3, 2), date(2026, 3, 8), date(2026, 3, 9))
    ):
        values = {"customer": customer, "owner": owner, "title": f"Deal {number}", "closeDate": day}
        hub.write("hub", create("Deal", f"b{number}", **values, stage="propose"))
        hub.write("hub", create("DealLine", f"bl{number}", deal=f"b{number}", product=f"p{number % 2 + 1}", quantity=1))
    hub.write(
        "hub",
        create("Attachment", "photo", entity="Deal", record="b1", name="a", mediaType="x/y", size=1, sha256="0" * 64),
    )
    pinned = (("Deal", "d-sam"), ("Deal", "b30"), ("Customer", "c-north"), ("Customer", "c-sam"))
    hub.run(lambda tx: tx.rows.put_all([Pin(who, *each) for each in pinned for who in ("rita", "mona")]))
    return hub


@pytest.mark.parametrize("name", SCOPES)
@pytest.mark.parametrize("who", ["rita", "sam", "mona", "adam"])
def test_stages_hold_what_closed_conditions_hold(busy: World, name: str, who: str) -> None:
    def ask(tx: Any) -> None:
        asked = asked_of(busy, tx, who, SCOPES[name])
        target = evaluate(tx, asked)
        assert {entity: {each.id for each in found} for entity, found in target.stamps.items()} == closed(tx, asked)
        assert all(len(found) == len({each.id for each in found}) for found in target.stamps.values())

    busy.run(ask, read_only=True)


def test_a_step_that_nothing_leads_to_is_not_asked(hub: World) -> None:
    """The store is asked once for the root, and never for the twenty hops that start from nothing."""
    nothing = Scope("x", 1, (replace(CLOSING, where=eq("title", "no such deal")),))

    def ask(tx: Any) -> int:
        asked = asked_of(hub, tx, "rita", nothing)
        counted = Counting(tx)
        assert not evaluate(counted, asked).stamps  # type: ignore[arg-type]
        return counted.questions

    assert hub.run(ask, read_only=True) == 1


def test_a_long_way_over_a_wide_root_is_answered(busy: World) -> None:
    """Its closed conditions nest deeper than SQLite's parser goes."""
    wide = Scope("x", 1, (Rule("several", "", "Deal", Or((MINE, TEAM)), CLOSING.hops),))

    def ask(tx: Any) -> None:
        found = evaluate(tx, asked_of(busy, tx, "rita", wide)).stamps
        assert {"Deal", "Customer", "Contact", "DealLine", "Product", "StockLevel", "Warehouse"} <= found.keys()

    busy.run(ask, read_only=True)


class Counting:
    """A transaction that counts how often stamps are asked for."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.questions = 0

    def __getattr__(self, name: str) -> Any:
        if name == "stamps":
            self.questions += 1
        return getattr(self._tx, name)


@pytest.mark.parametrize("hop", ["", "customers", "contacts"])
def test_a_cap_bites_at_any_stage(busy: World, hop: str) -> None:
    busy.write("hub", create("Contact", "k2", customer="c-rita", lastName="Cahn"))
    hops = tuple(replace(each, cap=int(each.name == hop)) for each in CLOSING.hops)
    scope = Scope("x", 1, (replace(CLOSING, hops=hops, cap=int(not hop)),))

    def ask(tx: Any) -> None:
        evaluate(tx, asked_of(busy, tx, "rita", scope))

    with pytest.raises(SaddlebagError) as caught:
        busy.run(ask, read_only=True)
    assert caught.value.kind is SCOPE_CAPPED
    assert caught.value.rule == (f"closing/{hop}" if hop else "closing")
    assert caught.value.limit == 1

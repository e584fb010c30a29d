"""Who sees and writes what through the records path, and what nobody learns of what she may not see."""

from __future__ import annotations

from decimal import Decimal

import pytest

from records_world import START, World, create, delete, error, update
from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.condition import ALWAYS, eq
from saddlebag.records.base import Outcome, Verb, Write


@pytest.mark.parametrize(
    ("who", "customers", "deals"),
    [
        ("rita", {"c-rita", "c-north"}, {"d-rita"}),
        ("sam", {"c-sam"}, {"d-sam"}),
        ("mona", {"c-north"}, set()),
        ("inga", {"c-rita", "c-north", "c-sam"}, {"d-rita", "d-sam"}),
        ("adam", {"c-rita", "c-north", "c-sam"}, {"d-rita", "d-sam"}),
    ],
)
def test_each_role_sees_its_part(world: World, who: str, customers: set[str], deals: set[str]) -> None:
    assert world.read(who, lambda r: {each.id for each in r.search("Customer", ALWAYS)}) == customers
    assert world.read(who, lambda r: {each.id for each in r.search("Deal", ALWAYS)}) == deals
    assert world.read(who, lambda r: {each.id for each in r.renderings("Deal", ALWAYS)}) == deals
    assert world.read(who, lambda r: set(r.get("Deal", ["d-rita", "d-sam"]))) == deals


def test_a_deal_of_hers_shows_her_the_customer_and_all_that_leads_to_it(world: World) -> None:
    world.write("adam", create("Deal", "d-away", customer="c-sam", owner="rita", title="Guest"))
    assert all(world.sees("rita", *each) for each in [("Customer", "c-sam"), ("Contact", "k-sam"), ("Deal", "d-sam")])
    world.write("adam", update("Deal", "d-away", owner="sam"))
    assert not any(world.sees("rita", *each) for each in [("Customer", "c-sam"), ("Contact", "k-sam")])


def _plain(outcome: Outcome) -> tuple[object, ...]:
    found = error(outcome)
    return (outcome.status, found.kind, found.message, found.field, found.count, found.limit)


def test_what_she_may_not_see_does_not_exist_for_her(world: World) -> None:
    """The answers about a hidden record and about none at all are the same but for the id that she sent herself."""
    for hidden, absent in (
        (update("Deal", "d-sam", title="x"), update("Deal", "d-none", title="x")),
        (delete("Deal", "d-sam"), delete("Deal", "d-none")),
        (
            create("Deal", "new-a", customer="c-sam", title="x"),
            create("Deal", "new-b", customer="c-none", title="x"),
        ),
        (create("Invoice", "i-x", customer="c-sam"), create("Invoice", "i-y", customer="c-none")),
    ):
        first, second = world.apply("rita", hidden, absent)
        assert _plain(first) == _plain(second)


def test_a_key_that_a_hidden_record_holds_is_only_taken(world: World) -> None:
    hidden = Write(Verb.UPSERT, "Deal", key=("number", "D2"), values={"customer": "c-rita", "title": "x"})
    (outcome,) = world.apply("rita", hidden)
    seen = create("Deal", "d9", customer="c-rita", title="x", number="D1")
    (other,) = world.apply("rita", seen)
    assert _plain(outcome) == _plain(other)
    assert outcome.id != "d-sam"
    assert "d-sam" not in str(error(outcome))


def test_who_may_never_create_learns_of_no_id(world: World) -> None:
    payment = {"customer": "c-sam", "paidOn": START.date(), "amount": Decimal(1), "currency": "EUR"}
    world.write("hub", Write(Verb.CREATE, "Payment", "y1", values=payment))
    writes = [Write(verb, "Payment", each) for verb in (Verb.CREATE, Verb.UPSERT) for each in ("y1", "y2")]
    assert len({_plain(each) for each in world.apply("rita", *writes[:2])}) == 1
    assert len({_plain(each) for each in world.apply("rita", *writes[2:])}) == 1
    assert {_plain(each)[1] for each in world.apply("rita", *writes)} == {errors.NOT_ALLOWED}


def test_an_owner_gives_away_nothing_and_takes_nothing(world: World) -> None:
    given, foreign, mine = world.apply(
        "rita",
        update("Deal", "d-rita", owner="sam"),
        create("Deal", "d8", customer="c-rita", owner="sam", title="x"),
        create("Deal", "d9", customer="c-rita", owner="rita", title="x"),
    )
    assert (error(given).kind, error(given).field) == (errors.NOT_ALLOWED, "owner")
    assert (error(foreign).kind, error(foreign).field) == (errors.NOT_ALLOWED, "owner")
    assert mine.ok


def test_a_record_that_she_sees_but_may_not_write_is_not_allowed(world: World) -> None:
    world.write("adam", create("Deal", "d-north", customer="c-north", owner="sam", title="x"))
    edited, customer, line = world.apply(
        "rita",
        update("Deal", "d-north", title="y"),
        update("Customer", "c-north", name="y"),
        create("DealLine", "l9", deal="d-north", product="p1", quantity=Decimal(1)),
    )
    assert {error(each).kind for each in (edited, customer, line)} == {errors.NOT_ALLOWED}


def test_fields_of_another_master_are_read_only_but_may_be_sent_back_unchanged(world: World) -> None:
    world.write("inga", update("Customer", "c-rita", creditLimit=Decimal("500")))
    same, changed, moved = world.apply(
        "rita",
        update("Customer", "c-rita", creditLimit=Decimal("500.00"), phone="1"),
        update("Customer", "c-rita", creditLimit=Decimal("900")),
        update("Customer", "c-rita", territory="north-1"),
    )
    assert same.ok
    assert (error(changed).kind, error(changed).field) == (errors.READ_ONLY_FIELD, "creditLimit")
    assert (error(moved).kind, error(moved).field) == (errors.READ_ONLY_FIELD, "territory")


def test_a_manager_reassigns_inside_her_territories_only(world: World) -> None:
    world.write("adam", create("Deal", "d-north", customer="c-north", owner="mona", title="x"))
    inside, outside = world.apply(
        "mona", update("Deal", "d-north", owner="rita"), update("Customer", "c-north", owner="sam")
    )
    assert inside.ok
    assert error(outside).kind is errors.NOT_ALLOWED


def test_only_an_administrator_writes_users_and_territories(world: World) -> None:
    for who in ("rita", "mona", "inga"):
        (outcome,) = world.apply(who, update("User", "rita", phone="1"))
        assert error(outcome).kind is errors.NOT_ALLOWED
    world.write("adam", update("User", "rita", phone="1"), update("Territory", "south", name="The South"))


def test_a_colleague_s_log_in_is_neither_shown_nor_searched(world: World) -> None:
    record = world.read("rita", lambda r: r.get("User", ["sam"])["sam"])
    shown = repr(record)
    assert "Sam" in shown
    assert "login" not in shown
    for where in (eq("login", "sam"), eq("role", "admin")):
        with pytest.raises(SaddlebagError) as caught:
            world.read("rita", lambda r, where=where: r.search("User", where))
        assert caught.value.kind is errors.INVALID_FILTER
    assert world.read("adam", lambda r: r.get("User", ["sam"])["sam"].values["login"]) == "sam"

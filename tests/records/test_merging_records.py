"""Merge: one record of several, and nothing that was known of any of them is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from records_world import World, create, delete, error, merge, undelete, update
from saddlebag.kernel import errors, limits
from saddlebag.model.condition import eq
from saddlebag.records.base import Loser, Status, Verb, Write
from saddlebag.store.tables import Binding, Conflict, Pin


@pytest.fixture
def twins(world: World) -> World:
    """Customer c-two is c-rita entered again: with a contact, a deal with a line, an invoice and an attachment."""
    world.write(
        "inga",
        create(
            "Customer",
            "c-two",
            number="K9",
            name="Alpha Ltd",
            owner="rita",
            city="Bonn",
            segments=("gold",),
            notes="Second",
        ),
        update("Customer", "c-rita", segments=("north", "gold"), notes="First"),
        create("Customer", "c-sub", name="Sub", parent="c-two"),
        create("Contact", "k-two", customer="c-two", lastName="Abel"),
        create("Deal", "d-two", customer="c-two", title="More pumps", owner="rita"),
        create("DealLine", "l-two", deal="d-two", product="p1", quantity=1),
        create(
            "Invoice",
            "i-two",
            number="R1",
            customer="c-two",
            status="posted",
            issuedOn=world.now.date(),
            total=1,
            balance=1,
            currency="EUR",
        ),
        create(
            "Attachment", "a-two", entity="Customer", record="c-two", name="x", mediaType="a/b", size=1, sha256="0" * 64
        ),
    )
    return world


def test_the_master_takes_over_what_it_has_not_and_unites_lists_and_notes(twins: World) -> None:
    (outcome,) = twins.write("inga", merge("Customer", "c-rita", "c-two"))
    values = twins.stored("Customer", "c-rita").values
    assert (outcome.status, outcome.id) == (Status.MERGED, "c-rita")
    assert (values["name"], values["number"], values["city"]) == ("Alpha", "K1", "Bonn")
    assert set(values["segments"]) == {"north", "gold"}
    assert values["notes"] == "First\nSecond"


def test_every_reference_comes_to_the_master_with_what_is_derived_from_it(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    for entity, record in (
        ("Contact", "k-two"),
        ("Deal", "d-two"),
        ("DealLine", "l-two"),
        ("Invoice", "i-two"),
        ("Attachment", "a-two"),
    ):
        assert twins.stored(entity, record).values["customer"] == "c-rita", entity
    assert twins.stored("Attachment", "a-two").values["record"] == "c-rita"
    assert twins.stored("Customer", "c-sub").values["parent"] == "c-rita"


def test_the_loser_is_deleted_and_leads_to_the_master_even_over_a_second_merge(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    loser = twins.stored("Customer", "c-two")
    assert (loser.deleted, loser.merged_into, loser.values["name"]) == (True, "c-rita", "Alpha Ltd")
    assert twins.read("rita", lambda records: records.merged("Customer", ["c-two", "c-rita"])) == {"c-two": "c-rita"}
    twins.write("inga", merge("Customer", "c-sam", "c-rita"))
    assert twins.read("inga", lambda records: records.merged("Customer", ["c-two"])) == {"c-two": "c-sam"}
    assert twins.read("rita", lambda records: records.merged("Contact", ["c-two"])) == {}


def test_who_does_not_see_the_master_is_not_told_of_it(twins: World) -> None:
    twins.write("inga", create("Customer", "c-far", name="Far", owner="sam"))
    twins.write("inga", merge("Customer", "c-far", "c-two"))
    # Her own deal shows her the customer that it belongs to now.
    assert twins.read("rita", lambda records: records.merged("Customer", ["c-two"])) == {"c-two": "c-far"}
    twins.write("inga", update("Deal", "d-two", owner="sam"))
    assert twins.read("rita", lambda records: records.merged("Customer", ["c-two"])) == {}


def test_outside_ids_pins_and_open_conflicts_go_to_the_master(twins: World) -> None:
    def keep(tx: object) -> None:
        rows = tx.rows  # type: ignore[attr-defined]
        rows.put(Binding("erp", "Customer", "77", "c-two", "1", b"x", twins.now))
        rows.put(Pin("rita", "Customer", "c-two"))
        for name, resolved in (("x1", None), ("x2", twins.now)):
            rows.put(
                Conflict(
                    name, "Customer", "c-two", "city", "a", "b", "c", "mine", "manual", "rita", "", twins.now, resolved
                )
            )

    twins.run(keep)
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    read: Callable[..., list[object]] = lambda cls, *names: twins.run(  # noqa: E731
        lambda tx: [tuple(getattr(row, name) for name in names) for row in tx.rows.select(cls)], read_only=True
    )
    assert read(Binding, "external_id", "record") == [("77", "c-rita")]
    assert read(Pin, "user", "record") == [("rita", "c-rita")]
    assert sorted(read(Conflict, "conflict", "record")) == [("x1", "c-rita"), ("x2", "c-two")]


def test_a_key_of_the_loser_that_the_master_lacks_becomes_its_own(twins: World) -> None:
    twins.write("inga", create("Customer", "c-none", name="None"))
    twins.write("inga", merge("Customer", "c-none", "c-two"), create("Customer", "c-after", name="x"))
    assert twins.stored("Customer", "c-none").values["number"] == "K9"
    (outcome,) = twins.apply("inga", create("Customer", "c-new", name="x", number="K9"))
    assert error(outcome).kind is errors.DUPLICATE_KEY


def test_a_tree_that_would_become_a_circle_is_cut_at_the_master(world: World) -> None:
    world.write("inga", create("Customer", "top", name="Top"), create("Customer", "mid", name="Mid", parent="top"))
    world.write("inga", create("Customer", "low", name="Low", parent="mid"))
    world.write("inga", merge("Customer", "low", "top"))
    assert world.stored("Customer", "low").values["parent"] is None
    assert world.stored("Customer", "mid").values["parent"] == "low"


def test_records_that_refer_to_each_other_become_one(world: World) -> None:
    world.write("inga", create("Customer", "one", name="One"), create("Customer", "two", name="Two", parent="one"))
    world.write("inga", merge("Customer", "two", "one"))
    assert world.stored("Customer", "two").values["parent"] is None


def test_merging_again_changes_nothing(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    before = twins.stored("Customer", "c-rita")
    assert twins.write("inga", merge("Customer", "c-rita", "c-two"))[0].status is Status.UNCHANGED
    assert twins.stored("Customer", "c-rita") == before


@pytest.mark.parametrize(
    ("losers", "kind"),
    [
        (("c-rita",), errors.INVALID_VALUE),
        (("c-two", "c-two"), errors.INVALID_VALUE),
        ((), errors.INVALID_VALUE),
        (("nobody",), errors.NOT_FOUND),
        (("c-two", "c-gone"), errors.NOT_FOUND),
    ],
)
def test_what_cannot_be_merged_is_refused_and_nothing_is_written(
    twins: World, losers: tuple[str, ...], kind: errors.ErrorKind
) -> None:
    twins.write("inga", create("Customer", "c-gone", name="Gone"), delete("Customer", "c-gone"))
    last = twins.run(lambda tx: [each.sequence for each in tx.changes(after=0, limit=999)], read_only=True)
    assert error(twins.apply("inga", merge("Customer", "c-rita", *losers))[0]).kind is kind
    assert twins.run(lambda tx: [each.sequence for each in tx.changes(after=0, limit=999)], read_only=True) == last


def test_each_record_must_be_of_the_version_that_the_caller_knows(twins: World) -> None:
    version = twins.stored("Customer", "c-two").version
    for wrong in ({"if_version": 1}, {"losers": (Loser("c-two", version - 1),)}):
        write = Write(Verb.MERGE, "Customer", "c-rita", **{"losers": (Loser("c-two", version),), **wrong})
        assert error(twins.apply("inga", write)[0]).kind is errors.STALE_VERSION
    right = Write(Verb.MERGE, "Customer", "c-rita", losers=(Loser("c-two", version),))
    assert twins.apply("inga", right)[0].ok


def test_every_record_that_is_touched_must_be_the_callers_to_change(world: World) -> None:
    world.write("rita", create("Deal", "d-two", customer="c-rita", title="Pumps again"))
    world.write("inga", create("Deal", "d-mona", customer="c-rita", title="Hers", owner="mona"))
    assert error(world.apply("rita", merge("Deal", "d-rita", "d-mona"))[0]).kind is errors.NOT_ALLOWED
    assert error(world.apply("rita", merge("Deal", "d-mona", "d-two"))[0]).kind is errors.NOT_ALLOWED
    assert error(world.apply("rita", merge("Customer", "c-rita", "c-north"))[0]).kind is errors.NOT_ALLOWED
    assert error(world.apply("sam", merge("Deal", "d-sam", "d-rita"))[0]).kind is errors.NOT_FOUND
    assert world.apply("rita", merge("Deal", "d-rita", "d-two"))[0].ok


def test_a_record_that_refers_to_a_loser_and_is_not_the_callers_to_change_stands_against_it(world: World) -> None:
    world.write("inga", create("Contact", "k-two", customer="c-rita", lastName="Abel"))
    world.write(
        "inga", create("Activity", "a-sam", customer="c-sam", contact="k-two", kind="call", subject="x", owner="sam")
    )
    (outcome,) = world.apply("rita", merge("Contact", "k-rita", "k-two"))
    assert error(outcome).kind is errors.NOT_ALLOWED
    assert world.stored("Activity", "a-sam").values["contact"] == "k-two"


def test_more_references_than_one_call_may_move_are_refused(twins: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MERGE_REFERENCES", 4)
    problem = error(twins.apply("inga", merge("Customer", "c-rita", "c-two"))[0])
    assert (problem.kind, problem.count, problem.limit) == (errors.TOO_MANY_REFERENCES, 5, 4)
    monkeypatch.setattr(limits, "MERGE_REFERENCES", 5)
    assert twins.apply("inga", merge("Customer", "c-rita", "c-two"))[0].ok


def test_merges_of_one_call_build_on_one_another(twins: World) -> None:
    outcomes = twins.write("inga", merge("Customer", "c-rita", "c-two"), merge("Customer", "c-sam", "c-rita"))
    assert [each.status for each in outcomes] == [Status.MERGED, Status.MERGED]
    assert twins.stored("Deal", "d-two").values["customer"] == "c-sam"
    assert twins.stored("Contact", "k-rita").values["customer"] == "c-sam"


def test_all_or_none_merges_nothing_when_one_is_refused(twins: World) -> None:
    writes = (merge("Customer", "c-rita", "c-two"), merge("Customer", "c-rita", "nobody"))
    outcomes = twins.apply("inga", *writes, all_or_none=True)
    assert [error(each).kind for each in outcomes] == [errors.ALL_OR_NONE, errors.NOT_FOUND]
    assert not twins.stored("Customer", "c-two").deleted


def test_a_loser_comes_back_by_undelete_and_what_was_moved_stays(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    twins.write("inga", undelete("Customer", "c-two"))
    loser = twins.stored("Customer", "c-two")
    assert (loser.deleted, loser.merged_into, loser.values["number"]) == (False, None, "K9")
    assert twins.stored("Deal", "d-two").values["customer"] == "c-rita"


def test_a_new_reference_to_a_loser_is_one_to_the_master(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    twins.write("rita", create("Contact", "k9", customer="c-two", lastName="Late"))
    twins.write("rita", update("Contact", "k-rita", customer="c-two"))
    assert {twins.stored("Contact", each).values["customer"] for each in ("k9", "k-rita")} == {"c-rita"}
    late = create(
        "Attachment", "a9", entity="Customer", record="c-two", name="x", mediaType="a/b", size=1, sha256="0" * 64
    )
    twins.write("rita", late)
    assert twins.stored("Attachment", "a9").values["record"] == "c-rita"
    (refused,) = twins.apply("sam", create("Contact", "k8", customer="c-two", lastName="Late"))
    assert error(refused).kind is errors.BROKEN_REFERENCE


def _edit(twins: World, record: str, base: int, **fields: tuple[object, object]) -> Write:
    """A device's edit: old and new value of each field."""
    return Write(
        Verb.UPDATE,
        "Customer",
        record,
        values={name: new for name, (_, new) in fields.items()},  # type: ignore[misc]
        old={name: old for name, (old, _) in fields.items()},  # type: ignore[misc]
        base_version=base,
        edited_at=twins.now - timedelta(days=1),
    )


def test_an_unsent_edit_of_a_loser_goes_on_to_the_master_or_becomes_a_conflict(twins: World) -> None:
    base = twins.stored("Customer", "c-two").version
    twins.write("inga", update("Customer", "c-rita", phone="1"), merge("Customer", "c-rita", "c-two"))
    edit = _edit(twins, "c-two", base, city=("Bonn", "Cologne"), phone=(None, "2"))
    (outcome,) = twins.apply("rita", edit)
    values = twins.stored("Customer", "c-rita").values
    assert (outcome.status, outcome.id, outcome.merged_into) == (Status.CONFLICT, "c-rita", "c-rita")
    assert (values["city"], values["phone"]) == ("Cologne", "1")
    (conflict,) = outcome.conflicts
    assert (conflict.name, conflict.mine, conflict.theirs, conflict.won) == ("phone", "2", "1", "theirs")


def test_an_edit_whose_master_its_writer_does_not_see_survives_as_a_conflict(twins: World) -> None:
    base = twins.stored("Customer", "c-two").version
    twins.write("inga", update("Deal", "d-two", owner="sam"), merge("Customer", "c-sam", "c-two"))
    (outcome,) = twins.apply("rita", _edit(twins, "c-two", base, city=("Bonn", "Cologne")))
    assert (outcome.status, outcome.merged_into, error(outcome).kind) == (Status.GONE, None, errors.NOT_FOUND)
    assert [(each.name, each.mine) for each in outcome.conflicts] == [("city", "Cologne")]


def test_other_writes_of_a_loser_are_refused_with_the_masters_id(twins: World) -> None:
    twins.write("inga", merge("Customer", "c-rita", "c-two"))
    for write in (update("Customer", "c-two", city="x"), delete("Customer", "c-two")):
        (outcome,) = twins.apply("inga", write)
        assert (error(outcome).kind, outcome.merged_into) == (errors.MERGED_AWAY, "c-rita")


def test_many_merges_cost_few_statements(world: World) -> None:
    ids = [f"m{number:02d}" for number in range(40)]
    world.write("inga", *[create("Contact", each, customer="c-rita", lastName="x") for each in ids])
    with world.statements() as few:
        world.write("inga", merge("Contact", ids[0], ids[1]))
    with world.statements() as many:
        world.write("inga", *[merge("Contact", ids[n], ids[n + 1]) for n in range(2, 40, 2)])
    # Three a loser: its outside ids, its pins, its open conflicts.
    assert len(many) - 3 * 19 <= len(few) - 3 + 3
    left = world.run(lambda tx: tx.count("Contact", eq("customer", "c-rita")), read_only=True)
    assert left == 21

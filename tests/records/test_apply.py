"""What a write does: values, versions, renderings, the change log; and what refuses it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from records_world import World, create, delete, error, update
from saddlebag.kernel import errors
from saddlebag.kernel.digest import record_hash
from saddlebag.records.base import Status, Verb, Write


def test_a_created_record_is_stored_rendered_and_logged(world: World) -> None:
    (outcome,) = world.write("rita", create("Deal", "d1", customer="c-rita", title="Seals", amount=Decimal("12.5")))
    record = world.stored("Deal", "d1")
    assert outcome.status is Status.CREATED
    assert outcome.version == record.version == record.born
    assert record.values["amount"] == Decimal("12.50")
    assert record.values["stage"] == "prospect"
    assert record.values["owner"] == "rita"
    assert record.fragment.startswith(f"<id>d1</id><version>{record.version}</version>")
    assert record.hash == record_hash("Deal", "d1", record.version, record.fragment)
    changes = world.run(lambda tx: tx.changes(after=record.version - 1, limit=9), read_only=True)
    assert [(each.entity, each.id, str(each.kind), each.by) for each in changes] == [("Deal", "d1", "create", "rita")]


def test_an_update_changes_only_the_versions_of_the_fields_that_differ(world: World) -> None:
    before = world.stored("Deal", "d-rita")
    (outcome,) = world.write("rita", update("Deal", "d-rita", title="Pumps", nextStep="Call"))
    after = world.stored("Deal", "d-rita")
    assert outcome.changed == ("nextStep",)
    assert after.field_version("title") == before.version
    assert after.field_version("nextStep") == after.version > before.version


def test_a_write_that_changes_nothing_leaves_the_version(world: World) -> None:
    before = world.stored("Deal", "d-rita")
    (outcome,) = world.write("rita", update("Deal", "d-rita", title="Pumps"))
    assert (outcome.status, outcome.version) == (Status.UNCHANGED, before.version)
    assert world.stored("Deal", "d-rita") == before


def test_none_clears_a_field_and_a_required_one_refuses(world: World) -> None:
    cleared, refused = world.apply(
        "rita", update("Deal", "d-rita", closeDate=None), update("Deal", "d-rita", title=None)
    )
    assert cleared.status is Status.UPDATED
    assert world.stored("Deal", "d-rita").values.get("closeDate") is None
    assert (error(refused).kind, error(refused).field) == (errors.REQUIRED_FIELD, "title")


@pytest.mark.parametrize(
    ("values", "kind", "field"),
    [
        ({"customer": "c-rita"}, errors.REQUIRED_FIELD, "title"),
        ({"customer": "c-rita", "title": "x" * 161}, errors.INVALID_VALUE, "title"),
        ({"customer": "c-rita", "title": "x", "amount": Decimal("-1")}, errors.INVALID_VALUE, "amount"),
        ({"customer": "c-rita", "title": "x", "amount": Decimal("1.001")}, errors.INVALID_VALUE, "amount"),
        ({"customer": "c-rita", "title": "x", "stage": "dreaming"}, errors.INVALID_VALUE, "stage"),
        ({"customer": "nobody", "title": "x"}, errors.BROKEN_REFERENCE, "customer"),
        ({"customer": "c-rita", "title": "x", "number": "D1"}, errors.DUPLICATE_KEY, "number"),
        ({"customer": "c-rita", "title": "x", "colour": "red"}, errors.UNKNOWN_FIELD, "colour"),
    ],
)
def test_a_refusal_names_entity_record_and_field(
    world: World, values: dict[str, object], kind: errors.ErrorKind, field: str
) -> None:
    (outcome,) = world.apply("rita", Write(Verb.CREATE, "Deal", "d9", values=values))  # type: ignore[arg-type]
    found = error(outcome)
    assert (outcome.status, found.kind, found.entity, found.record_id, found.field) == (
        Status.REJECTED,
        kind,
        "Deal",
        "d9",
        field,
    )


def test_one_bad_record_does_not_stop_the_others(world: World) -> None:
    writes = [create("Deal", f"d{n}", customer="c-rita", title="" if n == 3 else f"Deal {n}") for n in range(6)]
    outcomes = world.apply("rita", *writes)
    assert [each.ok for each in outcomes] == [True, True, True, False, True, True]
    assert [each.id for each in outcomes] == [f"d{n}" for n in range(6)]


def test_all_or_none_writes_nothing_when_one_record_is_bad(world: World) -> None:
    writes = [create("Deal", f"d{n}", customer="c-rita", title="" if n == 3 else f"Deal {n}") for n in range(6)]
    outcomes = world.apply("rita", *writes, all_or_none=True)
    kinds = [error(each).kind for each in outcomes]
    assert kinds[3] is errors.REQUIRED_FIELD
    assert set(kinds[:3] + kinds[4:]) == {errors.ALL_OR_NONE}
    assert not any(world.sees("adam", "Deal", f"d{n}") for n in range(6))


def test_a_stale_version_is_refused_and_changes_nothing(world: World) -> None:
    version = world.stored("Deal", "d-rita").version
    world.write("rita", update("Deal", "d-rita", title="Bigger pumps"))
    stale = Write(Verb.UPDATE, "Deal", "d-rita", values={"title": "Old"}, if_version=version)
    (outcome,) = world.apply("rita", stale)
    assert error(outcome).kind is errors.STALE_VERSION
    assert world.stored("Deal", "d-rita").values["title"] == "Bigger pumps"


def test_upsert_finds_by_id_or_key_and_creates_otherwise(world: World) -> None:
    by_key = Write(Verb.UPSERT, "Deal", key=("number", "D1"), values={"title": "Found"})
    fresh = Write(Verb.UPSERT, "Deal", key=("number", "D9"), values={"title": "Made", "customer": "c-rita"})
    again = Write(Verb.UPSERT, "Deal", key=("number", "D9"), values={"title": "Made twice"})
    found, made, twice = world.write("rita", by_key, fresh, again)
    assert (found.id, found.status) == ("d-rita", Status.UPDATED)
    assert (made.status, twice.status, twice.id) == (Status.CREATED, Status.UPDATED, made.id)
    assert world.stored("Deal", str(made.id)).values["title"] == "Made twice"
    assert world.stored("Deal", str(made.id)).values["number"] == "D9"


def test_records_of_one_call_may_refer_to_one_another(world: World) -> None:
    world.write(
        "rita",
        create("Customer", "c9", name="New"),
        create("Deal", "d9", customer="c9", title="First"),
        create("DealLine", "l9", deal="d9", product="p1", quantity=Decimal(1)),
    )
    assert world.stored("DealLine", "l9").values["customer"] == "c9"
    assert world.sees("rita", "DealLine", "l9")


def test_a_derived_field_follows_its_source(world: World) -> None:
    (refused,) = world.apply("rita", update("DealLine", "l-rita", customer="c-sam"))
    assert error(refused).kind is errors.READ_ONLY_FIELD
    (outcome,) = world.write("adam", update("Deal", "d-rita", customer="c-north"))
    line = world.stored("DealLine", "l-rita")
    assert line.values["customer"] == "c-north"
    assert line.version != outcome.version
    assert "<customer>c-north</customer>" in line.fragment


def test_a_stage_moves_only_along_its_transitions(world: World) -> None:
    world.write("rita", update("Deal", "d-rita", stage="won"))
    (outcome,) = world.apply("rita", update("Deal", "d-rita", stage="qualify"))
    assert (error(outcome).kind, error(outcome).field) == (errors.INVALID_TRANSITION, "stage")


def test_a_deal_goes_with_its_lines_and_stays_while_an_activity_names_it(world: World) -> None:
    world.write("rita", create("Activity", "a1", customer="c-rita", deal="d-rita", kind="call", subject="Rang"))
    (refused,) = world.apply("rita", delete("Deal", "d-rita"))
    assert error(refused).kind is errors.STILL_REFERENCED
    world.write("rita", delete("Activity", "a1"), delete("Deal", "d-rita"))
    assert world.stored("Deal", "d-rita").deleted
    assert world.stored("DealLine", "l-rita").deleted


def test_what_a_call_itself_adds_or_takes_away_counts_as_a_reference(world: World) -> None:
    world.write("rita", create("Activity", "a1", customer="c-rita", deal="d-rita", kind="call", subject="Rang"))
    moved, added, refused = world.apply(
        "rita",
        update("Activity", "a1", deal=None),
        create("Activity", "a2", customer="c-rita", deal="d-rita", kind="call", subject="Rang again"),
        delete("Deal", "d-rita"),
    )
    assert (moved.ok, added.ok, error(refused).kind) == (True, True, errors.STILL_REFERENCED)
    gone, late = world.apply(
        "rita", update("Activity", "a2", deal=None), create("DealLine", "l2", deal="d-none", product="p1")
    )
    assert (gone.ok, error(late).kind) == (True, errors.REQUIRED_FIELD)
    deleted, late = world.apply(
        "rita", delete("Deal", "d-rita"), create("DealLine", "l2", deal="d-rita", product="p1", quantity=Decimal(1))
    )
    assert (deleted.ok, error(late).kind) == (True, errors.BROKEN_REFERENCE)


def test_two_records_may_hand_a_key_on_in_one_call(world: World) -> None:
    world.write(
        "adam",
        update("Deal", "d-rita", number="D7"),
        create("Deal", "d9", customer="c-rita", title="x", number="D1"),
        update("Deal", "d-sam", number="D8"),
        update("Deal", "d-rita", number="D2"),
    )
    numbers = {each: world.stored("Deal", each).values["number"] for each in ("d-rita", "d-sam", "d9")}
    assert numbers == {"d-rita": "D2", "d-sam": "D8", "d9": "D1"}


def test_a_whole_call_may_be_renumbered(world: World) -> None:
    def deal(n: int) -> Write:
        return create("Deal", f"n{n}", customer="c-rita", title="x", number=f"N{n:04d}")

    world.write("adam", *(deal(n) for n in range(200)))
    world.write("adam", *(update("Deal", f"n{n}", number=f"N{n + 1:04d}") for n in reversed(range(200))))
    assert world.stored("Deal", "n0").values["number"] == "N0001"
    assert world.stored("Deal", "n199").values["number"] == "N0200"


def test_a_deleted_record_is_gone_for_later_writes_and_frees_its_key(world: World) -> None:
    world.write("rita", delete("Deal", "d-rita"), create("Deal", "d9", customer="c-rita", title="Next", number="D1"))
    (outcome,) = world.apply("rita", update("Deal", "d-rita", title="Back"))
    assert (outcome.status, error(outcome).kind) == (Status.GONE, errors.NOT_FOUND)
    (again,) = world.apply("rita", create("Deal", "d-rita", customer="c-rita", title="Back"))
    assert (error(again).kind, error(again).field) == (errors.DUPLICATE_KEY, "id")


def test_a_customer_in_use_stays(world: World) -> None:
    refused, unused = world.apply("adam", delete("Customer", "c-rita"), delete("Customer", "c-north"))
    assert error(refused).kind is errors.STILL_REFERENCED
    assert unused.status is Status.DELETED


def test_two_hundred_records_cost_a_few_statements(world: World) -> None:
    writes = [
        create("Deal", f"b{n}", customer="c-rita", title=f"Deal {n}", number=f"B{n}", closeDate=date(2026, 4, 1))
        for n in range(200)
    ]
    with world.statements() as seen:
        world.write("rita", *writes)
    created = len(seen)
    with world.statements() as seen:
        world.write("rita", *(update("Deal", f"b{n}", title=f"Changed {n}") for n in range(200)))
    updated = len(seen)
    with world.statements() as seen:
        world.write("rita", *(delete("Deal", f"b{n}") for n in range(200)))
    assert max(created, updated, len(seen)) <= 20, (created, updated, len(seen))

"""Records about others: an attachment follows its record, whichever entity that is of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from records_world import World, create, delete, error, update
from saddlebag.kernel import errors
from saddlebag.records import bulk
from saddlebag.records.base import Status, Write

HASH = "0" * 64


def attachment(record_id: str, entity: str, record: str, **more: Any) -> Write:
    """A photo of a record."""
    values = {"name": "photo.jpg", "mediaType": "image/jpeg", "size": 3, "sha256": HASH, **more}
    return create("Attachment", record_id, entity=entity, record=record, **values)


@pytest.mark.parametrize(
    ("entity", "record"), [("Customer", "c-rita"), ("Contact", "k-rita"), ("Deal", "d-rita"), ("DealLine", "l-rita")]
)
def test_the_customer_comes_from_the_record(world: World, entity: str, record: str) -> None:
    world.write("rita", attachment("a", entity, record))
    assert world.stored("Attachment", "a").values["customer"] == "c-rita"


def test_it_is_seen_by_who_sees_its_record_and_by_nobody_else(world: World) -> None:
    world.write("rita", attachment("a", "Deal", "d-rita"))
    assert [world.sees(who, "Attachment", "a") for who in ("rita", "sam", "mona", "inga")] == [True, False, False, True]
    assert error(world.apply("sam", update("Attachment", "a", name="x"))[0]).kind is errors.NOT_FOUND


@pytest.mark.parametrize(
    ("entity", "record", "kind", "field"),
    [
        ("Deal", "d-sam", errors.BROKEN_REFERENCE, "record"),
        ("Deal", "no-such-deal", errors.BROKEN_REFERENCE, "record"),
        ("Contact", "d-rita", errors.BROKEN_REFERENCE, "record"),
        ("Product", "p1", errors.INVALID_VALUE, "entity"),
        ("Attachment", "a0", errors.INVALID_VALUE, "entity"),
        ("Nothing", "x", errors.INVALID_VALUE, "entity"),
    ],
)
def test_it_belongs_to_a_record_that_its_writer_sees(
    world: World, entity: str, record: str, kind: errors.ErrorKind, field: str
) -> None:
    world.write("rita", attachment("a0", "Deal", "d-rita"))
    refused = error(world.apply("rita", attachment("a", entity, record))[0])
    assert (refused.kind, refused.field) == (kind, field)


@pytest.mark.parametrize("field", ["record", "sha256", "size"])
def test_what_it_is_is_said_once(world: World, field: str) -> None:
    world.write("rita", attachment("a", "Deal", "d-rita"))
    changed = update("Attachment", "a", **{field: {"record": "d-x", "sha256": "1" * 64, "size": 4}[field]})
    refused = error(world.apply("inga", changed)[0])
    assert (refused.kind, refused.field) == (errors.READ_ONLY_FIELD, field)
    assert world.write("rita", update("Attachment", "a", name="b.jpg"))[0].status is Status.UPDATED


def test_whether_it_is_stored_only_the_hub_says(world: World) -> None:
    world.write("rita", attachment("a", "Deal", "d-rita"))
    assert error(world.apply("rita", update("Attachment", "a", stored=True))[0]).kind is errors.READ_ONLY_FIELD


def test_it_goes_with_its_record_and_with_what_that_is_a_part_of(world: World) -> None:
    world.write("rita", attachment("a1", "Deal", "d-rita"), attachment("a2", "DealLine", "l-rita"))
    world.write("rita", attachment("a3", "Customer", "c-rita"))
    world.write("rita", delete("Deal", "d-rita"))
    assert [world.stored("Attachment", each).deleted for each in ("a1", "a2", "a3")] == [True, True, False]


def test_an_equal_id_of_another_entity_takes_nothing_along(world: World) -> None:
    world.write("rita", create("Contact", "d-rita", customer="c-rita", lastName="Same id"))
    world.write("rita", attachment("a", "Contact", "d-rita"))
    world.write("rita", delete("Deal", "d-rita"))
    assert not world.stored("Attachment", "a").deleted


def test_it_follows_its_record_to_another_customer(world: World) -> None:
    world.write("rita", attachment("a1", "Deal", "d-rita"), attachment("a2", "DealLine", "l-rita"))
    world.write("hub", update("Deal", "d-rita", customer="c-sam"))
    customers = {world.stored("Attachment", each).values["customer"] for each in ("a1", "a2")}
    assert customers == {"c-sam"}


def test_it_may_come_with_its_record_in_one_call(world: World) -> None:
    visit = create("Activity", "v", customer="c-rita", kind="visit", subject="Saw the plant")
    outcomes = world.write("rita", visit, attachment("a", "Activity", "v"))
    assert [each.status for each in outcomes] == [Status.CREATED, Status.CREATED]
    assert world.stored("Attachment", "a").values["customer"] == "c-rita"


def test_many_cost_few_statements(world: World) -> None:
    with world.statements() as one:
        world.write("rita", attachment("a", "Deal", "d-rita"))
    with world.statements() as many:
        world.write("rita", *[attachment(f"a{number}", "Deal", "d-rita") for number in range(100)])
    assert len(many) <= len(one) + 3


def test_bulk_loading_fills_the_customer_too(world: World) -> None:
    values = {**attachment("a", "Deal", "d-rita").values}
    world.run(lambda tx: bulk.load(tx, "Attachment", [("a", values)], world.now + timedelta(seconds=1)))
    assert world.stored("Attachment", "a").values["customer"] == "c-rita"

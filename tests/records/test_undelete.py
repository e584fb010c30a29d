"""Undelete: a record comes back as it was, with the parts that went with it, where nothing stands against it."""

from __future__ import annotations

import pytest

from records_world import World, create, delete, error, undelete, update
from saddlebag.kernel import errors
from saddlebag.records.base import Status


def test_a_deleted_record_comes_back_as_it_was_and_is_logged(world: World) -> None:
    before = world.stored("Contact", "k-rita")
    world.write("rita", delete("Contact", "k-rita"))
    assert not world.sees("rita", "Contact", "k-rita")
    (outcome,) = world.write("rita", undelete("Contact", "k-rita"))
    after = world.stored("Contact", "k-rita")
    assert (outcome.status, outcome.version) == (Status.UNDELETED, after.version)
    assert (after.values, after.deleted, after.born) == (before.values, False, before.born)
    assert after.version > before.version
    assert world.sees("rita", "Contact", "k-rita")
    entries = world.run(lambda tx: tx.changes(after=after.version - 1, limit=9), read_only=True)
    assert [(each.id, str(each.kind)) for each in entries] == [("k-rita", "undelete")]


def test_what_is_not_deleted_stays_as_it_is(world: World) -> None:
    before = world.stored("Contact", "k-rita")
    assert world.write("rita", undelete("Contact", "k-rita"))[0].status is Status.UNCHANGED
    assert world.stored("Contact", "k-rita") == before


def test_parts_come_back_that_went_with_their_whole_and_no_others(world: World) -> None:
    world.write("rita", create("DealLine", "l-old", deal="d-rita", product="p2", quantity=1))
    world.write(
        "rita",
        create("Attachment", "a1", entity="Deal", record="d-rita", name="x", mediaType="a/b", size=1, sha256="0" * 64),
    )
    world.write("rita", delete("DealLine", "l-old"))
    world.write("rita", delete("Deal", "d-rita"))
    world.write("rita", undelete("Deal", "d-rita"))
    there = {name: world.stored("DealLine", name).deleted for name in ("l-rita", "l-old")}
    assert there == {"l-rita": False, "l-old": True}
    assert not world.stored("Attachment", "a1").deleted
    assert world.stored("DealLine", "l-rita").values["customer"] == "c-rita"


def test_a_key_that_was_taken_meanwhile_stands_against_it(world: World) -> None:
    world.write("rita", delete("Deal", "d-rita"))
    world.write("rita", create("Deal", "d-new", number="D1", customer="c-rita", title="Other"))
    outcomes = world.apply("rita", undelete("Deal", "d-rita"), update("Deal", "d-new", title="Third"))
    assert [error(outcomes[0]).kind, outcomes[1].status] == [errors.DUPLICATE_KEY, Status.UPDATED]
    assert world.stored("Deal", "d-rita").deleted


def test_what_it_refers_to_must_be_there(world: World) -> None:
    world.write("rita", delete("Deal", "d-rita"))
    world.write("inga", create("Product", "p9", sku="S9", name="Nine"))
    world.write("rita", create("Deal", "d9", customer="c-rita", title="Nine"))
    world.write("rita", create("DealLine", "l9", deal="d9", product="p9", quantity=1))
    world.write("rita", delete("Deal", "d9"))
    world.write("inga", delete("Product", "p9"))
    (outcome,) = world.apply("rita", undelete("Deal", "d9"))
    assert error(outcome).kind is errors.BROKEN_REFERENCE
    assert world.stored("Deal", "d9").deleted
    assert world.stored("DealLine", "l9").deleted
    world.write("inga", undelete("Product", "p9"))
    world.write("rita", undelete("Deal", "d9"))
    assert not world.stored("DealLine", "l9").deleted


@pytest.mark.parametrize("who", ["sam", "rita"])
def test_only_who_may_delete_may_undelete(world: World, who: str) -> None:
    world.write("adam", create("Customer", "c9", name="Nine", owner="rita"))
    world.write("adam", delete("Customer", "c9"))
    kind = {"sam": errors.NOT_FOUND, "rita": errors.NOT_ALLOWED}[who]
    assert error(world.apply(who, undelete("Customer", "c9"))[0]).kind is kind


def test_it_can_be_deleted_and_undeleted_in_one_call(world: World) -> None:
    before = world.stored("Contact", "k-rita")
    statuses = [each.status for each in world.write("rita", delete("Contact", "k-rita"), undelete("Contact", "k-rita"))]
    assert statuses == [Status.DELETED, Status.UNDELETED]
    assert world.stored("Contact", "k-rita") == before

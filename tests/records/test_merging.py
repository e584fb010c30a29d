"""What becomes of a device's edits when the hub has moved on."""

from __future__ import annotations

from datetime import timedelta

from records_world import World, delete, error, update
from saddlebag.kernel import errors
from saddlebag.model.fields import Value
from saddlebag.records.base import Status, Verb, Write
from saddlebag.store.tables import Conflict


def edit(world: World, base: int, old: dict[str, Value], new: dict[str, Value], *, minutes: int = 0) -> Write:
    """A device's edit of rita's deal, made `minutes` before now."""
    at = world.now - timedelta(minutes=minutes)
    return Write(Verb.UPDATE, "Deal", "d-rita", values=new, base_version=base, old=old, edited_at=at)


def conflicts(world: World) -> list[Conflict]:
    return world.run(lambda tx: tx.rows.select(Conflict, entity="Deal"), read_only=True)


def test_an_edit_of_an_unchanged_record_is_applied(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    (outcome,) = world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "Big pumps"}))
    assert outcome.status is Status.UPDATED
    assert world.stored("Deal", "d-rita").values["title"] == "Big pumps"


def test_edits_of_different_fields_do_not_conflict(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", update("Deal", "d-rita", probability=40))
    (outcome,) = world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "Big pumps"}))
    assert (outcome.status, outcome.conflicts) == (Status.UPDATED, ())
    values = world.stored("Deal", "d-rita").values
    assert (values["title"], values["probability"]) == ("Big pumps", 40)


def test_the_later_edit_wins_and_the_other_is_kept(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", update("Deal", "d-rita", title="Hub's"))
    world.tick(hours=1)
    (outcome,) = world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "Device's"}, minutes=90))
    assert outcome.status is Status.CONFLICT
    assert world.stored("Deal", "d-rita").values["title"] == "Hub's"
    (kept,) = conflicts(world)
    assert (kept.field, kept.base, kept.mine, kept.theirs, kept.won, kept.user) == (
        "title",
        "Pumps",
        "Device's",
        "Hub's",
        "theirs",
        "rita",
    )
    (second,) = world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "Device's"}))
    assert (second.conflicts[0].won, second.conflicts[0].theirs) == ("mine", "Hub's")
    assert world.stored("Deal", "d-rita").values["title"] == "Device's"


def test_notes_from_both_sides_are_joined_with_their_author(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", update("Deal", "d-rita", notes="From the office."))
    (outcome,) = world.write("rita", edit(world, base, {}, {"notes": "From the field."}))
    assert (outcome.status, outcome.merged) == (Status.MERGED, ("notes",))
    assert world.stored("Deal", "d-rita").values["notes"] == "From the office.\n[Rita] From the field."


def test_a_closed_deal_is_not_opened_again_by_an_older_edit(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", update("Deal", "d-rita", stage="won"))
    (outcome,) = world.write("rita", edit(world, base, {"stage": "qualify"}, {"stage": "propose"}))
    assert outcome.status is Status.CONFLICT
    assert world.stored("Deal", "d-rita").values["stage"] == "won"


def test_the_device_s_own_earlier_edit_is_no_conflict(world: World) -> None:
    """A second edit made before the next pull still names the version from before the first."""
    base = world.stored("Deal", "d-rita").version
    world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "One"}))
    (outcome,) = world.write("rita", edit(world, base, {"title": "One"}, {"title": "Two"}))
    assert (outcome.status, outcome.conflicts) == (Status.UPDATED, ())
    assert world.stored("Deal", "d-rita").values["title"] == "Two"


def test_two_edits_of_one_record_in_one_call_are_one_version(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    edits = [edit(world, base, {"title": old}, {"title": new}) for old, new in [("Pumps", "One"), ("One", "Two")]]
    first, second = world.write("rita", *edits)
    assert first.version == second.version == world.stored("Deal", "d-rita").version
    assert world.stored("Deal", "d-rita").values["title"] == "Two"


def test_an_edit_of_a_deleted_record_survives_as_a_conflict(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", delete("Deal", "d-rita"))
    (outcome,) = world.apply("rita", edit(world, base, {"title": "Pumps"}, {"title": "Too late"}))
    assert (outcome.status, error(outcome).kind) == (Status.GONE, errors.NOT_FOUND)
    (kept,) = conflicts(world)
    assert (kept.mine, kept.won, kept.rule) == ("Too late", "theirs", "delete-wins")


def test_a_deletion_keeps_what_it_did_not_know(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    world.write("adam", update("Deal", "d-rita", nextStep="Call them"))
    world.write("rita", Write(Verb.DELETE, "Deal", "d-rita", base_version=base, edited_at=world.now))
    assert world.stored("Deal", "d-rita").deleted
    (kept,) = conflicts(world)
    assert (kept.field, kept.theirs, kept.won) == ("nextStep", "Call them", "mine")


def test_a_device_s_clock_that_is_ahead_wins_nothing_by_it(world: World) -> None:
    base = world.stored("Deal", "d-rita").version
    ahead = Write(
        Verb.UPDATE,
        "Deal",
        "d-rita",
        values={"title": "Ahead"},
        base_version=base,
        old={"title": "Pumps"},
        edited_at=world.now + timedelta(days=400),
    )
    world.write("rita", ahead)
    world.tick(hours=1)
    (outcome,) = world.write("rita", edit(world, base, {"title": "Pumps"}, {"title": "Later"}))
    assert world.stored("Deal", "d-rita").values["title"] == "Later"
    assert outcome.conflicts[0].won == "mine"

"""Patches: a device whose version of a record is known gets what changed of it, and comes out byte for byte equal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model_device import Laptop
from records_world import World, create, update
from saddlebag.kernel.digest import Digest
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import ManifestSlot, ScopeRuleRow
from saddlebag.sync import engine
from saddlebag.sync.defaults import DEFAULT
from saddlebag.sync.rules import write_scope

LONG = "what was said " * 20


@pytest.fixture
def noted(hub: World) -> Laptop:
    """Rita's laptop; her deal and contact hold so much that a patch is shorter."""
    hub.write("rita", update("Deal", "d-rita", notes=LONG, nextStep="Call"), update("Contact", "k-rita", notes=LONG))
    made = Laptop.registered(hub, "rita")
    made.sync()
    return made


def news(laptop: Laptop) -> engine.Answer:
    """The page that comes next, applied; the digest proves what became of it."""
    answer = laptop.pull()
    assert answer.digest == Digest.of(each.hash for each in laptop.held())
    return answer


def whole(laptop: Laptop, entity: str, record: str) -> bool:
    """Whether the next page sends the record whole."""
    answer = news(laptop)
    assert {each.id for each in (*answer.puts.get(entity, ()), *answer.patches.get(entity, ()))} == {record}
    return not answer.patches


def test_only_what_changed_is_sent(hub: World, noted: Laptop) -> None:
    hub.write("rita", update("Deal", "d-rita", title="Pumps, larger"))
    (patch,) = news(noted).patches["Deal"]
    assert [name for name, _, _ in patch.changed] == ["title"]
    assert patch.cleared == ()
    assert noted.rows["Deal", "d-rita"] == hub.stored("Deal", "d-rita").fragment


def test_a_field_that_was_cleared_is_named_and_one_that_was_set_is_placed(hub: World, noted: Laptop) -> None:
    hub.write("rita", update("Deal", "d-rita", nextStep=None, probability=40))
    (patch,) = news(noted).patches["Deal"]
    assert [name for name, _, _ in patch.changed] == ["probability"]
    assert patch.cleared == ("nextStep",)
    assert noted.rows["Deal", "d-rita"] == hub.stored("Deal", "d-rita").fragment


def test_a_field_that_stays_at_the_hub_moves_the_version_alone(hub: World, noted: Laptop) -> None:
    hub.write("inga", update("Customer", "c-rita", taxNumber="DE 1"))
    (patch,) = news(noted).patches["Customer"]
    assert (patch.changed, patch.cleared) == ((), ())


def test_changes_since_the_version_held_come_together(hub: World, noted: Laptop) -> None:
    for field, value in (("title", "Pumps, larger"), ("amount", None), ("title", "Pumps again")):
        hub.write("rita", update("Deal", "d-rita", **{field: value}))
    (patch,) = news(noted).patches["Deal"]
    assert ([name for name, _, _ in patch.changed], patch.cleared) == (["title"], ("amount",))


def test_a_device_that_does_not_say_that_it_merges_gets_records_whole(hub: World, noted: Laptop) -> None:
    noted.merges = False
    hub.write("rita", update("Deal", "d-rita", title="Pumps, larger"))
    assert whole(noted, "Deal", "d-rita")


def test_a_record_is_whole_where_that_is_not_longer(hub: World, noted: Laptop) -> None:
    hub.write("hub", update("Warehouse", "w1", name="Mainz"))
    assert whole(noted, "Warehouse", "w1")


def test_a_page_that_was_lost_is_a_patch_again(hub: World, noted: Laptop) -> None:
    hub.write("rita", update("Deal", "d-rita", title="Pumps, larger"))
    first = engine.pull(hub.run, noted.principal, noted.cursor, hub.now, merges=True)
    again = engine.pull(hub.run, noted.principal, noted.cursor, hub.now, merges=True)
    assert first == again
    assert not whole(noted, "Deal", "d-rita")


def test_after_healing_records_are_whole_until_a_page_has_been_the_last(hub: World, noted: Laptop) -> None:
    news(noted)  # what it holds is proved, so that healing finds nothing to list
    assert noted.heal() == 0
    hub.write("rita", update("Deal", "d-rita", title="Pumps, larger"))
    assert whole(noted, "Deal", "d-rita")
    hub.write("rita", update("Deal", "d-rita", title="Pumps"))
    assert not whole(noted, "Deal", "d-rita")


def test_a_damaged_row_comes_whole(hub: World, noted: Laptop) -> None:
    news(noted)
    noted.rows["Deal", "d-rita"] = noted.rows["Deal", "d-rita"].replace("Pumps", "Pomps")
    noted.sync()
    assert noted.received == [("Deal", "d-rita")]
    assert noted.rows["Deal", "d-rita"] == hub.stored("Deal", "d-rita").fragment


def test_a_holding_that_the_hub_lost_is_healed_with_nothing_sent(hub: World, noted: Laptop) -> None:
    hub.run(lambda tx: tx.rows.delete(ManifestSlot, device=noted.device))
    noted.sync()
    assert not noted.received


def test_a_record_whose_carried_fields_changed_comes_whole(hub: World, noted: Laptop) -> None:
    """Held short, then carried whole and changed in one pull: what is missing is no change that the hub has logged."""

    def carry(*fields: str) -> None:
        scope = replace(DEFAULT, rules=(replace(DEFAULT.rules[0], fields=fields),))
        row = ScopeRuleRow("default", 1, write_scope(scope, BUILTIN))
        hub.run(lambda tx: tx.rows.put(row))

    carry("title", "notes")
    noted.sync()
    hub.write("rita", update("Deal", "d-rita", title="Pumps, larger"))
    assert not whole(noted, "Deal", "d-rita")
    hub.write("rita", update("Deal", "d-rita", title="Pumps"))
    carry()
    assert whole(noted, "Deal", "d-rita")
    assert noted.rows["Deal", "d-rita"] == hub.stored("Deal", "d-rita").fragment


def test_a_record_that_came_back_is_whole(hub: World, noted: Laptop) -> None:
    hub.write("adam", update("Deal", "d-rita", owner="sam"))
    noted.sync()
    hub.write("adam", update("Deal", "d-rita", owner="rita"))
    answer = news(noted)
    assert [each.id for each in answer.puts["Deal"]] == ["d-rita"]
    assert not answer.patches


def test_new_records_and_patches_share_a_page(hub: World, noted: Laptop) -> None:
    hub.write(
        "rita",
        update("Deal", "d-rita", title="Pumps, larger"),
        create("Contact", "k-new", customer="c-rita", lastName="Cern"),
    )
    answer = news(noted)
    assert [each.id for each in answer.puts["Contact"]] == ["k-new"]
    assert [each.id for each in answer.patches["Deal"]] == ["d-rita"]

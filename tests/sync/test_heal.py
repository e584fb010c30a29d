"""Healing: whatever the device and the hub think of each other, the next pull sends the difference and no more."""

from __future__ import annotations

import pytest

from model_device import Laptop
from records_world import World, create, delete, update
from saddlebag.kernel.errors import SCHEMA_INVALID, SaddlebagError
from saddlebag.kernel.manifest import Held, in_shards, pack, pack_sums, shard_sums
from saddlebag.store.base import Transaction
from saddlebag.store.tables import ManifestSlot, PendingPage
from saddlebag.sync import engine
from saddlebag.sync.page import Reason


@pytest.fixture
def laptop(hub: World) -> Laptop:
    made = Laptop.registered(hub, "rita")
    made.sync()
    made.sync()
    return made


def test_a_flipped_bit_costs_one_record(hub: World, laptop: Laptop) -> None:
    good = dict(laptop.rows)
    laptop.rows["Deal", "d-rita"] = good["Deal", "d-rita"].replace("Pumps", "Qumps")
    laptop.sync()
    assert laptop.rows == good
    assert laptop.received == [("Deal", "d-rita")]


def test_a_restored_image_gets_only_what_it_lacks(hub: World, laptop: Laptop) -> None:
    image = laptop.image()
    hub.write("rita", create("Activity", "a1", customer="c-rita", kind="note", subject="x"))
    hub.write("adam", delete("Contact", "k-rita"))
    laptop.sync()
    laptop.sync()
    image.sync()
    assert image.rows == laptop.rows
    assert image.received == [("Activity", "a1")]
    assert image.incarnation > laptop.incarnation


def test_two_copies_of_one_device_do_no_harm_to_each_other(hub: World, laptop: Laptop) -> None:
    copy = laptop.image()
    for number in range(3):
        hub.write("adam", update("Deal", "d-rita", title=f"Title {number}"))
        copy.sync()
        laptop.sync()
        assert copy.rows == laptop.rows


def test_a_hub_that_lost_the_manifest_is_told_again(hub: World, laptop: Laptop) -> None:
    def forget(tx: Transaction) -> None:
        tx.rows.delete(ManifestSlot, device=laptop.device)
        tx.rows.delete(PendingPage, device=laptop.device)

    hub.run(forget)
    laptop.sync()
    assert laptop.rows
    assert not laptop.received


def test_a_device_that_holds_nothing_is_not_taken_for_one_whose_manifest_was_lost(hub: World, laptop: Laptop) -> None:
    hub.write("adam", update("Deal", "d-rita", owner="sam"))
    laptop.sync()
    laptop.sync()
    assert not laptop.rows
    laptop.heal()
    assert not laptop.pull().reconcile


def test_a_device_unseen_for_a_year_gets_the_difference(hub: World, laptop: Laptop) -> None:
    hub.tick(days=365)
    deal = update("Deal", "d-rita", closeDate=hub.now.date())
    hub.write("adam", deal)
    laptop.sync()
    assert laptop.received == [("Deal", "d-rita")]
    assert not laptop.evicted


def test_an_empty_file_under_a_known_device_is_filled_again(hub: World, laptop: Laptop) -> None:
    before = dict(laptop.rows)
    laptop.rows.clear()
    laptop.sync()
    assert laptop.rows == before


def test_rows_that_the_hub_knows_nothing_of_are_taken_away(hub: World, laptop: Laptop) -> None:
    laptop.rows["Deal", "stray"] = "<id>stray</id><version>1</version>"
    laptop.sync()
    assert laptop.left() == {("Deal", "stray"): Reason.LEFT_SCOPE}


def reconcile(laptop: Laptop, sums: bytes, keys: bytes | None) -> engine.Healing:
    return laptop.world.run(
        lambda tx: engine.reconcile(
            tx, laptop.principal, laptop.device, laptop.incarnation, sums, keys, laptop.world.now
        )
    )


@pytest.mark.parametrize("record", ["d-sam", "d-gone", "no-such"])
def test_a_forged_claim_learns_nothing_about_a_record(hub: World, laptop: Laptop, record: str) -> None:
    """Another rep's deal, a deleted one and none at all: all leave for the same reason."""
    hub.write("sam", create("Deal", "d-gone", customer="c-sam", owner="sam", title="x"))
    hub.write("sam", delete("Deal", "d-gone"))
    laptop.rows["Deal", record] = f"<id>{record}</id><version>1</version>"
    laptop.sync()
    assert laptop.left() == {("Deal", record): Reason.LEFT_SCOPE}


def test_entries_that_do_not_add_up_are_refused(hub: World, laptop: Laptop) -> None:
    stray = [*laptop.held(), Held("Deal", "stray", 1, 7)]
    sums = pack_sums(shard_sums(stray))
    shards = reconcile(laptop, sums, None).shards
    truth = in_shards(stray, shards)
    for keys in (b"", b"\x01junk", pack(truth[:-1]), pack([*truth, truth[0]]), pack([*stray, Held("Deal", "x", 1, 0)])):
        with pytest.raises(SaddlebagError) as caught:
            reconcile(laptop, sums, keys)
        assert caught.value.kind is SCHEMA_INVALID
    with pytest.raises(SaddlebagError) as caught:
        reconcile(laptop, sums[:-1], None)
    assert caught.value.kind is SCHEMA_INVALID
    laptop.sync()
    assert not laptop.received


def test_asking_for_the_differing_parts_changes_nothing(hub: World, laptop: Laptop) -> None:
    incarnation = laptop.incarnation
    answer = reconcile(laptop, pack_sums([1] * 256), None)
    assert answer.incarnation == incarnation
    assert len(answer.shards) == 256
    laptop.sync()
    assert laptop.incarnation == incarnation


def test_a_healed_device_never_gets_an_incarnation_that_was_used(hub: World, laptop: Laptop) -> None:
    laptop.incarnation = 40
    laptop.heal()
    assert laptop.incarnation == 41

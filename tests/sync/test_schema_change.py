"""A field that is added to an entity costs no device anything until somebody gives it a value, and breaks no client.

Two hubs on one database stand for the hub before its upgrade and after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from office import Office
from records_world import settled, update
from saddlebag.kernel.errors import UNKNOWN_FIELD, SaddlebagError
from saddlebag.kernel.ops import OpStatus
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Field, Kind
from saddlebag.store import init_store, open_store
from saddlebag.store.sql import SqlStore
from sync_devices import Device
from wire_hub import WireHub

WIDE = BUILTIN.with_fields("Deal", Field("mood", Kind.CODE, "How they feel.", values=("calm", "cross"), default="calm"))
DEAL = ("Deal", "d-rita")


@dataclass
class Upgrade:
    """An office whose hub knows one field more from some moment on."""

    office: Office
    laptop: Device
    old: SqlStore
    new: SqlStore

    def run(self, store: SqlStore) -> None:
        """Serve from this store."""
        self.office.world.store = store
        self.laptop.hub = WireHub(store)

    def requests(self) -> list[int]:
        """Sync and tell the length of each answer to a pull."""
        sizes: list[int] = []
        judge = self.laptop.watch

        def watch(answer: object) -> None:
            judge(answer)  # type: ignore[arg-type]
            sizes.append(len(self.laptop.raw))

        self.laptop.watch = watch
        self.laptop.received, self.laptop.evicted = [], []
        self.laptop.synced()
        self.laptop.watch = judge
        return sizes


@pytest.fixture(params=[True, False], ids=["patches", "old-client"])
def upgrade(request: pytest.FixtureRequest, store_url: str) -> Iterator[Upgrade]:
    """Rita's laptop, in step with a hub that was upgraded since."""
    init_store(store_url, WIDE)
    old, new = open_store(store_url), open_store(store_url, WIDE)
    office = Office(settled(old, "amber"), "amber")
    office.settle()
    laptop = Device.made(WireHub(old), office, "rita")
    laptop.merges = request.param
    laptop.synced()
    laptop.synced()
    made = Upgrade(office, laptop, old, new)
    made.run(new)
    yield made
    old.close()
    new.close()


def test_the_upgrade_alone_sends_nothing(upgrade: Upgrade) -> None:
    (size,) = upgrade.requests()
    assert size <= 400
    assert not upgrade.laptop.received


def test_only_records_that_are_given_a_value_travel(upgrade: Upgrade) -> None:
    upgrade.office.world.write("adam", update(*DEAL, mood="cross"))
    upgrade.requests()
    assert upgrade.laptop.received == [DEAL]
    assert upgrade.laptop.texts(*DEAL)["mood"] == "cross"


def test_a_client_that_does_not_know_the_field_keeps_its_value(upgrade: Upgrade) -> None:
    """She edits another field offline, in a version in which nobody had given it a value."""
    edit = upgrade.laptop.edit(*DEAL, nextStep="Call them.")
    upgrade.office.world.write("adam", update(*DEAL, mood="cross"))
    upgrade.requests()
    assert upgrade.laptop.results[edit.sequence].status is OpStatus.APPLIED
    texts = upgrade.laptop.texts(*DEAL)
    assert (texts["mood"], texts["nextStep"]) == ("cross", "Call them.")
    upgrade.laptop.edit(*DEAL, nextStep="Call again.")
    upgrade.requests()
    assert upgrade.office.world.stored(*DEAL).values["mood"] == "cross"


def test_a_field_that_is_gone_again_is_not_offered(upgrade: Upgrade) -> None:
    """Neither is anything sent for its going; an edit of it is refused, and the record goes on without it."""
    upgrade.office.world.write("adam", update(*DEAL, mood="cross"))
    upgrade.requests()
    upgrade.run(upgrade.old)
    (size,) = upgrade.requests()
    assert size <= 400
    edit = upgrade.laptop.edit(*DEAL, mood="calm")
    upgrade.laptop.bring_home()
    result = upgrade.laptop.results[edit.sequence]
    assert (result.status, result.code) == (OpStatus.REJECTED, UNKNOWN_FIELD.code)
    with pytest.raises(SaddlebagError, match=UNKNOWN_FIELD.code):
        upgrade.office.world.write("adam", update(*DEAL, mood="calm"))
    upgrade.laptop.disturbed = True  # the laptop may find out by its digest that a patch could not tell of the field
    upgrade.office.world.write("adam", update(*DEAL, title="Without"))
    upgrade.requests()
    assert "mood" not in upgrade.laptop.texts(*DEAL)
    assert set(upgrade.laptop.received) == {DEAL}

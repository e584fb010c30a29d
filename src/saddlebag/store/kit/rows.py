"""Technical rows: kept under their key, replaced, added once, selected in order.

Belongs here: promises of the gateway. May not know: what the rows mean.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from saddlebag.store.base import Store
from saddlebag.store.kit.make import NOW, Desk
from saddlebag.store.tables import Device, ManifestSlot, OutboxRow, Pin, Session

LONG_AGO = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=NOW.tzinfo)


class RowPromises:
    """What a store does with technical rows."""

    def test_a_row_is_read_back_under_its_key(self, store: Store) -> None:
        desk = Desk(store)
        device = Device("d", "u", 'Ann\'s "laptop"', "linux", "h", 2**40, 3, 4, True, LONG_AGO, NOW)
        slot = ManifestSlot("d", 255, bytes(range(256)))
        desk.run(lambda tx: tx.rows.put(device))
        desk.run(lambda tx: tx.rows.put(slot))
        assert desk.read(lambda tx: tx.rows.get(Device, "d")) == device
        assert desk.read(lambda tx: tx.rows.get(ManifestSlot, "d", 255)) == slot
        assert desk.read(lambda tx: tx.rows.get(ManifestSlot, "d", 254)) is None

    def test_put_replaces_and_add_does_not(self, store: Store) -> None:
        desk = Desk(store)
        row = OutboxRow(1, "erp", "Deal", "d1", "update", NOW)
        leased = replace(row, attempts=1, lease_until=NOW)
        assert desk.run(lambda tx: tx.rows.add(row))
        assert not desk.run(lambda tx: tx.rows.add(leased))
        assert desk.read(lambda tx: tx.rows.get(OutboxRow, 1, "erp")) == row
        desk.run(lambda tx: tx.rows.put(leased))
        assert desk.read(lambda tx: tx.rows.get(OutboxRow, 1, "erp")) == leased

    def test_a_row_that_is_all_key_may_be_put_twice(self, store: Store) -> None:
        desk = Desk(store)
        pin = Pin("u", "Deal", "d1")
        for _ in range(2):
            desk.run(lambda tx: tx.rows.put(pin))
        assert not desk.run(lambda tx: tx.rows.add(pin))
        assert desk.read(lambda tx: tx.rows.select(Pin)) == [pin]

    def test_many_rows_are_put_at_once(self, store: Store) -> None:
        desk = Desk(store)
        slots = [ManifestSlot("d", each, b"x" * each) for each in range(500)]
        desk.run(lambda tx: tx.rows.put_all(slots))
        desk.run(lambda tx: tx.rows.put_all([]))
        desk.run(lambda tx: tx.rows.put_all([replace(each, entries=b"y") for each in slots[:300]]))
        held = desk.read(lambda tx: tx.rows.select(ManifestSlot, device="d"))
        assert [each.slot for each in held] == list(range(500))
        assert [each.entries for each in held] == [b"y"] * 300 + [each.entries for each in slots[300:]]

    def test_many_rows_are_deleted_at_once_by_their_keys(self, store: Store) -> None:
        desk = Desk(store)
        slots = [ManifestSlot("d1", number, b"x") for number in range(300)]
        desk.run(lambda tx: tx.rows.put_all(slots))
        desk.run(lambda tx: tx.rows.delete_all([]))
        desk.run(lambda tx: tx.rows.delete_all([replace(each, entries=b"y") for each in slots[1:]]))
        assert desk.run(lambda tx: tx.rows.select(ManifestSlot, device="d1")) == slots[:1]

    def test_rows_are_selected_by_equal_lesser_and_greater_fields(self, store: Store) -> None:
        desk = Desk(store)
        sessions = [
            Session(f"t{each}", "ann" if each % 2 else "bob", "", NOW, NOW + timedelta(minutes=each % 3))
            for each in range(6)
        ]
        desk.run(lambda tx: tx.rows.put_all(sessions))

        def asked(**given: object) -> list[str]:
            return [each.token_hash for each in desk.read(lambda tx: tx.rows.select(Session, **given))]  # type: ignore[arg-type]

        later = NOW + timedelta(minutes=1)
        assert asked(user="ann") == ["t1", "t3", "t5"]
        assert asked(before={"expires_at": later}) == ["t0", "t3"]
        assert asked(after={"expires_at": later}) == ["t2", "t5"]
        assert asked(after={"expires_at": NOW}, before={"expires_at": later + timedelta(1)}, user="bob") == ["t2", "t4"]
        assert asked(order=("expires_at",)) == ["t0", "t3", "t1", "t4", "t2", "t5"]
        assert asked(order=("user", "expires_at"), limit=2) == ["t3", "t1"]

    def test_none_is_equal_to_none(self, store: Store) -> None:
        desk = Desk(store)
        free = OutboxRow(1, "erp", "Deal", "d1", "update", NOW)
        leased = replace(free, sequence=2, lease_until=NOW)
        desk.run(lambda tx: tx.rows.put_all([free, leased]))
        assert desk.read(lambda tx: tx.rows.select(OutboxRow, lease_until=None)) == [free]
        assert desk.run(lambda tx: tx.rows.delete(OutboxRow, lease_until=None)) == 1

    def test_delete_counts_what_it_deleted(self, store: Store) -> None:
        desk = Desk(store)
        desk.run(lambda tx: tx.rows.put_all([Pin(user, "Deal", record) for user in "ab" for record in "xyz"]))
        assert desk.run(lambda tx: tx.rows.delete(Pin, user="a", record="x")) == 1
        assert desk.run(lambda tx: tx.rows.delete(Pin, user="a")) == 2
        assert desk.run(lambda tx: tx.rows.delete(Pin)) == 3
        assert desk.run(lambda tx: tx.rows.delete(Pin)) == 0

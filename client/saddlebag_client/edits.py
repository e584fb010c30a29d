"""Edits: what a person changes, as fields laid over the row and as operations that wait in the outbox.

Belongs here: making, merging, mending and giving up operations. May not know: the wire, what the hub answers.
An operation that nobody has seen takes up further edits of its record; one that was sent never changes any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from saddlebag.kernel.errors import INVALID_VALUE, STILL_REFERENCED, SaddlebagError
from saddlebag_client import outbox, rows
from saddlebag_client.local import LocalFile
from saddlebag_client.outbox import PARKED, SENT, UNSENT, Operation
from saddlebag_client.rows import Held, Texts


def edit(file: LocalFile, held: Held, changes: Mapping[str, Texts], now: str) -> int:
    """Write an edit down: the fields as dirty, the operation in the outbox. Returns its sequence, 0 for no change."""
    changes = {name: new for name, new in changes.items() if new != held.text(name)}
    parked = [each for each in outbox.operations(file, PARKED) if (each.entity, each.id) == (held.entity, held.id)]
    if not changes and not parked:
        return 0
    with file.transaction() as db:
        if parked:
            return _mend(file, held, parked, changes, now)
        open_one = _mergeable(db, held, changes)
        fields = {name: (held.text(name), new) for name, new in changes.items()}
        if open_one is None:
            base = _base(held, changes)
            sequence = _add(file, Operation("update", held.entity, held.id, base, now, fields))
        else:
            sequence = _merge(db, open_one, fields, now)
        _mark(db, held.entity, held.id, fields, sequence)
        return sequence


def create(
    file: LocalFile, entity: str, record_id: str, values: Mapping[str, Texts], now: str, group: str | None = None
) -> int:
    """Write a new record down under the id that the laptop made for it; a `group` is created whole or not at all."""
    fields: dict[str, tuple[Texts, Texts]] = {name: (None, new) for name, new in values.items() if new is not None}
    with file.transaction() as db:
        rows.create(db, entity, record_id)
        sequence = _add(file, Operation("create", entity, record_id, None, now, fields, group=group))
        _mark(db, entity, record_id, fields, sequence)
        return sequence


def delete(file: LocalFile, held: Held, now: str) -> int:
    """Write a deletion down; edits that nobody has seen go with it. Returns its sequence, 0 for none to send.

    Raises STILL_REFERENCED and INVALID_VALUE for a record made here that the hub does not have yet.
    """
    key = (held.entity, held.id)
    mine = [each for each in _all(file) if (each.entity, each.id) == key]
    parked = [each for each in mine if each.status == PARKED]
    if not held.version:
        _forget_new(file, held, mine, now)
        return 0
    with file.transaction() as db:
        for each in mine:
            if each.status in (UNSENT, PARKED):
                db.execute("DELETE FROM outbox WHERE sequence = ?", (each.sequence,))
                db.execute("DELETE FROM dirty WHERE sequence = ?", (each.sequence,))
        settled = [each.settled for each in held.edits.values() if each.settled is not None]
        settles = parked[0].sequence if parked else next((each.settles for each in mine if each.status == UNSENT), None)
        sequence = _add(file, Operation("delete", *key, max([held.version, *settled]), now, settles=settles))
        values = (*key, rows.DELETED, rows.dump(None), rows.dump(None), sequence)
        db.execute("INSERT OR REPLACE INTO dirty VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
        return sequence


def _forget_new(file: LocalFile, held: Held, mine: list[Operation], now: str) -> None:
    """Take back a record that was made here: the hub never hears of it, or hears that its parked creation is off."""
    if any(each.status == SENT for each in mine):
        raise SaddlebagError(INVALID_VALUE, "The record is on its way to the hub: sync first.", entity=held.entity)
    others = [each for each in _all(file) if each.id != held.id]
    if any(new == held.id for each in others for _, new in each.fields.values()):
        raise SaddlebagError(STILL_REFERENCED, "Something else made here names the record.", entity=held.entity)
    with file.transaction() as db:
        for each in mine:
            if each.status == PARKED:
                discard(file, each, now)
            else:
                db.execute("DELETE FROM outbox WHERE sequence = ?", (each.sequence,))
        db.execute("DELETE FROM dirty WHERE entity = ? AND id = ?", (held.entity, held.id))
        db.execute("DELETE FROM rows WHERE entity = ? AND id = ? AND version = 0", (held.entity, held.id))


def _all(file: LocalFile) -> list[Operation]:
    return outbox.operations(file, UNSENT, SENT, PARKED)


def discard(file: LocalFile, operation: Operation, now: str) -> None:
    """Give up a parked edit (an edit without fields tells the hub), or put a settled conflict away."""
    key = (operation.entity, operation.id)
    with file.transaction() as db:
        db.execute("DELETE FROM outbox WHERE sequence = ?", (operation.sequence,))
        if operation.status != PARKED:
            return
        db.execute("DELETE FROM dirty WHERE sequence = ?", (operation.sequence,))
        db.execute("DELETE FROM rows WHERE entity = ? AND id = ? AND version = 0", key)
        if operation.result.get("status") != "gone":
            _add(file, Operation("update", *key, operation.base, now, settles=operation.sequence))


def _add(file: LocalFile, operation: Operation) -> int:
    sequence = file.next_sequence()
    key = f"{file.need('device')}/{file.need('incarnation')}/{sequence}"
    file.db.execute(
        "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (sequence, key, operation.entity, operation.id, UNSENT, outbox.payload(operation)),
    )
    return sequence


def _mergeable(db: sqlite3.Connection, held: Held, changes: Mapping[str, Texts]) -> Operation | None:
    """The record's newest operation if it is unsent and no change names a record that is created after it."""
    row = db.execute(
        f"SELECT {outbox.COLUMNS} FROM outbox "
        "WHERE entity = ? AND id = ? AND status IN (?, ?) ORDER BY sequence DESC LIMIT 1",
        (held.entity, held.id, UNSENT, SENT),
    ).fetchone()
    if row is None or row[3] != UNSENT:
        return None
    later = {each[0] for each in db.execute("SELECT id FROM outbox WHERE sequence > ?", (row[0],))}
    return None if later.intersection(each for each in changes.values() if isinstance(each, str)) else outbox.load(*row)


def _merge(db: sqlite3.Connection, earlier: Operation, fields: dict[str, tuple[Texts, Texts]], now: str) -> int:
    merged = dict(earlier.fields)
    for name, (old, new) in fields.items():
        first = merged[name][0] if name in merged else old
        if first == new:
            merged.pop(name, None)
        else:
            merged[name] = (first, new)
    if not merged and earlier.kind == "update" and earlier.settles is None:
        db.execute("DELETE FROM outbox WHERE sequence = ?", (earlier.sequence,))
        return 0
    text = outbox.payload(replace(earlier, fields=merged, edited_at=now))
    db.execute("UPDATE outbox SET payload = ? WHERE sequence = ?", (text, earlier.sequence))
    return earlier.sequence


def _mend(file: LocalFile, held: Held, parked: list[Operation], changes: Mapping[str, Texts], now: str) -> int:
    """Put one new operation in the place of the record's parked ones: their fields, then the changes."""
    wished = {name: new for each in parked for name, (_, new) in each.fields.items()} | dict(changes)
    fields = {name: (held.hub.get(name), new) for name, new in wished.items()}
    kind = "create" if any(each.kind == "create" for each in parked) else "update"
    for each in parked:
        file.db.execute("DELETE FROM outbox WHERE sequence = ?", (each.sequence,))
    base = held.version or None
    mended = Operation(kind, held.entity, held.id, base, now, fields, parked[0].sequence, group=parked[0].group)
    sequence = _add(file, mended)
    _mark(file.db, held.entity, held.id, fields, sequence)
    return sequence


def _base(held: Held, changes: Mapping[str, Texts]) -> int | None:
    """The version that the edit started from: a value that the hub took but has not sent back counts as its own."""
    settled = [held.edits[name].settled for name in changes if name in held.edits]
    if len(settled) == len(changes) and all(each is not None for each in settled):
        return max((each for each in settled if each is not None), default=held.version)
    return held.version or None


def _mark(
    db: sqlite3.Connection, entity: str, record_id: str, fields: Mapping[str, tuple[Texts, Texts]], sequence: int
) -> None:
    for name, (old, new) in fields.items():
        row = db.execute(
            "SELECT old, settled FROM dirty WHERE entity = ? AND id = ? AND field = ?", (entity, record_id, name)
        ).fetchone()
        first = rows.load(row[0]) if row is not None and row[1] is None else old
        db.execute("DELETE FROM dirty WHERE entity = ? AND id = ? AND field = ?", (entity, record_id, name))
        if first != new:
            values = (entity, record_id, name, rows.dump(first), rows.dump(new), sequence)
            db.execute("INSERT INTO dirty VALUES (?, ?, ?, ?, ?, ?, NULL)", values)

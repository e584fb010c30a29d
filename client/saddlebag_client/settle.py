"""Settling: what the hub's results do to the outbox and to what the reader sees.

Belongs here: one rule for each result. May not know: the wire, how often a push was tried.

    applied, merged   the operation goes; its values lie over the row until the hub sends them back
    conflict          the same, and the values that lost are kept until their reader has seen them
    rejected          the operation is parked with its reason; a blocked later edit of the record joins it; a record
                      whose deletion was refused is there again
    gone              the record left the hub: the edit is kept as parked, its values leave the row
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from saddlebag.kernel.errors import EDIT_PARKED
from saddlebag_client import outbox
from saddlebag_client.local import LocalFile
from saddlebag_client.outbox import Operation


@dataclass(frozen=True, slots=True)
class Result:
    """The hub's word on one operation; `conflicts` hold field, base, mine, theirs, won and rule."""

    sequence: int
    status: str
    version: int | None = None
    code: str = ""
    message: str = ""
    field: str = ""
    merged: tuple[str, ...] = ()
    conflicts: tuple[dict[str, str | None], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The result as it is kept in the file and shown to scripts."""
        return {
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "merged": list(self.merged),
            "conflicts": list(self.conflicts),
        }


def store(file: LocalFile, sent: Iterable[Operation], results: Iterable[Result]) -> list[tuple[Operation, Result]]:
    """Store the results of a push in one transaction; returns each operation with its result."""
    by_sequence = {each.sequence: each for each in sent}
    settled = [(by_sequence[each.sequence], each) for each in results if each.sequence in by_sequence]
    with file.transaction() as db:
        for operation, result in settled:
            _settle(db, operation, result)
    return settled


def _settle(db: sqlite3.Connection, operation: Operation, result: Result) -> None:
    if result.status in ("applied", "merged"):
        db.execute("DELETE FROM outbox WHERE sequence = ?", (operation.sequence,))
        _settled(db, operation, result)
    elif result.status == "conflict":
        _keep(db, operation, outbox.CONFLICT, result)
        _settled(db, operation, result)
    elif (result.status == "gone" and not operation.fields) or (
        result.code == EDIT_PARKED.code and _join(db, operation)
    ):
        db.execute("DELETE FROM outbox WHERE sequence = ?", (operation.sequence,))
        if operation.kind == "delete":  # gone before: the hub's eviction has come or comes
            db.execute("DELETE FROM dirty WHERE sequence = ?", (operation.sequence,))
    else:
        _keep(db, operation, outbox.PARKED, result)
        if result.status == "gone" or operation.kind == "delete":
            db.execute("DELETE FROM dirty WHERE sequence = ?", (operation.sequence,))


def _settled(db: sqlite3.Connection, operation: Operation, result: Result) -> None:
    """Where the hub decided against the laptop, its value must not hide behind the edit that lost."""
    version = result.version or 0
    db.execute("UPDATE dirty SET settled = ? WHERE sequence = ?", (version, operation.sequence))
    lost = [each["field"] for each in result.conflicts if each.get("won") == "theirs"]
    db.executemany("DELETE FROM dirty WHERE sequence = ? AND field = ?", [(operation.sequence, name) for name in lost])


def _keep(db: sqlite3.Connection, operation: Operation, status: str, result: Result) -> None:
    db.execute(
        "UPDATE outbox SET status = ?, result = ? WHERE sequence = ?",
        (status, json.dumps(result.as_json(), ensure_ascii=False), operation.sequence),
    )


def _join(db: sqlite3.Connection, blocked: Operation) -> bool:
    """Let an edit that waits behind a parked one of its record become part of it; False where none is known here.

    A deletion stands for itself: as part of an edit it would be forgotten.
    """
    if blocked.kind == "delete":
        return False
    row = db.execute(
        f"SELECT {outbox.COLUMNS} FROM outbox WHERE entity = ? AND id = ? AND status = ? ORDER BY sequence LIMIT 1",
        (blocked.entity, blocked.id, outbox.PARKED),
    ).fetchone()
    if row is None:
        return False
    parked = outbox.load(*row)
    fields = dict(parked.fields)
    for name, (old, new) in blocked.fields.items():
        fields[name] = (fields[name][0] if name in fields else old, new)
    db.execute(
        "UPDATE outbox SET payload = ? WHERE sequence = ?",
        (outbox.payload(replace(parked, fields=fields)), parked.sequence),
    )
    db.execute("UPDATE dirty SET sequence = ? WHERE sequence = ?", (parked.sequence, blocked.sequence))
    return True

"""The outbox: operations with their keys, from before they are sent until they are settled.

Belongs here: the operation, its row, its statuses. May not know: how an edit becomes one (`edits`), what the
hub answers (`settle`).

    unsent    may still take up further edits of its record
    sent      its answer is not known: it is sent again exactly as it was; under a later incarnation of the device the
              hub knows it by sequence and payload, so that it still takes effect once
    parked    the hub refused it; it waits for its person, and a later edit of the record takes its place
    conflict  settled, but a value lost: kept until it was seen
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from saddlebag_client.local import LocalFile
from saddlebag_client.rows import Texts

UNSENT: Final = "unsent"
SENT: Final = "sent"
PARKED: Final = "parked"
CONFLICT: Final = "conflict"

COLUMNS: Final = "sequence, entity, id, status, payload, result"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `fields` are name to (old, new), `settles` is the parked sequence that it takes the place of.

    Operations of one `group` are done all or none; they stand next to each other and are sent together.
    """

    kind: str
    entity: str
    id: str
    base: int | None
    edited_at: str
    fields: dict[str, tuple[Texts, Texts]] = field(default_factory=dict)
    settles: int | None = None
    sequence: int = 0
    status: str = UNSENT
    result: dict[str, Any] = field(default_factory=dict)
    group: str | None = None


def operations(file: LocalFile, *statuses: str) -> list[Operation]:
    """The operations in these statuses, in order."""
    marks = ", ".join("?" * len(statuses))
    found = file.db.execute(
        f"SELECT {COLUMNS} FROM outbox WHERE status IN ({marks}) ORDER BY sequence",
        statuses,
    )
    return [load(*each) for each in found]


def take_batch(file: LocalFile, most: int, most_bytes: int) -> list[Operation]:
    """The next operations to send, marked as sent before they are: a crash from now on repeats them unchanged."""
    batch: list[Operation] = []
    size = 0
    for members in _together(operations(file, UNSENT, SENT)):
        size += sum(len(payload(each)) for each in members)
        if batch and (size > most_bytes or len(batch) + len(members) > most):
            break
        batch += members
    with file.transaction() as db:
        db.executemany("UPDATE outbox SET status = ? WHERE sequence = ?", [(SENT, each.sequence) for each in batch])
    return batch


def acknowledged(file: LocalFile) -> int:
    """The sequence up to which every result is stored here, so that nothing up to it will be asked for again."""
    waiting = file.db.execute("SELECT min(sequence) FROM outbox WHERE status IN (?, ?)", (UNSENT, SENT)).fetchone()[0]
    return int(file.get("sequence", 0)) if waiting is None else waiting - 1


def _together(waiting: list[Operation]) -> Iterator[list[Operation]]:
    """The operations in order, those of a group in one list: half a group must not be done without the other half."""
    for _, members in groupby(waiting, key=lambda each: each.group or each.sequence):
        yield list(members)


def payload(operation: Operation) -> str:
    """The operation as its row keeps it, under its key."""
    kept = {
        "kind": operation.kind,
        "base": operation.base,
        "editedAt": operation.edited_at,
        "fields": operation.fields,
        "settles": operation.settles,
    }
    if operation.group is not None:
        kept["group"] = operation.group
    return json.dumps(kept, ensure_ascii=False)


def load(sequence: int, entity: str, record_id: str, status: str, payload: str, result: str | None) -> Operation:
    """The operation of a row of `COLUMNS`."""
    kept = json.loads(payload)
    return Operation(
        kept["kind"],
        entity,
        record_id,
        kept["base"],
        kept["editedAt"],
        {name: (_texts(old), _texts(new)) for name, (old, new) in kept["fields"].items()},
        kept["settles"],
        sequence,
        status,
        json.loads(result) if result else {},
        kept.get("group"),
    )


def _texts(value: Any) -> Texts:
    return tuple(value) if isinstance(value, list) else value

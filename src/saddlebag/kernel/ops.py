"""Operations: what a device wants done, and what the hub says came of it.

Belongs here: the values, the payload hash that makes a key refer to one payload, and the rule of parking. May not know:
how operations travel or where they are kept.

The key of an operation is (device, incarnation, sequence); the device stores it with the operation before it sends it.
Same key and same payload: the hub answers with the first result again. Same key, other payload: OPERATION_MISMATCH, and
nothing of the request is done. A key stays valid under later incarnations: what was in flight when the device healed is
sent again under its first key, so that it still takes effect once. Only a mismatched operation gets a new key.

Parking: a rejected operation parks its record for this device. Later operations on it are refused with EDIT_PARKED, and
that refusal is not kept: the same operation may be sent again. The record is freed by an operation on it that names the
parked sequence in `settles`: the mended edit, or an update without fields, which only discards the parked one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b


class OpKind(StrEnum):
    """What an operation does to its record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """One field's lexical texts before and after; an empty tuple is no value, more than one text a list field."""

    name: str
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a device. `edited_at` is canonical xs:dateTime text; a `group` is done all or none."""

    sequence: int
    kind: OpKind
    entity: str
    id: str
    edited_at: str
    base_version: int | None = None
    group: str | None = None
    settles: int | None = None
    fields: tuple[FieldEdit, ...] = ()


class OpStatus(StrEnum):
    """What came of an operation."""

    APPLIED = "applied"
    MERGED = "merged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class OpConflict:
    """A field on which the edit met a newer value: all three lexical texts, whose value stands, and the policy."""

    field: str
    base: str | None
    mine: str | None
    theirs: str | None
    won: str
    rule: str


@dataclass(frozen=True, slots=True)
class OpResult:
    """The result of one operation; `code`, `message` and `field` tell why it was rejected."""

    sequence: int
    status: OpStatus
    version: int | None = None
    code: str | None = None
    message: str | None = None
    field: str | None = None
    retryable: bool | None = None
    merged: tuple[str, ...] = ()
    conflicts: tuple[OpConflict, ...] = ()


def payload_hash(operation: Operation) -> bytes:
    """16 bytes of BLAKE2b over everything but the sequence; each part follows its length, so none can be shifted."""
    text = "".join([f"{len(each)}:{each}" for each in _parts(operation)])
    return blake2b(text.encode(), digest_size=16).digest()


def _parts(operation: Operation) -> list[str]:
    parts: list[str] = [operation.kind, operation.entity, operation.id, operation.edited_at]
    for optional in (operation.base_version, operation.group, operation.settles):
        parts.append("" if optional is None else f"={optional}")
    for edit in operation.fields:
        parts += (edit.name, str(len(edit.old)), *edit.old, str(len(edit.new)), *edit.new)
    return parts

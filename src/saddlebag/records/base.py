"""What a write is and what comes of it: the values that services, sync and bridge exchange with the records path.

Belongs here: value types. May not know: SOAP, devices' manifests, adapters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.fields import Value
from saddlebag.store.base import StoredRecord


class Verb(StrEnum):
    """What the caller wants done; UPSERT takes an id or a key and creates where there is none, MERGE names the record
    that stays and the `losers` that become part of it.
    """

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    UNDELETE = "undelete"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Loser:
    """A record that is to become part of another, and the version that it must have, if any."""

    id: str
    if_version: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """One record to be written.

    `values` holds only the fields to change; None clears. `key` is (field, value) of a declared key. `if_version`
    refuses
    a record that has moved on. A device's edit gives `base_version`, the `old` values it started from and `edited_at`:
    then fields that changed meanwhile are merged by their declared policy.
    """

    verb: Verb
    entity: str
    id: str | None = None
    key: tuple[str, Value] | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    if_version: int | None = None
    base_version: int | None = None
    old: Mapping[str, Value] = field(default_factory=dict)
    edited_at: datetime | None = None
    losers: tuple[Loser, ...] = ()


class Status(StrEnum):
    """What came of a write; CONFLICT only for device edits, MERGED for those and for MERGE."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    UNDELETED = "undeleted"
    MERGED = "merged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field on which a device's edit met a newer value: lexical texts, which side `won`, and the policy that
    decided.
    """

    name: str
    base: str | None
    mine: str | None
    theirs: str | None
    won: str
    rule: str


@dataclass(frozen=True, slots=True)
class Match:
    """A record that a duplicate rule finds to be the same as one that was to be created."""

    rule: str
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one write, in the order of the writes; `error` tells why it was REJECTED or GONE.

    `merged_into` is the record that one which is GONE has become part of, `matches` are those of DUPLICATE_RECORD.
    """

    status: Status
    entity: str
    id: str | None
    version: int | None = None
    record: StoredRecord | None = None
    changed: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    error: SaddlebagError | None = None
    merged_into: str | None = None
    matches: tuple[Match, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the record is now as the write wanted it or as its policies decided."""
        return self.error is None

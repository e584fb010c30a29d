"""The port: what every store must do. `saddlebag.store.testing` is the kit that each implementation passes.

Belongs here: value types and protocols. May not know: SQL, XML, users.

A store is blocking and used from worker threads. A `Transaction` belongs to one tenant and one thread. A read-only
one sees a single snapshot; a writing one sees what others had committed when it asked, keeps what it has locked (`get`
with `lock`, the counter after `allocate`), and locks before it allocates. It commits wholly or not at all, and all
that it wrote (records, field versions, fragments, change log, outbox, rows) becomes visible together.

The counter: each tenant has one. `allocate` locks it until the end of the transaction, so that numbers become visible
in their own order (a reader that has seen n will never later find a smaller number new).

Errors raised: UNAVAILABLE when the database cannot be reached, DUPLICATE_KEY when a declared key is taken,
SCHEMA_OUTDATED when the database is of another version. Lost races (serialisation, deadlock, SQLite busy) are retried
by `Store.run`, which therefore may call its function more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

from saddlebag.model.condition import Condition
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Value

R = TypeVar("R")


class ChangeKind(StrEnum):
    """What a change log entry says of a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNDELETE = "undelete"


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as stored.

    `version` is the counter's number of the last write, `born` of the first. `values` as read holds every declared
    field, None where there is no value. `field_versions` names only fields written after `born`. `fragment` holds what
    devices get (id, version, device fields), `tail` the rest (hub-only fields and the two times); fragment + tail is
    the whole rendering. `hash` is `kernel.digest.record_hash` over `fragment`.
    """

    entity: str
    id: str
    version: int
    born: int
    values: Mapping[str, Value]
    field_versions: Mapping[str, int]
    fragment: str
    tail: str
    hash: int
    created_at: datetime
    modified_at: datetime
    modified_by: str
    deleted: bool = False
    merged_into: str | None = None

    def field_version(self, name: str) -> int:
        """The counter's number at which the field last changed."""
        return self.field_versions.get(name, self.born)


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """A record's new state to be stored, and what to log of it; `changed` names the fields that differ.

    The record's `version` is a number of its own from the counter: it is also the change's sequence. A CREATE with an
    id that is taken, even by a deleted record, is a lost race; to bring a deleted record back write an UNDELETE.
    """

    record: StoredRecord
    kind: ChangeKind
    changed: tuple[str, ...]
    origin: str = ""
    """Where the change came from: "" for a user, "client:<name>", "device:<id>", "system:<name>"."""


class Stamp(NamedTuple):
    """What a scope needs of a record: its key, version and hash (unsigned 64 bit), not its content."""

    entity: str
    id: str
    version: int
    hash: int


class Rendering(NamedTuple):
    """A stored rendering ready to be streamed."""

    id: str
    fragment: str
    tail: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the tenant's change log; `fields` are those that changed."""

    sequence: int
    entity: str
    id: str
    kind: ChangeKind
    fields: tuple[str, ...]
    at: datetime
    by: str
    origin: str


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an ordering; ties are always broken by id, ascending."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the hub: `name` is its part of addresses, `time_zone` an IANA name, `secret` signs its cursors."""

    name: str
    title: str
    time_zone: str
    secret: bytes
    created_at: datetime
    enabled: bool = True


class Rows(Protocol):
    """The gateway to technical rows of `saddlebag.store.tables`; filters compare fields for equality."""

    def get(self, cls: type[R], *key: object) -> R | None:
        """The row under this key (fields in the declared order), or None."""
        ...

    def put(self, row: object) -> None:
        """Insert the row, or replace the one under its key."""
        ...

    def put_all(self, rows: Sequence[object]) -> None:
        """`put` for many rows of one kind in few statements."""
        ...

    def add(self, row: object) -> bool:
        """Insert the row unless its key is taken; tell whether it was inserted."""
        ...

    def delete(self, cls: type[Any], **where: object) -> int:
        """Delete the rows whose fields equal those given; the count."""
        ...

    def delete_all(self, rows: Sequence[object]) -> None:
        """Delete the rows under the keys of these, all of one kind, in few statements."""
        ...

    def select(
        self,
        cls: type[R],
        *,
        order: tuple[str, ...] = (),
        limit: int | None = None,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        **where: object,
    ) -> list[R]:
        """Rows whose fields equal those in `where`, are less than those in `before` and greater than those in
        `after`.
        """
        ...


class Transaction(Protocol):
    """One unit of work on one tenant."""

    @property
    def tenant(self) -> Tenant:
        """The tenant that the transaction belongs to."""
        ...

    @property
    def schema(self) -> Schema:
        """The tenant's entities."""
        ...

    @property
    def rows(self) -> Rows:
        """Technical rows."""
        ...

    def sequence(self) -> int:
        """The last number that the tenant's counter has given out."""
        ...

    def allocate(self, count: int) -> int:
        """Take `count` numbers from the counter and return the first; later writers wait until this one ends."""
        ...

    def get(
        self, entity: str, ids: Iterable[str], *, deleted: bool = False, lock: bool = False
    ) -> dict[str, StoredRecord]:
        """Records by id; deleted ones only when asked for; `lock` holds them against other writers until the end."""
        ...

    def find(
        self,
        entity: str,
        where: Condition,
        *,
        order: Sequence[Order] = (),
        after: Sequence[Value] | None = None,
        limit: int | None = None,
    ) -> list[StoredRecord]:
        """Live records that meet `where`, in order; `after` is the keyset position (the order fields' values, then
        id).
        """
        ...

    def renderings(
        self,
        entity: str,
        where: Condition,
        *,
        order: Sequence[Order] = (),
        after: Sequence[Value] | None = None,
        limit: int | None = None,
    ) -> list[Rendering]:
        """As `find`, but only what is streamed."""
        ...

    def renderings_of(self, entity: str, ids: Iterable[str]) -> dict[str, Rendering]:
        """Renderings of live records by id, in few statements however many ids."""
        ...

    def stamps(
        self, entity: str, where: Condition, *, order: Sequence[Order] = (), limit: int | None = None
    ) -> list[Stamp]:
        """Key, version and hash of live records that meet `where`."""
        ...

    def count(self, entity: str, where: Condition) -> int:
        """How many live records meet `where`."""
        ...

    def total(self, entity: str, field: str, where: Condition, group: str) -> dict[str, Any]:
        """Sums of a decimal field by the text value of `group` over live records that meet `where`."""
        ...

    def write(self, writes: Sequence[RecordWrite]) -> None:
        """Store records with their field versions and fragments, log the changes, and fill the outbox for
        subscribers.
        """
        ...

    def changes(
        self,
        *,
        after: int,
        limit: int,
        entities: Sequence[str] | None = None,
    ) -> list[Change]:
        """Change log entries with a sequence greater than `after`, in order."""
        ...

    def changed_between(
        self, entity: str, since: datetime, until: datetime, *, deleted: bool, after: str, limit: int
    ) -> list[tuple[str, datetime]]:
        """(id, modified_at) of records last written in [since, until), deleted or live, with an id greater than
        `after`.
        """
        ...


class Store(Protocol):
    """A database of tenants, of one schema of entities."""

    @property
    def schema(self) -> Schema:
        """The entities that the tables were derived from."""
        ...

    def run(self, tenant: str, work: Callable[[Transaction], R], *, read_only: bool = False) -> R:
        """Call `work` in a transaction and commit; on a lost race call it again. Raises UNKNOWN_TENANT."""
        ...

    def begin(self, tenant: str, *, read_only: bool = False) -> AbstractContextManager[Transaction]:
        """A transaction that commits when the block ends well and rolls back otherwise; lost races surface as BUSY."""
        ...

    def create_tenant(self, tenant: Tenant) -> None:
        """Add a tenant; raises TENANT_EXISTS."""
        ...

    def tenants(self) -> list[Tenant]:
        """All tenants by name."""
        ...

    def tenant(self, name: str) -> Tenant:
        """One tenant, from a cache of at most a few seconds; raises UNKNOWN_TENANT."""
        ...

    def check(self) -> None:
        """Raise UNAVAILABLE or SCHEMA_OUTDATED when the store cannot serve."""
        ...

    def close(self) -> None:
        """Release all connections."""
        ...

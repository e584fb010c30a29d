"""What the kit's tests are made from: an entity with a field of every kind, and a desk to write records at.

Belongs here: records and tenants for tests. May not know: the records path, which renders and validates for real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from saddlebag.kernel import fragment
from saddlebag.kernel.digest import record_hash
from saddlebag.kernel.errors import ErrorKind, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import Condition, Within, holds
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind, Value
from saddlebag.store.base import ChangeKind, RecordWrite, Store, StoredRecord, Tenant, Transaction

R = TypeVar("R")

SAMPLE = Entity(
    "Sample",
    "Samples",
    "A record with a field of every kind.",
    (
        Field("code", Kind.STRING, "A key."),
        Field("body", Kind.TEXT, "Long text."),
        Field("choice", Kind.CODE, "One of two.", values=("one", "two")),
        Field("flag", Kind.BOOLEAN, "Yes or no."),
        Field("number", Kind.INTEGER, "A whole number."),
        Field("amount", Kind.DECIMAL, "Money.", digits=16, scale=2),
        Field("huge", Kind.DECIMAL, "More digits than 64 bits hold.", digits=28, scale=10),
        Field("day", Kind.DATE, "A day."),
        Field("moment", Kind.DATETIME, "A moment."),
        Field("labels", Kind.TAGS, "Tags."),
        Field("customer", Kind.REFERENCE, "A customer.", target="Customer"),
        Field("parent", Kind.REFERENCE, "Another sample.", target="Sample"),
    ),
    keys=("code",),
    customer="customer",
    label="code",
)

KIT_SCHEMA = BUILTIN.with_entities(SAMPLE)
"""The schema that a store has to be opened with for the kit."""

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
"""When everything in the kit happens unless it says otherwise."""

_numbers = count(1)


def tenant_of(name: str) -> Tenant:
    """A tenant of this name."""
    return Tenant(name, f"Tenant {name}", "Europe/Vienna", b"\x00secret\xff", NOW)


class Desk:
    """One tenant of a store under test, and short ways to write to it; each call is a transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tenant = f"kit{next(_numbers)}"
        store.create_tenant(tenant_of(self.tenant))

    def run(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in a transaction that may write."""
        return self.store.run(self.tenant, work)

    def read(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in a read-only transaction."""
        return self.store.run(self.tenant, work, read_only=True)

    def create(self, entity: str, records: Mapping[str, Mapping[str, Value]]) -> dict[str, StoredRecord]:
        """Create records by id, in the order given."""
        return self.run(lambda tx: {each: create(tx, entity, each, values) for each, values in records.items()})

    def samples(self, records: Mapping[str, Mapping[str, Value]]) -> dict[str, StoredRecord]:
        """`create` for samples."""
        return self.create("Sample", records)

    def get(self, entity: str, record_id: str) -> StoredRecord:
        """One record, deleted or not."""
        return self.read(lambda tx: tx.get(entity, [record_id], deleted=True))[record_id]

    def found(self, condition: Condition, entity: str = "Sample") -> set[str]:
        """Ids of the live records that meet the condition."""
        return {each.id for each in self.read(lambda tx: tx.find(entity, condition))}


def record_of(entity: str, record_id: str, version: int, values: Mapping[str, Value], **more: Any) -> StoredRecord:
    """A record as the records path would store it, in a rendering of the kit's own."""
    texts = [("id", record_id), ("version", str(version))]
    texts += [(name, str(value)) for name, value in values.items() if value is not None]
    rendered = fragment.join(texts)
    digest = record_hash(entity, record_id, version, rendered)
    given = {"born": version, "created_at": NOW, "modified_at": NOW, "modified_by": "kit", **more}
    return StoredRecord(
        entity, record_id, version, values=values, field_versions=given.pop("field_versions", {}),
        fragment=rendered, tail="<createdAt>x</createdAt>", hash=digest, **given,
    )  # fmt: skip


def create(
    tx: Transaction, entity: str, record_id: str, values: Mapping[str, Value], *, origin: str = "", **more: Any
) -> StoredRecord:
    """Create a record under the counter's next number."""
    record = record_of(entity, record_id, tx.allocate(1), values, **more)
    tx.write([RecordWrite(record, ChangeKind.CREATE, tuple(values), origin)])
    return record


def update(tx: Transaction, before: StoredRecord, *, origin: str = "", **values: Value) -> StoredRecord:
    """Change fields of a record that was read."""
    version = tx.allocate(1)
    versions = {**before.field_versions, **dict.fromkeys(values, version)}
    record = record_of(
        before.entity, before.id, version, {**before.values, **values}, born=before.born, field_versions=versions
    )
    tx.write([RecordWrite(record, ChangeKind.UPDATE, tuple(values), origin)])
    return record


def delete(tx: Transaction, before: StoredRecord, merged_into: str | None = None) -> StoredRecord:
    """Delete a record that was read."""
    record = replace(before, version=tx.allocate(1), deleted=True, merged_into=merged_into)
    tx.write([RecordWrite(record, ChangeKind.DELETE, ())])
    return record


def meaning(condition: Condition, records: Mapping[str, Mapping[str, Mapping[str, Value]]], entity: str) -> set[str]:
    """The ids of `records[entity]` that meet the condition, by the reference meaning in `saddlebag.model.condition`."""

    def selected(within: Within) -> frozenset[Value]:
        ids = meaning(within.where, records, within.entity)
        held = [{"id": each, **records[within.entity][each]}.get(within.select) for each in ids]
        return frozenset(each for each in held if each is not None)

    return {
        each for each, values in records[entity].items() if holds(condition, {"id": each, **_known(values)}, selected)
    }


def _known(values: Mapping[str, Value]) -> dict[str, Value]:
    """No tag is no value."""
    return {name: None if value == () else value for name, value in values.items()}


@contextmanager
def refuses(kind: ErrorKind) -> Iterator[list[SaddlebagError]]:
    """Expect an error of the kind in the block; the list holds it afterwards."""
    caught: list[SaddlebagError] = []
    try:
        yield caught
    except SaddlebagError as problem:
        if problem.kind is not kind:
            raise
        caught.append(problem)
        return
    raise AssertionError(f"expected {kind.name}, and nothing was refused")

"""The transaction: the port's `Transaction` over one SQL connection.

Belongs here: what each call of the port asks of statements, writer and gateway. May not know: how a transaction begins,
commits or is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from saddlebag.kernel.errors import UNKNOWN_TENANT, SaddlebagError
from saddlebag.model.condition import Condition
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Value
from saddlebag.store.base import (
    Change,
    ChangeKind,
    Order,
    RecordWrite,
    Rendering,
    Stamp,
    StoredRecord,
    Tenant,
)
from saddlebag.store.build import Statements
from saddlebag.store.derive import HEAD, TAIL, EntityTable, Tables
from saddlebag.store.gateway import RowStatements, SqlRows
from saddlebag.store.lower import TEXTS, kind_of_field, lower
from saddlebag.store.tables import OutboxRow, TenantSetting
from saddlebag.store.writing import Writer

OUTBOX_SETTING = "outbox."
"""The tenant settings `outbox.<destination>` list, with commas, the entities whose changes a destination gets."""


_PART = 2000
"""Rows of a large answer that are held as the driver gives them."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What all transactions of a store share."""

    schema: Schema
    tables: Tables
    statements: Statements
    rows: RowStatements
    writer: Writer


class SqlTransaction:
    """One unit of work on one tenant; see `saddlebag.store.base.Transaction`."""

    def __init__(self, connection: Connection, tools: Toolbox, tenant: Tenant, read_only: bool) -> None:
        self._connection = connection
        self._tools = tools
        self._tenant = tenant
        self._read_only = read_only
        self._rows = SqlRows(connection, tools.rows, tenant.name, read_only)
        self._subscribers: dict[str, frozenset[str]] | None = None

    @property
    def tenant(self) -> Tenant:
        """The tenant that the transaction belongs to."""
        return self._tenant

    @property
    def schema(self) -> Schema:
        """The tenant's entities."""
        return self._tools.schema

    @property
    def connection(self) -> Connection:
        """The connection, for this package's own tools."""
        return self._connection

    @property
    def rows(self) -> SqlRows:
        """Technical rows."""
        return self._rows

    def sequence(self) -> int:
        """The last number that the tenant's counter has given out."""
        given = {"tenant": self._tenant.name}
        found = self._tools.rows.reader.ask(self._connection, self._tools.statements.sequence, given).all()
        return self._counted(found[0][0] if found else None)

    def allocate(self, count: int) -> int:
        """Take `count` numbers from the counter and return the first; later writers wait until this one ends."""
        self._refuse_when_read_only()
        if count < 1:
            raise ValueError("at least one number is taken from the counter")
        taken = {"holder": self._tenant.name, "taken": count}
        last = self._connection.execute(self._tools.statements.allocation, taken).scalar_one_or_none()
        return self._counted(last) - count + 1

    def get(
        self,
        entity: str,
        ids: Iterable[str],
        *,
        deleted: bool = False,
        lock: bool = False,
    ) -> dict[str, StoredRecord]:
        """Records by id; deleted ones only when asked for; `lock` holds them against other writers until the end."""
        if lock:
            self._refuse_when_read_only()
        table, statements = self._table(entity), self._tools.statements
        statement = statements.kept(
            ("get", entity, deleted, lock),
            lambda: statements.by_ids(table, statements.record_columns(table), deleted=deleted, lock=lock),
        )
        return {each.id: each for each in self._read(table, self._by_ids(statement, ids))}

    def find(
        self,
        entity: str,
        where: Condition,
        *,
        order: Sequence[Order] = (),
        after: Sequence[Value] | None = None,
        limit: int | None = None,
    ) -> list[StoredRecord]:
        """Live records that meet `where`, in order; `after` is the keyset position (the order's values, then id)."""
        table = self._table(entity)
        columns = self._tools.statements.record_columns(table)
        return self._read(table, self._listing("find", table, columns, where, order, after, limit).all())

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
        table = self._table(entity)
        rows = self._listing("renderings", table, _rendering(table), where, order, after, limit)
        return [Rendering._make(each) for each in rows.all()]

    def renderings_of(self, entity: str, ids: Iterable[str]) -> dict[str, Rendering]:
        """Renderings of live records by id, in few statements however many ids."""
        table, statements = self._table(entity), self._tools.statements
        statement = statements.kept(
            ("renderings_of", entity),
            lambda: statements.by_ids(table, _rendering(table), deleted=False, lock=False),
        )
        return {each[0]: Rendering._make(each) for each in self._by_ids(statement, ids)}

    def stamps(
        self,
        entity: str,
        where: Condition,
        *,
        order: Sequence[Order] = (),
        limit: int | None = None,
    ) -> list[Stamp]:
        """Key, version and hash of live records that meet `where`."""
        table = self._table(entity)
        columns = [table.table.c.id, table.table.c.version, table.table.c.hash]
        # A scope's worth of rows beside its stamps would be the most that a pull holds in memory.
        parts = self._listing("stamps", table, columns, where, order, None, limit).partitions(_PART)
        return [Stamp(entity, *each) for part in parts for each in part]

    def count(self, entity: str, where: Condition) -> int:
        """How many live records meet `where`."""
        table, statements = self._table(entity), self._tools.statements
        lowered = lower(self.schema, table.entity, where)
        statement = statements.kept(
            ("count", entity, lowered.shape), lambda: statements.live(table, [func.count()], lowered.shape)
        )
        found: int = self._connection.execute(statement, self._parameters(lowered.params)).scalar_one()
        return found

    def total(self, entity: str, field: str, where: Condition, group: str) -> dict[str, Decimal]:
        """Sums of a decimal field by the text value of `group` ("" for none) over live records that meet `where`."""
        table, statements = self._table(entity), self._tools.statements
        if kind_of_field(table.entity, group) not in TEXTS or table.entity.field(field).kind != "decimal":
            raise ValueError("a total adds a decimal field by a text field")
        lowered = lower(self.schema, table.entity, where)
        statement = statements.kept(
            ("total", entity, field, group, lowered.shape), lambda: statements.sums(table, field, group, lowered.shape)
        )
        rows = self._connection.execute(statement, self._parameters(lowered.params))
        return {each[0] or "": statements.total_of(table.columns[field], each[1:]) for each in rows}

    def write(self, writes: Sequence[RecordWrite]) -> None:
        """Store records with field versions and fragments, log the changes, and fill the outbox for subscribers."""
        self._refuse_when_read_only()
        if not writes:
            return
        for entity in {each.record.entity for each in writes}:
            self._table(entity)
        self._tools.writer.records(self._connection, self._tenant.name, writes)
        due = [row for each in writes for row in self._outbox(each)]
        self._rows.put_all(due)

    def changes(self, *, after: int, limit: int, entities: Sequence[str] | None = None) -> list[Change]:
        """Change log entries with a sequence greater than `after`, in order."""
        known = None if entities is None else tuple(entities)
        statement = self._tools.statements.kept(("changes", known), lambda: self._log_after(known))
        rows = self._connection.execute(statement, {"tenant": self._tenant.name, "after": after, "limit": limit})
        return [
            Change(sequence, entity, record, ChangeKind(kind), tuple(fields.split(",")) if fields else (), *rest)
            for sequence, entity, record, kind, fields, *rest in rows
        ]

    def changed_between(
        self,
        entity: str,
        since: datetime,
        until: datetime,
        *,
        deleted: bool,
        after: str,
        limit: int,
    ) -> list[tuple[str, datetime]]:
        """(id, modified_at) of records last written in [since, until), deleted or live, with an id above `after`."""
        held = self._table(entity).table.c
        statement = (
            select(held.id, held.modified_at)
            .where(held.tenant == self._tenant.name, held.modified_at >= since, held.modified_at < until)
            .where(held.deleted == bindparam("deleted", deleted, type_=held.deleted.type), held.id > after)
            .order_by(held.id)
            .limit(limit)
        )
        return [(each[0], each[1]) for each in self._connection.execute(statement)]

    def _log_after(self, entities: tuple[str, ...] | None) -> Any:
        log = self._tools.tables.change_log.c
        statement = (
            select(log.sequence, log.entity, log.id, log.kind, log.fields, log.at, log.by, log.origin)
            .where(log.tenant == bindparam("tenant"), log.sequence > bindparam("after"))
            .order_by(log.sequence)
            .limit(bindparam("limit"))
        )
        return statement if entities is None else statement.where(log.entity.in_(entities))

    def _table(self, entity: str) -> EntityTable:
        return self._tools.tables.entity(self.schema, entity)

    def _by_ids(self, statement: Any, ids: Iterable[str]) -> Any:
        wanted = list(ids)
        if not wanted:
            return ()
        given = {"tenant": self._tenant.name, "ids": wanted}
        return self._tools.rows.reader.ask(self._connection, statement, given).all()

    def _listing(
        self,
        purpose: str,
        table: EntityTable,
        columns: Sequence[Any],
        where: Condition,
        order: Sequence[Order],
        after: Sequence[Value] | None,
        limit: int | None,
    ) -> Any:
        statements = self._tools.statements
        lowered = lower(self.schema, table.entity, where)
        terms = tuple((each.field, each.descending) for each in order)
        for field, _ in terms:
            kind_of_field(table.entity, field)
        given = None if after is None else tuple(each is not None for each in after[:-1])
        statement = statements.kept(
            (purpose, table.entity.name, lowered.shape, terms, given, limit is not None),
            lambda: statements.listing(table, columns, lowered.shape, terms, given, limit is not None),
        )
        parameters = self._parameters(lowered.params)
        parameters |= {f"k{index}": value for index, value in enumerate(after or ()) if value is not None}
        if limit is not None:
            parameters["limit"] = limit
        return self._tools.rows.reader.ask(self._connection, statement, parameters)

    def _parameters(self, params: Sequence[Any]) -> dict[str, Any]:
        return {"tenant": self._tenant.name, **{f"p{index}": value for index, value in enumerate(params)}}

    def _read(self, table: EntityTable, rows: Iterable[Any]) -> list[StoredRecord]:
        """Records from rows of `Statements.record_columns`."""
        name, names = table.entity.name, [each.name for each in table.entity.fields]
        first, last = len(HEAD), len(HEAD) + len(names)
        records = []
        for row in rows:
            record_id, version, born, digest, deleted, merged_into, created_at, modified_at, modified_by = row[:first]
            field_versions, fragment, tail = row[last:]
            records.append(
                StoredRecord(
                    name,
                    record_id,
                    version,
                    born,
                    dict(zip(names, row[first:last], strict=True)),
                    json.loads(field_versions) if field_versions else {},
                    fragment,
                    tail,
                    digest,
                    created_at,
                    modified_at,
                    modified_by,
                    deleted,
                    merged_into,
                )
            )
        return records

    def _outbox(self, write: RecordWrite) -> list[OutboxRow]:
        """A row for each subscriber but the one that the change came from: it would get its own echo."""
        record = write.record
        return [
            OutboxRow(record.version, destination, record.entity, record.id, write.kind.value, record.modified_at)
            for destination, entities in self._subscriptions().items()
            if record.entity in entities and write.origin != f"system:{destination}"
        ]

    def _subscriptions(self) -> dict[str, frozenset[str]]:
        if self._subscribers is None:
            settings = self._rows.select(
                TenantSetting, after={"name": OUTBOX_SETTING}, before={"name": OUTBOX_SETTING[:-1] + "/"}
            )
            self._subscribers = {
                each.name.removeprefix(OUTBOX_SETTING): frozenset(name.strip() for name in each.value.split(","))
                for each in settings
            }
        return self._subscribers

    def _counted(self, value: int | None) -> int:
        if value is None:
            raise SaddlebagError(UNKNOWN_TENANT)
        return value

    def _refuse_when_read_only(self) -> None:
        if self._read_only:
            raise RuntimeError("a read-only transaction was asked to write")


def _rendering(table: EntityTable) -> list[Any]:
    held = table.table.c
    return [held.id, *[held[name] for name in TAIL[1:]]]

"""Writing records: rows for the driver, made once for each entity and dialect, sent many at a time.

Belongs here: INSERTs into entity tables and the change log. May not know: why a record changed, who subscribed.

SQLAlchemy's own executemany spends more time on each row's parameters than SQLite does on the row; so the
statement's text and the columns' bind processors are taken from it once, and the driver gets tuples. PostgreSQL
takes larger lots by COPY.

A CREATE is a plain INSERT: it reads nothing, and an id that is taken is a lost race, not a silent overwrite. Everything
else replaces the whole row, because the caller has read and locked it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Error as PostgresError
from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.store.base import ChangeKind, RecordWrite
from saddlebag.store.derive import HEAD, TAIL, EntityTable, Tables
from saddlebag.store.types import INT64_MAX, INT64_MIN, to_signed

COPY_ROWS = 50
"""From so many rows on PostgreSQL's COPY is faster than single INSERTs in a pipeline."""

Encoder = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Target:
    """A table as the driver is told of it: texts of statements, and columns for COPY."""

    insert: str
    upsert: str
    copy: str


class Writer:
    """Writes rows of one schema in one dialect; keeps what it has prepared."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect
        self._native = dialect.name == "postgresql"
        self._moment = _encoder(tables.change_log.c.at.type, dialect)
        self._log = self._target(tables.change_log, ("tenant", "sequence"))
        self._prepared: dict[str, tuple[_Target, tuple[tuple[str, Encoder], ...]]] = {}

    def records(self, connection: Connection, tenant: str, writes: Sequence[RecordWrite]) -> None:
        """Store the records in few statements, and log each in the order given."""
        for entity, new, group in _groups(writes):
            target, fields = self._entity(self._tables.entities[entity])
            rows = [self._row(tenant, each, fields) for each in group]
            if new:
                self._insert(connection, target, rows)
            else:
                connection.exec_driver_sql(target.upsert, rows)
        self._insert(connection, self._log, [self._entry(tenant, each) for each in writes])

    def _insert(self, connection: Connection, target: _Target, rows: list[tuple[Any, ...]]) -> None:
        if not self._native or len(rows) < COPY_ROWS:
            connection.exec_driver_sql(target.insert, rows)
            return
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor, cursor.copy(target.copy) as copy:
                for row in rows:
                    copy.write_row(row)
        except PostgresError as problem:
            raise DBAPIError(None, None, problem) from None

    def _row(self, tenant: str, write: RecordWrite, fields: Iterable[tuple[str, Encoder]]) -> tuple[Any, ...]:
        record = write.record
        values, moment = record.values, self._moment
        row = [
            tenant,
            record.id,
            record.version,
            record.born,
            to_signed(record.hash),
            record.deleted,
            record.merged_into,
            record.created_at if moment is None else moment(record.created_at),
            record.modified_at if moment is None else moment(record.modified_at),
            record.modified_by,
        ]
        try:
            for name, encode in fields:
                value = values.get(name)
                row.append(value if value is None or encode is None else encode(value))
        except ValueError as problem:
            raise SaddlebagError(
                INVALID_VALUE, f"{problem}.", entity=record.entity, record_id=record.id, field=name
            ) from None
        versions = record.field_versions
        row += (json.dumps(dict(versions), separators=(",", ":")) if versions else "", record.fragment, record.tail)
        return tuple(row)

    def _entry(self, tenant: str, write: RecordWrite) -> tuple[Any, ...]:
        record, moment = write.record, self._moment
        return (
            tenant,
            record.version,
            record.entity,
            record.id,
            write.kind.value,
            ",".join(write.changed),
            record.modified_at if moment is None else moment(record.modified_at),
            record.modified_by,
            write.origin,
        )

    def _entity(self, held: EntityTable) -> tuple[_Target, tuple[tuple[str, Encoder], ...]]:
        name = held.entity.name
        if name not in self._prepared:
            declared = held.entity.fields
            fields = tuple((each.name, _encoder(held.columns[each.name].type, self._dialect)) for each in declared)
            expected = ["tenant", *HEAD, *[each.column for each in declared], *TAIL]
            if list(held.table.c.keys()) != expected:
                raise RuntimeError(f"the table of {name} is not in the order that rows are written in")
            self._prepared[name] = (self._target(held.table, ("tenant", "id")), fields)
        return self._prepared[name]

    def _target(self, table: Table, key: tuple[str, ...]) -> _Target:
        quote = self._dialect.identifier_preparer.quote
        columns = [quote(each.name) for each in table.c]
        marks = ", ".join(["%s" if self._native else "?"] * len(columns))
        into = f"{quote(table.name)} ({', '.join(columns)})"
        replaced = ", ".join(f"{each} = excluded.{each}" for each in columns if each not in key)
        insert = f"INSERT INTO {into} VALUES ({marks})"
        upsert = f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}"
        return _Target(insert, upsert, f"COPY {into} FROM STDIN")


def _groups(writes: Sequence[RecordWrite]) -> Iterator[tuple[str, bool, list[RecordWrite]]]:
    """(entity, whether new, writes): what is replaced before what is new, as it may free a key that the new one takes.

    What is new and then replaced in the same call comes last.
    """
    new = {(each.record.entity, each.record.id) for each in writes if each.kind is ChangeKind.CREATE}
    groups: dict[tuple[int, str], list[RecordWrite]] = {}
    for each in writes:
        stage = 1 if each.kind is ChangeKind.CREATE else 2 if (each.record.entity, each.record.id) in new else 0
        groups.setdefault((stage, each.record.entity), []).append(each)
    for stage, entity in sorted(groups, key=lambda group: group[0]):
        yield entity, stage == 1, groups[stage, entity]


def _whole(value: int) -> int:
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("a whole number does not fit 64 bits")
    return value


def _encoder(column_type: Any, dialect: Dialect) -> Encoder:
    """What the column's type does to a value before the driver gets it; None for nothing."""
    if column_type.python_type is int:
        return _whole
    processor: Encoder = column_type.dialect_impl(dialect).bind_processor(dialect)
    return processor

"""Tables, derived: one for each entity, one for each row kind, and four of the store's own.

Belongs here: names, columns, keys and indexes, each a rule over declarations. May not know: statements, connections.

Tenant comes first in every key and index, so that the same tables can be spread over machines by tenant. In an entity's
table the long texts come last: SQLite then reads version and hash without touching their overflow pages.

Indexes of an entity: each reference; the references to customer and owner carry the first date or time as well (a
scope asks for "her deals closing soon", "invoices of twelve months"); modified_at for pollers; each declared key,
unique among live records that have a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, get_args, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, LargeBinary, MetaData, Table, and_, not_
from sqlalchemy.types import TypeEngine

import saddlebag.store.tables  # noqa: F401  the row kinds declare themselves when their module is imported
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind
from saddlebag.store.rows import RowKind, all_kinds
from saddlebag.store.types import TEXT, Exact, Hash64, Tags, UtcTime

SYSTEM_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "version": "version",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
}
"""The fields that every record has, and their columns."""

HEAD = ("id", "version", "born", "hash", "deleted", "merged_into", "created_at", "modified_at", "modified_by")
"""What an entity's table holds before the declared fields, after the tenant."""

TAIL = ("field_versions", "fragment", "tail")
"""What it holds after them."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN: Mapping[Kind, TypeEngine[Any]] = {
    Kind.BOOLEAN: Boolean(),
    Kind.INTEGER: BigInteger(),
    Kind.DATE: Date(),
    Kind.DATETIME: UtcTime(),
    Kind.TAGS: Tags(),
}
_ROW_TYPES: Mapping[type[Any], TypeEngine[Any]] = {
    str: TEXT,
    int: BigInteger(),
    bool: Boolean(),
    bytes: LargeBinary(),
    datetime: UtcTime(),
}


@dataclass(frozen=True)
class EntityTable:
    """An entity's table; `columns` are those of its declared fields and of `SYSTEM_COLUMNS`, by field name."""

    entity: Entity
    table: Table
    columns: Mapping[str, Column[Any]]


@dataclass(frozen=True)
class RowTable:
    """A row kind's table; `fields` are the dataclass's fields in order, each also the name of its column."""

    cls: type[Any]
    kind: RowKind
    table: Table
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """Every table of a schema."""

    metadata: MetaData
    entities: Mapping[str, EntityTable]
    rows: Mapping[type[Any], RowTable]
    tenants: Table
    counter: Table
    change_log: Table
    keys: Mapping[str, tuple[str, str]]
    """(entity, field) by the name of the unique index that guards the key."""

    def entity(self, schema: Schema, name: str) -> EntityTable:
        """The table of an entity; raises UNKNOWN_ENTITY."""
        return self.entities[schema.entity(name).name]


@lru_cache(maxsize=64)
def _tables(schema: Schema) -> Tables:
    metadata = MetaData()
    entities = {each.name: _entity_table(metadata, each) for each in schema.entities}
    keys = {_key_index(each, name): (each.name, name) for each in schema.entities for name in each.keys}
    return Tables(
        metadata,
        entities,
        {cls: _row_table(metadata, cls, kind) for cls, kind in all_kinds().items()},
        _tenants(metadata),
        _counter(metadata),
        _change_log(metadata),
        keys,
    )


def tables_for(schema: Schema) -> Tables:
    """The tables of a schema; equal schemas share them."""
    return _tables(schema)


def table_name(entity: Entity) -> str:
    """The name of an entity's table: `e_` and its name in snake_case."""
    return "e_" + _snake(entity.name)


def _snake(name: str) -> str:
    return _BOUNDARY.sub("_", name).lower()


def _column_type(field: Field) -> TypeEngine[Any]:
    if field.kind is Kind.DECIMAL:
        return Exact(field.digits, field.scale)
    return _PLAIN.get(field.kind, TEXT)


def _key_index(entity: Entity, field_name: str) -> str:
    return f"uq_{_snake(entity.name)}_{entity.field(field_name).column}"


def _entity_table(metadata: MetaData, entity: Entity) -> EntityTable:
    columns = {each.name: Column(each.column, _column_type(each)) for each in entity.fields}
    if {each.name for each in columns.values()} & {"tenant", *HEAD, *TAIL}:
        raise ValueError(f"entity {entity.name}: a field has the name of a column of the store's own")
    table = Table(
        table_name(entity),
        metadata,
        Column("tenant", TEXT, primary_key=True),
        Column("id", TEXT, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("born", BigInteger, nullable=False),
        Column("hash", Hash64, nullable=False),
        Column("deleted", Boolean, nullable=False),
        Column("merged_into", TEXT),
        Column("created_at", UtcTime, nullable=False),
        Column("modified_at", UtcTime, nullable=False),
        Column("modified_by", TEXT, nullable=False),
        *columns.values(),
        Column("field_versions", TEXT, nullable=False),
        Column("fragment", TEXT, nullable=False),
        Column("tail", TEXT, nullable=False),
    )
    for names in _entity_indexes(entity):
        Index(f"ix_{table.name[2:]}_{'_'.join(names)}", table.c.tenant, *[table.c[name] for name in names])
    for name in entity.keys:
        column = columns[name]
        live = and_(not_(table.c.deleted), column.is_not(None))
        Index(
            _key_index(entity, name),
            table.c.tenant,
            column,
            unique=True,
            sqlite_where=live,
            postgresql_where=live,
        )
    system = {name: table.c[column] for name, column in SYSTEM_COLUMNS.items()}
    return EntityTable(entity, table, {**columns, **system})


def _entity_indexes(entity: Entity) -> Iterator[tuple[str, ...]]:
    moments = [each.column for each in entity.fields if each.kind in (Kind.DATE, Kind.DATETIME)]
    for reference in entity.references:
        with_time = reference.name in (entity.customer, entity.owner)
        yield (reference.column, *(moments[:1] if with_time else ()))
    if entity.about:
        yield (entity.field(entity.about[1]).column,)
    yield ("modified_at", "id")


def _row_table(metadata: MetaData, cls: type[Any], kind: RowKind) -> RowTable:
    hints = get_type_hints(cls)
    fields = tuple(cls.__dataclass_fields__)
    columns = [_row_column(name, hints[name], name in kind.key) for name in fields]
    table = Table(kind.table, metadata, Column("tenant", TEXT, primary_key=True), *columns)
    for names in kind.indexes:
        Index(f"ix_{kind.table}_{'_'.join(names)}", table.c.tenant, *[table.c[name] for name in names])
    return RowTable(cls, kind, table, fields)


def _row_column(name: str, hint: Any, in_key: bool) -> Column[Any]:
    parts = [each for each in get_args(hint) or (hint,) if each is not type(None)]
    nullable = len(get_args(hint)) > len(parts)
    return Column(name, _ROW_TYPES[parts[0]], primary_key=in_key, nullable=nullable, autoincrement=False)


def _tenants(metadata: MetaData) -> Table:
    return Table(
        "tenant",
        metadata,
        Column("name", TEXT, primary_key=True),
        Column("title", TEXT, nullable=False),
        Column("time_zone", TEXT, nullable=False),
        Column("secret", LargeBinary, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("enabled", Boolean, nullable=False),
    )


def _counter(metadata: MetaData) -> Table:
    return Table(
        "counter",
        metadata,
        Column("tenant", TEXT, primary_key=True),
        Column("value", BigInteger, nullable=False),
    )


def _change_log(metadata: MetaData) -> Table:
    """Without SQLite's rowid: the log is read and written in the order of its key, one tree is enough."""
    return Table(
        "change_log",
        metadata,
        Column("tenant", TEXT, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("entity", TEXT, nullable=False),
        Column("id", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("fields", TEXT, nullable=False),
        Column("at", UtcTime, nullable=False),
        Column("by", TEXT, nullable=False),
        Column("origin", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )

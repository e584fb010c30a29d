"""How schema versions write their tables down, and how that is carried out.

Belongs here: the short form of columns and indexes, the same for every version. May not know: any version.

A column is `name` for text or `name:type`, with `?` where it may be without value; an index is its table and columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from saddlebag.store.types import TEXT, Exact, Hash64, Tags, UtcTime

ENTITY_HEAD = (
    "tenant id version:integer born:integer hash:hash deleted:boolean merged_into? "
    "created_at:time modified_at:time modified_by"
)
"""The columns that every entity's table begins with."""

ENTITY_TAIL = "field_versions fragment tail"
"""The columns that every entity's table ends with."""

_TYPES: Mapping[str, Any] = {
    "": TEXT,
    "integer": sa.BigInteger,
    "boolean": sa.Boolean,
    "date": sa.Date,
    "time": UtcTime,
    "tags": Tags,
    "hash": Hash64,
    "bytes": sa.LargeBinary,
}


def create(table: str, key: str, columns: str, **options: Any) -> None:
    """Make a table with this key."""
    op.create_table(table, *[_column(each, key.split()) for each in columns.split()], **options)


def index(name: str, described: str) -> None:
    """Make an index."""
    table, *indexed = described.split()
    op.create_index(name, table, indexed)


def unique_index(name: str, described: str) -> None:
    """Make an index that is unique among live records that have a value in the last column."""
    table, *indexed = described.split()
    live = sa.text(f"NOT deleted AND {indexed[-1]} IS NOT NULL")
    lite = sa.text(f"deleted = 0 AND {indexed[-1]} IS NOT NULL")
    op.create_index(name, table, indexed, unique=True, sqlite_where=lite, postgresql_where=live)


def _column(described: str, key: list[str]) -> sa.Column[Any]:
    name, _, type_name = described.rstrip("?").partition(":")
    if "." in type_name:
        digits, scale = type_name.split(".")
        kind: Any = Exact(int(digits), int(scale))
    else:
        kind = _TYPES[type_name]
    in_key = name in key
    return sa.Column(name, kind, primary_key=in_key, nullable=described.endswith("?"), autoincrement=False)

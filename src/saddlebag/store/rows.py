"""Technical rows: what the hub remembers besides records, each kind declared once as a frozen dataclass.

Belongs here: the declaration of keyed row kinds, from which tables, indexes and gateways are derived. May not know:
SQL. Every row kind is keyed by tenant first; the tenant comes from the transaction and is not a field.
Field types and their columns: str, int (64 bit), bool, bytes, datetime (UTC), each optionally `| None`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar


class Row(Protocol):
    """A declared row kind."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RowKind:
    """What is declared beside the fields: table name, key fields, and indexes as tuples of fields."""

    table: str
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()


_KINDS: dict[type[Any], RowKind] = {}
_T = TypeVar("_T", bound=type[Any])


def row_kind(table: str, *, key: tuple[str, ...], indexes: tuple[tuple[str, ...], ...] = ()) -> Callable[[_T], _T]:
    """Declare a frozen dataclass to be a row kind."""

    def declare(cls: _T) -> _T:
        unknown = {name for group in (key, *indexes) for name in group} - set(cls.__dataclass_fields__)
        if unknown or any(kind.table == table for kind in _KINDS.values()):
            raise ValueError(f"row kind {table}: unknown fields {sorted(unknown)} or table declared twice")
        _KINDS[cls] = RowKind(table, key, indexes)
        return cls

    return declare


def all_kinds() -> dict[type[Any], RowKind]:
    """Every declared row kind, in order of declaration."""
    return dict(_KINDS)

"""Technical rows in SQL: the gateway that `saddlebag.store.base.Rows` promises, for any declared row kind.

Belongs here: reading and writing rows by key or by equal fields. May not know: what a row means.

Statements are built once for each way of asking and kept, as building one costs more than SQLite needs to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from saddlebag.store.derive import RowTable, Tables
from saddlebag.store.prepared import Reader

R = TypeVar("R")

Fields = Mapping[str, object]


class RowStatements:
    """The statements for technical rows, shared by all transactions of a store."""

    def __init__(self, tables: Tables, dialect: str, reader: Reader) -> None:
        self.tables = tables
        self.reader = reader
        self._insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        self._kept: dict[tuple[Any, ...], Any] = {}

    def select(
        self, held: RowTable, where: Fields, before: Fields, after: Fields, order: tuple[str, ...], limited: bool
    ) -> Any:
        """Rows by fields equal to, less than and greater than parameters `w_`, `b_` and `a_` and the field's name."""
        given = _names(where)
        key = ("select", held.cls, given, tuple(before), tuple(after), order, limited)

        def build() -> Any:
            columns = held.table.c
            terms = _terms(held, given)
            terms += [columns[name] < bindparam(f"b_{name}", type_=columns[name].type) for name in before]
            terms += [columns[name] > bindparam(f"a_{name}", type_=columns[name].type) for name in after]
            by = (*order, *[name for name in held.kind.key if name not in order])
            statement = select(*[columns[name] for name in held.fields]).where(*terms)
            statement = statement.order_by(*[columns[name] for name in by])
            return statement.limit(bindparam("limit")) if limited else statement

        return self._built(key, build)

    def delete(self, held: RowTable, where: Fields) -> Any:
        """Delete by fields equal to the parameters `w_` and the field's name."""
        given = _names(where)
        return self._built(("delete", held.cls, given), lambda: delete(held.table).where(*_terms(held, given)))

    def put(self, held: RowTable) -> Any:
        """Insert or replace; the parameters are the columns' names."""

        def build() -> Any:
            statement = self._insert(held.table)
            rest = {name: statement.excluded[name] for name in held.fields if name not in held.kind.key}
            keys = ["tenant", *held.kind.key]
            if not rest:
                return statement.on_conflict_do_nothing(index_elements=keys)
            return statement.on_conflict_do_update(index_elements=keys, set_=rest)

        return self._built(("put", held.cls), build)

    def add(self, held: RowTable) -> Any:
        """Insert unless the key is taken; a row comes back when it was inserted."""

        def build() -> Any:
            statement = self._insert(held.table).on_conflict_do_nothing(index_elements=["tenant", *held.kind.key])
            return statement.returning(held.table.c.tenant)

        return self._built(("add", held.cls), build)

    def _built(self, key: tuple[Any, ...], build: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = build()
        return self._kept[key]


class SqlRows:
    """The technical rows of one tenant, inside one transaction."""

    def __init__(self, connection: Connection, statements: RowStatements, tenant: str, read_only: bool) -> None:
        self._connection = connection
        self._statements = statements
        self._tables = statements.tables
        self._tenant = tenant
        self._read_only = read_only

    def get(self, cls: type[R], *key: object) -> R | None:
        """The row under this key (fields in the declared order), or None."""
        where = dict(zip(self._tables.rows[cls].kind.key, key, strict=True))
        found = self._found(cls, where)
        return found[0] if found else None

    def put(self, row: object) -> None:
        """Insert the row, or replace the one under its key."""
        self.put_all((row,))

    def put_all(self, rows: Sequence[object]) -> None:
        """`put` for many rows of one kind in few statements."""
        self._refuse_when_read_only()
        if rows:
            held = self._tables.rows[type(rows[0])]
            self._carry_out(self._statements.put(held), [self._values(held, each) for each in rows])

    def add(self, row: object) -> bool:
        """Insert the row unless its key is taken; tell whether it was inserted."""
        self._refuse_when_read_only()
        held = self._tables.rows[type(row)]
        inserted = self._connection.execute(self._statements.add(held), self._values(held, row))
        return inserted.first() is not None

    def delete(self, cls: type[Any], **where: object) -> int:
        """Delete the rows whose fields equal those given; the count."""
        self._refuse_when_read_only()
        statement = self._statements.delete(self._tables.rows[cls], where)
        return self._carry_out(statement, [self._parameters(where)])

    def delete_all(self, rows: Sequence[object]) -> None:
        """Delete the rows under the keys of these, all of one kind, in few statements."""
        self._refuse_when_read_only()
        if rows:
            held = self._tables.rows[type(rows[0])]
            wheres = [{name: getattr(each, name) for name in held.kind.key} for each in rows]
            self._carry_out(self._statements.delete(held, wheres[0]), [*map(self._parameters, wheres)])

    def _carry_out(self, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
        return self._statements.reader.carry_out(self._connection, statement, rows)

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
        """Rows whose fields equal those in `where`, are less than those in `before` and greater than those in `after`.

        In the order of the fields named, then of the key.
        """
        return self._found(cls, where, after or {}, before or {}, order, limit)

    def _found(
        self,
        cls: type[R],
        where: Fields,
        lower: Fields = MappingProxyType({}),
        upper: Fields = MappingProxyType({}),
        order: tuple[str, ...] = (),
        limit: int | None = None,
    ) -> list[R]:
        statement = self._statements.select(self._tables.rows[cls], where, upper, lower, order, limit is not None)
        parameters = self._parameters(where)
        parameters |= {f"b_{name}": value for name, value in upper.items()}
        parameters |= {f"a_{name}": value for name, value in lower.items()}
        if limit is not None:
            parameters["limit"] = limit
        return [cls(*each) for each in self._statements.reader.ask(self._connection, statement, parameters).all()]

    def _parameters(self, where: Fields) -> dict[str, object]:
        given = {f"w_{name}": value for name, value in where.items() if value is not None}
        return {"w_tenant": self._tenant, **given}

    def _values(self, held: RowTable, row: object) -> dict[str, object]:
        if type(row) is not held.cls:
            raise TypeError("rows of different kinds were given together")
        return {"tenant": self._tenant, **{name: getattr(row, name) for name in held.fields}}

    def _refuse_when_read_only(self) -> None:
        if self._read_only:
            raise RuntimeError("a read-only transaction was asked to write")


def _names(where: Fields) -> tuple[tuple[str, bool], ...]:
    """The fields asked for, each with whether it is to have a value."""
    return tuple((name, value is not None) for name, value in where.items())


def _terms(held: RowTable, given: tuple[tuple[str, bool], ...]) -> list[ColumnElement[bool]]:
    columns = held.table.c
    return [
        columns[name] == bindparam(f"w_{name}", type_=columns[name].type) if valued else columns[name].is_(None)
        for name, valued in (("tenant", True), *given)
    ]

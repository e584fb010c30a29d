"""Prepared: statements compiled once, asked of SQLite without SQLAlchemy in between.

Belongs here: running a statement that is kept, by the shortest way that means the same. May not know: what it asks.

SQLAlchemy takes some 30 microseconds to run a statement and to make rows of its own for the answer; SQLite answers a
look-up by key in 3. A pull is ten to forty of them; and for each row of a hundred that are put it takes as long as
SQLite. So the text, the order of the parameters and the conversions of SQLAlchemy's types are taken from it once, and
the driver is called with them. PostgreSQL's driver converts by what the
server says of each column, so there SQLAlchemy stays in between; it does too where somebody listens to statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Result, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

_KEPT: Final = 2000
"""Statements that are kept prepared; more are only met where callers search in endless variety."""


class _Statement:
    """A statement's text, and its parameters in their order: names, each with its conversion, or values."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.usable = not (compiled.post_compile_params or compiled.literal_execute_params)
        """False where the text depends on the values: a list of any length is written into it."""
        self._text = str(compiled)
        self._parameters: list[tuple[str | None, Any]] = []
        for name in compiled.positiontup or ():
            bind = compiled.binds[name]
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                self._parameters.append((name, convert))
            else:
                value = bind.effective_value
                self._parameters.append((None, convert(value) if convert else value))

    def _given(self, name: str | None, how: Any, parameters: Mapping[str, Any]) -> Any:
        if name is None:
            return how
        value = parameters[name]
        return value if how is None else how(value)


class PreparedChange(_Statement):
    """One INSERT or DELETE as the driver wants it."""

    def carry_out(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for each row; how many rows of the database it met. Raises as `Prepared.ask`."""
        given = [[self._given(name, how, row) for name, how in self._parameters] for row in rows]
        driver: Any = connection.connection.dbapi_connection
        try:
            found = driver.execute(self._text, given[0]) if len(given) == 1 else driver.executemany(self._text, given)
        except sqlite3.Error as problem:
            raise DBAPIError(self._text, None, problem, hide_parameters=True) from problem
        count: int = found.rowcount
        return count


class Prepared(_Statement):
    """One SELECT as the driver wants it."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        super().__init__(statement, dialect)
        types = [each.type.dialect_impl(dialect) for each in statement.selected_columns]
        readers = [each.result_processor(dialect, None) for each in types]
        self._readers = [(place, convert) for place, convert in enumerate(readers) if convert is not None]

    def ask(self, connection: Connection, parameters: Mapping[str, Any]) -> Found:
        """The answer; raises DBAPIError as SQLAlchemy would, and KeyError for a parameter that is not given."""
        given = [self._given(name, how, parameters) for name, how in self._parameters]
        driver: Any = connection.connection.dbapi_connection
        try:
            return Found(driver.execute(self._text, given), self.read)
        except sqlite3.Error as problem:
            raise DBAPIError(self._text, None, problem, hide_parameters=True) from problem

    def read(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows as the driver gives them, with SQLAlchemy's values in them."""
        return [self._row(list(each)) for each in found] if self._readers else found

    def _row(self, row: list[Any]) -> tuple[Any, ...]:
        for place, convert in self._readers:
            row[place] = convert(row[place])
        return tuple(row)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that is not read yet."""

    cursor: sqlite3.Cursor
    read: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]]

    def all(self) -> list[tuple[Any, ...]]:
        """All rows; raises DBAPIError."""
        return self.read(self._next(self.cursor.fetchall))

    def partitions(self, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, `size` at a time; raises DBAPIError."""
        while part := self._next(lambda: self.cursor.fetchmany(size)):
            yield self.read(part)

    def _next(self, fetch: Callable[[], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        try:
            return fetch()
        except sqlite3.Error as problem:  # SQLite computes the rows as they are asked for
            raise DBAPIError("SELECT", None, problem, hide_parameters=True) from problem


class Reader:
    """Runs the kept statements of one store; safe to use from several threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._direct = dialect.name == "sqlite"
        self._kept: dict[int, tuple[Select[Any], Prepared]] = {}
        self._changes: dict[int, tuple[Any, PreparedChange]] = {}

    def ask(self, connection: Connection, statement: Select[Any], parameters: Mapping[str, Any]) -> Found | Result[Any]:
        """What the statement answers; of either form use `all` and `partitions` alone."""
        if self._direct and not connection.dispatch.before_cursor_execute:
            prepared = self._prepared(statement)
            if prepared.usable:
                return prepared.ask(connection, parameters)
        return connection.execute(statement, parameters)

    def carry_out(self, connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run an INSERT or DELETE for each row (at least one); how many rows of the database it met."""
        if not self._direct or connection.dispatch.before_cursor_execute:
            return connection.execute(statement, rows if len(rows) > 1 else rows[0]).rowcount
        kept = self._changes.get(id(statement))
        if kept is None:
            kept = self._changes[id(statement)] = (statement, PreparedChange(statement, self._dialect))
        return kept[1].carry_out(connection, rows)

    def _prepared(self, statement: Select[Any]) -> Prepared:
        kept = self._kept.get(id(statement))
        if kept is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            # The statement is kept beside, or another could come to have its identity.
            kept = self._kept[id(statement)] = (statement, Prepared(statement, self._dialect))
        return kept[1]

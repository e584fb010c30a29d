"""Statements: from shapes to SQLAlchemy selects, each built once and kept.

Belongs here: SELECTs over entity tables. May not know: connections, values of callers.

A statement depends on shapes alone; its parameters are `tenant`, `p0`, `p1`, ... in the order of the shape's leaves,
`k0`, `k1`, ... for a keyset position, `ids` and `limit`. `Within` becomes `IN (SELECT ...)`, never a join; where few
records are asked about, SQLite gets EXISTS instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.sql import operators

from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Kind
from saddlebag.store.derive import HEAD, SYSTEM_COLUMNS, TAIL, EntityTable, Tables
from saddlebag.store.lower import TEXTS, Shape, kind_of_field
from saddlebag.store.types import Exact, TextList

Ordering = tuple[tuple[str, bool], ...]
"""(field, descending) of each term."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operators.eq,
    "ne": operators.ne,
    "lt": operators.lt,
    "le": operators.le,
    "gt": operators.gt,
    "ge": operators.ge,
}
_HALF = 10**9
"""Whole numbers are added in two halves below and above this, so that no sum meets the end of 64 bits."""

_TEXT_LOW = 15
"""Digits in the lower half of a number that is held as text."""


class Statements:
    """Builds and keeps the statements for one schema on one kind of database."""

    def __init__(self, schema: Schema, tables: Tables, dialect: str) -> None:
        self.schema = schema
        self.tables = tables
        self.native = dialect == "postgresql"
        self._kept: dict[tuple[Any, ...], Select[Any]] = {}
        counter = tables.counter.c
        self.sequence = select(counter.value).where(counter.tenant == _tenant())
        """The last number that a tenant's counter has given out."""
        self.allocation = (
            update(tables.counter)
            .where(counter.tenant == bindparam("holder", type_=Text()))
            .values(value=counter.value + bindparam("taken", type_=BigInteger()))
            .returning(counter.value)
        )
        """Take as many numbers for `holder` as `taken` says; the last of them."""

    def __len__(self) -> int:
        return len(self._kept)

    def kept(self, key: tuple[Any, ...], build: Callable[[], Select[Any]]) -> Select[Any]:
        """The statement under `key`, built at first use; searches of endless variety may not fill the memory."""
        statement = self._kept.get(key)
        if statement is None:
            if len(self._kept) >= 1000:
                self._kept.clear()
            statement = self._kept[key] = build()
        return statement

    def record_columns(self, table: EntityTable) -> list[Any]:
        """All columns but the tenant, in the order that `reading` expects."""
        return [table.table.c[name] for name in (*HEAD, *[each.column for each in table.entity.fields], *TAIL)]

    def by_ids(self, table: EntityTable, columns: Sequence[Any], *, deleted: bool, lock: bool) -> Select[Any]:
        """Records by `ids`; locked in the order of ids, or two writers could each hold what the other wants."""
        held = table.table.c
        statement = select(*columns).where(held.tenant == _tenant(), self._among(held.id, "ids"))
        if not deleted:
            statement = statement.where(not_(held.deleted))
        if lock and self.native:
            statement = statement.order_by(held.id).with_for_update()
        return statement

    def listing(
        self,
        table: EntityTable,
        columns: Sequence[Any],
        shape: Shape,
        order: Ordering,
        after: tuple[bool, ...] | None,
        limited: bool,
    ) -> Select[Any]:
        """Live records that meet the shape, in order, after a keyset position whose values are there or not."""
        statement = self.live(table, columns, shape)
        if after is not None:
            statement = statement.where(self._beyond(table, order, after))
        terms = [self._term(table.columns[field], descending) for field, descending in order]
        statement = statement.order_by(*terms, table.table.c.id)
        return statement.limit(bindparam("limit")) if limited else statement

    def live(self, table: EntityTable, columns: Sequence[Any], shape: Shape) -> Select[Any]:
        """Live records that meet the shape, in no order."""
        held = table.table.c
        where = self._where(table, shape, count())
        return select(*columns).where(held.tenant == _tenant(), not_(held.deleted), where)

    def sums(self, table: EntityTable, field: str, group: str, shape: Shape) -> Select[Any]:
        """Group, and the parts from which `total_of` makes the exact sum."""
        column, grouped = table.columns[field], table.columns[group]
        return self.live(table, [grouped, *self._sum_parts(column)], shape).group_by(grouped)

    def _sum_parts(self, column: Any) -> list[ColumnElement[Any]]:
        if self.native:
            return [func.coalesce(func.sum(column), 0)]
        raw = type_coerce(column, Text() if column.type.is_text else BigInteger())
        if column.type.is_text:
            cut = column.type.digits + 1 - _TEXT_LOW
            parts: list[ColumnElement[Any]] = [
                cast(func.substr(raw, 1, cut), BigInteger),
                cast(func.substr(raw, cut + 1), BigInteger),
            ]
        else:
            parts = [raw.op("/")(_HALF), raw.op("%")(_HALF)]
        return [*[func.coalesce(func.sum(each), 0) for each in parts], func.count(raw)]

    def total_of(self, column: Any, parts: Sequence[Any]) -> Any:
        """The sum from what a row of `sums` holds after the group."""
        exact: Exact = column.type
        if self.native:
            return parts[0]
        high, low, counted = parts
        if exact.is_text:
            return exact.of_whole(high * 10**_TEXT_LOW + low - counted * 10**exact.digits)
        return exact.of_whole(high * _HALF + low)

    def _term(self, column: Any, descending: bool) -> Any:
        """No value comes before every value; SQLite thinks so by itself."""
        if not self.native:
            return column.desc() if descending else column
        return column.desc().nulls_last() if descending else column.asc().nulls_first()

    def _beyond(self, table: EntityTable, order: Ordering, given: tuple[bool, ...]) -> ColumnElement[bool]:
        """Behind the position `k0`, `k1`, ...: equal in the first terms, further in the next; `id` is the last."""
        branches: list[ColumnElement[bool]] = []
        equal: list[ColumnElement[bool]] = []
        for index, ((field, descending), valued) in enumerate(zip(order, given, strict=True)):
            column = table.columns[field]
            bound = bindparam(f"k{index}", type_=column.type)
            branches.append(and_(*equal, _further(column, bound, descending, valued)))
            equal.append(column == bound if valued else column.is_(None))
        column = table.table.c.id
        branches.append(and_(*equal, column > bindparam(f"k{len(order)}", type_=column.type)))
        return or_(*branches)

    def _where(
        self, table: EntityTable, shape: Shape, numbers: Iterator[int], few: bool = False
    ) -> ColumnElement[bool]:
        """The shape in SQL; `few` tells that something beside it narrows the search to few records."""
        match shape:
            case ("true",):
                return true()
            case ("false",):
                return false()
            case ("and", parts):
                few = few or any(_finds_few(table.entity, each) for each in parts)
                return and_(*[self._where(table, each, numbers, few) for each in parts])
            case ("or", parts):
                if self.native and not few and any(each[0] == "within" for each in parts):
                    return self._union(table, parts, numbers)
                return or_(*[self._where(table, each, numbers, few) for each in parts])
            case ("not", part):
                return not_(self._where(table, part, numbers, few))
            case ("null", field):
                return table.columns[field].is_(None)
            case ("present", field):
                return table.columns[field].is_not(None)
            case ("within", field, entity, selected, inner):
                target = self.tables.entity(self.schema, entity)
                if few and not self.native and _is_looked_up(target.entity, selected):
                    return self._exists(target, selected, table.columns[field], inner, numbers)
                return table.columns[field].in_(self._inner(target, selected, inner, numbers, few))
            case (leaf, field, *rest):
                return self._leaf(table, leaf, field, rest, f"p{next(numbers)}")
        raise ValueError(f"no such shape: {shape[0]}")

    def _union(self, table: EntityTable, parts: Sequence[Shape], numbers: Iterator[int]) -> ColumnElement[bool]:
        """Alternatives of which one is an IN (SELECT): each along its own index, then the ids put together.

        PostgreSQL evaluates OR over a subquery row by row, so that it would read the whole tenant.
        """
        other = _alias(table)
        held = other.columns["id"].table.c
        ids = [
            select(held.id).where(held.tenant == _tenant(), not_(held.deleted), self._where(other, each, numbers))
            for each in parts
        ]
        return table.columns["id"].in_(union_all(*ids))

    def _exists(
        self, target: EntityTable, selected: str, value: Any, shape: Shape, numbers: Iterator[int]
    ) -> ColumnElement[bool]:
        """`Within`, record by record: SQLite would gather all that the subquery yields for the sake of a few."""
        other = _alias(target)
        held = other.columns["id"].table
        found = select(held.c.id).where(
            held.c.tenant == _tenant(),
            other.columns[selected] == value,
            not_(held.c.deleted),
            self._where(other, shape, numbers, True),
        )
        return found.correlate_except(held).exists()

    def _inner(self, table: EntityTable, selected: str, shape: Shape, numbers: Iterator[int], few: bool) -> Select[Any]:
        """The values of a `Within`; one NULL among them would make every NOT IN unknown."""
        held, column = table.table.c, table.columns[selected]
        statement = select(column).where(
            held.tenant == _tenant(), not_(held.deleted), self._where(table, shape, numbers, few)
        )
        return statement.where(column.is_not(None)) if column.nullable else statement

    def _leaf(self, table: EntityTable, leaf: str, field: str, rest: list[Any], name: str) -> ColumnElement[bool]:
        column = table.columns[field]
        if leaf == "compare":
            return _OPERATORS[rest[0]](column, bindparam(name, type_=column.type))  # type: ignore[no-any-return]
        if leaf == "in":
            if kind_of_field(table.entity, field) in TEXTS:
                return self._among(column, name)
            return column.in_(bindparam(name, type_=column.type, expanding=True))
        bound = bindparam(name, type_=Text())
        place = func.strpos if self.native else func.instr
        if leaf == "has":
            return place(column, bound) > 0
        found = place(func.lower(column), bound)
        return found == 1 if leaf == "prefix" else found > 0

    def _among(self, column: Any, name: str) -> ColumnElement[bool]:
        """One parameter for any number of texts: the statement stays the same, and no bound on parameters is met."""
        bound = bindparam(name, type_=TextList())
        if self.native:
            return column == any_(bound)  # type: ignore[no-any-return]
        return column.in_(select(func.json_each(bound).table_valued("value").c.value))  # type: ignore[no-any-return]


def _alias(table: EntityTable) -> EntityTable:
    """The table under another name, for a subquery that is compared with a row outside."""
    held = table.table.alias()
    return EntityTable(table.entity, table.table, {name: held.c[each.name] for name, each in table.columns.items()})


def _finds_few(entity: Entity, shape: Shape) -> bool:
    """Whether a leaf names records, or the one record that they hang on; an owner has too many."""
    if shape[0] == "in":
        return bool(shape[1] == "id")
    return shape[0] == "compare" and shape[2] == "eq" and shape[1] != entity.owner and _is_looked_up(entity, shape[1])


def _is_looked_up(entity: Entity, field: str) -> bool:
    return field == "id" or (field not in SYSTEM_COLUMNS and entity.field(field).kind is Kind.REFERENCE)


def _tenant() -> Any:
    return bindparam("tenant", type_=Text())


def _further(column: Any, bound: Any, descending: bool, valued: bool) -> ColumnElement[bool]:
    if descending:
        return or_(column < bound, column.is_(None)) if valued else false()
    return column > bound if valued else column.is_not(None)  # type: ignore[no-any-return]

"""Conditions over fields: one small tree for search filters, visibility and scope rules alike.

Belongs here: the tree, its construction, evaluation on values (the meaning that a store's SQL must have) and parameter
binding. May not know: SQL. The store compiles it to parameterised SQL; `Within` becomes `IN (SELECT ...)`, never a join
(measured: about 100 times slower after ANALYZE on SQLite).

SQL's three-valued logic is avoided: a comparison with no value is false, and `Not` of it is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from saddlebag.model.fields import Value


class Op(StrEnum):
    """Comparisons; `PREFIX` and `CONTAINS` ignore case of ASCII letters, `HAS` looks for one tag, `IN` takes a
    tuple.
    """

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    PREFIX = "prefix"
    CONTAINS = "contains"
    HAS = "has"


@dataclass(frozen=True, slots=True)
class Param:
    """A value that is known only when the condition is used: me, today, window."""

    name: str


@dataclass(frozen=True, slots=True)
class Compare:
    """`field` (or "id") compared with a value."""

    field: str
    op: Op
    value: Value | Param


@dataclass(frozen=True, slots=True)
class Missing:
    """`field` has no value."""

    field: str


@dataclass(frozen=True, slots=True)
class Within:
    """`field` (or "id") is among the `select` values of the live `entity` records that meet `where`."""

    field: str
    entity: str
    where: Condition
    select: str = "id"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; with no part: always."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Some part holds; with no part: never."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Compare | Missing | Within | And | Or | Not

ALWAYS = And()
NEVER = Or()


def eq(field: str, value: Value | Param) -> Compare:
    """`field` = `value`."""
    return Compare(field, Op.EQ, value)


def both(*parts: Condition) -> Condition:
    """All of them, flattened where that is trivial."""
    useful = tuple(each for each in parts if each != ALWAYS)
    if NEVER in useful:
        return NEVER
    return useful[0] if len(useful) == 1 else And(useful)


def either(*parts: Condition) -> Condition:
    """Any of them, flattened where that is trivial."""
    useful = tuple(each for each in parts if each != NEVER)
    if ALWAYS in useful:
        return ALWAYS
    return useful[0] if len(useful) == 1 else Or(useful)


def conjuncts(condition: Condition) -> frozenset[Condition]:
    """Conditions that all hold wherever this one does."""
    if isinstance(condition, And):
        return frozenset().union(*(conjuncts(each) for each in condition.parts))
    return frozenset({condition})


def bind(condition: Condition, params: Mapping[str, Value]) -> Condition:
    """The condition with each `Param` replaced by its value; raises KeyError for one that is not given."""
    match condition:
        case Compare(field, op, Param(name)):
            return Compare(field, op, params[name])
        case Within(field, entity, where, select):
            return Within(field, entity, bind(where, params), select)
        case And(parts):
            return And(tuple(bind(each, params) for each in parts))
        case Or(parts):
            return Or(tuple(bind(each, params) for each in parts))
        case Not(part):
            return Not(bind(part, params))
        case _:
            return condition


Subquery = Callable[[Within], frozenset[Value]]
"""Gives the selected values of a `Within`, when a condition is evaluated without a database."""


def holds(condition: Condition, values: Mapping[str, Value], subquery: Subquery) -> bool:
    """Whether a record's `values` (with "id") meet the condition; the reference meaning for every store."""
    match condition:
        case And(parts):
            return all(holds(each, values, subquery) for each in parts)
        case Or(parts):
            return any(holds(each, values, subquery) for each in parts)
        case Not(part):
            return not holds(part, values, subquery)
        case Missing(field):
            return values.get(field) in (None, ())
        case Within(field):
            value = values.get(field)
            return value is not None and value in subquery(condition)
        case Compare(field, op, expected):
            if isinstance(expected, Param):
                raise ValueError(f"parameter {expected.name} is not bound")
            return _compare(op, values.get(field), expected)


def _compare(op: Op, value: Value, expected: Value) -> bool:
    if value is None:
        return False
    if op is Op.IN:
        return isinstance(expected, tuple) and value in expected
    if op is Op.HAS:
        return isinstance(value, tuple) and expected in value
    if op in (Op.PREFIX, Op.CONTAINS):
        if not isinstance(value, str) or not isinstance(expected, str):
            return False
        held, part = _fold(value), _fold(expected)
        return held.startswith(part) if op is Op.PREFIX else part in held
    return _ORDER[op](value, expected)


def _fold(text: str) -> str:
    return "".join([each.lower() if each.isascii() else each for each in text])


_ORDER: Mapping[Op, Callable[[object, object], bool]] = {
    Op.EQ: lambda a, b: a == b,
    Op.NE: lambda a, b: a != b,
    Op.LT: lambda a, b: bool(a < b),  # type: ignore[operator]
    Op.LE: lambda a, b: bool(a <= b),  # type: ignore[operator]
    Op.GT: lambda a, b: bool(a > b),  # type: ignore[operator]
    Op.GE: lambda a, b: bool(a >= b),  # type: ignore[operator]
}

"""Conditions, lowered: from the tree of `saddlebag.model.condition` to a shape and its parameters.

Belongs here: what a condition means once types, missing values and negation are settled. May not know: SQL text.

A shape is a nest of tuples without any value of the caller's, so that equal searches by different users share one
statement; the values come beside it, in the order of the shape's leaves. SQL's third truth value never decides:
negation is pushed down to the leaves, where a field without value makes the negated comparison true.

    ("true",)  ("false",)  ("and", shapes)  ("or", shapes)  ("null", field)  ("present", field)
    ("compare", field, op)  ("in", field)  ("has", field)  ("prefix", field)  ("contains", field)
    ("within", field, entity, select, shape)  ("not", leaf)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from saddlebag.model.condition import And, Compare, Condition, Missing, Not, Op, Or, Param, Within
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Kind
from saddlebag.store.types import INT64_MAX, INT64_MIN, WIDE, tag_needle

Shape = tuple[Any, ...]

TRUE: Shape = ("true",)
FALSE: Shape = ("false",)

TEXTS = frozenset({Kind.STRING, Kind.TEXT, Kind.CODE, Kind.REFERENCE})
"""Kinds whose value is a `str`."""

SYSTEM_KINDS: Mapping[str, Kind] = {
    "id": Kind.STRING,
    "version": Kind.INTEGER,
    "createdAt": Kind.DATETIME,
    "modifiedAt": Kind.DATETIME,
}
_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL})
_TYPES: Mapping[Kind, type[Any]] = {
    **dict.fromkeys(TEXTS, str),
    Kind.BOOLEAN: bool,
    Kind.DATE: date,
    Kind.DATETIME: datetime,
    Kind.TAGS: tuple,
}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A shape and its parameters in the order of the shape's leaves."""

    shape: Shape
    params: list[Any]


def lower(schema: Schema, entity: Entity, condition: Condition) -> Lowered:
    """Lower a bound condition; raises UNKNOWN_FIELD, UNKNOWN_ENTITY, and ValueError for values that have no order."""
    lowering = _Lowering(schema)
    shape = lowering.any(entity, condition, False)
    return Lowered(shape, lowering.params)


def kind_of_field(entity: Entity, name: str) -> Kind:
    """The kind of a declared or a system field; raises UNKNOWN_FIELD."""
    return SYSTEM_KINDS.get(name) or entity.field(name).kind


class _Lowering:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.params: list[Any] = []

    def any(self, entity: Entity, condition: Condition, negated: bool) -> Shape:
        match condition:
            case And(parts) | Or(parts):
                return self._group(entity, parts, isinstance(condition, And) != negated, negated)
            case Not(part):
                return self.any(entity, part, not negated)
            case Missing(field):
                kind_of_field(entity, field)
                return ("present" if negated else "null", field)
            case Within():
                return self._within(entity, condition, negated)
            case Compare(field, op, value):
                if isinstance(value, Param):
                    raise ValueError(f"parameter {value.name} is not bound")
                return _signed(self._compare(entity, field, op, value), field, negated)

    def _group(self, entity: Entity, parts: tuple[Condition, ...], conjunction: bool, negated: bool) -> Shape:
        """A group, with the parts that decide nothing left out; one that decides all makes their parameters void."""
        start, neutral = len(self.params), TRUE if conjunction else FALSE
        decisive = FALSE if conjunction else TRUE
        shapes = []
        for part in parts:
            shape = self.any(entity, part, negated)
            if shape == decisive:
                del self.params[start:]
                return decisive
            if shape != neutral:
                shapes.append(shape)
        if len(shapes) < 2:
            return shapes[0] if shapes else neutral
        return ("and" if conjunction else "or", tuple(shapes))

    def _within(self, entity: Entity, within: Within, negated: bool) -> Shape:
        target = self.schema.entity(within.entity)
        if _comparable(entity, within.field) != _comparable(target, within.select):
            raise ValueError(f"{within.field} and {within.entity}.{within.select} are of different kinds")
        inner = self.any(target, within.where, False)
        if inner == FALSE:
            return _signed(FALSE, within.field, negated)
        return _signed(("within", within.field, within.entity, within.select, inner), within.field, negated)

    def _compare(self, entity: Entity, name: str, op: Op, value: Any) -> Shape:
        kind = kind_of_field(entity, name)
        if op is Op.IN:
            return self._in(entity, name, kind, value)
        if op is Op.HAS:
            return self._leaf(("has", name), tag_needle(value)) if _is(kind, Kind.TAGS, value, str) else FALSE
        if op in (Op.PREFIX, Op.CONTAINS):
            fits = kind in TEXTS and isinstance(value, str)
            return self._leaf((op.value, name), _fold(value)) if fits else FALSE
        if kind in _NUMBERS and isinstance(value, int | Decimal):
            return self._number(entity, name, op, value)
        if op in (Op.EQ, Op.NE):
            if _fits(kind, value):
                return self._leaf(("compare", name, op.value), value)
            return FALSE if op is Op.EQ else ("present", name)
        if kind is Kind.TAGS or not _fits(kind, value):
            raise ValueError(f"{name} has no order against that value")
        return self._leaf(("compare", name, op.value), value)

    def _in(self, entity: Entity, name: str, kind: Kind, values: Any) -> Shape:
        given = values if isinstance(values, tuple) else ()
        if kind in _NUMBERS:
            low, high, scale = _range(entity, name)
            numbers = [_split(each, scale) for each in given if isinstance(each, int | Decimal)]
            kept = [_unscale(floor, scale) for floor, ceil in numbers if floor == ceil and low <= floor <= high]
        else:
            kept = [each for each in given if _fits(kind, each)]
        return self._leaf(("in", name), kept) if kept else FALSE

    def _number(self, entity: Entity, name: str, op: Op, value: int | Decimal) -> Shape:
        """A comparison with a number that the column may not hold: the same truth, with one that it does."""
        low, high, scale = _range(entity, name)
        floor, ceil = _split(value, scale)
        whole = floor == ceil
        if op in (Op.EQ, Op.NE):
            if whole and low <= floor <= high:
                return self._leaf(("compare", name, op.value), _unscale(floor, scale))
            return FALSE if op is Op.EQ else ("present", name)
        below = op in (Op.LT, Op.LE)
        if floor > high or ceil < low:
            return ("present", name) if below == (floor > high) else FALSE
        if whole:
            return self._leaf(("compare", name, op.value), _unscale(floor, scale))
        bound = min(floor, high) if below else max(ceil, low)
        if (below and floor < low) or (not below and ceil > high):
            return FALSE
        return self._leaf(("compare", name, "le" if below else "ge"), _unscale(bound, scale))

    def _leaf(self, shape: Shape, param: Any) -> Shape:
        self.params.append(param)
        return shape


def _signed(shape: Shape, field: str, negated: bool) -> Shape:
    if not negated:
        return shape
    if shape == FALSE:
        return TRUE
    if shape == ("present", field):
        return ("null", field)
    if field in SYSTEM_KINDS:
        return ("not", shape)
    return ("or", (("null", field), ("not", shape)))


def _is(kind: Kind, wanted: Kind, value: object, of_type: type[Any]) -> bool:
    return kind is wanted and isinstance(value, of_type)


def _fits(kind: Kind, value: object) -> bool:
    """Whether a stored value of the kind can equal `value`; a day is no moment, and no tag is no value."""
    if kind in _NUMBERS or not isinstance(value, _TYPES[kind]):
        return False
    if kind is Kind.DATE:
        return not isinstance(value, datetime)
    return bool(value != ())


def _comparable(entity: Entity, name: str) -> object:
    kind = kind_of_field(entity, name)
    if kind in TEXTS:
        return Kind.STRING
    return (kind, entity.field(name).digits, entity.field(name).scale) if kind is Kind.DECIMAL else kind


def _range(entity: Entity, name: str) -> tuple[int, int, int]:
    """The least and greatest stored number, and the scale."""
    if name in SYSTEM_KINDS or entity.field(name).kind is Kind.INTEGER:
        return INT64_MIN, INT64_MAX, 0
    field = entity.field(name)
    most: int = 10**field.digits - 1
    return -most, most, field.scale


def _split(value: int | Decimal, scale: int) -> tuple[int, int]:
    scaled = Decimal(value).scaleb(scale, WIDE)
    return int(scaled.to_integral_value(ROUND_FLOOR)), int(scaled.to_integral_value(ROUND_CEILING))


def _unscale(whole: int, scale: int) -> int | Decimal:
    return Decimal(whole).scaleb(-scale, WIDE) if scale else whole


def _fold(text: str) -> str:
    return "".join([each.lower() if each.isascii() else each for each in text])

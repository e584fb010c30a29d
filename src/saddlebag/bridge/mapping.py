"""Mappings: declared as data, checked against the tenant's schema when loaded, applied to items.

Belongs here: reading a mapping (a table as TOML or JSON gives it), laying a tenant's changes over the adapter's
default, and applying it. May not know: bindings, the store. A fault is found when the mapping is loaded, not when
the first record comes: INVALID_MAPPING names the stream and the field.

    [customers]
    match = ["number", "taxNumber"]              an unknown item is a record the hub has if one of these is equal
    deletions = "0.2"                            the largest share of the stream that one run may delete
    fields.name = "name"                         a path, short for {from = "name"}
    fields.stage = {from = "state", codes = {lead = "prospect"}, default = "qualify"}
    fields.owner = {from = "employee.email", match = "email", leave = true}
    fields.customer = {from = "party.id", binding = true}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from saddlebag.bridge import paths
from saddlebag.bridge.convert import convert, refusal
from saddlebag.bridge.port import Hygiene, Stream
from saddlebag.bridge.rules import FieldRule, StreamMapping
from saddlebag.kernel.errors import INVALID_MAPPING, SaddlebagError
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind, Master, Value

_STREAM_WORDS = frozenset({"match", "deletions", "fields", "enabled"})
_FLAGS = frozenset({"binding", "leave", "once", "round", "clip", "unescape"})
_TEXTS = frozenset({"match", "lines", "join", "zone", "master"})
_RULE_WORDS = _FLAGS | _TEXTS | {"from", "value", "default", "codes", "factor"}


@dataclass(frozen=True, slots=True)
class Pending:
    """A reference still to be found: the target's external id, or with `match` the value of that field of it."""

    rule: FieldRule
    key: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping made of one item: values, and references still to be found."""

    values: Mapping[str, Value]
    references: tuple[Pending, ...]


def overlay(default: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The default mapping with a tenant's changes laid over it; a change of None takes a rule away."""
    merged = dict(default)
    for name, change in changes.items():
        below = merged.get(name)
        if change is None:
            merged.pop(name, None)
        elif isinstance(change, Mapping) and isinstance(below, Mapping) and (name == "fields" or "fields" in below):
            merged[name] = overlay(below, change)
        else:
            merged[name] = change
    return merged


def load(
    table: Mapping[str, Any], streams: Iterable[Stream], schema: Schema, hygiene: Hygiene
) -> dict[str, StreamMapping]:
    """The mapping of every declared stream, by name; raises INVALID_MAPPING."""
    known = {each.name: each for each in streams}
    for name in table:
        if name not in known:
            raise _wrong(name, None, "there is no such stream")
    return {name: _stream(each, table.get(name), schema, hygiene) for name, each in known.items()}


def _stream(stream: Stream, table: Any, schema: Schema, hygiene: Hygiene) -> StreamMapping:
    if not isinstance(table, Mapping) or not isinstance(table.get("fields"), Mapping):
        raise _wrong(stream.name, None, "it has no fields")
    for word in table.keys() - _STREAM_WORDS:
        raise _wrong(stream.name, None, f"the word {word} is unknown")
    entity = schema.entity(stream.entity)
    match = tuple(table.get("match", ()))
    for name in match:
        _field(stream, entity, name)
    rules = tuple(_rule(stream, entity, name, each, hygiene) for name, each in table["fields"].items())
    filled = {each.field.name for each in rules}
    for field in entity.fields:
        if field.required and field.default is None and not field.derived and field.name not in filled:
            raise _wrong(stream.name, field.name, "the field is required and has no rule")
    share = _number(stream, "deletions", table.get("deletions", "0.2"))
    return StreamMapping(stream.name, entity.name, rules, match, share, bool(table.get("enabled", True)))


def _rule(stream: Stream, entity: Entity, name: str, given: Any, hygiene: Hygiene) -> FieldRule:
    field = _field(stream, entity, name)
    table = given if isinstance(given, Mapping) else {"from": given}
    for word in table.keys() - _RULE_WORDS:
        raise _wrong(stream.name, name, f"the word {word} is unknown")
    words: dict[str, Any] = {word: bool(table[word]) for word in _FLAGS & table.keys()}
    words |= {word: str(table[word]) for word in _TEXTS & table.keys()}
    plain = FieldRule(
        field,
        "system" if field.master is Master.ERP else "hub",
        paths=_paths(stream, name, table.get("from", ())),
        codes={str(code): str(value) for code, value in table.get("codes", {}).items()},
        factor=_number(stream, name, table.get("factor", 1)),
        zone=hygiene.time_zone,
        unescape=hygiene.escaped_text,
    )
    rule = replace(plain, **words)
    _check_rule(stream, rule, table)
    return _with_constants(stream, rule, table)


def _check_rule(stream: Stream, rule: FieldRule, table: Mapping[str, Any]) -> None:
    name, field = rule.field.name, rule.field
    if not rule.paths and "value" not in table and "default" not in table:
        raise _wrong(stream.name, name, "the rule has neither from nor value nor default")
    if field.derived:
        raise _wrong(stream.name, name, "the hub fills this field itself")
    if (rule.binding or rule.match) and field.kind is not Kind.REFERENCE:
        raise _wrong(stream.name, name, "binding and match are for references")
    if rule.master not in ("system", "hub"):
        raise _wrong(stream.name, name, "master is system or hub")
    for code in rule.codes.values():
        if field.kind is Kind.CODE and code not in field.values:
            raise _wrong(stream.name, name, f"the code table leads to {code}, which the field does not allow")
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise _wrong(stream.name, name, "the zone is not an IANA time zone") from None


def _with_constants(stream: Stream, rule: FieldRule, table: Mapping[str, Any]) -> FieldRule:
    try:
        return replace(rule, constant=convert(rule, table.get("value")), default=convert(rule, table.get("default")))
    except SaddlebagError as error:
        raise _wrong(stream.name, rule.field.name, error.message) from None


def _paths(stream: Stream, name: str, given: Any) -> tuple[paths.Path, ...]:
    texts = [given] if isinstance(given, str) else list(given)
    try:
        parsed = tuple(paths.parse(text) for text in texts)
    except (ValueError, TypeError) as problem:
        raise _wrong(stream.name, name, str(problem)) from None
    for path in parsed:
        if path.root not in stream.fields:
            raise _wrong(stream.name, name, f"the stream has no field {path.root}")
    return parsed


def _field(stream: Stream, entity: Entity, name: str) -> Field:
    if not entity.has(name):
        raise _wrong(stream.name, name, f"the entity {entity.name} has no such field")
    return entity.field(name)


def _number(stream: Stream, name: str, given: Any) -> Decimal:
    try:
        return Decimal(str(given))
    except InvalidOperation:
        raise _wrong(stream.name, name, "a number is expected") from None


def _wrong(stream: str, field: str | None, what: str) -> SaddlebagError:
    where = f"stream {stream}, field {field}" if field else f"stream {stream}"
    return SaddlebagError(INVALID_MAPPING, f"Mapping of {where}: {what}.", field=field, rule=stream)


def apply(mapping: StreamMapping, data: Mapping[str, Any]) -> Mapped:
    """Values and open references of one item's data; raises ADAPTER_RECORD naming the field."""
    values: dict[str, Value] = {}
    references: list[Pending] = []
    for rule in mapping.rules:
        value = _value(rule, data)
        if rule.field.kind is Kind.REFERENCE and (rule.binding or rule.match):
            values[rule.field.name] = None
            if value is not None:
                references.append(Pending(rule, str(value)))
        else:
            values[rule.field.name] = value
        if value is None and rule.field.required and rule.field.default is None:
            raise refusal(rule.field, "is missing, and the field is required")
    return Mapped(values, tuple(references))


def _value(rule: FieldRule, data: Mapping[str, Any]) -> Value:
    for path in rule.paths:
        found = paths.follow(path, data)
        value = convert(rule, found) if rule.default is None or not _unknown_code(rule, found) else None
        if value is not None:
            return value
    return rule.default if rule.constant is None else rule.constant


def _unknown_code(rule: FieldRule, found: Any) -> bool:
    """With a default, a code that the table does not know takes the default instead of refusing the record."""
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return rule.field.kind is Kind.CODE and text not in rule.codes and text not in rule.field.values

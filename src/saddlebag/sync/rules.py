"""Scope rules as written down: JSON to values and back, each rule checked against the tenant's schema.

Belongs here: the JSON form and its validation. May not know: devices, SQL. An error is INVALID_SCOPE_RULE and names the
rule and, where one is at fault, the field.

    {"cap": 5000, "grace": 24,
     "rules": [{"name": "closing", "doc": "...", "entity": "Deal", "where": CONDITION, "cap": 500,
                "fields": ["title", "stage"],
                "hops": [{"name": "contacts", "from": "customer", "entity": "Contact", "by": "customer",
                          "backward": true, "where": CONDITION, "cap": 1000}]}]}

    CONDITION = {"all": [...]} | {"any": [...]} | {"not": CONDITION} | {"missing": FIELD}
              | {"field": FIELD, "op": OP, "value": TEXT | [TEXT, ...] | {"param": "today+7d"}}

"from" is "" or left out for the root. Texts are lexical forms (kernel.canon); operators are those of model.condition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from saddlebag.contract.codec import codec_for
from saddlebag.contract.recent import Recent
from saddlebag.kernel.errors import INVALID_SCOPE_RULE, SaddlebagError
from saddlebag.kernel.limits import SCOPE_RECORDS
from saddlebag.model.condition import ALWAYS, And, Compare, Condition, Missing, Not, Op, Or, Param
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Kind
from saddlebag.sync.scope import Hop, Rule, Scope, parameter_name

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DEPTH: Final = 8
_RULES: Final = 50
_HOPS: Final = 50
_GRACE: Final = 24 * 366
"""Hours that a record may stay after it has left: a year."""
_RANGES: Final = (Kind.STRING, Kind.CODE, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.DATETIME)


_RECENT: Recent[tuple[str, int, str, str], Scope] = Recent(256)


def read_scope(name: str, version: int, text: str, schema: Schema) -> Scope:
    """The scope that `text` says; raises INVALID_SCOPE_RULE."""
    return _RECENT.get((name, version, text, schema.fingerprint), lambda: _read(name, version, text, schema))


def _read(name: str, version: int, text: str, schema: Schema) -> Scope:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _refusal("", "The rules are not JSON.") from None
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not 0 < len(rules) <= _RULES:
        raise _refusal("", f"The rules are a list of 1 to {_RULES} under the name rules.")
    cap, grace = (_whole(document, name, most) for name, most in (("cap", SCOPE_RECORDS), ("grace", _GRACE)))
    read = tuple(_Reader(schema, each).rule() for each in rules)
    if len({each.name for each in read}) != len(read):
        raise _refusal("", "Two rules have one name.")
    return Scope(name, version, read, cap, grace)


def _whole(document: Mapping[str, Any], name: str, most: int) -> int:
    number = document.get(name, 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise _refusal("", f"The scope's {name} is a whole number up to {most}, 0 for none.", field=name)
    return number


def _refusal(rule: str, sentence: str, field: str | None = None, entity: str | None = None) -> SaddlebagError:
    return SaddlebagError(INVALID_SCOPE_RULE, sentence, rule=rule or None, field=field, entity=entity)


@dataclass(slots=True)
class _Reader:
    schema: Schema
    source: Any
    name: str = ""

    def rule(self) -> Rule:
        source = self._mapping(self.source, "A rule")
        self.name = self._name(source)
        entity = self._entity(source)
        hops: list[Hop] = []
        listed = source.get("hops", [])
        if not isinstance(listed, list) or len(listed) > _HOPS:
            raise _refusal(self.name, f"The hops are a list of at most {_HOPS}.")
        places = {"": entity}
        for each in listed:
            hop = self._hop(self._mapping(each, "A hop"), places)
            places[hop.name] = self.schema.entity(hop.entity)
            hops.append(hop)
        where = self._condition(source.get("where"), entity, entity, 0)
        cap, fields = self._cap(source), self._fields(source, entity)
        return Rule(self.name, str(source.get("doc", "")), entity.name, where, tuple(hops), cap, fields)

    def _hop(self, source: Mapping[str, Any], places: Mapping[str, Entity]) -> Hop:
        name, start, entity = self._name(source), str(source.get("from", "")), self._entity(source)
        if name in places or start not in places:
            raise _refusal(self.name, f"The hop {name} is named twice or starts at a hop that does not come before it.")
        backward, by = source.get("backward") is True, str(source.get("by", ""))
        holder, arrived = (entity, places[start]) if backward else (places[start], entity)
        about = holder.about[0] if backward and arrived.customer and holder.about and holder.about[1] == by else ""
        if not about and (not holder.has(by) or holder.field(by).target != arrived.name):
            sentence = f"{holder.name} has no such reference to {arrived.name}."
            raise _refusal(self.name, sentence, field=by, entity=holder.name)
        where = self._condition(source.get("where"), entity, places[""], 0)
        fields = self._fields(source, entity)
        return Hop(name, start, entity.name, by, backward, where, self._cap(source), fields, about)

    def _mapping(self, source: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(source, dict):
            raise _refusal(self.name, f"{what} is an object.")
        return source

    def _name(self, source: Mapping[str, Any]) -> str:
        name = source.get("name")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise _refusal(self.name, "A name is 1 to 40 lower-case letters, digits and hyphens.")
        return name

    def _entity(self, source: Mapping[str, Any]) -> Entity:
        name = str(source.get("entity", ""))
        if not self.schema.has(name):
            raise _refusal(self.name, "The schema has no such entity.", entity=name)
        return self.schema.entity(name)

    def _cap(self, source: Mapping[str, Any]) -> int:
        cap = source.get("cap", 0)
        if not isinstance(cap, int) or isinstance(cap, bool) or cap < 0:
            raise _refusal(self.name, "A cap is a whole number, 0 for none.")
        return cap

    def _fields(self, source: Mapping[str, Any], entity: Entity) -> tuple[str, ...]:
        """The fields to carry, none for all: those that devices get at all."""
        if "fields" not in source:
            return ()
        listed = source["fields"]
        if not isinstance(listed, list) or not listed:
            raise _refusal(self.name, "The fields are a list of names; left out for all.")
        travel = {each.name for each in entity.device_fields}
        for each in listed:
            if not isinstance(each, str) or each not in travel:
                sentence = f"{entity.name} has no such field that devices get."
                raise _refusal(self.name, sentence, field=str(each), entity=entity.name)
        return tuple(dict.fromkeys(listed))

    def _condition(self, source: Any, entity: Entity, root: Entity, depth: int) -> Condition:
        if source is None:
            return ALWAYS
        source = self._mapping(source, "A condition")
        if depth > _DEPTH:
            raise _refusal(self.name, f"A condition is at most {_DEPTH} deep.")
        for word, join in (("all", And), ("any", Or)):
            if isinstance(source.get(word), list):
                return join(tuple(self._condition(each, entity, root, depth + 1) for each in source[word]))
        if "not" in source:
            return Not(self._condition(source["not"], entity, root, depth + 1))
        if "missing" in source:
            return Missing(self._field(source["missing"], entity))
        return self._compare(source, entity, root)

    def _field(self, name: Any, entity: Entity) -> str:
        if not isinstance(name, str) or not (name == "id" or entity.has(name)):
            raise _refusal(self.name, f"{entity.name} has no such field.", field=str(name), entity=entity.name)
        return name

    def _compare(self, source: Mapping[str, Any], entity: Entity, root: Entity) -> Compare:
        field = self._field(source.get("field"), entity)
        kind = Kind.REFERENCE if field == "id" else entity.field(field).kind
        try:
            op = Op(str(source.get("op")))
        except ValueError:
            raise _refusal(self.name, "There is no such comparison.", field=field, entity=entity.name) from None
        if not _fits(op, kind):
            raise _refusal(self.name, f"A {kind} field cannot be compared by {op}.", field=field, entity=entity.name)
        value = source.get("value")
        if isinstance(value, dict):
            return Compare(field, op, self._param(value.get("param"), op, kind, entity, root, field))
        return Compare(field, op, self._value(value, op, entity, field))

    def _param(self, text: Any, op: Op, kind: Kind, entity: Entity, root: Entity, field: str) -> Param:
        name = parameter_name(text) if isinstance(text, str) else None
        target = entity.name if field == "id" else entity.field(field).target
        fits = {
            "me": kind is Kind.REFERENCE and target == "User" and op in (Op.EQ, Op.NE),
            "team": kind is Kind.REFERENCE and target == "User" and op is Op.IN,
            "territories": kind is Kind.REFERENCE and target == "Territory" and op is Op.IN,
            "pins": kind is Kind.REFERENCE and target == root.name and op is Op.IN,
            "today": kind is Kind.DATE and op is not Op.IN,
            "now": kind is Kind.DATETIME and op is not Op.IN,
        }
        if name is None or not fits[name]:
            raise _refusal(self.name, "The parameter does not fit the field.", field=field, entity=entity.name)
        return Param(text)

    def _value(self, value: Any, op: Op, entity: Entity, field: str) -> Any:
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in texts) or isinstance(value, list) != (op is Op.IN):
            sentence = "The value is a text, or a list of texts for in."
            raise _refusal(self.name, sentence, field=field, entity=entity.name)
        if op is Op.HAS:
            return value
        codec = codec_for(self.schema)[entity.name]
        try:
            values = tuple(codec.value(field, each) for each in texts)
        except SaddlebagError as problem:
            raise _refusal(self.name, problem.message, field=field, entity=entity.name) from None
        return values if op is Op.IN else values[0]


def _fits(op: Op, kind: Kind) -> bool:
    if kind is Kind.TAGS:
        return op is Op.HAS
    if op in (Op.EQ, Op.NE, Op.IN):
        return kind is not Kind.TEXT
    if op in (Op.PREFIX, Op.CONTAINS):
        return kind in (Kind.STRING, Kind.TEXT)
    return op is not Op.HAS and kind in _RANGES


def write_scope(scope: Scope, schema: Schema) -> str:
    """The JSON text of a scope's rules; `read_scope` gives the same rules again."""
    whole = {name: number for name, number in (("cap", scope.cap), ("grace", scope.grace)) if number}
    return json.dumps({**whole, "rules": [_rule(each, schema) for each in scope.rules]}, indent=2, ensure_ascii=False)


def write_condition(where: Condition, entity: str, schema: Schema) -> Any:
    """A rule's condition as JSON values."""
    match where:
        case And(parts):
            return {"all": [write_condition(each, entity, schema) for each in parts]}
        case Or(parts):
            return {"any": [write_condition(each, entity, schema) for each in parts]}
        case Not(part):
            return {"not": write_condition(part, entity, schema)}
        case Missing(field):
            return {"missing": field}
        case Compare(field, op, value):
            return {"field": field, "op": str(op), "value": _text(value, op, field, entity, schema)}
        case _:
            raise ValueError("a rule's condition holds no subquery: that is what hops are for")


def _text(value: Any, op: Op, field: str, entity: str, schema: Schema) -> Any:
    if isinstance(value, Param):
        return {"param": value.name}
    if op is Op.HAS:
        return value
    codec = codec_for(schema)[entity]
    return [codec.text(field, each) for each in value] if op is Op.IN else codec.text(field, value)


def _rule(rule: Rule, schema: Schema) -> dict[str, Any]:
    where = write_condition(rule.where, rule.entity, schema)
    hops = [_hop(each, schema) for each in rule.hops]
    told = {"name": rule.name, "doc": rule.doc, "entity": rule.entity, "where": where, "cap": rule.cap}
    return {**told, **_carried(rule), "hops": hops}


def _carried(step: Rule | Hop) -> dict[str, Any]:
    return {"fields": list(step.fields)} if step.fields else {}


def _hop(hop: Hop, schema: Schema) -> dict[str, Any]:
    return {
        "name": hop.name,
        "from": hop.start,
        "entity": hop.entity,
        "by": hop.field,
        "backward": hop.backward,
        "where": write_condition(hop.where, hop.entity, schema),
        "cap": hop.cap,
        **_carried(hop),
    }

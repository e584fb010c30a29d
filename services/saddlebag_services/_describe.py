"""Descriptions of entities: what DescribeEntities says of each declaration.

Belongs here: from a declaration to message values. May not know: who asks, SOAP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlebag.contract.codec import EntityCodec
from saddlebag.contract.spec import Enumeration, Member, Scalar, Struct
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind, Master, Policy, SyncClass

_KIND = Enumeration("FieldKind", tuple(str(each) for each in Kind), "The type of a field.")
_POLICY = Enumeration(
    "ConflictPolicy", tuple(str(each) for each in Policy), "What happens when a device's edit meets a newer value."
)
_MASTER = Enumeration("FieldMaster", tuple(str(each) for each in Master), "Which side's value counts.")
_SYNC = Enumeration("SyncClass", tuple(str(each) for each in SyncClass), "Whether devices get the field.")

_TRANSITION = Struct(
    "Transition",
    "Where a code may move to from one value.",
    (
        Member("state", Scalar.TOKEN, "The present value.", required=True),
        Member("next", Scalar.TOKEN, "The values that may follow.", many=True),
    ),
)

FIELD = Struct(
    "FieldDescription",
    "One field of an entity.",
    (
        Member("name", Scalar.TOKEN, "Name of the field and of its element.", required=True, length=60),
        Member("type", _KIND, "Its type.", required=True),
        Member("doc", Scalar.STRING, "What it means, in one sentence.", required=True),
        Member("required", Scalar.BOOLEAN, "Whether every record has a value.", required=True),
        Member("readOnly", Scalar.BOOLEAN, "Whether the hub keeps it.", required=True),
        Member("length", Scalar.INT, "Most characters, of each tag where it is a list."),
        Member("digits", Scalar.INT, "Most digits of a decimal."),
        Member("scale", Scalar.INT, "Digits after the point of a decimal."),
        Member("minimum", Scalar.STRING, "Least value."),
        Member("maximum", Scalar.STRING, "Greatest value."),
        Member("unit", Scalar.STRING, "What is counted; the name of a field where that field tells."),
        Member("target", Scalar.TOKEN, "The entity that a reference names."),
        Member("default", Scalar.STRING, "The value of a new record that gives none, in lexical form."),
        Member("value", Scalar.TOKEN, "The values of a code.", many=True),
        Member("transition", _TRANSITION, "How a code may move; left out where it may move freely.", many=True),
        Member("policy", _POLICY, "How conflicts are settled.", required=True),
        Member("master", _MASTER, "Which side's value counts.", required=True),
        Member("sync", _SYNC, "Whether devices get it.", required=True),
        Member("derived", Scalar.TOKEN, "The path that the hub fills it from."),
    ),
)

ENTITY = Struct(
    "EntityDescription",
    "One entity of the tenant.",
    (
        Member("name", Scalar.TOKEN, "Name of the entity.", required=True, length=60),
        Member("plural", Scalar.TOKEN, "Its plural, as operations use it.", required=True, length=60),
        Member("element", Scalar.TOKEN, "Name of a record's element.", required=True, length=60),
        Member("doc", Scalar.STRING, "What it is, in one sentence.", required=True),
        Member("label", Scalar.TOKEN, "The field that people know a record by.", required=True),
        Member("customer", Scalar.TOKEN, "The field that leads to the customer."),
        Member("owner", Scalar.TOKEN, "The field that names the responsible user."),
        Member("partOf", Scalar.TOKEN, "The reference to the record that this one is a part of."),
        Member("key", Scalar.TOKEN, "Fields whose value is unique: any serves Upsert.", many=True),
        Member("merges", Scalar.BOOLEAN, "True where its records can be merged."),
        Member("field", FIELD, "Its fields, in the order of their elements.", many=True),
    ),
)


def describe_entity(entity: Entity, codec: EntityCodec, hidden: frozenset[str]) -> dict[str, Any]:
    """The members of EntityDescription, without the `hidden` fields."""
    return {
        "name": entity.name,
        "plural": entity.plural,
        "element": entity.element,
        "doc": entity.doc,
        "label": entity.label,
        "customer": entity.customer or None,
        "owner": entity.owner or None,
        "partOf": entity.part_of or None,
        "key": [each for each in entity.keys if each not in hidden],
        "merges": entity.merges or None,
        "field": [_field(each, codec) for each in entity.fields if each.name not in hidden],
    }


def _field(field: Field, codec: EntityCodec) -> Mapping[str, Any]:
    return {
        "name": field.name,
        "type": str(field.kind),
        "doc": field.doc,
        "required": field.required,
        "readOnly": field.read_only or bool(field.derived),
        "length": field.length or None,
        "digits": field.digits or None,
        "scale": field.scale if field.kind is Kind.DECIMAL else None,
        "minimum": None if field.minimum is None else str(field.minimum),
        "maximum": None if field.maximum is None else str(field.maximum),
        "unit": field.unit or None,
        "target": field.target or None,
        "default": None if field.default is None else codec.text(field.name, field.default),
        "value": list(field.values),
        "transition": [{"state": start, "next": list(ends)} for start, ends in field.transitions],
        "policy": str(field.policy),
        "master": str(field.master),
        "sync": str(field.sync),
        "derived": field.derived or None,
    }

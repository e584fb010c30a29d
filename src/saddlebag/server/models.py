"""Spyne's classes, compiled from our declarations: what plain Spyne would need to know of an entity or a message.

Belongs here: the mapping from `contract.spec` and `model` to Spyne types. May not know: handlers, HTTP, the store.
Classes are made anew for each schema version and SOAP version: one class in two Applications loses its namespace (S20,
W11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from saddlebag.contract import namespaces
from saddlebag.contract.codec import CLEAR, SYSTEM_DECLARATIONS
from saddlebag.contract.spec import Enumeration, Member, RecordOf, Scalar, Struct
from saddlebag.kernel import limits
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind, SyncClass
from saddlebag.server import compat

# Compat comes first: without it Spyne does not import.
# isort: split
from spyne.model.binary import ByteArray
from spyne.model.complex import ComplexModel, ComplexModelMeta
from spyne.model.primitive import Boolean, Date, DateTime, Decimal, Integer, Integer32, Integer64, Unicode

compat.install()

_SCALARS: Final[Mapping[Scalar, Any]] = {
    Scalar.STRING: Unicode,
    Scalar.TOKEN: Unicode,
    Scalar.ID: Unicode(max_len=limits.ID_LENGTH),
    Scalar.BOOLEAN: Boolean,
    Scalar.INT: Integer32,
    Scalar.LONG: Integer64,
    Scalar.DECIMAL: Decimal,
    Scalar.DATE: Date,
    Scalar.DATETIME: DateTime,
    Scalar.BINARY: ByteArray,
}
_FIELDS: Final[Mapping[Kind, Callable[[Field], Any]]] = {
    Kind.STRING: lambda field: Unicode(max_len=field.length),
    Kind.TEXT: lambda field: Unicode(max_len=field.length),
    Kind.CODE: lambda field: Unicode(values=field.values),
    Kind.REFERENCE: lambda field: Unicode(max_len=field.length),
    Kind.TAGS: lambda field: Unicode(max_len=field.length, min_occurs=0, max_occurs="unbounded"),
    Kind.BOOLEAN: lambda field: Boolean,
    Kind.INTEGER: lambda field: Integer,
    Kind.DECIMAL: lambda field: Decimal(total_digits=field.digits, fraction_digits=field.scale),
    Kind.DATE: lambda field: Date,
    Kind.DATETIME: lambda field: DateTime,
}


class Models:
    """The Spyne classes of one schema, made when they are first asked for."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._made: dict[str, Any] = {}

    def members(self, members: tuple[Member, ...]) -> dict[str, Any]:
        """The types of a message's members by name; Spyne makes the wrapper itself."""
        return {each.name: self._member(each) for each in members}

    def record(self, entity: str) -> Any:
        """The class of an entity's records."""
        made = self._made.get(entity)
        if made is None:
            fields = _record_fields(self._schema.entity(entity))
            made = self._made[entity] = self._complex(entity, namespaces.TYPES, fields)
        return made

    def _member(self, member: Member) -> Any:
        bounds: dict[str, Any] = {"min_occurs": int(member.required)}
        if member.many:
            bounds["max_occurs"] = member.maximum or "unbounded"
        return self._type(member.type).customize(**bounds)

    def _type(self, kind: Scalar | Enumeration | Struct | RecordOf) -> Any:
        if isinstance(kind, Scalar):
            return _SCALARS[kind]
        if isinstance(kind, RecordOf):
            return self.record(kind.entity)
        if isinstance(kind, Enumeration):
            return Unicode(values=kind.values)
        made = self._made.get(kind.name)
        if made is None:
            made = self._complex(kind.name, namespaces.TYPES, list(self.members(kind.members).items()))
            self._made[kind.name] = made
        return made

    @staticmethod
    def _complex(name: str, namespace: str, members: list[tuple[str, Any]]) -> Any:
        declared = {"__namespace__": namespace, "__type_name__": name, "_type_info": members}
        return ComplexModelMeta(name, (ComplexModel,), declared)


def _record_fields(entity: Entity) -> list[tuple[str, Any]]:
    """The record's members in the order of its rendering: what devices get, what stays at the hub, the two times."""
    head = [each for each in SYSTEM_DECLARATIONS if each.sync is SyncClass.DEVICE]
    times = [each for each in SYSTEM_DECLARATIONS if each.sync is SyncClass.HUB]
    fields = [(each.name, _FIELDS[each.kind](each)) for each in (*head, *entity.fields, *times)]
    return [(CLEAR, Unicode(min_occurs=0, max_occurs="unbounded")), *fields]

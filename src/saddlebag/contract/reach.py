"""What a service's messages reach: the structs, simple types, entities and headers that its contract has to publish.

Belongs here: walking declarations. May not know: XML. A WSDL that carried every entity would be larger than some stacks
take, so each carries only what is reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from saddlebag.contract import shapes
from saddlebag.contract.common import CALL_HEADERS, CREATE_HEADERS, FAULT_DETAIL, SESSION, WRITE_HEADERS
from saddlebag.contract.shapes import Shape
from saddlebag.contract.spec import Access, Enumeration, Member, Operation, RecordOf, Scalar, Service, Struct


@dataclass(slots=True)
class Reached:
    """Declarations by name, in the order in which they were first met; `headers` and `faults` are elements as well."""

    structs: dict[str, Struct] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)
    headers: dict[str, Struct] = field(default_factory=dict)

    def add_members(self, members: Iterable[Member]) -> None:
        """Take in what the members' types name; raises ValueError when one name means two things."""
        for member in members:
            match member.type:
                case Struct():
                    self.add_struct(member.type)
                case RecordOf(entity):
                    self.entities.add(entity)
                case other:
                    self.add_shape(shape_of(other, member.length))

    def add_shape(self, shape: Shape) -> None:
        """Take in a simple type, unless it is a built-in one."""
        if shape.name and self.shapes.setdefault(shape.name, shape) != shape:
            raise ValueError(f"the simple type {shape.name} is declared twice, differently")

    def add_struct(self, struct: Struct) -> None:
        """Take in a struct and what its members name."""
        known = self.structs.get(struct.name)
        if known is None:
            self.structs[struct.name] = struct
            self.add_members(struct.members)
        elif known != struct:
            raise ValueError(f"the struct {struct.name} is declared twice, differently")

    def add_headers(self, operation: Operation) -> None:
        """Take in the header blocks that the operation takes."""
        for header in headers_of(operation):
            self.headers[header.name] = header
            self.add_struct(header)


def shape_of(simple: Scalar | Enumeration, length: int) -> Shape:
    """The simple type of a member that is no struct and no record."""
    if isinstance(simple, Enumeration):
        return shapes.of_values(simple.name, simple.values, simple.doc)
    return shapes.of_scalar(simple, length)


def headers_of(operation: Operation) -> tuple[Struct, ...]:
    """The header blocks that an operation takes."""
    session = (SESSION,) if operation.access is not Access.PUBLIC else ()
    writing = WRITE_HEADERS if operation.writes else ()
    return (*session, *CALL_HEADERS, *writing, *(CREATE_HEADERS if operation.creates else ()))


def reach(services: Iterable[Service]) -> Reached:
    """All that the services' messages, headers and faults reach."""
    reached = Reached()
    reached.add_struct(FAULT_DETAIL)
    for service in services:
        for operation in service.operations:
            reached.add_headers(operation)
            reached.add_members(operation.request)
            reached.add_members(operation.response)
    return reached

"""How a service is declared: operations, messages and types, free of any SOAP engine.

Belongs here: the declaration's value types. May not know: Spyne, XML libraries, handlers' insides. From these
values come
the XSD, the WSDL (SOAP 1.1 and 1.2), the Spyne classes and the documentation; nothing of it is written a second time.

Python shapes of message values, both ways:
    scalar       str, bool, int, Decimal, date, datetime (aware), bytes
    Enumeration  str
    Struct       Mapping from member name to value; an absent optional member is missing or None
    streamed     Blob
    many         list of the above
    RecordOf     in: `RecordInput`; out: `saddlebag.contract.codec.Rendered`-like text pieces (fragment + tail),
    never objects
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from saddlebag.model.fields import Value


class Scalar(StrEnum):
    """Simple types of messages, named as in XML Schema where XML Schema has them."""

    STRING = "string"
    TOKEN = "token"
    ID = "id"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "dateTime"
    BINARY = "base64Binary"


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A named list of values, published in the common namespace."""

    name: str
    values: tuple[str, ...]
    doc: str


@dataclass(frozen=True, slots=True)
class RecordOf:
    """A whole record of an entity, in the type that the tenant's schema gives it."""

    entity: str


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a struct or message. `many` lets it repeat (0..n, or 1..n when required)."""

    name: str
    type: Scalar | Enumeration | Struct | RecordOf
    doc: str
    required: bool = False
    many: bool = False
    length: int = 0
    maximum: int = 0
    """Most repetitions that the schema allows; 0 for no bound of its own."""
    streamed: bool = False
    """Binary content of any size: travels beside the envelope where the caller speaks MTOM; a top-level member only."""


@dataclass(frozen=True, slots=True)
class Struct:
    """A named complex type, published in the common namespace so that services share it."""

    name: str
    doc: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class RecordInput:
    """A record as a caller sent it: declared values by field name, None for an explicit null (xsi:nil or listed in
    `clear`).
    """

    entity: str
    id: str | None
    version: int | None
    values: Mapping[str, Value]


class Blob(Protocol):
    """Binary content that is not held in memory: the value of a `streamed` member, both ways."""

    @property
    def size(self) -> int:
        """Bytes of it."""
        ...

    def pieces(self, most: int) -> Iterator[bytes]:
        """The bytes in order, at most `most` at a time."""
        ...


class Access(StrEnum):
    """Who may call: anybody (Login, GetServerTime), only an authenticated principal, or also a device that was disabled
    and has to be emptied.
    """

    PUBLIC = "public"
    SESSION = "session"
    LEAVING = "leaving"


class DuplicateAction(StrEnum):
    """What becomes of a new record that a duplicate rule of the tenant finds there already."""

    REFUSE = "refuse"
    ALLOW = "allow"


Handler = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
"""Takes the call (`saddlebag.records.call.Call`) and the request's members, gives the response's members."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: request element `Name`, response element `NameResponse`, document/literal wrapped.

    `writes` operations accept the IdempotencyKey, AllOrNone and IfVersion headers, `creates` ones DuplicateRule. Of a
    `one_per_device` operation a device has one call at work at a time; its next one waits.
    """

    name: str
    doc: str
    request: tuple[Member, ...]
    response: tuple[Member, ...]
    handler: Handler = field(compare=False)
    access: Access = Access.SESSION
    writes: bool = False
    creates: bool = False
    one_way: bool = False
    """Answered with HTTP 202 and nothing else (WSDL 1.1, 2.4.1; WS-I BP 1.1 R2714); it has no response."""
    one_per_device: bool = False
    logs_in: bool = False
    """Whether it proves who calls, which costs much and may be tried by anybody: few are carried out at once."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its part of the address, its documentation and operations; one WSDL each."""

    name: str
    doc: str
    operations: tuple[Operation, ...]

    def operation(self, name: str) -> Operation | None:
        """The operation of this name."""
        return next((each for each in self.operations if each.name == name), None)


ServiceFactory = Callable[[Any], Service]
"""What the entry point group `saddlebag.services` names: takes the tenant's `Schema`, gives its `Service`."""

"""Messages to values and back, compiled from a service's declaration: one closure for each member, made once.

Belongs here: how declared members are read from elements and written as text. May not know: Spyne, envelopes, HTTP.

Written text takes its prefixes from the wrapper: the default namespace is the types', `s` is the service's. So a stored
fragment is copied into its element as it stands, and a record costs no namespace declaration of its own.

    <s:GetCustomersResponse xmlns:s="urn:saddlebag:customer:v1" xmlns="urn:saddlebag:types:v1">
      <s:customer> fragment tail </s:customer> ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.codec import SchemaCodec, codec_for, content, is_nil
from saddlebag.contract.spec import Blob, Enumeration, Member, Operation, RecordOf, Scalar, Service, Struct
from saddlebag.kernel import canon, ids
from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import INVALID_VALUE, SCHEMA_INVALID, TOO_LARGE, TOO_MANY_RECORDS, SaddlebagError
from saddlebag.kernel.limits import INLINE_BYTES
from saddlebag.model.entities import Schema
from saddlebag.server.spool import Part
from saddlebag.server.xop import INCLUDED, blob_of

Element = etree._Element
Values = Mapping[str, Any]
Read = Callable[[Element], Any]
Write = Callable[[Any], str]
Text = Callable[[Any], str]

_PREFIX: Final = "s:"
_SPACE: Final = " \t\r\n"


class MessageCodec:
    """An operation's way from the request element to values, and from the response's values to text."""

    def __init__(self, service: Service, operation: Operation, codecs: SchemaCodec) -> None:
        namespace = namespaces.service(service.name)
        self.operation = operation
        self.tag = f"{{{namespace}}}{operation.name}"
        self._streamed_in = tuple(each.name for each in operation.request if each.streamed)
        self._streamed_out = tuple(each.name for each in operation.response if each.streamed)
        self._bounds = tuple(
            (f"{{{namespace}}}{each.name}", each) for each in operation.request if each.many and each.maximum
        )
        self.read = _struct_reader(operation.name, operation.request, namespace, codecs)
        members = _members_writer(operation.response, _PREFIX)
        name = f"{_PREFIX}{operation.name}Response"
        self._start = f'<{name} xmlns:s="{namespace}" xmlns="{namespaces.TYPES}">'
        self._end = f"</{name}>"
        self._members = members

    def check_counts(self, element: Element) -> None:
        """Raise TOO_MANY_RECORDS where a member repeats more often than declared: a schema would not say how often."""
        for tag, member in self._bounds:
            if len(element) > member.maximum:
                count = sum(1 for _ in element.iterchildren(tag))
                if count > member.maximum:
                    raise SaddlebagError(TOO_MANY_RECORDS, field=member.name, count=count, limit=member.maximum)

    def fill(self, values: dict[str, Any], parts: Mapping[str, Part]) -> None:
        """Give streamed members their content; raises INVALID_VALUE, and TOO_LARGE for a large part anywhere else."""
        left = set(parts)
        for name in self._streamed_in:
            text = values.get(name)
            if text is not None:
                left.discard(text)
                try:
                    values[name] = blob_of(text, parts)
                except canon.LexicalError as problem:
                    raise SaddlebagError(INVALID_VALUE, f"{name}: {problem}.", field=name) from None
        if left:
            sentence = "A part is included where no content of that size is taken."
            raise SaddlebagError(TOO_LARGE, sentence, limit=INLINE_BYTES)

    def content(self, values: Values) -> Blob | None:
        """The content that goes beside the answer's envelope, or None."""
        return next((values[name] for name in self._streamed_out if values.get(name) is not None), None)

    def write(self, values: Values) -> str:
        """The response element; raises ValueError for values that the declaration does not allow."""
        return f"{self._start}{self._members(values)}{self._end}"


def compile_service(service: Service, schema: Schema) -> dict[str, MessageCodec]:
    """The codecs of a service's operations by the tag of their request element."""
    codecs = codec_for(schema)
    compiled = [MessageCodec(service, each, codecs) for each in service.operations]
    return {each.tag: each for each in compiled}


def struct_writer(struct: Struct, element: str) -> Write:
    """Writes a struct of the types namespace as `element`, which declares that namespace itself."""
    members = _members_writer(struct.members, "")
    start, end = f'<{element} xmlns="{namespaces.TYPES}">', f"</{element}>"
    return lambda values: f"{start}{members(values)}{end}"


# Reading.


def _struct_reader(name: str, members: tuple[Member, ...], namespace: str, codecs: SchemaCodec) -> Read:
    table = {f"{{{namespace}}}{each.name}": (each.name, each.many, _reader(each, codecs)) for each in members}
    required = tuple(each.name for each in members if each.required)

    def read(element: Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for child in element:
            entry = table.get(str(child.tag))
            if entry is None:
                raise SaddlebagError(SCHEMA_INVALID, f"{name} has no such element here.", field=_local(child))
            key, many, read_one = entry
            if many:
                values.setdefault(key, []).append(read_one(child))
            elif key in values:
                raise SaddlebagError(SCHEMA_INVALID, f"{name} holds an element twice.", field=key)
            else:
                values[key] = None if is_nil(child) else read_one(child)
        for key in required:
            if values.get(key) is None:
                raise SaddlebagError(SCHEMA_INVALID, f"{name} lacks a required element.", field=key)
        return values

    return read


def _local(element: Element) -> str:
    return etree.QName(element).localname


def _reader(member: Member, codecs: SchemaCodec) -> Read:
    kind = member.type
    if isinstance(kind, RecordOf):
        return codecs[kind.entity].read
    if isinstance(kind, Struct):
        return _struct_reader(kind.name, kind.members, namespaces.TYPES, codecs)
    if member.streamed:  # what the text stands for is known to the transport
        return content
    parse = _enumeration(kind) if isinstance(kind, Enumeration) else _PARSERS[kind]

    def read(element: Element) -> Any:
        try:
            return parse(content(element))
        except canon.LexicalError as problem:
            raise SaddlebagError(INVALID_VALUE, f"{member.name}: {problem}.", field=member.name) from None

    return read


def _enumeration(kind: Enumeration) -> Callable[[str], str]:
    values = frozenset(kind.values)

    def parse(text: str) -> str:
        text = text.strip(_SPACE)
        if text not in values:
            raise canon.LexicalError("expected one of " + ", ".join(kind.values))
        return text

    return parse


def _integer(bits: int) -> Callable[[str], int]:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def parse(text: str) -> int:
        value = canon.read_integer(text)
        if not low <= value <= high:
            raise canon.LexicalError(f"expected a whole number of {bits} bits")
        return value

    return parse


_PARSERS: Final[Mapping[Scalar, Callable[[str], Any]]] = {
    Scalar.STRING: canon.clean_text,
    Scalar.TOKEN: lambda text: " ".join(canon.clean_text(text).split()),
    Scalar.ID: lambda text: ids.check_id(text.strip(_SPACE)),
    Scalar.BOOLEAN: canon.read_boolean,
    Scalar.INT: _integer(32),
    Scalar.LONG: _integer(64),
    Scalar.DECIMAL: canon.read_decimal,
    Scalar.DATE: canon.read_date,
    Scalar.DATETIME: canon.read_datetime,
    Scalar.BINARY: canon.read_binary,
}


# Writing.


def _members_writer(members: tuple[Member, ...], prefix: str) -> Callable[[Values], str]:
    table = tuple((each.name, each.required and not each.many, _writer(each, prefix)) for each in members)
    known = frozenset(each.name for each in members)

    def write(values: Values) -> str:
        parts = []
        for name, required, write_one in table:
            value = values.get(name)
            if value is not None:
                parts.append(write_one(value))
            elif required:
                raise ValueError(f"the answer lacks {name}")
        if not known.issuperset(values):
            raise ValueError(f"the answer has undeclared members {sorted(set(values) - known)}")
        return "".join(parts)

    return write


def _writer(member: Member, prefix: str) -> Write:
    start, end = f"<{prefix}{member.name}>", f"</{prefix}{member.name}>"
    kind = member.type
    if isinstance(kind, RecordOf):
        if member.many:
            return lambda values: "".join([f"{start}{each.fragment}{each.tail}{end}" for each in values])
        return lambda value: f"{start}{value.fragment}{value.tail}{end}"
    text: Text
    if isinstance(kind, Struct):
        text = _members_writer(kind.members, "")
    else:
        text = _plain if isinstance(kind, Enumeration) else _TEXTS[kind]
    if member.streamed:
        return lambda _: f"{start}{INCLUDED}{end}"
    if member.many:
        return lambda values: "".join([f"{start}{text(each)}{end}" for each in values])
    return lambda value: f"{start}{text(value)}{end}"


def _plain(value: Any) -> str:
    """Text for people and programs; characters that XML forbids would make the whole answer unreadable."""
    text = str(value)
    return escape(text if text.isprintable() else canon.clean_text(text))


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise TypeError("expected a bool")
    return "true" if value else "false"


def _decimal(value: Decimal) -> str:
    """Plain digits: an exponent is no xs:decimal (V4)."""
    if not value.is_finite():
        raise ValueError("the number is not finite")
    return format(value, "f")


def _date(value: date) -> str:
    if isinstance(value, datetime):
        raise TypeError("expected a date without time")
    return canon.write_date(value)


_TEXTS: Final[Mapping[Scalar, Text]] = {
    Scalar.STRING: _plain,
    Scalar.TOKEN: _plain,
    Scalar.ID: _plain,
    Scalar.BOOLEAN: _boolean,
    Scalar.INT: canon.write_integer,
    Scalar.LONG: canon.write_integer,
    Scalar.DECIMAL: _decimal,
    Scalar.DATE: _date,
    Scalar.DATETIME: canon.write_datetime,
    Scalar.BINARY: canon.write_binary,
}

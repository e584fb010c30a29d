"""Schema validation of requests, with libxml2, compiled once for each service and schema.

Belongs here: the runtime validator and the wording of what it finds. May not know: envelopes, decoding.

libxml2's own line never leaves the hub (S26): it repeats what was sent, names its own terms, and changes with its
version. What leaves is one sentence of ours that names the place (`deal[3]/amount`) and what belongs there, in words
that come from the schema and never from the message; only names of elements are repeated, shortened.

xsi:type is taken off before validation (S24): the declared type counts, whatever a message claims. xsi:schemaLocation
goes as well: nobody but the hub says where schemas are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from threading import Lock
from typing import Any, cast

from lxml import etree

from saddlebag.contract.namespaces import XSI
from saddlebag.contract.reach import reach
from saddlebag.contract.recent import Recent
from saddlebag.contract.spec import Service
from saddlebag.contract.xsd import Node, messages_schema, types_schema
from saddlebag.kernel.errors import SCHEMA_INVALID, SaddlebagError
from saddlebag.model.entities import Schema

_TYPES_LOCATION = "types.xsd"
_KEPT = 64
_NAME_SHOWN = 57
_EXPECTED_SHOWN = 8
_TAKEN_OFF = tuple(f"{{{XSI}}}{name}" for name in ("type", "schemaLocation", "noNamespaceSchemaLocation"))
_WITH_HINTS = etree.XPath(
    "descendant-or-self::*[@xsi:type or @xsi:schemaLocation or @xsi:noNamespaceSchemaLocation]",
    namespaces={"xsi": XSI},
)
_SAME = "sibling::*[local-name() = $name and namespace-uri() = $space]"
_BEFORE = etree.XPath(f"count(preceding-{_SAME})")
_BEHIND = etree.XPath(f"boolean(following-{_SAME})")
"""Counted by libxml2: in Python it took 200 ms to say which of 99,000 elements was wrong."""


class Validator:
    """Judges the wrapper elements of one service's requests."""

    def __init__(self, service: Service, schema: Schema) -> None:
        types = etree.tostring(types_schema(schema, reach([service]), lenient=True))
        messages = messages_schema(service, types_location=_TYPES_LOCATION, lenient=True)
        parser = etree.XMLParser(no_network=True)
        parser.resolvers.add(_Beside(types))
        self._judge = etree.XMLSchema(etree.fromstring(etree.tostring(messages), parser))
        # lxml keeps the list of errors in the compiled schema, so two threads must not use it at once. A small message
        # takes about 2 microseconds, 200 records half a millisecond.
        self._lock = Lock()

    def check(self, wrapper: Node) -> None:
        """Raise SCHEMA_INVALID, which names the first element that is wrong; takes xsi hints off `wrapper`."""
        for node in _WITH_HINTS(wrapper):
            for name in _TAKEN_OFF:
                node.attrib.pop(name, None)
        with self._lock:
            first = None if self._judge.validate(wrapper) else self._judge.error_log[0]
        if first is not None:
            raise _refusal(wrapper, first)


class _Beside(etree.Resolver):
    """Gives the types' schema from memory to the one that imports it."""

    def __init__(self, types: bytes) -> None:
        super().__init__()
        self._types = types

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        return self.resolve_string(self._types, context)


_RECENT: Recent[tuple[str, Service], Validator] = Recent(_KEPT)


def validator_for(service: Service, schema: Schema) -> Validator:
    """The compiled validator of a service; equal schemas share it, the least recently used go."""
    return _RECENT.get((schema.fingerprint, service), lambda: Validator(service, schema))


def _refusal(wrapper: Node, entry: etree._LogEntry) -> SaddlebagError:
    place = _place(wrapper, entry.path or "")
    wording = _WORDING.get(entry.type_name, _unknown)
    name = place.rpartition("/")[2].partition("[")[0]
    sentence = f"The element {name} {wording(entry.message or '')}"
    where = f" (at {place})" if "/" in place or "[" in place else ""
    return SaddlebagError(SCHEMA_INVALID, f"{sentence}{where}.", field=name)


def _place(wrapper: Node, path: str) -> str:
    """The way to the element by names, from the wrapper's child on: `deal[3]/amount`.

    In libxml2's path an element of a default namespace is a star, counted among all its siblings.
    """
    node, labels = wrapper, []
    for step in path.split("/")[2:]:
        name, _, index = step.rstrip("]").partition("[")
        siblings = (each for each in node.iterchildren(tag=etree.Element) if name in ("*", _prefixed(each)))
        position = int(index) if index.isdecimal() else 1
        found = next(islice(siblings, position - 1, None), None)
        if found is None:
            break
        node = found
        labels.append(_label(node))
    return "/".join(labels) or _shown(etree.QName(wrapper).localname)


def _label(node: Node) -> str:
    """An element's name, with its place among those of the same name where there are several."""
    name = etree.QName(node)
    which = {"name": name.localname, "space": name.namespace or ""}
    before = int(cast("float", _BEFORE(node, **which)))
    shown = _shown(name.localname)
    return f"{shown}[{before + 1}]" if before or _BEHIND(node, **which) else shown


def _prefixed(node: Node) -> str:
    local = etree.QName(node).localname
    return f"{node.prefix}:{local}" if node.prefix else local


def _shown(name: str) -> str:
    return name if len(name) <= _NAME_SHOWN else f"{name[:_NAME_SHOWN]}..."


def _content(message: str) -> str:
    """An element that is missing, or one that is not expected; the names listed are the schema's."""
    listed = message.rpartition("Expected is")[2] if "Expected is" in message else ""
    names = re.findall(r"\{[^}]*\}([\w.\-]+)", listed)
    shown = ", ".join(names[:_EXPECTED_SHOWN]) + (", ..." if len(names) > _EXPECTED_SHOWN else "")
    if "Missing child" in message:
        return f"lacks what belongs next in it: {shown}"
    return f"is not expected there; expected is {shown}" if shown else "is not expected there"


def _datatype(message: str) -> str:
    found = re.search(
        r"of the (?:atomic|local atomic|list|union) type(?: '(?:\{[^}]*\}|xs:)?([\w.\-]+)')?\.?$", message
    )
    kind = found[1] if found and found[1] else ""
    # Our own restricted numbers are named after what they restrict: IntFrom0To100, Decimal16Scale2.
    kind = next((base for base in ("int", "long", "decimal") if kind.startswith(base.capitalize())), kind)
    return f"is not {_KINDS.get(kind, 'a value of its type')}"


def _last_quoted(message: str) -> str:
    """The bound that a facet's message ends with; what stands before it may be the sender's."""
    found = re.search(r"'([0-9.+\-]{1,40})'\)?\.?$", message)
    return found[1] if found else "the bound"


def _enumeration(message: str) -> str:
    values = re.findall(r"'([^']*)'", message.rpartition("element of the set")[2])
    shown = ", ".join(values[: 4 * _EXPECTED_SHOWN])
    return f"is none of the values allowed: {shown}"


def _unknown(message: str) -> str:
    return "does not follow the schema"


Wording = Callable[[str], str]

_WORDING: Mapping[str, Wording] = {
    "SCHEMAV_ELEMENT_CONTENT": _content,
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": _datatype,
    "SCHEMAV_CVC_MAXLENGTH_VALID": lambda message: f"is longer than {_last_quoted(message)} characters",
    "SCHEMAV_CVC_MINLENGTH_VALID": lambda message: f"is shorter than {_last_quoted(message)} characters",
    "SCHEMAV_CVC_PATTERN_VALID": lambda _: "is not an identifier: 1 to 36 letters, digits, '.', '_' or '-'",
    "SCHEMAV_CVC_ENUMERATION_VALID": _enumeration,
    "SCHEMAV_CVC_TOTALDIGITS_VALID": lambda message: f"has more digits than {_last_quoted(message)}",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": lambda message: f"has more digits after the point than {_last_quoted(message)}",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": lambda message: f"is less than {_last_quoted(message)}",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": lambda message: f"is greater than {_last_quoted(message)}",
    "SCHEMAV_CVC_ELT_1": lambda _: "is no request of this service",
    "SCHEMAV_CVC_ELT_3_1": lambda _: "may not be nil",
    "SCHEMAV_CVC_ELT_3_2_1": lambda _: "is nil but has content",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": lambda _: "must be empty",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": lambda _: "holds text where only elements belong",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": lambda _: "has an attribute that is not allowed",
    "SCHEMAV_CVC_TYPE_3_1_1": lambda _: "has an attribute that is not allowed",
    "SCHEMAV_CVC_TYPE_3_1_2": lambda _: "holds elements where a plain value belongs",
}

_KINDS: Mapping[str, str] = {
    "boolean": "true or false",
    "int": "a whole number of 32 bit",
    "long": "a whole number of 64 bit",
    "decimal": "a decimal number without exponent",
    "date": "a date as YYYY-MM-DD",
    "dateTime": "a time as YYYY-MM-DDThh:mm:ssZ",
    "base64Binary": "base64",
}

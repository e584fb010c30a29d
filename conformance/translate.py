"""Messages between zeep's elements and the plain JSON values that a client program in any language takes and gives.

Belongs here: the two directions, led by the published schema. May not know: any client program, what answers must hold.

A record is an object, a repeated element a list, a boolean a boolean, any other value its text as in XML. What JSON has
no form for is an object with one member: {"nil": true} is xsi:nil, {"base64": TEXT} is bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import zeep
from lxml import etree
from zeep.xsd.types import builtins

from conformance.report import expect

XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
Kind = Any
"""A type as zeep knows it; the library names none."""


def as_object(element: etree._Element, kind: Kind) -> Any:
    """An element as a client in a language of objects takes it."""
    if element.get(XSI_NIL) in ("true", "1"):
        return {"nil": True}
    if not isinstance(kind, zeep.xsd.ComplexType):
        return _value(element.text or "", kind)
    made: dict[str, Any] = {}
    known = dict(kind.elements)
    for child in element:
        name = etree.QName(child).localname
        value = as_object(child, known[name].type)
        if known[name].accepts_multiple:
            made.setdefault(name, []).append(value)
        else:
            made[name] = value
    return made


def as_pairs(element: etree._Element, kind: Kind) -> Any:
    """An element for a client that has to be told order and namespaces: [name, namespace, value or children]."""
    name = etree.QName(element)
    if isinstance(kind, zeep.xsd.ComplexType) and element.get(XSI_NIL) is None:
        known = dict(kind.elements)
        value: Any = [as_pairs(child, known[etree.QName(child).localname].type) for child in element]
    else:
        value = as_object(element, kind)
    return [name.localname, name.namespace, value]


def as_text(element: etree._Element, _kind: Kind) -> str:
    """An element as XML, for a client whose own generated code reads it into typed values first."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _value(text: str, kind: Kind) -> Any:
    if isinstance(kind, builtins.Boolean):
        return text in ("true", "1")
    if isinstance(kind, builtins.Base64Binary):
        return {"base64": text}
    return text


def element(name: str, value: Any, kind: Kind) -> etree._Element:
    """The element that a client read, rebuilt from the values that it made of it.

    Raises AssertionError where a value stands that the schema does not know, or more of one than it allows.
    """
    made = etree.Element(name)
    if isinstance(kind, zeep.xsd.ComplexType):
        _fill(made, value, kind)
    else:
        made.text = _text(value, kind)
    return made


def _fill(made: etree._Element, value: Any, kind: Kind) -> None:
    if value is None or value == "":  # what some clients make of an element without content
        value = {}
    expect(isinstance(value, Mapping), f"{made.tag} came as {value!r:.200}")
    known = dict(kind.elements)
    strange = set(value) - set(known)
    expect(not strange, f"{made.tag} came with {sorted(strange)}, which the schema does not know")
    for name, declared in known.items():
        given = value.get(name)
        if given is None and name in value and declared.min_occurs:
            given = ""  # what has to be there and came as nothing was empty
        values = given if isinstance(given, list) else [] if given is None else [given]
        expect(len(values) <= 1 or declared.accepts_multiple, f"{len(values)} values of {name}")
        made.extend(element(declared.qname.text, each, declared.type) for each in values)


def _text(value: Any, kind: Kind) -> str:
    if isinstance(value, bool):
        expect(isinstance(kind, builtins.Boolean), f"a boolean where the schema has {kind.name}")
        return "true" if value else "false"
    if isinstance(value, Mapping):
        expect(set(value) == {"base64"} and isinstance(kind, builtins.Base64Binary), f"no plain value: {value!r:.200}")
        return str(value["base64"])
    if isinstance(kind, builtins.Date):
        return str(value).removesuffix("T00:00:00.000Z")  # a client without a type for days
    return str(value)


def decoded_bytes(value: Any, kind: Kind) -> Any:
    """The same answer, where a client gives each text as code points of its bytes: read as UTF-8, or left as bytes."""
    if isinstance(value, Mapping):
        known = dict(kind.elements) if isinstance(kind, zeep.xsd.ComplexType) else {}
        return {name: decoded_bytes(each, known[name].type) if name in known else each for name, each in value.items()}
    if isinstance(value, list):
        return [decoded_bytes(each, kind) for each in value]
    if not isinstance(value, str):
        return value
    content = value.encode("latin-1")
    if isinstance(kind, builtins.Base64Binary):
        return {"base64": base64.b64encode(content).decode()}
    return content.decode()

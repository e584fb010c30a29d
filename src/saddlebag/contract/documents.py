"""Contract documents as bytes, in the forms that are served and published.

Belongs here: putting trees into files' form, always the same bytes for the same declarations. May not know: who asks.

    single    the schemas inside the WSDL: what most stacks take most easily; served as ?wsdl and ?singleWsdl
    split     the schemas beside it, at the same address: ?xsd=NAME, ?xsd=types
    published the schemas in files of their own, the types shared by all services
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from saddlebag.contract.namespaces import WSDL, WSP, XSD
from saddlebag.contract.policy import DEFAULT, SecurityPolicy
from saddlebag.contract.reach import reach
from saddlebag.contract.spec import Service
from saddlebag.contract.wsdl import Locations, wsdl
from saddlebag.contract.xsd import Node, messages_schema, types_schema
from saddlebag.model.entities import Schema

TYPES_NAME = "types"
"""The name by which `?xsd=` and the published files know the shared types; no service may have it."""

PUBLISHED_ADDRESS = "https://hub.example/{tenant}/{service}/v1"
"""Where the published WSDLs say a service is; each hub serves its own with its real address."""


_SCHEMA = re.compile(rb"<xs:schema[ >].*?</xs:schema>", re.DOTALL)


def serialise(root: Node) -> bytes:
    """UTF-8 with a declaration, indented by one space, one line feed at the end.

    Prefixes of the schema language are left out and an element shares its line with its annotation: a WSDL that shows
    every entity would otherwise exceed 100 KB, a fifth of it white space and prefixes.
    """
    etree.indent(root, space=" ")
    for annotation in root.iter(f"{{{XSD}}}annotation"):
        annotation.text = None
        for node in annotation.iterdescendants():
            node.tail = None
            node.text = None if len(node) else node.text
        holder = annotation.getparent()
        if holder is not None and len(holder) == 1:
            holder.text = annotation.tail = None
    inside = f"{{{WSDL}}}types/{{{XSD}}}schema/{{{XSD}}}"
    places = (f"{{{WSDL}}}binding/{{{WSDL}}}operation", f"{{{WSP}}}Policy", f"{inside}element", f"{inside}simpleType")
    for line in [found for place in places for found in root.iterfind(place)]:
        for node in line.iter():
            node.text = None if len(node) else node.text
            node.tail = None if node is not line else node.tail
    document = etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"
    return _SCHEMA.sub(_unprefixed, document)


def _unprefixed(schema: re.Match[bytes]) -> bytes:
    """A schema whose own tags have no prefix; built-in types keep theirs, in values, and only they keep it declared.

    `<` is escaped wherever it is no tag, so this touches tags only.
    """
    text = schema[0].replace(b"<xs:", b"<").replace(b"</xs:", b"</")
    declared = f' xmlns:xs="{XSD}"'.encode()
    if b'="xs:' not in text:
        text = text.replace(declared, b"", 1)
    return text.replace(b"<schema", f'<schema xmlns="{XSD}"'.encode(), 1)


def single_wsdl(
    service: Service, schema: Schema, address: str, *, soap11_only: bool = False, policy: SecurityPolicy = DEFAULT
) -> bytes:
    """The WSDL of a service in one document."""
    return serialise(wsdl(service, schema, address, soap11_only=soap11_only, policy=policy))


def split_wsdl(
    service: Service, schema: Schema, address: str, *, soap11_only: bool = False, policy: SecurityPolicy = DEFAULT
) -> bytes:
    """The WSDL of a service that leads to its schemas at the same address."""
    where = Locations(_xsd_at(address, TYPES_NAME), _xsd_at(address, service.name))
    return serialise(wsdl(service, schema, address, soap11_only=soap11_only, locations=where, policy=policy))


def served_xsd(service: Service, schema: Schema, name: str, address: str) -> bytes | None:
    """What `?xsd=name` answers at a service's address: its messages or the types that they reach; None for others."""
    if name == TYPES_NAME:
        return serialise(types_schema(schema, reach([service])))
    if name == service.name:
        return serialise(messages_schema(service, types_location=_xsd_at(address, TYPES_NAME)))
    return None


def published(services: Sequence[Service], schema: Schema) -> dict[str, bytes]:
    """Every contract document by its path from the checkout's root."""
    documents = {f"schemas/v1/{TYPES_NAME}.xsd": serialise(types_schema(schema, reach(services)))}
    for service in services:
        if service.name == TYPES_NAME:
            raise ValueError(f"no service may be named {TYPES_NAME}")
        name = service.name
        where = Locations(f"../../schemas/v1/{TYPES_NAME}.xsd", f"../../schemas/v1/{name}.xsd")
        address = PUBLISHED_ADDRESS.format(tenant="tenant", service=name)
        messages = messages_schema(service, types_location=f"{TYPES_NAME}.xsd")
        documents[f"schemas/v1/{name}.xsd"] = serialise(messages)
        documents[f"wsdl/v1/{name}.wsdl"] = serialise(wsdl(service, schema, address, locations=where))
    return documents


def _xsd_at(address: str, name: str) -> str:
    return f"{address}?xsd={name}"

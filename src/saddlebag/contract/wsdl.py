"""WSDL 1.1 of a service, built from its declaration.

Belongs here: the WSDL tree. May not know: files, HTTP, the SOAP engine. The engine's own WSDL is not mended but never
used: it holds one binding only, names everything alike, and changes with the engine's version.

What thirteen foreign stacks taught, and this builder keeps to:
    one document with both bindings, SOAP 1.1 first, both ports at one address; a variant with SOAP 1.1 alone (Axis 1)
    the part is named `parameters`, no parameterOrder: document/literal wrapped (W1, W2)
    all messages, those of headers too, are in the target namespace (W3, S17)
    service, portType, bindings and ports have names of their own (W5)
    the imported schema comes before the one that imports it (W9)
    no prefix is declared that is not used (S19: gSOAP chose SOAP 1.2 for a prefix alone)
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from saddlebag.contract.common import FAULT_DETAIL, FAULT_ELEMENT
from saddlebag.contract.namespaces import SOAP_HTTP, TYPES, WSAM, WSDL, WSDL_SOAP11, WSDL_SOAP12, XSD
from saddlebag.contract.namespaces import service as service_namespace
from saddlebag.contract.policy import (
    ANSWER,
    ANYBODY,
    CALLER,
    DEFAULT,
    EXCHANGE,
    SecurityPolicy,
    exchange_policy,
    policies,
    reference,
)
from saddlebag.contract.reach import headers_of, reach
from saddlebag.contract.spec import Access, Operation, Service
from saddlebag.contract.xsd import Node, messages_schema, response_name, types_schema
from saddlebag.model.entities import Schema

PART = "parameters"
"""The name by which every stack knows a wrapped message."""
HEADERS = "Header"
"""The one message whose parts are the header blocks, as in Salesforce's WSDL, which every stack reads."""


@dataclass(frozen=True, slots=True)
class Locations:
    """Where the two schemas of a WSDL lie when they are not inside it."""

    types: str
    messages: str


@dataclass(frozen=True, slots=True)
class _Binding:
    """One of the two SOAP versions as the WSDL shows it."""

    prefix: str
    namespace: str
    suffix: str


_SOAP11 = _Binding("soap", WSDL_SOAP11, "Soap11")
_SOAP12 = _Binding("soap12", WSDL_SOAP12, "Soap12")


def wsdl(
    service: Service,
    schema: Schema,
    address: str,
    *,
    soap11_only: bool = False,
    locations: Locations | None = None,
    policy: SecurityPolicy = DEFAULT,
) -> Node:
    """The WSDL of a service at `address`; its schemas stand inside it unless `locations` says where they are."""
    bindings = (_SOAP11,) if soap11_only else (_SOAP11, _SOAP12)
    # Axis 1 and its like, for which the variant is, know no policies.
    return _Builder(service, schema, bindings, None if soap11_only else policy).build(address, locations)


def title(service: Service) -> str:
    """The service's name in UpperCamelCase."""
    return service.name[0].upper() + service.name[1:]


def action(service: Service, operation: Operation) -> str:
    """The SOAPAction and wsa:Action of an operation's request."""
    return f"{service_namespace(service.name)}/{operation.name}"


class _Builder:
    def __init__(
        self, service: Service, schema: Schema, bindings: tuple[_Binding, ...], policy: SecurityPolicy | None
    ) -> None:  # fmt: skip
        self.service = service
        self.policy = policy
        self.mixed = len({each.access is Access.PUBLIC for each in service.operations}) > 1
        self.schema = schema
        self.bindings = bindings
        self.title = title(service)
        self.target = service_namespace(service.name)
        self.reached = reach([service])
        prefixes = {None: WSDL, "tns": self.target, "types": TYPES, "wsam": WSAM}
        self.root = etree.Element(
            f"{{{WSDL}}}definitions",
            name=f"{self.title}Service",
            targetNamespace=self.target,
            nsmap=prefixes | {each.prefix: each.namespace for each in bindings},
        )

    def build(self, address: str, locations: Locations | None) -> Node:
        """The whole document, in the order that the WSDL schema asks for."""
        self._document(self.root, self.service.doc)
        if self.policy is not None:
            self.root.extend([exchange_policy(self.service), *policies(self.service, self.policy)])
        self._types(locations)
        self._messages()
        self._port_type()
        for binding in self.bindings:
            self._binding(binding)
        self._service(address)
        return self.root

    @staticmethod
    def _add(parent: Node, tag: str, doc: str = "", **attributes: str) -> Node:
        node = etree.SubElement(parent, f"{{{WSDL}}}{tag}", attributes)
        if doc:
            _Builder._document(node, doc)
        return node

    @staticmethod
    def _document(node: Node, doc: str) -> None:
        etree.SubElement(node, f"{{{WSDL}}}documentation").text = doc

    def _types(self, locations: Locations | None) -> None:
        types = self._add(self.root, "types")
        if locations is None:
            types.append(types_schema(self.schema, self.reached))
            types.append(messages_schema(self.service))
            _tell_once(types)
            return
        outer = etree.SubElement(types, f"{{{XSD}}}schema", nsmap={"xs": XSD})
        for namespace, location in ((TYPES, locations.types), (self.target, locations.messages)):
            etree.SubElement(outer, f"{{{XSD}}}import", namespace=namespace, schemaLocation=location)

    def _messages(self) -> None:
        for operation in self.service.operations:
            names = (operation.name,) if operation.one_way else (operation.name, response_name(operation))
            for name in names:
                self._message(name, "", PART, f"tns:{name}")
        headers = self._add(self.root, "message", "Header blocks; which operations take them, the bindings tell.")
        headers.set("name", HEADERS)
        for header in self.reached.headers.values():
            self._add(headers, "part", name=header.name, element=f"types:{header.name}")
        self._message(FAULT_ELEMENT, FAULT_DETAIL.doc, "fault", f"types:{FAULT_ELEMENT}")

    def _message(self, name: str, doc: str, part: str, element: str) -> None:
        self._add(self._add(self.root, "message", doc, name=name), "part", name=part, element=element)

    def _port_type(self) -> None:
        port_type = self._add(self.root, "portType", self.service.doc, name=f"{self.title}PortType")
        for operation in self.service.operations:
            node = self._add(port_type, "operation", operation.doc, name=operation.name)
            request, response = action(self.service, operation), response_name(operation)
            self._act(self._add(node, "input", message=f"tns:{operation.name}"), request)
            if operation.one_way:  # neither answer nor fault (WSDL 1.1, 2.4.1)
                continue
            self._act(self._add(node, "output", message=f"tns:{response}"), f"{self.target}/{response}")
            fault = self._add(node, "fault", name=FAULT_ELEMENT, message=f"tns:{FAULT_ELEMENT}")
            self._act(fault, f"{request}/Fault/{FAULT_ELEMENT}")

    @staticmethod
    def _act(node: Node, uri: str) -> None:
        node.set(f"{{{WSAM}}}Action", uri)

    def _binding(self, binding: _Binding) -> None:
        name, soap = f"{self.title}{binding.suffix}", f"{{{binding.namespace}}}"
        node = self._add(self.root, "binding", name=name, type=f"tns:{self.title}PortType")
        etree.SubElement(node, f"{soap}binding", style="document", transport=SOAP_HTTP)
        if self.policy is not None:
            node.append(reference(EXCHANGE))
        if not self.mixed:
            self._refer(node, self.service.operations[0])
        for operation in self.service.operations:
            bound = self._add(node, "operation", name=operation.name)
            if self.mixed:
                self._refer(bound, operation)
            etree.SubElement(bound, f"{soap}operation", soapAction=action(self.service, operation))
            incoming = self._add(bound, "input")
            for header in headers_of(operation):
                etree.SubElement(incoming, f"{soap}header", message=f"tns:{HEADERS}", part=header.name, use="literal")
            etree.SubElement(incoming, f"{soap}body", use="literal")
            if operation.one_way:
                continue
            outgoing = self._add(bound, "output")
            if self.policy is not None and self.policy.sign_answers:
                outgoing.append(reference(ANSWER))
            etree.SubElement(outgoing, f"{soap}body", use="literal")
            fault = self._add(bound, "fault", name=FAULT_ELEMENT)
            etree.SubElement(fault, f"{soap}fault", name=FAULT_ELEMENT, use="literal")

    def _refer(self, node: Node, operation: Operation) -> None:
        """Say what the caller of an operation has to prove: once for a binding, where all its operations are alike."""
        if self.policy is not None:
            node.append(reference(ANYBODY if operation.access is Access.PUBLIC else CALLER))

    def _service(self, address: str) -> None:
        node = self._add(self.root, "service", self.service.doc, name=f"{self.title}Service")
        for binding in self.bindings:
            name = f"{self.title}{binding.suffix}"
            port = self._add(node, "port", name=f"{name}Port", binding=f"tns:{name}")
            etree.SubElement(port, f"{{{binding.namespace}}}address", location=address)


def _tell_once(types: Node) -> None:
    """Leave out what an element of the same name has said before, what the portType says of an operation, and what a
    bounded type's name and facets say: a WSDL that repeats itself exceeds 100 KB.

    The schema documents (`?xsd=`, `schemas/`) say it at every element.
    """
    messages = types[-1]
    told: set[tuple[str | None, str | None]] = set()
    for note in list(types.iter(f"{{{XSD}}}annotation")):
        holder, doc = note.getparent(), note.find(f"{{{XSD}}}documentation")
        if holder is None or doc is None or holder.tag == f"{{{XSD}}}complexType":
            continue
        key = (holder.get("name"), doc.text)
        listed = holder.tag == f"{{{XSD}}}element" or holder.find(f".//{{{XSD}}}enumeration") is not None
        if key not in told and listed and holder.getparent() is not messages:
            told.add(key)
        elif len(note) > 1:
            note.remove(doc)
        else:
            holder.remove(note)

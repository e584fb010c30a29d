"""More of `bp/NUMBER/SERVICE`: requirements on the published WSDLs that stand beside those of `bp`.

Belongs here: requirements that the documents alone decide. May not know: how the documents were made. Importing this
module adds its rules to those of `bp`; each yields a sentence for each offence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.bp import RULES, SOAP, SUITE, W, X, _bindings, _local, _messages, _name, _port_type, rule

__all__ = ["RULES", "SUITE"]
WSDL_NAMESPACE = "http://schemas.xmlsoap.org/wsdl/"


@rule("R2002")
def xsd_by_xsd_import(tree: Any) -> Iterator[str]:
    """Schemas are imported by xsd:import, never by wsdl:import."""
    yield from (str(each.get("location")) for each in tree.findall(f"{W}import") if "xsd" in each.get("location", ""))


@rule("R2005")
def import_namespace(tree: Any) -> Iterator[str]:
    """A schema imports other namespaces than its own."""
    for schema in tree.iter(f"{X}schema"):
        for each in schema.findall(f"{X}import"):
            if each.get("namespace") == schema.get("targetNamespace"):
                yield str(each.get("namespace"))


@rule("R2007")
def import_location(tree: Any) -> Iterator[str]:
    """wsdl:import has a location that is not empty."""
    yield from (_name(each) for each in tree.findall(f"{W}import") if not each.get("location"))


@rule("R2008")
def includes_located(tree: Any) -> Iterator[str]:
    """xsd:include, too, says from where."""
    yield from (_name(each) for each in tree.iter(f"{X}include") if not each.get("schemaLocation"))


@rule("R2020")
def documentation_at_the_head(tree: Any) -> Iterator[str]:
    """Where wsdl:documentation stands it comes first (R2020 to R2025, R2030 permit it everywhere)."""
    for each in tree.iter(f"{W}documentation"):
        if each.getprevious() is not None and each.getprevious().tag != f"{W}documentation":
            yield _name(each.getparent())


@rule("R2026")
def extensions_are_optional(tree: Any) -> Iterator[str]:
    """No extension is required of who reads the description."""
    for each in tree.iter("*"):
        if each.get(f"{W}required") == "true":
            yield str(each.tag)


@rule("R2029")
def wsdl_namespace(tree: Any) -> Iterator[str]:
    """The document element is definitions of WSDL 1.1 (W3C Note of 15 March 2001)."""
    if tree.tag != f"{{{WSDL_NAMESPACE}}}definitions":
        yield str(tree.tag)


@rule("R2111")
def no_array_type(tree: Any) -> Iterator[str]:
    """wsdl:arrayType stands nowhere."""
    yield from (_name(each) for each in tree.iter("*") if each.get(f"{W}arrayType") is not None)


@rule("R2202")
def bound_parts_exist(tree: Any) -> Iterator[str]:
    """soap:body names parts that its message has."""
    messages = _messages(tree)
    for binding in _bindings(tree):
        for operation in binding.findall(f"{W}operation"):
            declared = _port_type(tree, binding).find(f"{W}operation[@name='{operation.get('name')}']")
            for tag in (f"{W}input", f"{W}output"):
                bound, end = operation.find(f"{tag}/{SOAP}body"), declared.find(tag)
                if bound is None or end is None:
                    continue
                parts = {each.get("name") for each in messages[_local(end, end.get("message"))].findall(f"{W}part")}
                if not set(bound.get("parts", "").split()) <= parts:
                    yield f"{_name(operation)} parts={bound.get('parts')}"


@rule("R2203")
def no_typed_parts(tree: Any) -> Iterator[str]:
    """Nothing is rpc, so that no part is declared by type (R2207, R2203)."""
    yield from (_name(part) for part in tree.iter(f"{W}part") if part.get("type") is not None)


@rule("R2209")
def all_parts_bound(tree: Any) -> Iterator[str]:
    """Every part of a message is bound, by body, header or fault."""
    messages = _messages(tree)
    used = {(_local(each, each.get("message", "")), each.get("part")) for each in tree.iter(f"{SOAP}header")}
    ends = tree.findall(f"{W}portType/{W}operation/*")
    whole = {_local(end, end.get("message")) for end in ends if end.get("message")}
    for name, message in messages.items():
        for part in message.findall(f"{W}part"):
            if name not in whole and (name, part.get("name")) not in used:
                yield f"{name}/{part.get('name')}"


@rule("R2210")
def one_bound_part(tree: Any) -> Iterator[str]:
    """Where soap:body lists no parts, the message has at most one."""
    messages = _messages(tree)
    for binding in _bindings(tree):
        for operation in _port_type(tree, binding).findall(f"{W}operation"):
            for end in operation.iterchildren(f"{W}input", f"{W}output"):
                if len(messages[_local(end, end.get("message"))].findall(f"{W}part")) > 1:
                    yield _name(operation)


@rule("R2302")
def no_parameter_order(tree: Any) -> Iterator[str]:
    """Document style has no use for parameterOrder (W2: Axis 1 fails on it)."""
    yield from (_name(each) for each in tree.findall(f"{W}portType/{W}operation") if each.get("parameterOrder"))


@rule("R2306")
def parts_by_one_attribute(tree: Any) -> Iterator[str]:
    """A part never has both type and element."""
    yield from (_name(part) for part in tree.iter(f"{W}part") if part.get("type") and part.get("element"))


@rule("R2700")
def soap_binding(tree: Any) -> Iterator[str]:
    """Each service has a port with a SOAP 1.1 binding."""
    names = {binding.get("name") for binding in _bindings(tree)}
    for service in tree.findall(f"{W}service"):
        if not names & {_local(port, port.get("binding")) for port in service.findall(f"{W}port")}:
            yield _name(service)


@rule("R2702")
def http(tree: Any) -> Iterator[str]:
    """The transport is HTTP, named by the profile's URI."""
    for binding in _bindings(tree):
        if binding.find(f"{SOAP}binding").get("transport") != "http://schemas.xmlsoap.org/soap/http":
            yield _name(binding)


@rule("R2707")
def body_use(tree: Any) -> Iterator[str]:
    """use is literal or left out, on soap:body itself."""
    yield from (str(each.get("use")) for each in tree.iter(f"{SOAP}body") if each.get("use", "literal") != "literal")


@rule("R2709")
def bindings_have_a_port_type(tree: Any) -> Iterator[str]:
    """A portType may have several bindings; each binding's is there."""
    known = {each.get("name") for each in tree.findall(f"{W}portType")}
    yield from (_name(each) for each in tree.findall(f"{W}binding") if _local(each, each.get("type")) not in known)


@rule("R2711")
def ports_differ(tree: Any) -> Iterator[str]:
    """Two SOAP 1.1 ports never share an address (that of SOAP 1.2 is told apart by the envelope)."""
    names = {binding.get("name") for binding in _bindings(tree)}
    ports = [each for each in tree.findall(f"{W}service/{W}port") if _local(each, each.get("binding")) in names]
    found = [each.find(f"{SOAP}address").get("location") for each in ports]
    yield from sorted({each for each in found if found.count(each) > 1})


@rule("R2713")
def action_is_text(tree: Any) -> Iterator[str]:
    """A soapAction is a URI without white space or quotes, that can be sent as it is."""
    for each in tree.iter(f"{SOAP}operation"):
        if any(character in each.get("soapAction", "") for character in ' "\n'):
            yield str(each.get("soapAction"))


@rule("R2714")
def one_way_has_no_answer(tree: Any) -> Iterator[str]:
    """A one-way operation binds no output."""
    for binding in _bindings(tree):
        for declared in _port_type(tree, binding).findall(f"{W}operation"):
            bound = binding.find(f"{W}operation[@name='{declared.get('name')}']")
            if declared.find(f"{W}output") is None and bound.find(f"{W}output") is not None:
                yield _name(declared)


@rule("R2717")
def no_rpc_namespace(tree: Any) -> Iterator[str]:
    """No soap:body has the namespace attribute that rpc needs (R2717, R2726)."""
    yield from (_name(each) for each in tree.iter(f"{SOAP}body") if each.get("namespace") is not None)


@rule("R2719")
def header_faults(tree: Any) -> Iterator[str]:
    """A header fault, where there is one, names message and part (none need be)."""
    for each in tree.iter(f"{SOAP}headerfault"):
        if not each.get("message") or not each.get("part"):
            yield _name(each)


@rule("R2722")
def fault_uses(tree: Any) -> Iterator[str]:
    """soap:fault says use=literal or nothing (R2722, R2723)."""
    yield from (_name(each) for each in tree.iter(f"{SOAP}fault") if each.get("use", "literal") != "literal")


@rule("R2728")
def header_uses(tree: Any) -> Iterator[str]:
    """soap:header says use=literal or nothing (R2728)."""
    yield from (_name(each) for each in tree.iter(f"{SOAP}header") if each.get("use", "literal") != "literal")


@rule("R2748")
def no_required_binding(tree: Any) -> Iterator[str]:
    """Nothing inside a binding is wsdl:required for which the profile has no meaning."""
    for binding in _bindings(tree):
        yield from (str(each.tag) for each in binding.iter("*") if each.get(f"{W}required") == "true")


@rule("R2749")
def header_fault_parts(tree: Any) -> Iterator[str]:
    """A header's part is one name, never a list."""
    yield from (str(each.get("part")) for each in tree.iter(f"{SOAP}header") if " " in each.get("part", ""))


@rule("R2754")
def fault_named_alike(tree: Any) -> Iterator[str]:
    """soap:fault has the name of the wsdl:fault around it."""
    yield from (_name(each) for each in tree.iter(f"{SOAP}fault") if each.get("name") != each.getparent().get("name"))


@rule("R2800")
def schema_is_of_2001(tree: Any) -> Iterator[str]:
    """Types are declared in XML Schema 1.0, nothing else stands in wsdl:types."""
    for types in tree.findall(f"{W}types"):
        known = (f"{X}schema", f"{W}documentation")
        yield from (str(each.tag) for each in types.iterchildren("*") if each.tag not in known)


@rule("R4003")
def readable_encoding(tree: Any) -> Iterator[str]:
    """The encoding is one that every reader has: UTF-8 or UTF-16."""
    found = (tree.getroottree().docinfo.encoding or "UTF-8").upper()
    if found not in ("UTF-8", "UTF-16"):
        yield found


@rule("R5001")
def https(tree: Any) -> Iterator[str]:
    """Addresses begin with https where TLS is used, as here."""
    for each in tree.findall(f"{W}service/{W}port/*"):
        if each.get("location") and not each.get("location").startswith("https://"):
            yield str(each.get("location"))

"""The WSDL: every lesson of the foreign stacks, each by its number, and a client of others that loads it strictly."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import zeep
from lxml import etree
from zeep.transports import Transport

from contract_samples import SAMPLE, every_entity
from saddlebag.contract import common, documents, publish
from saddlebag.contract.namespaces import SOAP_HTTP, TYPES, WSAM, WSDL, WSDL_SOAP11, WSDL_SOAP12, XSD
from saddlebag.model.builtin import BUILTIN

ADDRESS = "https://hub.example/acme/sample/v1"
TARGET = "urn:saddlebag:sample:v1"
SINGLE = documents.single_wsdl(SAMPLE, BUILTIN, ADDRESS)
ONLY11 = documents.single_wsdl(SAMPLE, BUILTIN, ADDRESS, soap11_only=True)
SPLIT = documents.split_wsdl(SAMPLE, BUILTIN, ADDRESS)
GOLDEN = Path(__file__).parent / "golden" / "ping.wsdl"
VARIANTS = pytest.mark.parametrize("wsdl", [SINGLE, ONLY11, SPLIT], ids=["single", "soap11", "split"])


class Offline(Transport):
    """Answers from memory and fails for every other address, so that no test reaches a network."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        super().__init__()
        self._documents = documents

    def load(self, url: str) -> bytes:
        return self._documents[url]


def served() -> dict[str, bytes]:
    """The split WSDL and its schemas as they are asked for."""
    found = {
        f"{ADDRESS}?xsd={name}": documents.served_xsd(SAMPLE, BUILTIN, name, ADDRESS) for name in ("types", "sample")
    }
    return {url: content for url, content in found.items() if content is not None}


def _client(wsdl: bytes) -> zeep.Client:
    transport = Offline({f"{ADDRESS}?wsdl": wsdl, **served()})
    settings = zeep.Settings(strict=True, forbid_external=False, forbid_dtd=True, forbid_entities=True)
    return zeep.Client(f"{ADDRESS}?wsdl", transport=transport, settings=settings)


def _each(wsdl: bytes, tag: str) -> list[etree._Element]:
    return list(etree.fromstring(wsdl).iter(tag))


def _names(wsdl: bytes, kind: str) -> list[str | None]:
    return [each.get("name") for each in _each(wsdl, f"{{{WSDL}}}{kind}")]


@VARIANTS
def test_w1_every_wrapped_message_has_one_part_named_parameters(wsdl: bytes) -> None:
    parts = {
        message.get("name"): [(part.get("name"), part.get("element")) for part in message.iter(f"{{{WSDL}}}part")]
        for message in _each(wsdl, f"{{{WSDL}}}message")
    }
    for operation in SAMPLE.operations:
        for name in (operation.name, f"{operation.name}Response"):
            assert parts[name] == [("parameters", f"tns:{name}")]


@VARIANTS
def test_w2_no_operation_has_a_parameter_order(wsdl: bytes) -> None:
    assert b"parameterOrder" not in wsdl


@VARIANTS
def test_w3_s17_headers_use_messages_of_the_target_namespace(wsdl: bytes) -> None:
    root = etree.fromstring(wsdl)
    messages = set(_names(wsdl, "message"))
    used = [each.get("message", "") for each in root.iter() if etree.QName(each).localname == "header"]
    assert used
    assert {each.partition(":")[0] for each in used} == {"tns"}
    assert {each.partition(":")[2] for each in used} <= messages
    assert (root.nsmap["tns"], root.get("targetNamespace")) == (TARGET, TARGET)


def test_w5_service_port_type_bindings_and_ports_have_names_of_their_own() -> None:
    names = [name for kind in ("service", "portType", "binding", "port") for name in _names(SINGLE, kind)]
    assert names == [
        "SampleService",
        "SamplePortType",
        "SampleSoap11",
        "SampleSoap12",
        "SampleSoap11Port",
        "SampleSoap12Port",
    ]


def test_w8_w11_lists_and_faults_have_one_namespace_whatever_the_service() -> None:
    other = documents.single_wsdl(every_entity(BUILTIN), BUILTIN, ADDRESS)
    for wsdl in (SINGLE, other):
        targets = [each.get("targetNamespace") for each in _each(wsdl, f"{{{XSD}}}schema")]
        fault = [each for each in _each(wsdl, f"{{{XSD}}}element") if each.get("name") == common.FAULT_ELEMENT]
        assert targets[0] == TYPES
        assert [each.getparent().get("targetNamespace") for each in fault] == [TYPES]


@pytest.mark.parametrize("wsdl", [SINGLE, ONLY11], ids=["single", "soap11"])
def test_w9_the_imported_schema_comes_first(wsdl: bytes) -> None:
    assert [each.get("targetNamespace") for each in _each(wsdl, f"{{{XSD}}}schema")] == [TYPES, TARGET]


def test_w9_the_split_wsdl_imports_the_types_first() -> None:
    imports = [dict(each.attrib) for each in _each(SPLIT, f"{{{XSD}}}import")]
    assert imports == [
        {"namespace": TYPES, "schemaLocation": f"{ADDRESS}?xsd=types"},
        {"namespace": TARGET, "schemaLocation": f"{ADDRESS}?xsd=sample"},
    ]


def test_s18_one_document_holds_both_bindings_soap_11_first_at_one_address() -> None:
    addresses = [(each.tag, each.get("location")) for port in _each(SINGLE, f"{{{WSDL}}}port") for each in port]
    assert addresses == [(f"{{{WSDL_SOAP11}}}address", ADDRESS), (f"{{{WSDL_SOAP12}}}address", ADDRESS)]


def test_the_soap_11_variant_does_not_speak_of_soap_12() -> None:
    assert b"soap12" not in ONLY11.lower()
    assert _names(ONLY11, "port") == ["SampleSoap11Port"]


@VARIANTS
def test_s19_no_prefix_is_declared_that_is_not_used(wsdl: bytes) -> None:
    """gSOAP takes a declared soap12 prefix for a wish to speak SOAP 1.2."""
    for prefix, uses in _prefix_uses(etree.fromstring(wsdl)):
        assert uses, f"{prefix} is declared and not used"


@VARIANTS
def test_p9_a_prefix_that_only_a_value_uses_is_declared(wsdl: bytes) -> None:
    """A type, an element, a message are named by text; zeep, wsdl.exe and WCF look their prefixes up."""
    named = ("type", "base", "ref", "element", "message", "binding")
    values = [(each, each.get(name)) for each in etree.fromstring(wsdl).iter("*") for name in named if each.get(name)]
    assert len(values) > 10
    for each, value in values:
        prefix, _, local = value.rpartition(":")
        assert each.nsmap.get(prefix or None), f"{prefix} of {value} is declared nowhere"
        assert local


def test_s21_the_address_is_the_one_given_and_nothing_else() -> None:
    hosts = {each for each in SINGLE.decode().split('"') if each.startswith("https://")}
    assert hosts == {ADDRESS}


def test_every_operation_declares_the_fault_in_every_binding() -> None:
    port_types, *bindings = [
        each for each in etree.fromstring(SINGLE) if each.tag in (f"{{{WSDL}}}portType", f"{{{WSDL}}}binding")
    ]
    for holder in (port_types, *bindings):
        operations = holder.findall(f"{{{WSDL}}}operation")
        faults = [each.find(f"{{{WSDL}}}fault") for each in operations]
        assert [each is not None and each.get("name") for each in faults] == ["SaddlebagFault"] * len(SAMPLE.operations)


def test_actions_are_namespace_and_operation() -> None:
    actions = [each.get("soapAction") for each in _each(SINGLE, f"{{{WSDL_SOAP11}}}operation")]
    assert actions == [f"{TARGET}/{each.name}" for each in SAMPLE.operations]
    addressed = [each.get(f"{{{WSAM}}}Action") for each in _each(SINGLE, f"{{{WSDL}}}input")]
    assert [each for each in addressed if each] == actions


def test_bindings_are_document_literal_over_http() -> None:
    for namespace in (WSDL_SOAP11, WSDL_SOAP12):
        (binding,) = _each(SINGLE, f"{{{namespace}}}binding")
        assert (binding.get("style"), binding.get("transport")) == ("document", SOAP_HTTP)
        assert {each.get("use") for each in _each(SINGLE, f"{{{namespace}}}body")} == {"literal"}


def test_public_operations_ask_for_no_session_and_reads_for_no_write_headers() -> None:
    asked = {
        bound.get("name"): [each.get("part") for each in bound.iter(f"{{{WSDL_SOAP11}}}header")]
        for bound in _each(SINGLE, f"{{{WSDL}}}operation")
        if bound.find(f"{{{WSDL_SOAP11}}}operation") is not None
    }
    always, writing = ["CallOptions", "Locale", "LimitInfo"], ["IdempotencyKey", "AllOrNone", "IfVersion"]
    assert asked["Ping"] == always
    assert asked["GetDeals"] == ["Session", *always]
    assert asked["UpdateDeals"] == ["Session", *always, *writing]


@VARIANTS
def test_everything_a_reader_meets_is_documented(wsdl: bytes) -> None:
    root = etree.fromstring(wsdl)
    port_type = root.find(f"{{{WSDL}}}portType")
    assert port_type is not None
    headers = root.findall(f"{{{WSDL}}}message[@name='Header']")
    readers = [root, port_type, *port_type.findall(f"{{{WSDL}}}operation"), *headers]
    assert [each.get("name") for each in readers if not each.findtext(f"{{{WSDL}}}documentation")] == []


@VARIANTS
def test_the_wsdl_schemas_find_no_fault(wsdl: bytes, tmp_path: Path) -> None:
    """As it is, and with the SOAP 1.2 binding read as SOAP 1.1's, whose schema it mirrors."""
    language = publish.wsdl_language()
    for document in (wsdl, wsdl.replace(WSDL_SOAP12.encode(), WSDL_SOAP11.encode())):
        resource = xmlschema.XMLResource(io.BytesIO(document), defuse="always", allow="none")
        assert [each.reason for each in language.iter_errors(resource)] == []


@VARIANTS
def test_zeep_loads_it_strictly(wsdl: bytes) -> None:
    operations = _client(wsdl).wsdl.services["SampleService"].ports["SampleSoap11Port"].binding.all()
    assert set(operations) == {each.name for each in SAMPLE.operations}


def test_zeep_writes_a_request_that_the_schema_expects() -> None:
    client = _client(SINGLE)
    message = client.create_message(
        client.service, "UpdateDeals", deal=[{"id": "d1", "title": "A & B", "clear": ["notes"]}],
        _soapheaders={"Session": {"token": "t"}, "AllOrNone": {"value": True}},
    )  # fmt: skip
    body = message[-1][0]
    assert etree.QName(body).namespace == TARGET
    assert [etree.QName(each).localname for each in body[0]] == ["id", "title", "clear"]
    headers = [etree.QName(each) for each in message[0]]
    assert [each.localname for each in headers if each.namespace == TYPES] == ["Session", "AllOrNone"]


def test_zeep_finds_the_fault_inside_detail() -> None:
    element = _client(SINGLE).get_element(f"{{{TYPES}}}SaddlebagFault")
    assert [name for name, _ in element.type.elements] == [each.name for each in common.FAULT_DETAIL.members]


def test_a_service_that_shows_every_entity_stays_below_100_kb() -> None:
    assert len(documents.single_wsdl(every_entity(BUILTIN), BUILTIN, ADDRESS)) < 100_000


def test_the_same_declarations_give_the_same_bytes() -> None:
    assert documents.single_wsdl(SAMPLE, BUILTIN, ADDRESS) == SINGLE


def test_a_document_that_is_not_there_is_none() -> None:
    assert documents.served_xsd(SAMPLE, BUILTIN, "customer", ADDRESS) is None


def test_the_wsdl_of_one_small_operation_is_as_written_by_hand() -> None:
    """Compared after canonical ordering: what a caller depends on, not the order in which we write it."""
    ping = SAMPLE.__class__("ping", SAMPLE.doc, SAMPLE.operations[:1])
    built = documents.split_wsdl(ping, BUILTIN, "https://hub.example/acme/ping/v1")
    assert _ordered(etree.fromstring(built)) == _ordered(etree.fromstring(GOLDEN.read_bytes()))


def _ordered(node: etree._Element) -> Any:
    """A node as (name, attributes, text, sorted children); prefixes in values become namespaces, text runs single."""
    attributes = sorted((name, _expanded(node, value)) for name, value in node.attrib.items())
    text = " ".join((node.text or "").split())
    return (str(node.tag), attributes, text, sorted(_ordered(each) for each in node.iterchildren(tag=etree.Element)))


def _expanded(node: etree._Element, value: str) -> str:
    prefix, colon, local = value.partition(":")
    return f"{{{node.nsmap[prefix]}}}{local}" if colon and prefix in node.nsmap else value


def _prefix_uses(root: etree._Element) -> Iterator[tuple[str, bool]]:
    """Each declared prefix with whether a name or a value in its scope uses it."""
    for node in root.iter(tag=etree.Element):
        outer = {} if node.getparent() is None else node.getparent().nsmap
        for prefix, uri in node.nsmap.items():
            if outer.get(prefix) != uri:
                yield str(prefix), any(_uses(each, prefix, uri) for each in node.iter(tag=etree.Element))


def _uses(node: etree._Element, prefix: str | None, uri: str) -> bool:
    named = node.prefix == prefix or uri in [etree.QName(each).namespace for each in node.attrib]
    return named or any(value.startswith(f"{prefix}:") for value in node.attrib.values())

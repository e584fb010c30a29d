"""The envelope of both SOAP versions: what is taken apart, what is refused (S9-S12, P10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    ENCODING_STYLE,
    MALFORMED_XML,
    NOT_SOAP,
    TOO_COMPLEX,
    VERSION_MISMATCH,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.server.envelope import SOAP11, SOAP12, Message, Version, open_envelope, parse
from soap_probe import envelope

BOTH = pytest.mark.parametrize("version", [SOAP11, SOAP12], ids=["1.1", "1.2"])


def _open(data: bytes) -> Message:
    return open_envelope(parse(data))


def _kind(data: bytes) -> ErrorKind:
    with pytest.raises(SaddlebagError) as caught:
        _open(data)
    return caught.value.kind


def _message(inside: str, version: Version = SOAP11) -> bytes:
    return f'<e:Envelope xmlns:e="{version.namespace}">{inside}</e:Envelope>'.encode()


@BOTH
def test_both_versions_are_told_apart_by_the_envelope(version: Version) -> None:
    message = _open(envelope("<p:Ping/>", "<t:Session/>", version.namespace))
    assert message.version is version
    assert etree.QName(message.operation).localname == "Ping"
    assert [etree.QName(each.element).localname for each in message.headers] == ["Session"]


def test_s11_another_envelope_namespace_is_a_version_mismatch() -> None:
    assert _kind(b'<Envelope xmlns="urn:soap:2030"><Body><a/></Body></Envelope>') is VERSION_MISMATCH
    assert _kind(b"<Envelope><Body><a/></Body></Envelope>") is VERSION_MISMATCH


@BOTH
@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<e:Header/>",
        "<e:Body/>",
        "<e:Body> </e:Body>",
        "<e:Body><a/><b/></e:Body>",
        "<e:Body><a/></e:Body><e:Body><a/></e:Body>",
        "<e:Body><a/></e:Body><x/>",
        "<e:Body><a/></e:Body><e:Header/>",
        "<e:Header/><e:Header/><e:Body><a/></e:Body>",
        "<x/><e:Body><a/></e:Body>",
        "<Body><a/></Body>",
        "text<e:Body><a/></e:Body>",
        "<e:Body>text<a/></e:Body>",
        "<e:Body><a/>text</e:Body>",
        "<e:Body><a/></e:Body>text",
        "<e:Header>text</e:Header><e:Body><a/></e:Body>",
        "<e:Header><unqualified/></e:Header><e:Body><a/></e:Body>",
        "<e:Body><e:Fault/></e:Body>",
    ],
)
def test_s9_s12_an_envelope_that_is_not_one_is_refused(version: Version, inside: str) -> None:
    assert _kind(_message(inside, version)) is NOT_SOAP


def test_a_document_that_is_no_envelope_is_refused() -> None:
    assert _kind(b"<html/>") is NOT_SOAP
    assert _kind(b"<a:b/>") is MALFORMED_XML


def _encoded(version: Version, place: str) -> bytes:
    style = ' e:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"'
    at = {name: style if name == place else "" for name in ("Envelope", "Body", "operation")}
    return (
        f'<e:Envelope xmlns:e="{version.namespace}"{at["Envelope"]}><e:Body{at["Body"]}><a{at["operation"]}/></e:Body>'
        "</e:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("version", "place", "kind"),
    [
        (SOAP11, "Body", ENCODING_STYLE),
        (SOAP11, "operation", ENCODING_STYLE),
        (SOAP12, "Envelope", NOT_SOAP),  # forbidden there (Part 1, 5.1.1), so that the envelope is malformed (2.8)
        (SOAP12, "Body", NOT_SOAP),
        (SOAP12, "operation", ENCODING_STYLE),
    ],
)
def test_s12_encoding_style_is_refused(version: Version, place: str, kind: ErrorKind) -> None:
    assert _kind(_encoded(version, place)) is kind


def test_encoding_style_on_the_envelope_is_let_pass_in_soap_11() -> None:
    assert open_envelope(parse(_encoded(SOAP11, "Envelope"))).operation.tag == "a"


def test_an_encoding_style_that_claims_nothing_is_let_pass_in_soap_12() -> None:
    """SOAP 1.2 Part 1, 5.1.1; it is taken away, for the schema knows no such attribute."""
    inside = f'<e:Body><a e:encodingStyle=" {namespaces.SOAP12}/encoding/none "/></e:Body>'
    assert dict(_open(_message(inside, SOAP12)).operation.attrib) == {}


@pytest.mark.parametrize("place", ["Envelope", "Header", "Body"])
def test_an_unqualified_attribute_of_the_envelope_is_refused_in_soap_12(place: str) -> None:
    """SOAP 1.2 Part 1, 5.1 to 5.3; SOAP 1.1 says so too, but what is sent there is let pass."""
    for version in (SOAP12, SOAP11):
        whole = _message("<e:Header><t:a xmlns:t='urn:t' b='c'/></e:Header><e:Body><a b='c'/></e:Body>", version)
        assert _open(whole).operation.tag == "a"
        odd = whole.replace(f"<e:{place}".encode(), f"<e:{place} odd='1'".encode())
        if version is SOAP11:
            assert _open(odd).operation.tag == "a"
        else:
            assert _kind(odd) is NOT_SOAP


@pytest.mark.parametrize(("value", "right"), [("1", True), ("false", True), (" 0 ", True), ("maybe", False)])
def test_relay_is_a_boolean_in_soap_12_and_nothing_in_soap_11(value: str, right: bool) -> None:
    header = f'<t:Session e:relay="{value}"/>'
    assert _open(envelope("<p:Ping/>", header, SOAP11.namespace)).headers
    data = envelope("<p:Ping/>", header, SOAP12.namespace)
    assert _open(data).headers if right else _kind(data) is NOT_SOAP


@BOTH
def test_white_space_and_comments_between_elements_are_nothing(version: Version) -> None:
    message = _open(_message("\n <e:Header> </e:Header>\n<!-- c --> <e:Body>\n <a/>\n<!-- c --></e:Body>\n", version))
    assert message.operation.tag == "a"


@pytest.mark.parametrize(
    "wrapper",
    ["<p:Ping/>", "<p:Ping>  \n </p:Ping>", '<p:Ping xsi:nil="true"/>', '<p:Ping xsi:nil="1"> </p:Ping>',
     "<p:Ping><!-- nothing --></p:Ping>"],
)  # fmt: skip
def test_p10_an_empty_wrapper_is_empty_however_it_is_written(wrapper: str) -> None:
    operation = _open(envelope(wrapper)).operation
    assert (operation.text, len(operation), dict(operation.attrib)) == (None, 0, {})


@pytest.mark.parametrize(
    ("version", "attribute", "must"),
    [
        (SOAP11, "1", True), (SOAP11, "0", False), (SOAP12, "1", True), (SOAP12, "true", True), (SOAP12, "0", False),
        (SOAP12, "false", False), (SOAP12, " true ", True),
    ],
)  # fmt: skip
def test_s10_must_understand_is_read_as_the_version_writes_it(version: Version, attribute: str, must: bool) -> None:
    header = f'<t:Session e:mustUnderstand="{attribute}"/>'
    assert [each.must for each in _open(envelope("<p:Ping/>", header, version.namespace)).headers] == [must]


@pytest.mark.parametrize(("version", "attribute"), [(SOAP11, "true"), (SOAP11, "yes"), (SOAP12, "yes"), (SOAP12, "")])
def test_s10_must_understand_that_is_no_boolean_is_refused(version: Version, attribute: str) -> None:
    """WS-I BP 1.1 R1013 for SOAP 1.1: only 0 and 1."""
    header = f'<t:Session e:mustUnderstand="{attribute}"/>'
    assert _kind(envelope("<p:Ping/>", header, version.namespace)) is NOT_SOAP


@pytest.mark.parametrize(
    ("version", "role", "ours"),
    [
        (SOAP11, 'e:actor="http://schemas.xmlsoap.org/soap/actor/next"', True),
        (SOAP11, 'e:actor="urn:someone-else"', False),
        (SOAP11, 'e:actor=""', True),
        (SOAP12, f'e:role="{namespaces.SOAP12}/role/next"', True),
        (SOAP12, f'e:role="{namespaces.SOAP12}/role/ultimateReceiver"', True),
        (SOAP12, f'e:role=" {namespaces.SOAP12}/role/next "', True),  # an xs:anyURI: white space collapses
        (SOAP12, f'e:role="{namespaces.SOAP12}/role/none"', False),
        (SOAP12, 'e:role="urn:someone-else"', False),
    ],
)
def test_s10_blocks_for_other_roles_are_not_ours(version: Version, role: str, ours: bool) -> None:
    header = f'<t:Session {role} e:mustUnderstand="1"/>'
    assert bool(_open(envelope("<p:Ping/>", header, version.namespace)).headers) is ours


def test_header_blocks_are_bounded() -> None:
    most = limits.HEADER_BLOCKS
    assert len(_open(envelope("<p:Ping/>", "<t:a/>" * most)).headers) == most
    assert _kind(envelope("<p:Ping/>", "<t:a/>" * (most + 1))) is TOO_COMPLEX


_PIECES = st.sampled_from(
    ["<e:Header>", "</e:Header>", "<e:Body>", "</e:Body>", "<a/>", "<x:a xmlns:x='urn:x'/>", "text", " ", "<!--c-->",
     "<e:Fault/>", "<x:h xmlns:x='urn:x' e:mustUnderstand='1'/>"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=8).map("".join), st.sampled_from([SOAP11, SOAP12]))
def test_any_arrangement_gives_one_operation_or_a_typed_refusal(inside: str, version: Version) -> None:
    outcome: object
    try:
        outcome = _open(_message(inside, version)).operation.getparent()
    except SaddlebagError as problem:
        outcome = problem.kind
    assert outcome in (NOT_SOAP, MALFORMED_XML) or getattr(outcome, "tag", "") == f"{{{version.namespace}}}Body"

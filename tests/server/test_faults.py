"""Faults in both versions: codes, the typed detail in its place, statuses (S14-S16)."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.common import FAULT_DETAIL
from saddlebag.kernel.errors import (
    BUSY,
    CATALOGUE,
    CONTENT_CODING,
    ENCODING_STYLE,
    INTERNAL,
    INVALID_VALUE,
    MEDIA_TYPE,
    SCHEMA_INVALID,
    TOO_LARGE,
    UNKNOWN_OPERATION,
    UNKNOWN_SERVICE,
    VERSION_MISMATCH,
    ErrorKind,
    SaddlebagError,
    Side,
)
from saddlebag.server.envelope import SOAP11, SOAP12, NotUnderstood, Version
from saddlebag.server.faults import render_fault, status_of

E11, E12, T = f"{{{namespaces.SOAP11}}}", f"{{{namespaces.SOAP12}}}", f"{{{namespaces.TYPES}}}"
RPC = {UNKNOWN_OPERATION: ["rpc:ProcedureNotPresent"], SCHEMA_INVALID: ["rpc:BadArguments"]}
KINDS = pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.code)


def _render(error: SaddlebagError, version: Version) -> Any:
    return etree.fromstring(render_fault(error, version, "req-1").encode())


@KINDS
def test_s16_soap11_codes_are_plain_and_namespace_qualified(kind: ErrorKind) -> None:
    """WS-I BP R1031: no dots; the finer code stands in the detail."""
    fault = _render(SaddlebagError(kind), SOAP11).find(f"{E11}Body/{E11}Fault")
    prefix, _, code = fault.findtext("faultcode").partition(":")
    assert fault.nsmap[prefix] == namespaces.SOAP11
    assert code in ("Client", "Server", "VersionMismatch", "MustUnderstand")
    assert [each.tag for each in fault] == ["faultcode", "faultstring", "detail"]
    assert fault.findtext(f"detail/{T}SaddlebagFault/{T}code") == kind.code


@KINDS
def test_s14_soap12_codes_are_of_the_standard_and_the_subcode_is_ours(kind: ErrorKind) -> None:
    fault = _render(SaddlebagError(kind), SOAP12).find(f"{E12}Body/{E12}Fault")
    code = fault.findtext(f"{E12}Code/{E12}Value").removeprefix("soap:")
    assert code in ("Sender", "Receiver", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown")
    *others, subcode = fault.findall(f"{E12}Code//{E12}Subcode/{E12}Value")
    prefix, _, local = subcode.text.partition(":")
    assert (subcode.nsmap[prefix], local) == (namespaces.TYPES, kind.code)
    assert [each.text for each in others] == RPC.get(kind, [])
    assert fault.find(f"{E12}Reason/{E12}Text").get("{http://www.w3.org/XML/1998/namespace}lang") == "en"


@pytest.mark.parametrize(("version", "path"), [(SOAP11, "detail"), (SOAP12, f"{E12}Detail")], ids=["1.1", "1.2"])
def test_s15_the_typed_fault_lies_inside_detail_with_its_members_in_order(version: Version, path: str) -> None:
    error = SaddlebagError(
        INVALID_VALUE, "Too <long> & wide.", entity="Deal", record_id="d1", field="title", rule="length", count=3,
        limit=2, retry_after=4,
    )  # fmt: skip
    fault = _render(error, version).find(f"{{{version.namespace}}}Body/*")
    detail = fault.find(f"{path}/{T}SaddlebagFault")
    assert [etree.QName(each).localname for each in detail] == [each.name for each in FAULT_DETAIL.members]
    said = {etree.QName(each).localname: each.text for each in detail}
    assert said["message"] == "Too <long> & wide."
    assert (said["entity"], said["id"], said["field"], said["requestId"]) == ("Deal", "d1", "title", "req-1")
    assert (said["rule"], said["count"], said["limit"], said["retryAfter"]) == ("length", "3", "2", "4")


def test_s11_a_version_mismatch_names_the_versions_that_we_speak() -> None:
    for version in (SOAP12, SOAP11):
        root = _render(SaddlebagError(VERSION_MISMATCH), version)
        supported = root.findall(f"{{{version.namespace}}}Header/{E12}Upgrade/{E12}SupportedEnvelope")
        named = [each.nsmap[each.get("qname").partition(":")[0]] for each in supported]
        assert named == [namespaces.SOAP12, namespaces.SOAP11]
    root = _render(SaddlebagError(VERSION_MISMATCH), SOAP12)
    assert root.find(f"{E12}Body/{E12}Fault/{E12}Code/{E12}Value").text == "soap:VersionMismatch"
    assert _render(SaddlebagError(UNKNOWN_SERVICE), SOAP11).find(f"{E11}Header") is None


def test_what_was_not_understood_is_named_in_soap12() -> None:
    error = NotUnderstood((("urn:x", "A"), ("urn:x?a&b", "B")))
    blocks = _render(error, SOAP12).findall(f"{E12}Header/{E12}NotUnderstood")
    named = [(each.nsmap[each.get("qname").partition(":")[0]], each.get("qname")[2:]) for each in blocks]
    assert named == [("urn:x", "A"), ("urn:x?a&b", "B")]
    assert _render(error, SOAP11).findtext(f".//{E11}Fault/faultcode") == "soap:MustUnderstand"


@pytest.mark.parametrize(
    ("kind", "status11", "status12"),
    [
        (INVALID_VALUE, 500, 400), (INTERNAL, 500, 500), (VERSION_MISMATCH, 500, 500), (ENCODING_STYLE, 500, 500),
        (TOO_LARGE, 413, 413), (MEDIA_TYPE, 415, 415), (CONTENT_CODING, 415, 415), (BUSY, 503, 503),
        (UNKNOWN_SERVICE, 404, 404),
    ],
)  # fmt: skip
def test_statuses_follow_the_standard_where_the_setting_asks_for_it(
    kind: ErrorKind, status11: int, status12: int
) -> None:
    assert status_of(SaddlebagError(kind), SOAP11, 400) == status11
    assert status_of(SaddlebagError(kind), SOAP12, 400) == status12


def test_a_sender_fault_is_500_by_default_setting() -> None:
    """Mono's WCF reads a fault from no other status."""
    assert INVALID_VALUE.side is Side.CLIENT
    assert status_of(SaddlebagError(INVALID_VALUE), SOAP12, 500) == 500

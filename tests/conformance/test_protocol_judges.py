"""The judges of messages find what is planted: each rule and each look at an answer can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from conformance.soap12_assertions import CASES, NOT_APPLICABLE, Case, twin
from conformance.traffic import Exchange
from conformance.wire import SOAP11, SOAP12, TYPES, Answer, envelope

from conformance import bp_messages, bp_probes, bp_wsdl, soap12_checks

ASSERTIONS = 140
"""How many the collection has: 84 of Part 1 and 56 of Part 2."""


def test_every_assertion_of_the_collection_is_tested_or_named_with_a_reason() -> None:
    tested = {case.assertion for case in CASES}
    assert not tested & NOT_APPLICABLE.keys()
    assert len(tested | NOT_APPLICABLE.keys()) == ASSERTIONS
    assert all(NOT_APPLICABLE.values())


def test_a_twin_speaks_soap_11_only() -> None:
    twins = [each for each in map(twin, CASES) if each is not None]
    assert len(twins) > 40
    assert not [each.text for each in twins if SOAP12 in each.text or "s:role" in each.text]


FAULT = (
    '<s:Envelope xmlns:s="{S}" xmlns:t="{T}" xmlns:v="{E}"><s:Header>'
    '<s:NotUnderstood qname="x:Strange" xmlns:x="urn:unknown"/>'
    '<s:Upgrade><s:SupportedEnvelope qname="s:Envelope"/><s:SupportedEnvelope qname="v:Envelope"/></s:Upgrade>'
    '</s:Header><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value '
    'xmlns:r="http://www.w3.org/2003/05/soap-rpc">'
    "r:{R}</s:Value><s:Subcode><s:Value>t:{C}</s:Value></s:Subcode></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason>'
    "<s:Detail><t:SaddlebagFault/></s:Detail></s:Fault></s:Body></s:Envelope>"
).replace("{S}", SOAP12).replace("{T}", TYPES).replace("{E}", SOAP11)  # fmt: skip
ABSENT = FAULT.replace("{R}", "ProcedureNotPresent").replace("{C}", "SB1006")
SPOILT: Mapping[str, tuple[str, str]] = {
    "answers-in-kind": (SOAP12, "urn:other"),
    "soap11-in-kind": ("", ""),
    "status": ("", ""),
    "fault-alone": ("</s:Body>", "<t:more/></s:Body>"),
    "fault-form": ("<s:Reason>", "<s:Node>urn:a</s:Node><s:Reason>"),
    "code-form": ("s:Sender", "s:Sender.Wrong"),
    "subcode-form": ("t:SB1006", "SB1006"),
    "procedure-not-present": ("ProcedureNotPresent", "BadArguments"),
    "bad-arguments": ("", ""),
    "reason-form": (' xml:lang="en"', ""),
    "node-form": ("<s:Detail>", "<s:Node/><s:Detail>"),
    "role-form": ("<s:Detail>", "<s:Role>urn:a</s:Role><s:Detail>"),
    "detail-form": ("<t:SaddlebagFault/>", "<SaddlebagFault/>"),
    "upgrade": ('<s:SupportedEnvelope qname="v:Envelope"/>', ""),
    "not-understood": ("x:Strange", "x:Other"),
}
WRONG_AS_IT_IS = ("soap11-in-kind", "status", "bad-arguments")
"""Looks that an answer of 1.2 with HTTP 200 and another subcode fails already."""


def _look(name: str, text: str) -> None:
    answer = Answer(200, {"content-type": "application/soap+xml"}, text.encode())
    soap12_checks.SHAPES[name](answer, Case("a", "1", "", "Sender"))


@pytest.mark.parametrize("name", soap12_checks.SHAPES)
def test_a_look_at_an_answer_sees_what_is_wrong(name: str) -> None:
    right, wrong = SPOILT[name]
    if name not in WRONG_AS_IT_IS:
        _look(name, ABSENT)
    with pytest.raises((AssertionError, ValueError)):
        _look(name, ABSENT.replace(right, wrong) if right else ABSENT)


def test_a_case_that_is_answered_otherwise_fails() -> None:
    time = envelope("<m:R><m:time>1</m:time></m:R>", "", SOAP12)
    served = Answer(200, {"content-type": "application/soap+xml"}, time)
    soap12_checks.judge(served, Case("a", "1", ""))
    with pytest.raises(AssertionError):
        soap12_checks.judge(served, Case("a", "1", "", "Sender"))
    with pytest.raises(AssertionError):
        soap12_checks.judge(Answer(500, {}, ABSENT.encode()), Case("a", "1", ""))


ANSWER = envelope("<m:R><m:a>1</m:a></m:R>", "<t:LimitInfo/>")
FAULT11 = envelope(
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail><t:SaddlebagFault><t:code>x</t:code>"
    "</t:SaddlebagFault></detail></s:Fault>"
)
_HEAD = {"content-type": "text/xml; charset=utf-8"}
GOOD = Exchange("session", "POST", {"soapaction": '"urn:a"'}, envelope("<m:Q/>"), 200, 11, _HEAD, ANSWER)
REFUSED = replace(GOOD, status=500, answer=FAULT11)


def _spoilt(right: str, wrong: str, of: Exchange = GOOD) -> Exchange:
    assert right.encode() in of.answer
    return replace(of, answer=of.answer.replace(right.encode(), wrong.encode()))


PLANTED: Mapping[str, Exchange] = {
    "R9980": _spoilt("<s:Header>", "<t:x/><s:Header>"),
    "R9981": _spoilt("</s:Body>", "<m:R/></s:Body>"),
    "R2201": _spoilt("</s:Body>", "<m:R/></s:Body>"),
    "R1014": _spoilt("</s:Body>", "<R/></s:Body>"),
    "R1008": _spoilt("<s:Envelope", "<!DOCTYPE a><s:Envelope"),
    "R1009": _spoilt("<s:Header>", "<?a b?><s:Header>"),
    "R1010": _spoilt("utf-8", "iso-8859-1"),
    "R1012": _spoilt("utf-8", "iso-8859-1"),
    "R4001": _spoilt("utf-8", "iso-8859-1"),
    "R1018": replace(GOOD, head={"content-type": "text/xml"}),
    "R1019": replace(GOOD, head={"content-type": "text/xml"}),
    "R1033": _spoilt("<s:Body>", '<s:Body xmlns:xml="http://www.w3.org/XML/1998/namespace">'),
    "R1032": _spoilt("<s:Body>", '<s:Body s:mustUnderstand="1">'),
    "R1011": _spoilt("</s:Body>", "</s:Body><t:x/>"),
    "R1005": _spoilt("<s:Body>", '<s:Body s:encodingStyle="urn:a">'),
    "R1006": _spoilt("<m:R>", '<m:R s:encodingStyle="urn:a">'),
    "R1007": _spoilt("<m:a>", '<m:a s:encodingStyle="urn:a">'),
    "R1013": _spoilt("<t:LimitInfo", '<t:LimitInfo s:mustUnderstand="true"'),
    "R2113": _spoilt("<m:a>", '<m:a xmlns:c="http://schemas.xmlsoap.org/soap/encoding/" c:arrayType="m:a[]">'),
    "R1000": _spoilt("<detail>", "<s:more/><detail>", REFUSED),
    "R1001": _spoilt("<detail>", "<s:more/><detail>", REFUSED),
    "R1002": _spoilt("t:SaddlebagFault", "SaddlebagFault", REFUSED),
    "R1003": _spoilt("t:SaddlebagFault", "SaddlebagFault", REFUSED),
    "R1004": _spoilt("s:Client", "s:Sender", REFUSED),
    "R1031": _spoilt("s:Client", "s:Client.Wrong", REFUSED),
    "R1016": _spoilt("<faultstring>", '<faultstring a="b">', REFUSED),
    "R1140": replace(GOOD, protocol=10),
    "R1141": replace(GOOD, protocol=10),
    "R1132": replace(GOOD, method="M-POST"),
    "R1108": replace(GOOD, method="M-POST"),
    "R1109": replace(GOOD, sent={"soapaction": "urn:a"}),
    "R1124": replace(GOOD, status=202),
    "R1111": replace(GOOD, status=202),
    "R1112": replace(GOOD, status=204, answer=b""),
    "R1126": replace(REFUSED, status=200),
    "R1120": replace(GOOD, head={**_HEAD, "set-cookie": "a=b"}),
    "R1122": replace(GOOD, head={**_HEAD, "set-cookie": "a=b"}),
    "R1121": replace(GOOD, head={"content-type": "text/html; charset=utf-8"}),
    "R2752": _spoilt("<t:LimitInfo/>", "<t:LimitInfo/><t:LimitInfo/>"),
    "R2753": _spoilt("<t:LimitInfo/>", "<LimitInfo/>"),
}


@pytest.mark.parametrize("number", bp_messages.RULES)
def test_an_exchange_that_offends_a_requirement_is_found(number: str) -> None:
    find = bp_messages.RULES[number]
    assert [list(find(each)) for each in (GOOD, REFUSED)] == [[], []]
    assert list(find(PLANTED[number]))


def test_a_probe_that_is_answered_otherwise_fails() -> None:
    probe = bp_probes.Probe(("R1",), "why")
    bp_probes.judge(Answer(200, {}, ANSWER), probe)
    for answer in (Answer(202, {}, ANSWER), Answer(200, {}, FAULT11)):
        with pytest.raises(AssertionError):
            bp_probes.judge(answer, probe)


def test_no_requirement_is_both_tested_and_not() -> None:
    tested = {*bp_messages.RULES, *(number for probe in bp_probes.PROBES for number in probe.numbers)}
    assert not (tested | bp_wsdl.RULES.keys()) & bp_probes.NOT_TESTED.keys()

"""`soap12/` by W3C's assertions, and both versions' header blocks as a matrix.

Belongs here: sending the messages of `soap12_assertions`, judging the form of answers, the matrix of roles,
mustUnderstand and relay. May not know: which message belongs to which assertion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from conformance.hub import new_hub
from conformance.report import Check, Skip, expect, same, skipped
from conformance.soap12_assertions import CASES, NOT_APPLICABLE, ROLE, Case, twin
from conformance.soap_checks import NEXT11, SOAP11_SUITE, SOAP12_SUITE
from conformance.wire import MEDIA, SOAP11, SOAP12, TYPES, XML_LANG, Answer, Target, body_of, envelope, post

S = f"{{{SOAP12}}}"
RPC = "http://www.w3.org/2003/05/soap-rpc"
CODES = ("VersionMismatch", "MustUnderstand", "DataEncodingUnknown", "Sender", "Receiver")
STATUS: Mapping[str, tuple[int, ...]] = {"": (200,), "Sender": (400, 500)}
"""HTTP statuses by fault code (Part 2, table 19); 500 for Sender is a setting of the hub, for clients that need it."""

Shape = Callable[[Answer, Case], None]
SHAPES: dict[str, Shape] = {}


def shape(name: str) -> Callable[[Shape], Shape]:
    """Declare a function to look at an answer under this name."""

    def declare(look: Shape) -> Shape:
        SHAPES[name] = look
        return look

    return declare


@SOAP12_SUITE.generated
def assertions(_target: Target) -> Iterator[Check]:
    """One check for each assertion of the collection; those that say nothing of the hub are skipped with the reason."""
    yield from _checks("soap12", CASES, SOAP12)
    for assertion, reason in NOT_APPLICABLE.items():
        yield Check(f"soap12/{assertion}", skipped(f"not applicable: {reason}"))


@SOAP11_SUITE.generated
def twins(_target: Target) -> Iterator[Check]:
    """One check for each assertion that SOAP 1.1 makes as well."""
    yield from _checks("soap11", tuple(each for each in map(twin, CASES) if each is not None), SOAP11)


def _checks(suite: str, cases: tuple[Case, ...], version: str) -> Iterator[Check]:
    for assertion in dict.fromkeys(case.assertion for case in cases):
        mine = tuple(case for case in cases if case.assertion == assertion)
        yield Check(f"{suite}/{assertion}", lambda at, mine=mine: _judge_all(at, mine, version))


def _judge_all(target: Target, cases: tuple[Case, ...], version: str) -> None:
    for case in cases:
        spoken = SOAP11 if case.shape == "soap11-in-kind" else version
        judge(post(target, "session", case.text.encode(), spoken), case)


def judge(answer: Answer, case: Case) -> None:
    """The answer is what the case expects, and has the form that the case asks for."""
    found = answer.fault.code if answer.fault else ""
    same(found, case.expected, f"fault code for {case.text[-260:]}")
    if not case.expected:
        expect(answer.text("time"), "no time came")
    if case.shape:
        SHAPES[case.shape](answer, case)


def _fault(answer: Answer) -> Any:
    assert answer.fault is not None
    return answer.fault.element


@shape("answers-in-kind")
def in_kind(answer: Answer, _case: Case) -> None:
    """Envelope and media type are of SOAP 1.2, with a charset that is named."""
    same((answer.tree.tag, answer.media), (f"{S}Envelope", "application/soap+xml"), "envelope and media type")


@shape("soap11-in-kind")
def in_kind11(answer: Answer, _case: Case) -> None:
    """A SOAP 1.1 message is answered by one."""
    same((answer.tree.tag, answer.media), (f"{{{SOAP11}}}Envelope", "text/xml"), "envelope and media type")


@shape("status")
def status(answer: Answer, case: Case) -> None:
    """The status is that of the fault's code."""
    expect(answer.status in STATUS.get(case.expected, (500,)), f"HTTP {answer.status} for {case.expected}")


@shape("fault-alone")
def alone(answer: Answer, _case: Case) -> None:
    """The Fault is the Body's only child, and there is one."""
    same([each.tag for each in body_of(answer.tree)], [f"{S}Fault"], "children of Body")


@shape("fault-form")
def form(answer: Answer, case: Case) -> None:
    """Code, Reason, Node, Role, Detail in this order, the first two always."""
    alone(answer, case)
    names = [each.tag.removeprefix(S) for each in _fault(answer)]
    known = ["Code", "Reason", "Node", "Role", "Detail"]
    same(names, [each for each in known if each in names], "children of Fault")
    expect({"Code", "Reason"} <= set(names), f"Code or Reason is missing: {names}")


@shape("code-form")
def code_form(answer: Answer, _case: Case) -> None:
    """Code holds Value, of the standard's five in its namespace, and at most one Subcode."""
    (code,) = _fault(answer).findall(f"{S}Code")
    expect([each.tag for each in code] in ([f"{S}Value"], [f"{S}Value", f"{S}Subcode"]), "children of Code")
    prefix, _, local = code[0].text.strip().rpartition(":")
    same(code[0].nsmap.get(prefix or None), SOAP12, "namespace of the code")
    expect(local in CODES, f"code {local}")


@shape("subcode-form")
def subcode_form(answer: Answer, _case: Case) -> None:
    """Each Subcode holds Value, a QName whose prefix is declared, and at most one Subcode."""
    found = _fault(answer).findall(f"{S}Code//{S}Subcode")
    expect(found, "no Subcode")
    for each in found:
        expect([one.tag for one in each] in ([f"{S}Value"], [f"{S}Value", f"{S}Subcode"]), "children of Subcode")
        expect(each[0].nsmap.get(each[0].text.strip().partition(":")[0]), f"no namespace: {each[0].text}")


def _subcodes(answer: Answer) -> list[tuple[str | None, str]]:
    values = _fault(answer).findall(f"{S}Code//{S}Subcode/{S}Value")
    parted = [(each, *each.text.strip().partition(":")) for each in values]
    return [(each.nsmap.get(prefix), local) for each, prefix, _, local in parted]


@shape("procedure-not-present")
def not_present(answer: Answer, _case: Case) -> None:
    """The first Subcode is the standard's, ours is inside."""
    same(_subcodes(answer), [(RPC, "ProcedureNotPresent"), (TYPES, "SB1006")], "subcodes")


@shape("bad-arguments")
def bad_arguments(answer: Answer, _case: Case) -> None:
    """The first Subcode is the standard's, ours is inside."""
    same(_subcodes(answer), [(RPC, "BadArguments"), (TYPES, "SB1007")], "subcodes")


@shape("reason-form")
def reason_form(answer: Answer, _case: Case) -> None:
    """Reason holds Texts, each with a language of its own and something to read."""
    (reason,) = _fault(answer).findall(f"{S}Reason")
    expect(len(reason) and all(each.tag == f"{S}Text" for each in reason), "children of Reason")
    languages = [each.get(XML_LANG) for each in reason]
    expect(all(languages) and len(set(languages)) == len(languages), f"languages {languages}")
    expect(all((each.text or "").strip() for each in reason), "an empty Text")


@shape("node-form")
def node_form(answer: Answer, _case: Case) -> None:
    """An ultimate receiver may leave Node out; where it stands it is one URI."""
    nodes = _fault(answer).findall(f"{S}Node")
    expect(len(nodes) <= 1 and all((each.text or "").strip() for each in nodes), "Node is not one URI")


@shape("role-form")
def role_form(answer: Answer, _case: Case) -> None:
    """Role may be left out; where it stands it is one of those that an ultimate receiver acts in."""
    allowed = {f"{ROLE}/next", f"{ROLE}/ultimateReceiver"}
    roles = [(each.text or "").strip() for each in _fault(answer).findall(f"{S}Role")]
    expect(len(roles) <= 1 and set(roles) <= allowed, f"Role {roles}")


@shape("detail-form")
def detail_form(answer: Answer, _case: Case) -> None:
    """Detail's children have namespaces and no encodingStyle."""
    (detail,) = _fault(answer).findall(f"{S}Detail")
    expect(len(detail) and all(each.tag.startswith("{") for each in detail), "children of Detail")
    expect(not any(each.get(f"{S}encodingStyle") for each in detail.iter()), "an encodingStyle in Detail")


@shape("upgrade")
def upgrade(answer: Answer, _case: Case) -> None:
    """The versions that are understood, in an Upgrade block, as unqualified QName attributes."""
    blocks = answer.tree.findall(f"{{{answer.tree.tag[1:].partition('}')[0]}}}Header/{S}Upgrade")
    same(len(blocks), 1, "Upgrade blocks")
    expect(len(blocks[0]) and all(each.tag == f"{S}SupportedEnvelope" for each in blocks[0]), "children of Upgrade")
    expect(blocks[0].get(f"{S}encodingStyle") is None, "an encodingStyle on Upgrade")
    named = [(each, *each.get("qname", "").partition(":")) for each in blocks[0]]
    found = {(each.nsmap.get(prefix), local) for each, prefix, _, local in named}
    same(found, {(SOAP11, "Envelope"), (SOAP12, "Envelope")}, "envelopes that are supported")


@shape("not-understood")
def not_understood(answer: Answer, _case: Case) -> None:
    """The block that was not understood, by an unqualified QName attribute, and none of the Body's faults."""
    blocks = answer.tree.findall(f"{S}Header/{S}NotUnderstood")
    same(len(blocks), 1, "NotUnderstood blocks")
    prefix, _, local = blocks[0].get("qname", "").partition(":")
    same((blocks[0].nsmap.get(prefix), local), ("urn:unknown", "Strange"), "the name in NotUnderstood")
    expect(blocks[0].get(f"{S}encodingStyle") is None, "an encodingStyle on NotUnderstood")


@SOAP12_SUITE.check("sender-status-400")
def letter_of_the_standard(target: Target) -> None:
    """A hub whose setting asks for it sends Sender faults with 400 (Part 2, 7.5.2.2), the others as before."""
    if target.process is None:
        raise Skip("needs a hub with another setting, and only a hub of our own has one")
    with new_hub("", {"SADDLEBAG_SOAP_SENDER_STATUS": "400"}) as hub:
        hub.tenant(target.tenant)
        hub.start()
        strict = Target(hub.url, hub.ca, target.tenant, "", "")
        for case in CASES:
            if case.shape == "status":
                answer = post(strict, "session", case.text.encode(), SOAP12)
                judge(answer, case)
                same(answer.status == 400, case.expected == "Sender", f"400 for {case.expected or 'no fault'}")


_ROLES = {
    SOAP11: {"absent": None, "empty": "", "next": NEXT11, "other": "urn:node:other"},
    SOAP12: {
        "absent": None,
        "next": f"{ROLE}/next",
        "receiver": f"{ROLE}/ultimateReceiver",
        "none": f"{ROLE}/none",
        "other": "urn:node:other",
    },
}
_OURS = ("absent", "empty", "next", "receiver")
_MUSTS = {SOAP11: {"absent": False, "0": False, "1": True}, SOAP12: {"absent": False, "false": False, "true": True}}
_RELAYS = {SOAP11: ("absent",), SOAP12: ("absent", "false", "true")}
_BLOCKS = {
    "known": "<t:CallOptions {}><t:client>matrix</t:client></t:CallOptions>",
    "unknown": '<x:Strange xmlns:x="urn:unknown" {}>1</x:Strange>',
}


def _matrix(version: str, suite: str) -> Iterator[Check]:
    attribute = "actor" if version == SOAP11 else "role"
    for block, role, must, relay in product(_BLOCKS, _ROLES[version], _MUSTS[version], _RELAYS[version]):
        values = {attribute: _ROLES[version][role]}
        values |= {"mustUnderstand": None if must == "absent" else must, "relay": None if relay == "absent" else relay}
        written = " ".join(f's:{name}="{value}"' for name, value in values.items() if value is not None)
        refused = block == "unknown" and role in _OURS and _MUSTS[version][must]
        text = _BLOCKS[block].format(written)
        ending = f"-relay-{relay}" if version == SOAP12 else ""
        name = f"{suite}/matrix/{block}-{attribute}-{role}-must-{must}{ending}"
        yield Check(name, lambda at, text=text, refused=refused: _block_judged(at, version, text, refused))


def _block_judged(target: Target, version: str, block: str, refused: bool) -> None:
    answer = post(target, "session", envelope("<m:GetServerTime/>", block, version), version)
    same(answer.media, MEDIA[version].partition(";")[0], "media type")
    same(answer.fault.code if answer.fault else "", "MustUnderstand" if refused else "", "fault code")


@SOAP11_SUITE.generated
def matrix11(_target: Target) -> Iterator[Check]:
    """A known and an unknown block, for every actor and mustUnderstand (SOAP 1.1, 4.2)."""
    return _matrix(SOAP11, "soap11")


@SOAP12_SUITE.generated
def matrix12(_target: Target) -> Iterator[Check]:
    """A known and an unknown block, for every role, mustUnderstand and relay (SOAP 1.2 Part 1, 2 and 5.2)."""
    return _matrix(SOAP12, "soap12")

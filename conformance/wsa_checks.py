"""`wsa/`: WS-Addressing 1.0 (W3C Core, SOAP Binding, Metadata), by both SOAP versions.

Belongs here: addressing headers of calls, answers and faults, and where they go. May not know: what an operation does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree
from zeep.plugins import HistoryPlugin

from conformance.report import Skip, Suite, expect, same
from conformance.wire import GET_TIME, MEDIA, SOAP11, SOAP12, TYPES, Answer, Target, envelope, exchange, post
from conformance.zeep_client import load

SUITE = Suite("wsa")
WSA = "http://www.w3.org/2005/08/addressing"
WSAM = "http://www.w3.org/2007/05/addressing/metadata"
SESSION = "urn:saddlebag:session:v1"
ANONYMOUS, NONE = f"{WSA}/anonymous", f"{WSA}/none"
Judge = Callable[[Target, str], None]


def both(name: str) -> Callable[[Judge], Judge]:
    """Declare a check for each SOAP version."""

    def declare(judge: Judge) -> Judge:
        for suffix, version in (("11", SOAP11), ("12", SOAP12)):
            SUITE.check(f"{name}-soap{suffix}")(lambda target, version=version: judge(target, version))  # type: ignore[misc]
        return judge

    return declare


def block(name: str, inner: str) -> str:
    """An addressing header block."""
    return f'<a:{name} xmlns:a="{WSA}">{inner}</a:{name}>'


def reference(name: str, address: str, parameters: str = "") -> str:
    """A header block that holds an endpoint reference."""
    inner = f"<a:Address>{address}</a:Address>"
    return block(name, inner + (f"<a:ReferenceParameters>{parameters}</a:ReferenceParameters>" if parameters else ""))


def heads(operation: str = "GetServerTime", message: str = "urn:uuid:0b1") -> str:
    """The two headers that every addressed call needs."""
    return block("Action", f"{SESSION}/{operation}") + block("MessageID", message)


def send(target: Target, version: str, headers: str, inner: str = GET_TIME) -> Answer:
    """An addressed call of the session service."""
    return post(target, "session", envelope(inner, headers, version), version)


def told(tree: Any) -> dict[str, str]:
    """The addressing header blocks of an envelope by name."""
    header = tree.find(f"{{{etree.QName(tree).namespace}}}Header")
    blocks = [] if header is None else [each for each in header if etree.QName(each).namespace == WSA]
    return {etree.QName(each).localname: "".join(each.itertext()) for each in blocks}


def names(answer: Answer, version: str) -> list[str]:
    """The standard's codes of a fault, the most special one only in SOAP 1.1 (SOAP Binding, 6)."""
    expect(answer.fault, "no fault came")
    fault = answer.fault.element if answer.fault else None
    values = (
        [fault.find("faultcode")] if version == SOAP11 else fault.findall(f".//{{{version}}}Subcode/{{{version}}}Value")
    )
    found = []
    for each in values:
        prefix, _, local = each.text.rpartition(":")
        same(each.nsmap.get(prefix), WSA, f"namespace of {each.text}")
        found.append(local)
    return found


def refused(target: Target, version: str, headers: str, *codes: str, problem: str = "") -> None:
    """The call ends in the fault with these codes, and names the header block that was wrong."""
    answer = send(target, version, headers)
    same(names(answer, version), list(codes if version == SOAP12 else codes[-1:]), "codes of the fault")
    same(told(answer.tree).get("Action"), f"{WSA}/fault", "action of the fault")
    if problem:
        found = [each.text.rpartition(":")[2] for each in answer.tree.iter(f"{{{WSA}}}ProblemHeaderQName")]
        same(found, [problem], "the header block that the fault names")


@both("answer")
def answered(target: Target, version: str) -> None:
    """Action of the WSDL, RelatesTo, a MessageID of its own (Core, 3.4)."""
    answer = send(target, version, heads())
    expect(answer.text("time"), "no time")
    given = told(answer.tree)
    same(given.get("Action"), f"{SESSION}/GetServerTimeResponse", "action")
    same(given.get("RelatesTo"), "urn:uuid:0b1", "what the answer relates to")
    expect(given.get("MessageID") not in (None, "urn:uuid:0b1"), "no message id of its own")


@both("not-addressed")
def not_addressed(target: Target, version: str) -> None:
    """A call without addressing gets an answer without."""
    same(told(send(target, version, "").tree), {}, "addressing headers")


@both("must-understand")
def must_understand(target: Target, version: str) -> None:
    """The blocks are understood where they must be."""
    must = ' s:mustUnderstand="1"'
    headers = heads().replace(f'xmlns:a="{WSA}"', f'xmlns:a="{WSA}"{must}')
    expect(send(target, version, headers).text("time"), "refused")


@both("for-another-node")
def for_others(target: Target, version: str) -> None:
    """Blocks for another node are not ours (SOAP Binding, 2.3)."""
    role = "actor" if version == SOAP11 else "role"
    headers = heads("Nonsense").replace(f'xmlns:a="{WSA}"', f'xmlns:a="{WSA}" s:{role}="urn:somebody:else"')
    same(told(send(target, version, headers).tree), {}, "addressing headers")


@both("typed-fault")
def typed_fault(target: Target, version: str) -> None:
    """A declared fault has the action that the WSDL gives it (Metadata, 4.4.3)."""
    answer = send(target, version, heads("GetUserInfo"), "<m:GetUserInfo/>")
    given = told(answer.tree)
    same(answer.fault.detail.get("code") if answer.fault else None, "SB2002", "code")
    same(given.get("Action"), f"{SESSION}/GetUserInfo/Fault/SaddlebagFault", "action of the fault")
    same(given.get("RelatesTo"), "urn:uuid:0b1", "what the fault relates to")


@both("soap-fault")
def soap_fault(target: Target, version: str) -> None:
    """A fault of SOAP itself has the action for those (SOAP Binding, 6)."""
    answer = send(target, version, heads() + '<x:A xmlns:x="urn:x" s:mustUnderstand="1"/>')
    same(answer.fault.code if answer.fault else None, "MustUnderstand", "fault code")
    same(told(answer.tree).get("Action"), f"{WSA}/soap/fault", "action of the fault")


@both("action-missing")
def action_missing(target: Target, version: str) -> None:
    """Action is required (Core, 3.2)."""
    refused(target, version, block("MessageID", "urn:m"), "MessageAddressingHeaderRequired", problem="Action")


@both("message-id-missing")
def message_id_missing(target: Target, version: str) -> None:
    """A call that wants an answer has a MessageID (Metadata, 5.1.1)."""
    headers = block("Action", f"{SESSION}/GetServerTime")
    refused(target, version, headers, "MessageAddressingHeaderRequired", problem="MessageID")


@both("twice")
def twice(target: Target, version: str) -> None:
    """Each of the blocks stands there once (SOAP Binding, 6.4.1)."""
    for name in ("To", "ReplyTo", "FaultTo", "Action", "MessageID", "From"):
        one = reference(name, ANONYMOUS) if name in ("ReplyTo", "FaultTo", "From") else block(name, "urn:x")
        more = one if name in ("Action", "MessageID") else one + one
        refused(target, version, heads() + more, "InvalidAddressingHeader", "InvalidCardinality", problem=name)


@both("relates-to-twice")
def relates_twice(target: Target, version: str) -> None:
    """RelatesTo may stand there more than once."""
    expect(send(target, version, heads() + block("RelatesTo", "urn:a") * 2).text("time"), "refused")


@both("no-address")
def no_address(target: Target, version: str) -> None:
    """An endpoint reference has an Address."""
    headers = heads() + block("ReplyTo", "<a:Metadata/>")
    refused(target, version, headers, "InvalidAddressingHeader", "MissingAddressInEPR", problem="ReplyTo")


@both("bad-address")
def bad_address(target: Target, version: str) -> None:
    """An Address is an absolute IRI."""
    headers = heads() + reference("ReplyTo", "no iri")
    refused(target, version, headers, "InvalidAddressingHeader", "InvalidAddress", problem="ReplyTo")


@both("action-of-another")
def action_of_another(target: Target, version: str) -> None:
    """The action is the one of the Body's operation; spoofing it calls nothing."""
    refused(target, version, heads("Logout"), "ActionNotSupported")


@SUITE.check("action-mismatch-soap11")
def action_mismatch(target: Target) -> None:
    """SOAPAction and Action agree (SOAP Binding, 6.4.1.7)."""
    sent = {"SOAPAction": '"urn:other"'}
    answer = post(target, "session", envelope(GET_TIME, heads()), SOAP11, headers=sent)
    same(names(answer, SOAP11), ["ActionMismatch"], "codes of the fault")


@both("to-another-endpoint")
def to_another(target: Target, version: str) -> None:
    """A message for another endpoint is not taken: the tenant and service of the address are those called."""
    for path in ("/other/session/v1", f"/{target.tenant}/customer/v1"):
        refused(target, version, heads() + block("To", target.url + path), "DestinationUnreachable")
    expect(send(target, version, heads() + block("To", target.url + target.path("session"))).text("time"), "refused")


@both("reply-to-none")
def reply_to_none(target: Target, version: str) -> None:
    """No answer is sent where none is wanted: 202, empty."""
    answer = send(target, version, heads() + reference("ReplyTo", NONE))
    same((answer.status, answer.body), (202, b""), "status and body")


@both("reply-to-forbidden")
def reply_to_forbidden(target: Target, version: str) -> None:
    """The hub is nobody's way into a network: addresses that are not allowed are refused before anything is done."""
    addresses = (
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:22/",
        "https://partner.invalid/",
        "urn:x:y",
    )
    for address in addresses:
        headers = heads() + reference("ReplyTo", address)
        refused(target, version, headers, "InvalidAddressingHeader", "OnlyAnonymousAddressSupported", problem="ReplyTo")


@both("reply-elsewhere")
def reply_elsewhere(target: Target, version: str) -> None:
    """An answer goes to an allowed address, with To, RelatesTo and the reference parameters as headers."""
    if target.inbox is None:
        raise Skip("the hub's allowed addresses are not known")
    path = f"/answers/{'11' if version == SOAP11 else '12'}"
    address = target.inbox.origin + path
    parameter = '<x:ticket xmlns:x="urn:x">a&amp;b</x:ticket>'
    answer = send(target, version, heads() + reference("ReplyTo", address, parameter))
    same((answer.status, answer.body), (202, b""), "status and body")
    came = target.inbox.wait(path)
    same(came.content_type.partition(";")[0], MEDIA[version].partition(";")[0], "media type")
    tree = etree.fromstring(came.body)
    given = told(tree)
    same((given.get("To"), given.get("RelatesTo")), (address, "urn:uuid:0b1"), "To and RelatesTo")
    (ticket,) = tree.iter("{urn:x}ticket")
    same((ticket.text, ticket.get(f"{{{WSA}}}IsReferenceParameter")), ("a&b", "true"), "the reference parameter")


@both("fault-elsewhere")
def fault_elsewhere(target: Target, version: str) -> None:
    """A fault goes to FaultTo, though answers would go back the same way."""
    if target.inbox is None:
        raise Skip("the hub's allowed addresses are not known")
    path = f"/faults/{'11' if version == SOAP11 else '12'}"
    headers = heads("GetUserInfo") + reference("FaultTo", target.inbox.origin + path)
    answer = send(target, version, headers, "<m:GetUserInfo/>")
    same((answer.status, answer.body), (202, b""), "status and body")
    tree = etree.fromstring(target.inbox.wait(path).body)
    expect([each.text for each in tree.iter(f"{{{TYPES}}}code")] == ["SB2002"], "not the typed fault")


@both("header-spoofing")
def header_spoofing(target: Target, version: str) -> None:
    """A reference parameter cannot pass for a header block of the hub's own in the answer."""
    parameter = f'<t:Session xmlns:t="{TYPES}"><t:token>x</t:token></t:Session>'
    headers = heads() + reference("ReplyTo", ANONYMOUS, parameter)
    refused(target, version, headers, "InvalidAddressingHeader", "InvalidEPR", problem="ReplyTo")


@SUITE.check("one-way")
def one_way(target: Target) -> None:
    """A one-way call is answered 202 with nothing (S29; BP R2714), addressed without a MessageID."""
    session = f'<t:Session xmlns:t="{TYPES}"><t:token>{target.token()}</t:token></t:Session>'
    for headers in (session, session + block("Action", f"{SESSION}/KeepAlive")):
        for version in (SOAP11, SOAP12):
            answer = send(target, version, headers, "<m:KeepAlive/>")
            same((answer.status, answer.body), (202, b""), "status and body")


@SUITE.check("wsdl-actions")
def wsdl_actions(target: Target) -> None:
    """Every input, output and fault of the WSDL says its action (Metadata, 4.4)."""
    tree = exchange(target, "GET", f"{target.path('deal')}?wsdl").tree
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    parts = [
        part
        for each in tree.iterfind(f"{wsdl}portType/{wsdl}operation")
        for part in each
        if part.tag != f"{wsdl}documentation"
    ]
    expect(parts and all(part.get(f"{{{WSAM}}}Action") for part in parts), "a part without wsam:Action")


@SUITE.check("zeep")
def zeep_addresses(target: Target) -> None:
    """zeep addresses its calls by itself where the WSDL gives actions; the answer relates to what it sent."""
    client, history = load(target, f"{target.url}{target.path('session')}?wsdl"), HistoryPlugin()
    client.plugins.append(history)
    expect(client.service.GetServerTime().time, "no time")
    sent, given = told(history.last_sent["envelope"]), told(history.last_received["envelope"])
    expect(sent.get("MessageID"), "zeep did not address its call")
    same(given.get("RelatesTo"), sent.get("MessageID"), "what the answer relates to")

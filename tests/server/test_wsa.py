"""WS-Addressing 1.0 through the front: what is asked of an answer is given, what is wrong gets its fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.records.call import Hub
from saddlebag.server.http_rules import Answer
from saddlebag.server.root import make_front
from saddlebag.server.wsa.reading import ANONYMOUS, NONE, UNSPECIFIED
from soap_probe import PROBE, SERVICE, Caller, envelope

WSA = namespaces.WSA
BOTH = pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12], ids=["1.1", "1.2"])
PARTNER = "https://partner.example/replies"


@dataclass
class Kept:
    """Takes answers over, for one origin only."""

    full: bool = False
    taken: list[tuple[str, str, str, str, bytes]] = field(default_factory=list)

    def allows(self, url: str) -> bool:
        return url.startswith("https://partner.example/")

    def keep(self, *given: Any) -> None:
        if self.full:
            raise SaddlebagError(BUSY)
        self.taken.append(given)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def caller(hub: Hub, kept: Kept) -> Caller:
    return Caller(make_front(hub, [SERVICE], elsewhere=kept))


def block(name: str, text: str, extra: str = "") -> str:
    return f'<a:{name} xmlns:a="{WSA}">{text}{extra}</a:{name}>'


def reference(name: str, address: str, parameters: str = "") -> str:
    inner = f"<a:ReferenceParameters>{parameters}</a:ReferenceParameters>" if parameters else ""
    return block(name, f"<a:Address>{address}</a:Address>{inner}")


def addressed(operation: str = "Ping", message_id: str = "urn:uuid:1") -> str:
    return block("Action", f"{PROBE}/{operation}") + block("MessageID", message_id)


def told(answer: Answer | bytes) -> dict[str, str]:
    """The addressing header blocks of an envelope."""
    tree = etree.fromstring(answer if isinstance(answer, bytes) else answer.body)
    header = tree.find(f"{{{etree.QName(tree).namespace}}}Header")
    return {} if header is None else {etree.QName(each).localname: "".join(each.itertext()) for each in header}


@BOTH
def test_an_addressed_call_gets_an_addressed_answer(caller: Caller, version: str) -> None:
    reply = caller.soap("<p:Ping/>", addressed(), version)
    assert reply.status == 200
    assert told(reply.answer) == {
        "Action": f"{PROBE}/PingResponse",
        "MessageID": "urn:uuid:new-id",
        "RelatesTo": "urn:uuid:1",
    }


def test_a_call_that_is_not_addressed_gets_no_addressing(caller: Caller) -> None:
    assert told(caller.soap("<p:Ping/>").answer) == {}


@BOTH
def test_a_typed_fault_has_the_action_that_the_wsdl_declares(caller: Caller, version: str) -> None:
    reply = caller.soap("<p:Fail><p:how>typed</p:how></p:Fail>", addressed("Fail"), version)
    assert (reply.code, told(reply.answer)["Action"]) == ("SB3001", f"{PROBE}/Fail/Fault/SaddlebagFault")
    assert told(reply.answer)["RelatesTo"] == "urn:uuid:1"


def test_a_fault_of_soap_itself_has_soaps_action(caller: Caller) -> None:
    strange = '<x:A xmlns:x="urn:x" e:mustUnderstand="1"/>'
    assert told(caller.soap("<p:Ping/>", strange + addressed()).answer)["Action"] == f"{WSA}/soap/fault"


@BOTH
@pytest.mark.parametrize(
    ("headers", "code", "names"),
    [
        (block("MessageID", "urn:m"), "SB1013", ["MessageAddressingHeaderRequired"]),
        (block("Action", f"{PROBE}/Ping"), "SB1013", ["MessageAddressingHeaderRequired"]),
        (addressed() + block("MessageID", "urn:n"), "SB1012", ["InvalidAddressingHeader", "InvalidCardinality"]),
        (addressed() + block("ReplyTo", ""), "SB1012", ["InvalidAddressingHeader", "MissingAddressInEPR"]),
        (addressed() + reference("ReplyTo", "not an iri"), "SB1012", ["InvalidAddressingHeader", "InvalidAddress"]),
        (addressed(message_id="1"), "SB1012", ["InvalidAddressingHeader", "InvalidAddress"]),
        (addressed("Echo"), "SB1014", ["ActionNotSupported"]),
        (addressed() + block("To", "https://hub.example/other/probe/v1"), "SB1015", ["DestinationUnreachable"]),
        (addressed() + block("To", "https://[hub/acme/probe/v1"), "SB1015", ["DestinationUnreachable"]),
        (
            addressed() + reference("ReplyTo", "http://169.254.169.254/latest"),
            "SB1012",
            ["InvalidAddressingHeader", "OnlyAnonymousAddressSupported"],
        ),
        (
            addressed() + reference("FaultTo", "https://stranger.example/"),
            "SB1012",
            ["InvalidAddressingHeader", "OnlyAnonymousAddressSupported"],
        ),
        (
            addressed() + reference("ReplyTo", ANONYMOUS, '<t:Session xmlns:t="urn:saddlebag:types:v1"/>'),
            "SB1012",
            ["InvalidAddressingHeader", "InvalidEPR"],
        ),
        (
            addressed() + reference("ReplyTo", ANONYMOUS, '<x:a xmlns:x="urn:x"/>' * 17),
            "SB1012",
            ["InvalidAddressingHeader", "InvalidEPR"],
        ),
    ],
)
def test_what_is_wrong_gets_the_fault_of_the_standard(
    caller: Caller, kept: Kept, version: str, headers: str, code: str, names: list[str]
) -> None:
    reply = caller.soap("<p:Ping/>", headers, version)
    assert (reply.status, reply.code, kept.taken) == (500, code, [])
    assert told(reply.answer)["Action"] == f"{WSA}/fault"
    fault = reply.root.find(f"{{{version}}}Body/{{{version}}}Fault")
    if version == namespaces.SOAP11:
        assert fault.findtext("faultcode").endswith(f":{names[-1]}")
        assert reply.root.find(f"{{{version}}}Header/{{{WSA}}}FaultDetail") is not None
    else:
        values = [each.text.partition(":")[2] for each in fault.iter(f"{{{version}}}Value")]
        assert values == ["Sender", *names]
        assert fault.find(f"{{{version}}}Detail")[0].tag.startswith(f"{{{WSA}}}Problem")


def test_an_action_of_http_that_differs_is_refused(caller: Caller) -> None:
    reply = caller.soap("<p:Ping/>", addressed(), soapaction='"urn:other"')
    assert (reply.code, b"ActionMismatch" in reply.answer.body) == ("SB1012", True)
    assert caller.soap("<p:Ping/>", addressed(), soapaction=f'"{PROBE}/Ping"').status == 200


def test_to_may_name_this_endpoint_by_any_host(caller: Caller) -> None:
    """A proxy in front of the hub may have another name for it."""
    for to in ("https://proxy.example:444/soap/acme/probe/v1", "https://hub.example/acme/probe/v1/", ANONYMOUS):
        assert caller.soap("<p:Ping/>", addressed() + block("To", to)).status == 200


def test_no_answer_is_sent_where_none_is_wanted(caller: Caller, kept: Kept) -> None:
    headers = block("Action", f"{PROBE}/Ping") + reference("ReplyTo", NONE)
    answer = caller.raw(envelope("<p:Ping/>", headers))
    assert (answer.status, answer.body, kept.taken) == (202, b"", [])


def test_an_answer_goes_to_an_allowed_address_with_its_reference_parameters(caller: Caller, kept: Kept) -> None:
    parameters = '<x:ticket xmlns:x="urn:x">7</x:ticket>'
    answer = caller.raw(envelope("<p:Ping/>", addressed() + reference("ReplyTo", PARTNER, parameters)))
    assert (answer.status, answer.body) == (202, b"")
    ((tenant, url, media, action, body),) = kept.taken
    assert (tenant, url, media, action) == ("acme", PARTNER, "text/xml", f"{PROBE}/PingResponse")
    assert told(body) == {
        "To": PARTNER,
        "Action": action,
        "MessageID": "urn:uuid:new-id",
        "RelatesTo": "urn:uuid:1",
        "ticket": "7",
    }
    ticket = etree.fromstring(body).find(".//{urn:x}ticket")
    assert ticket is not None
    assert ticket.get(f"{{{WSA}}}IsReferenceParameter") == "true"


def test_a_fault_goes_to_its_own_address(caller: Caller, kept: Kept) -> None:
    headers = addressed("Fail") + reference("ReplyTo", NONE) + reference("FaultTo", PARTNER)
    answer = caller.raw(envelope("<p:Fail><p:how>typed</p:how></p:Fail>", headers))
    assert (answer.status, answer.body) == (202, b"")
    assert [each[1] for each in kept.taken] == [PARTNER]
    assert b"SB3001" in kept.taken[0][4]


def test_an_answer_that_cannot_be_kept_goes_back_the_same_way(caller: Caller, kept: Kept) -> None:
    kept.full = True
    answer = caller.raw(envelope("<p:Ping/>", addressed() + reference("ReplyTo", PARTNER)))
    assert (answer.status, told(answer)["RelatesTo"]) == (200, "urn:uuid:1")


def test_a_hub_without_allowed_addresses_answers_the_same_way_only(hub: Hub) -> None:
    reply = Caller(make_front(hub, [SERVICE])).soap("<p:Ping/>", addressed() + reference("ReplyTo", PARTNER))
    assert reply.code == "SB1012"


def test_a_fault_about_addressing_relates_to_nothing_known(caller: Caller) -> None:
    reply = caller.soap("<p:Ping/>", addressed(message_id="not an iri"))
    assert told(reply.answer)["RelatesTo"] == UNSPECIFIED


@BOTH
@pytest.mark.parametrize(("how", "status"), [("well", 202), ("typed", 500), ("other", 500)])
def test_s29_a_one_way_call_has_an_empty_answer(caller: Caller, version: str, how: str, status: int) -> None:
    """WS-I BP 1.1 R2714."""
    kind = "text/xml" if version == namespaces.SOAP11 else "application/soap+xml"
    answer = caller.raw(envelope(f"<p:Tell><p:how>{how}</p:how></p:Tell>", version=version), content_type=kind)
    assert (answer.status, answer.body, answer.media_type) == (status, b"", "")


def test_a_one_way_call_needs_no_message_id_and_may_name_where_faults_go(caller: Caller, kept: Kept) -> None:
    headers = block("Action", f"{PROBE}/Tell") + reference("FaultTo", PARTNER)
    assert caller.raw(envelope("<p:Tell><p:how>well</p:how></p:Tell>", headers)).status == 202
    answer = caller.raw(envelope("<p:Tell><p:how>typed</p:how></p:Tell>", headers))
    assert (answer.status, len(kept.taken)) == (202, 1)

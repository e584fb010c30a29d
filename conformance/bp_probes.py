"""`bp/NUMBER/receiver`: WS-I Basic Profile 1.1 requirements on who receives; and those that nobody sees from outside.

Belongs here: a message by requirement with what must come of it, and the list of requirements that are not tested, each
with the reason. May not know: how the hub answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from conformance.report import Check, Suite, expect, same, skipped
from conformance.wire import GET_TIME, MEDIA, SOAP11, Answer, Target, envelope, exchange

SUITE = Suite("bp")
_SERVED = ""
_PLAIN = envelope(GET_TIME)


@dataclass(frozen=True, slots=True)
class Probe:
    """A request and what comes of it: statuses that are right, and the fault's code ("" where it is served)."""

    numbers: tuple[str, ...]
    why: str
    body: bytes = _PLAIN
    statuses: tuple[int, ...] = (200,)
    fault: str = _SERVED
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


def _block(attributes: str) -> str:
    return f'<x:Strange xmlns:x="urn:unknown" {attributes}/>'


_MUST = envelope("<m:NoSuch/>", _block('s:mustUnderstand="1"'))
_UTF16 = _PLAIN.decode().replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16")
_UNTYPED = "<m:Login><m:user>nobody</m:user><m:password>b</m:password></m:Login>"
_CLIENT = "Client"

PROBES: tuple[Probe, ...] = (
    Probe(("R1010",), "an XML declaration is taken"),
    Probe(("R1010",), "so is a message without one", _PLAIN.partition(b"?>")[2]),
    Probe(("R4001",), "a byte order mark of UTF-8 is taken", b"\xef\xbb\xbf" + _PLAIN),
    Probe(("R1012", "R4001"), "UTF-16 with its mark is taken", _UTF16,
          headers={"Content-Type": "text/xml; charset=utf-16"}),
    Probe(("R1015",), "a document element that is no Envelope is refused", b"<a/>", (500, 400), _CLIENT),
    Probe(("R1015",), "so is an Envelope of another namespace", _PLAIN.replace(SOAP11.encode(), b"urn:other"), (500,),
          "VersionMismatch"),
    Probe(("R1017",), "xsi:type is not asked for", envelope(_UNTYPED), (500,), _CLIENT),
    Probe(("R1025", "R1027", "R1028"), "header blocks are judged before the Body", _MUST, (500,), "MustUnderstand"),
    Probe(("R1029", "R1030"), "the answer to what is not understood is a fault", _MUST, (500,), "MustUnderstand"),
    Probe(("R1013",), "mustUnderstand is 0 or 1", envelope(GET_TIME, _block('s:mustUnderstand="true"')), (500,),
          _CLIENT),
    Probe(("R1008",), "a document type declaration is refused", b"<!DOCTYPE a>" + _PLAIN.partition(b"?>")[2], (500,),
          _CLIENT),
    Probe(("R1009",), "a processing instruction is refused", _PLAIN.replace(b"<s:Body>", b"<?a b?><s:Body>"), (500,),
          _CLIENT),
    Probe(("R1011",), "what follows Body is refused", _PLAIN.replace(b"</s:Envelope>", b"<x/></s:Envelope>"), (500,),
          _CLIENT),
    Probe(("R1005", "R1006"), "encodingStyle is refused",
          envelope('<m:GetServerTime s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>'), (500,), _CLIENT),
    Probe(("R1014", "R2725"), "an unqualified child of Body is no operation", envelope("<GetServerTime/>"), (500,),
          _CLIENT),
    Probe(("R9981", "R2201"), "Body has one child", envelope(GET_TIME * 2), (500,), _CLIENT),
    Probe(("R2724", "R2725"), "a message that the WSDL does not describe is the caller's fault",
          envelope("<m:Login><m:nobody/></m:Login>"), (500,), _CLIENT),
    Probe(("R2726", "R2727"), "an operation that the WSDL does not have is the caller's fault",
          envelope("<m:No/>"), (500,), _CLIENT),
    Probe(("R1109", "R1119"), "a SOAPAction without quotes is taken or refused with a fault",
          headers={"SOAPAction": "urn:saddlebag:session:v1/GetServerTime"}),
    Probe(("R1127", "R2745"), "an empty SOAPAction is taken", headers={"SOAPAction": '""'}),
    Probe(("R1127",), "so is one of a toolkit's own", headers={"SOAPAction": '"urn:toolkit:whatever"'}),
    Probe(("R1113", "R1125"), "a body that is no XML is refused with a fault", b"no xml", (400, 500), _CLIENT),
    Probe(("R1114",), "another method is 405", b"", (405,), _CLIENT, "PUT"),
    Probe(("R1114",), "so is GET without a question", b"", (405,), _CLIENT, "GET"),
    Probe(("R1115",), "another media type is 415", _PLAIN, (415,), _CLIENT,
          headers={"Content-Type": "application/json"}),
    Probe(("R1124",), "an answer is 200"),
    Probe(("R1126",), "a fault is 500", envelope("<m:No/>"), (500,), _CLIENT),
    Probe(("R1120", "R1121", "R1123"), "no cookie is needed", headers={"Cookie": "a=b"}),
    Probe(("R1140", "R1141"), "HTTP/1.1 is spoken"),
    Probe(("R2744",), "the SOAPAction of the WSDL is taken",
          headers={"SOAPAction": '"urn:saddlebag:session:v1/GetServerTime"'}),
    Probe(("R2751", "R2739"), "a header block of others is passed over", envelope(GET_TIME, _block(""))),
    Probe(("R2753",), "header blocks come in any order and among others",
          envelope(GET_TIME, _block("") + "<t:CallOptions><t:client>bp</t:client></t:CallOptions>" + _block(""))),
)  # fmt: skip

_CONSUMER = "it binds the consumer; each foreign client under interop/ shows how one behaves"
_REGISTRY = "UDDI: the hub registers itself nowhere"
_RPC = "rpc-literal: the hub is document-literal"
_PERMITS = "it permits something, so that nothing can offend it"
_NOT_SEEN = "what it forbids cannot be told from outside"

NOT_TESTED: Mapping[str, str] = {
    "R0001": "an agreement on how a service is described; bp/published shows that it is",
    "R1107": _CONSUMER,
    "R1116": "status codes in between are not forbidden",
    "R1130": "the hub redirects nobody",
    "R1131": _CONSUMER,
    "R2009": "schemas are inline, in the WSDL's own encoding",
    "R2010": "schemas are inline, in the WSDL's own encoding",
    "R2011": "schemas are inline, in the WSDL's own encoding",
    "R2021": _PERMITS,
    "R2024": _PERMITS,
    "R2025": _CONSUMER,
    "R2027": _CONSUMER,
    "R2030": _PERMITS,
    "R2103": "said of schemas that are imported by location; all are inline",
    "R2207": _RPC,
    "R2208": _PERMITS,
    "R2211": _RPC,
    "R2212": _RPC,
    "R2213": _RPC,
    "R2214": _RPC,
    "R2301": _RPC,
    "R2305": _RPC,
    "R2729": _RPC,
    "R2735": _RPC,
    "R2737": _RPC,
    "R2738": "header blocks that the WSDL names are optional here; who leaves one out is served (interop/)",
    "R2741": _PERMITS,
    "R2743": _PERMITS,
    "R2746": _CONSUMER,
    "R2750": _CONSUMER,
    "R2755": _RPC,
    "R3100": _REGISTRY,
    "R3002": _REGISTRY,
    "R3003": _REGISTRY,
    "R3010": _REGISTRY,
    "R3011": _REGISTRY,
    "R3020": _REGISTRY,
    "R4005": "no document is imported",
    "R4006": _NOT_SEEN,
    "R5000": "tested as tls/: the hub is reached by TLS alone",
    "R5010": "tested as tls/: certificates of clients",
}
"""Requirements without a check of their own, and why."""


@SUITE.generated
def receiver(_target: Target) -> Iterator[Check]:
    """One check for each requirement on who receives, then those that are not tested."""
    numbers = dict.fromkeys(number for probe in PROBES for number in probe.numbers)
    for number in numbers:
        mine = tuple(probe for probe in PROBES if number in probe.numbers)
        yield Check(f"bp/{number}/receiver", lambda at, mine=mine: _judge_all(at, mine))
    for number, reason in NOT_TESTED.items():
        yield Check(f"bp/{number}/not-tested", skipped(reason))


def _judge_all(target: Target, probes: tuple[Probe, ...]) -> None:
    for probe in probes:
        sent = {"Content-Type": MEDIA[SOAP11], "SOAPAction": '""', **probe.headers}
        judge(exchange(target, probe.method, target.path("session"), sent, probe.body), probe)


def judge(answer: Answer, probe: Probe) -> None:
    """The answer is the one that the probe asks for."""
    expect(answer.status in probe.statuses, f"{probe.why}: HTTP {answer.status}")
    same(answer.fault.code if answer.fault else "", probe.fault, f"{probe.why}: fault code")

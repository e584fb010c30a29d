"""`soap11/` and `soap12/`: the processing model of SOAP 1.1 (W3C Note) and SOAP 1.2 (W3C Recommendation, Part 1).

Belongs here: envelopes, header blocks, faults, of both versions on one endpoint. May not know: HTTP beyond the status,
what an operation does.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.report import Suite, expect, same
from conformance.wire import (
    GET_TIME,
    MEDIA,
    SOAP11,
    SOAP12,
    XML_LANG,
    Answer,
    Fault,
    Target,
    body_of,
    envelope,
    header,
    post,
)

SOAP11_SUITE = Suite("soap11")
SOAP12_SUITE = Suite("soap12")
NEXT11 = "http://schemas.xmlsoap.org/soap/actor/next"
ROLE = f"{SOAP12}/role"
CLIENT = {SOAP11: "Client", SOAP12: "Sender"}
MUST = {SOAP11: "1", SOAP12: "true"}
SUITES = {SOAP11: SOAP11_SUITE, SOAP12: SOAP12_SUITE}

Judge = Callable[[Target, str], None]


def both(name: str) -> Callable[[Judge], Judge]:
    """Declare a check for each version; it gets the version's namespace."""

    def declare(judge: Judge) -> Judge:
        for version, suite in SUITES.items():
            suite.check(name)(lambda target, version=version: judge(target, version))  # type: ignore[misc]
        return judge

    return declare


def refused(answer: Answer, version: str, code: str | None, faultcode: str | None = None) -> Fault:
    """The fault of a refusal of the version's own kind, with this code of the catalogue in its detail."""
    expect(answer.status in (400, 415, 500), f"HTTP status {answer.status}")
    fault = answer.fault
    expect(fault, "no fault came")
    assert fault is not None
    same(fault.version, version, "envelope namespace of the fault")
    same(fault.code, faultcode or CLIENT[version], "fault code")
    if code:
        same(fault.detail.get("code"), code, "code in the detail")
        expect(fault.detail.get("cause") and fault.detail.get("cure"), "no cause or cure in the detail")
    return fault


def block(version: str, name: str, *attributes: str) -> str:
    """A header block in a namespace that nobody knows."""
    return f'<x:{name} xmlns:x="urn:unknown" {" ".join(attributes)}>1</x:{name}>'


def send(target: Target, version: str, inner: str = GET_TIME, headers: str = "") -> Answer:
    """Send a call of the session service."""
    return post(target, "session", envelope(inner, headers, version), version)


def raw(target: Target, version: str, text: str) -> Answer:
    """Send this text, in which S stands for the envelope's namespace."""
    return post(target, "session", text.replace("{S}", version).encode(), version)


@both("answers-in-kind")
def in_kind(target: Target, version: str) -> None:
    """An answer has the version, and the media type, of its request."""
    answer = send(target, version)
    same((answer.status, answer.tree.tag), (200, f"{{{version}}}Envelope"), "status and envelope")
    same(answer.media, MEDIA[version].partition(";")[0], "media type")
    expect(answer.text("time"), "no time")


@both("must-understand")
def must_understand(target: Target, version: str) -> None:
    """An unknown block for the ultimate receiver with mustUnderstand is refused; 1.2 names it in NotUnderstood."""
    answer = send(target, version, headers=block(version, "Strange", f's:mustUnderstand="{MUST[version]}"'))
    refused(answer, version, "SB1005", "MustUnderstand")
    if version == SOAP12:
        named = answer.tree.findall(f"{{{SOAP12}}}Header/{{{SOAP12}}}NotUnderstood")
        expect(named, "no NotUnderstood header block (5.4.8)")
        prefix, _, local = named[0].get("qname", "").rpartition(":")
        same((named[0].nsmap.get(prefix), local), ("urn:unknown", "Strange"), "the name in it")


@both("must-understand-false")
def must_not(target: Target, version: str) -> None:
    """An unknown block without mustUnderstand, or with it false, is passed over."""
    zero = "0" if version == SOAP11 else "false"
    headers = block(version, "A") + block(version, "B", f's:mustUnderstand="{zero}"')
    expect(send(target, version, headers=headers).text("time"), "refused")


@both("must-understand-known")
def must_known(target: Target, version: str) -> None:
    """A block of the contract is understood."""
    known = header("Session", token=target.token()).replace(
        "<t:Session>", f'<t:Session s:mustUnderstand="{MUST[version]}">'
    )
    answer = send(target, version, "<m:GetUserInfo/>", known)
    expect(answer.text("userId"), "refused")


@both("must-understand-value")
def must_value(target: Target, version: str) -> None:
    """mustUnderstand holds a boolean of its version; `maybe` is none."""
    refused(send(target, version, headers=block(version, "A", 's:mustUnderstand="maybe"')), version, None)


@both("header-for-others")
def for_others(target: Target, version: str) -> None:
    """A block aimed at another node is none of our business, even with mustUnderstand."""
    name = "actor" if version == SOAP11 else "role"
    headers = block(version, "A", f's:mustUnderstand="{MUST[version]}"', f's:{name}="urn:somebody:else"')
    expect(send(target, version, headers=headers).text("time"), "refused")


@both("header-for-next")
def for_next(target: Target, version: str) -> None:
    """A block aimed at the next node is for us."""
    aim = f's:actor="{NEXT11}"' if version == SOAP11 else f's:role="{ROLE}/next"'
    headers = block(version, "A", f's:mustUnderstand="{MUST[version]}"', aim)
    refused(send(target, version, headers=headers), version, "SB1005", "MustUnderstand")


@SOAP12_SUITE.check("role-none")
def role_none(target: Target) -> None:
    """Nobody processes a block in the role `none` (2.2)."""
    headers = block(SOAP12, "A", 's:mustUnderstand="true"', f's:role="{ROLE}/none"')
    expect(send(target, SOAP12, headers=headers).text("time"), "refused")


@SOAP12_SUITE.check("role-ultimate-receiver")
def role_ultimate(target: Target) -> None:
    """A block in the role `ultimateReceiver` is for us (2.2)."""
    headers = block(SOAP12, "A", 's:mustUnderstand="1"', f's:role="{ROLE}/ultimateReceiver"')
    refused(send(target, SOAP12, headers=headers), SOAP12, "SB1005", "MustUnderstand")


@both("version-mismatch")
def version_mismatch(target: Target, version: str) -> None:
    """An Envelope in a namespace of neither version; the answer says which are understood (1.2, 5.4.7)."""
    body = envelope(GET_TIME).replace(SOAP11.encode(), b"http://www.w3.org/2001/06/soap-envelope")
    answer = post(target, "session", body, headers={"Content-Type": MEDIA[version]})
    fault = answer.fault
    expect(fault, "no fault came")
    assert fault is not None
    same(fault.code, "VersionMismatch", "fault code")
    same(fault.detail.get("code") or "SB1004", "SB1004", "code in the detail")
    if version == SOAP12:
        supported = answer.tree.findall(f".//{{{SOAP12}}}Upgrade/{{{SOAP12}}}SupportedEnvelope")
        names = {each.nsmap.get(each.get("qname", ":").partition(":")[0]) for each in supported}
        same(names, {SOAP11, SOAP12}, "envelopes in Upgrade")


@both("not-an-envelope")
def not_envelope(target: Target, version: str) -> None:
    """A document that is no envelope."""
    expect(raw(target, version, "<a/>").fault, "no fault came")


@both("empty-body")
def empty_body(target: Target, version: str) -> None:
    """A Body without a child calls nothing (S9)."""
    refused(raw(target, version, '<s:Envelope xmlns:s="{S}"><s:Body/></s:Envelope>'), version, None)


@both("no-body")
def no_body(target: Target, version: str) -> None:
    """An Envelope has a Body."""
    refused(raw(target, version, '<s:Envelope xmlns:s="{S}"/>'), version, "SB1003")


@both("two-bodies")
def two_bodies(target: Target, version: str) -> None:
    """An Envelope has one Body."""
    text = (
        '<s:Envelope xmlns:s="{S}" xmlns:m="urn:saddlebag:session:v1"><s:Body>'
        + GET_TIME
        + "</s:Body><s:Body/></s:Envelope>"
    )
    refused(raw(target, version, text), version, "SB1003")


@both("two-calls")
def two_calls(target: Target, version: str) -> None:
    """A Body of document/literal has one child (BP R2201)."""
    refused(send(target, version, GET_TIME + GET_TIME), version, None)


@both("content-after-body")
def trailing(target: Target, version: str) -> None:
    """Nothing follows the Body (BP R1011; SOAP 1.2 5.1)."""
    body = envelope(GET_TIME, version=version).replace(b"</s:Envelope>", b'<x xmlns="urn:x"/></s:Envelope>')
    refused(post(target, "session", body, version), version, "SB1003")


@both("header-after-body")
def header_last(target: Target, version: str) -> None:
    """The Header comes first."""
    body = envelope(GET_TIME, version=version).replace(b"</s:Envelope>", b"<s:Header/></s:Envelope>")
    refused(post(target, "session", body, version), version, "SB1003")


@both("encoding-style")
def encoding_style(target: Target, version: str) -> None:
    """encodingStyle is refused (BP R1005-R1007; 1.2: DataEncodingUnknown)."""
    style = (
        "http://schemas.xmlsoap.org/soap/encoding/" if version == SOAP11 else "http://www.w3.org/2003/05/soap-encoding"
    )
    answer = send(target, version, f'<m:GetServerTime s:encodingStyle="{style}"/>')
    wanted = "Client" if version == SOAP11 else "DataEncodingUnknown"
    refused(answer, version, "SB1011", wanted)


@both("doctype")
def doctype(target: Target, version: str) -> None:
    """A message holds no document type declaration (BP R1008; 1.2 5)."""
    text = '<!DOCTYPE a [<!ENTITY b "c">]><s:Envelope xmlns:s="{S}" xmlns:m="urn:saddlebag:session:v1"><s:Body>'
    refused(raw(target, version, f"{text}{GET_TIME}</s:Body></s:Envelope>"), version, "SB1002")


@both("processing-instruction")
def instruction(target: Target, version: str) -> None:
    """A message holds no processing instruction (BP R1009; 1.2 5)."""
    body = envelope(GET_TIME, version=version).replace(b"<s:Body>", b"<?do it?><s:Body>")
    refused(post(target, "session", body, version), version, "SB1002")


@both("not-well-formed")
def broken(target: Target, version: str) -> None:
    """Broken XML is the caller's fault, and no parser's words leave the hub (S26)."""
    fault = refused(raw(target, version, '<s:Envelope xmlns:s="{S}"><s:Body></s:Envelope>'), version, "SB1001")
    words = ("mismatch", "invalid token", "opening and ending", "expat", "libxml")
    expect(not any(word in fault.text.lower() for word in words), f"a parser's words: {fault.text}")


@both("empty-message")
def empty(target: Target, version: str) -> None:
    """A request without a body."""
    refused(raw(target, version, ""), version, "SB1001")


@both("undecodable")
def undecodable(target: Target, version: str) -> None:
    """Bytes that are not of the encoding are the caller's fault (P11)."""
    body = envelope(GET_TIME, version=version).replace(
        b"<m:GetServerTime/>", b"<m:GetServerTime>\xff\xfe</m:GetServerTime>"
    )
    refused(post(target, "session", body, version), version, "SB1001")


@both("unknown-operation")
def unknown_operation(target: Target, version: str) -> None:
    """An operation that the service does not have."""
    refused(send(target, version, "<m:NoSuchOperation/>"), version, "SB1006")


@both("foreign-operation")
def foreign_operation(target: Target, version: str) -> None:
    """The right name in another namespace is not the operation."""
    refused(send(target, version, '<x:GetServerTime xmlns:x="urn:x"/>'), version, "SB1006")


@both("schema-invalid")
def schema_invalid(target: Target, version: str) -> None:
    """A member that the schema does not have (S13: plain Spyne crashes on it in 1.2)."""
    refused(send(target, version, "<m:Login><m:nobody/></m:Login>"), version, "SB1007")


@both("xsi-type")
def xsi_type(target: Target, version: str) -> None:
    """No type substitution (S24)."""
    schema = "http://www.w3.org/2001/XMLSchema"
    kind = f'xmlns:i="{schema}-instance" xmlns:d="{schema}" i:type="d:anyURI"'
    refused(
        send(target, version, f"<m:Login><m:user {kind}>a</m:user><m:password>b</m:password></m:Login>"), version, None
    )


@both("media-type-of-the-other")
def other_media(target: Target, version: str) -> None:
    """The media type of one version with the envelope of the other is refused or answered in the envelope's version."""
    other = SOAP12 if version == SOAP11 else SOAP11
    answer = post(target, "session", envelope(GET_TIME, version=version), headers={"Content-Type": MEDIA[other]})
    expect(answer.status in (200, 400, 415, 500), f"status {answer.status}")
    expect(answer.status != 200 or answer.tree.tag == f"{{{version}}}Envelope", "answered in the wrong version")


@both("wrapper-nil")
def wrapper_nil(target: Target, version: str) -> None:
    """An empty wrapper may come with xsi:nil or white space (P10: SOAP::Lite sends it so)."""
    nil = '<m:GetServerTime xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    for inner in (nil, "<m:GetServerTime> \n </m:GetServerTime>", "<m:GetServerTime></m:GetServerTime>"):
        expect(send(target, version, inner).text("time"), f"refused: {inner}")


@both("white-space-and-comments")
def spaces(target: Target, version: str) -> None:
    """Comments and white space between elements mean nothing."""
    body = envelope(f"\n <!-- a --> {GET_TIME} <!-- b -->\n", version=version)
    expect(post(target, "session", body, version).text("time"), "refused")


@both("utf-16")
def utf16(target: Target, version: str) -> None:
    """UTF-16 with a byte order mark (BP R1012, R4001)."""
    text = envelope(GET_TIME, version=version).decode().replace('encoding="utf-8"', 'encoding="utf-16"')
    media = MEDIA[version].replace("utf-8", "utf-16")
    answer = post(target, "session", text.encode("utf-16"), version, headers={"Content-Type": media})
    expect(answer.text("time"), "refused")


@both("byte-order-mark")
def mark(target: Target, version: str) -> None:
    """UTF-8 with a byte order mark (BP R4001)."""
    body = b"\xef\xbb\xbf" + envelope(GET_TIME, version=version)
    expect(post(target, "session", body, version).text("time"), "refused")


@both("default-namespace")
def default_namespace(target: Target, version: str) -> None:
    """Prefixes are free: the same message with default namespaces only."""
    text = f'<Envelope xmlns="{version}"><Body><GetServerTime xmlns="urn:saddlebag:session:v1"/></Body></Envelope>'
    expect(post(target, "session", text.encode(), version).text("time"), "refused")


@both("soap-action")
def soap_action(target: Target, version: str) -> None:
    """The body says what is called; an action header for another operation never makes it another one."""
    sent = {"SOAPAction": '"urn:saddlebag:session:v1/Logout"'}
    if version == SOAP12:
        sent = {"Content-Type": MEDIA[SOAP12] + '; action="urn:saddlebag:session:v1/Logout"'}
    answer = post(target, "session", envelope(GET_TIME, version=version), version, headers=sent)
    expect(answer.fault or answer.result.tag.endswith("GetServerTimeResponse"), "another operation answered")


@SOAP11_SUITE.check("fault-form")
def fault11(target: Target) -> None:
    """Children of Fault are unqualified, no others, code without a dot (BP R1000, R1001, R1004, R1031)."""
    fault = refused(send(target, SOAP11, "<m:NoSuch/>"), SOAP11, "SB1006")
    names = [each.tag for each in fault.element]
    same([each for each in names if each in ("faultcode", "faultstring", "faultactor", "detail")], names, "children")
    code = fault.element.findtext("faultcode")
    same(fault.element.nsmap.get(code.rpartition(":")[0]), SOAP11, "namespace of the fault code's prefix")
    expect("." not in code, f"a dot in {code}")


@SOAP12_SUITE.check("fault-form")
def fault12(target: Target) -> None:
    """Code, Reason with a language, Detail; QNames of codes resolve (5.4)."""
    answer = send(target, SOAP12, "<m:NoSuch/>")
    fault = refused(answer, SOAP12, "SB1006")
    names = [each.tag.rpartition("}")[2] for each in fault.element]
    order = ["Code", "Reason", "Node", "Role", "Detail"]
    same(names, [each for each in order if each in names], "order of the children")
    value = fault.element.find(f"{{{SOAP12}}}Code/{{{SOAP12}}}Value")
    same(value.nsmap.get(value.text.rpartition(":")[0]), SOAP12, "namespace of the code's prefix")
    text = fault.element.find(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text")
    expect(text.get(XML_LANG), "Reason without xml:lang")
    for each in fault.element.findall(f".//{{{SOAP12}}}Subcode/{{{SOAP12}}}Value"):
        expect(":" in each.text and each.nsmap.get(each.text.partition(":")[0]), "a Subcode without namespace (S14)")


@both("fault-alone")
def fault_alone(target: Target, version: str) -> None:
    """A fault is the only child of Body."""
    same(len(body_of(send(target, version, "<m:NoSuch/>").tree)), 1, "children of Body")

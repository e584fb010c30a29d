"""`attacks/` on what lies around the Body: arrays, packages of MTOM, addressing, WS-Security; and on who is believed.

Belongs here: hostile messages of bounded size for one layer each, and what refuses them. May not know: how the hub
defends itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.attacks import MEGABYTE, SUITE, message, resisted
from conformance.mtom_checks import XOP
from conformance.report import expect, same
from conformance.wire import GET_TIME, SOAP11, Answer, Target, envelope, exchange, header, post
from conformance.wss_messages import WSSE, WSU

WSA = "http://www.w3.org/2005/08/addressing"
DS = "http://www.w3.org/2000/09/xmldsig#"
_WALL = ("SB1003", "SB1007", "SB5001", "SB5002", "SB5003")
_SECURITY = ("SB2006", "SB2007", "SB2008", "SB2009", "SB2010", "SB2011", *_WALL)
_ADDRESSING = ("SB1012", "SB1013", "SB1014", "SB1015", *_WALL)


@dataclass(frozen=True, slots=True)
class Layered:
    """A message, the media type it needs, and the codes that may refuse it."""

    body: bytes
    codes: tuple[str, ...]
    media: str = "text/xml; charset=utf-8"


def _secured(content: str) -> bytes:
    names = f'xmlns:w="{WSSE}" xmlns:u="{WSU}" xmlns:d="{DS}"'
    return message(GET_TIME, f'<w:Security {names} s:mustUnderstand="1">{content}</w:Security>')


def _addressed(content: str) -> bytes:
    return message(
        GET_TIME, f'<a:Action xmlns:a="{WSA}">urn:saddlebag:session:v1/GetServerTime</a:Action>'
        f'<a:MessageID xmlns:a="{WSA}">urn:m</a:MessageID>{content}'
    )  # fmt: skip


def tokens() -> Layered:
    """10,000 user names in one Security header."""
    one = "<w:UsernameToken><w:Username>a</w:Username><w:Password>b</w:Password></w:UsernameToken>"
    return Layered(_secured(one * 10_000), _SECURITY)


def references() -> Layered:
    """A signature over 10,000 things, none of which is there."""
    one = (
        '<d:Reference URI="#x"><d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<d:DigestValue>AAAA</d:DigestValue></d:Reference>"
    )
    methods = (
        '<d:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        '<d:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    )
    signed = f"<d:SignedInfo>{methods}{one * 10_000}</d:SignedInfo><d:SignatureValue>AAAA</d:SignatureValue>"
    return Layered(_secured(f"<d:Signature>{signed}</d:Signature>"), _SECURITY)


def transforms() -> Layered:
    """One reference through 10,000 transforms."""
    one = '<d:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    inner = f'<d:Reference URI="#x"><d:Transforms>{one * 10_000}</d:Transforms></d:Reference>'
    return Layered(_secured(f"<d:Signature><d:SignedInfo>{inner}</d:SignedInfo></d:Signature>"), _SECURITY)


def certificate() -> Layered:
    """A certificate of a megabyte."""
    return Layered(_secured(f"<w:BinarySecurityToken>{'QUFB' * (MEGABYTE // 4)}</w:BinarySecurityToken>"), _SECURITY)


def timestamps() -> Layered:
    """10,000 Timestamps."""
    one = "<u:Timestamp><u:Created>2026-01-01T00:00:00Z</u:Created></u:Timestamp>"
    return Layered(_secured(one * 10_000), _SECURITY)


def parameters() -> Layered:
    """A reply address with 60,000 reference parameters."""
    one = '<p xmlns="urn:p"/>'
    inner = f"<a:ReferenceParameters>{one * 60_000}</a:ReferenceParameters>"
    address = f"<a:Address>{WSA}/anonymous</a:Address>"
    return Layered(_addressed(f'<a:ReplyTo xmlns:a="{WSA}">{address}{inner}</a:ReplyTo>'), _ADDRESSING)


def parameter_text() -> Layered:
    """A reply address with a reference parameter of a megabyte."""
    inner = f'<a:ReferenceParameters><p xmlns="urn:p">{"y" * MEGABYTE}</p></a:ReferenceParameters>'
    address = f"<a:Address>{WSA}/anonymous</a:Address>"
    return Layered(_addressed(f'<a:ReplyTo xmlns:a="{WSA}">{address}{inner}</a:ReplyTo>'), _ADDRESSING)


def relations() -> Layered:
    """200 answers to as many messages, and the longest of addresses."""
    return Layered(_addressed(f'<a:RelatesTo xmlns:a="{WSA}">urn:{"r" * 20_000}</a:RelatesTo>' * 200), _ADDRESSING)


_PACKAGE = 'multipart/related; type="application/xop+xml"; start-info="text/xml"; boundary=b'


def _package(root: bytes, parts: bytes, before: bytes = b"") -> bytes:
    head = b'--b\r\nContent-Type: application/xop+xml; charset=utf-8; type="text/xml"\r\nContent-ID: <r>\r\n\r\n'
    return before + head + root + b"\r\n" + parts + b"--b--\r\n"


def many_parts() -> Layered:
    """50,000 parts."""
    parts = b"".join(b"--b\r\nContent-ID: <%d>\r\n\r\n\r\n" % number for number in range(50_000))
    return Layered(_package(message(GET_TIME), parts), _WALL, _PACKAGE)


def long_part_head() -> Layered:
    """A part whose head does not end for a megabyte."""
    parts = b"--b\r\nContent-ID: <c>\r\n" + b"X-A: b\r\n" * (MEGABYTE // 8)
    return Layered(_package(message(GET_TIME), parts), _WALL, _PACKAGE)


def near_boundaries() -> Layered:
    """Four megabytes of what looks like a boundary and is none."""
    return Layered(_package(message(GET_TIME), b"", b"\r\n-" * MEGABYTE), (*_WALL, "SB1001"), _PACKAGE)


def includes() -> Layered:
    """One part of 60 KB, included 5,000 times: 300 MB in the envelope."""
    one = f'<m:a><x:Include xmlns:x="{XOP}" href="cid:c"/></m:a>'
    part = b"--b\r\nContent-ID: <c>\r\n\r\n" + b"z" * 60_000 + b"\r\n"
    return Layered(_package(message(f"<m:GetServerTime>{one * 5_000}</m:GetServerTime>"), part), _WALL, _PACKAGE)


def substitutions() -> Layered:
    """20,000 members, each of which claims another type."""
    schema = "http://www.w3.org/2001/XMLSchema"
    one = f'<m:user xmlns:i="{schema}-instance" xmlns:d="{schema}" i:type="d:base64Binary">QQ==</m:user>'
    return Layered(message(f"<m:Login>{one * 20_000}</m:Login>"), _WALL)


LAYERS: Mapping[str, Callable[[], Layered]] = {
    "wss-tokens": tokens,
    "wss-references": references,
    "wss-transforms": transforms,
    "wss-certificate": certificate,
    "wss-timestamps": timestamps,
    "wsa-reference-parameters": parameters,
    "wsa-long-parameter": parameter_text,
    "wsa-relations": relations,
    "multipart-parts": many_parts,
    "multipart-head": long_part_head,
    "multipart-boundaries": near_boundaries,
    "mtom-includes": includes,
    "xsi-type-flood": substitutions,
}


def _declare(name: str, make: Callable[[], Layered]) -> None:
    @SUITE.check(name)
    def flood(target: Target) -> str:
        made = make()
        sent = {"Content-Type": made.media, "SOAPAction": '""'}
        return resisted(target, lambda: exchange(target, "POST", target.path("session"), sent, made.body), made.codes)


for _name, _make in LAYERS.items():
    _declare(_name, _make)


@SUITE.check("array-flood")
def ids(target: Target) -> str:
    """70,000 ids where a call may name 200, from a caller who is logged in."""
    inner = f"<m:GetCustomers>{'<m:id>c</m:id>' * 70_000}</m:GetCustomers>"
    body = envelope(inner, header("Session", token=target.token()), SOAP11, "customer")
    return resisted(target, lambda: post(target, "customer", body), _WALL)


@SUITE.check("array-flood-records")
def records(target: Target) -> str:
    """20,000 new records where a call may hold 200."""
    one = "<m:customer><t:name>f</t:name></m:customer>"
    body = envelope(
        f"<m:CreateCustomers>{one * 20_000}</m:CreateCustomers>",
        header("Session", token=target.token()), SOAP11, "customer",
    )  # fmt: skip
    return resisted(target, lambda: post(target, "customer", body), _WALL)


@SUITE.check("action-spoofing")
def action(target: Target) -> None:
    """The Body says what is done: an action that anybody may call opens no other door (SOAPAction, wsa:Action)."""
    inner = "<m:DeleteCustomers><m:record><t:id>c</t:id></m:record></m:DeleteCustomers>"
    free = "urn:saddlebag:session:v1/GetServerTime"
    for block in ("", f'<a:Action xmlns:a="{WSA}">{free}</a:Action>'):
        body = envelope(inner, block, SOAP11, "customer")
        for named in (free, "urn:saddlebag:customer:v1/GetCustomers", ""):
            _nobody(post(target, "customer", body, headers={"SOAPAction": f'"{named}"'}))
    body = envelope(inner, header("Session", token="0" * 43), SOAP11, "customer")
    _nobody(post(target, "customer", body))


def _nobody(answer: Answer) -> None:
    expect(answer.fault, f"HTTP {answer.status}: it was carried out")
    assert answer.fault is not None
    code = answer.fault.detail.get("code")
    expect(code in ("SB2002", "SB2003", "SB1006", "SB1012", "SB1013", "SB1014"), f"refused as {code}")


@SUITE.check("addressing-spoofing")
def elsewhere(target: Target) -> None:
    """An answer is not sent to the hub's own machine, its neighbours or a place nobody allowed, however it is spelt."""
    hosts = (
        "127.0.0.1:22", "localhost:5432", "[::1]", "169.254.169.254", "10.0.0.1", "0x7f000001", "2130706433",
        "user@127.0.0.1", "[::ffff:127.0.0.1]", "example.com",
    )  # fmt: skip
    for scheme in ("http", "https", "file", "ftp", "gopher"):
        for host in hosts:
            reply = f'<a:ReplyTo xmlns:a="{WSA}"><a:Address>{scheme}://{host}/x</a:Address></a:ReplyTo>'
            answer = post(target, "session", _addressed(reply))
            expect(answer.fault, f"{scheme}://{host} was taken: HTTP {answer.status}")
            assert answer.fault is not None
            same(answer.fault.detail.get("code"), "SB1012", f"code for {scheme}://{host}")

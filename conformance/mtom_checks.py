"""`mtom/`: MTOM and XOP 1.0 (W3C) over real sockets: content of any size beside the envelope, both ways.

Belongs here: packages in and out, their bytes, the hub's memory meanwhile. May not know: how attachments are kept.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from conformance.report import Check, Skip, Suite, expect, same
from conformance.wire import SOAP11, SOAP12, TYPES, Answer, Target, ask, call, connection, envelope, exchange, header

SUITE = Suite("mtom")
XOP = "http://www.w3.org/2004/08/xop/include"
SIZES = {"1k": 1024, "64k": 65_536, "1m": 1024 * 1024, "10m": 10 * 1024 * 1024, "100m": 100 * 1024 * 1024}
BOUNDARY = "MIMEBoundary_7f3"
MEMORY = 50 * 1024 * 1024
"""Bytes by which the hub may grow, whatever the content's size."""


def block_of(number: int) -> bytes:
    """64 KiB that look like nothing, the same for the same number."""
    return hashlib.shake_128(b"%d" % number).digest(65_536)


def content(size: int) -> Iterator[bytes]:
    """Content of this size in blocks; lines of the boundary's look are among it."""
    for number, start in enumerate(range(0, size, 65_536)):
        piece = block_of(number)[: size - start]
        mark = b"\r\n--" + BOUNDARY.encode()[:-1] + b"."
        yield mark + piece[len(mark) :] if len(piece) > len(mark) else piece


def digest(size: int) -> str:
    """SHA-256 of the content."""
    hashed = hashlib.sha256()
    for piece in content(size):
        hashed.update(piece)
    return hashed.hexdigest()


def attachment(target: Target, size: int, hashed: str) -> str:
    """A new attachment that announces content; its id."""
    inner = "<m:CreateCustomers><m:customer><t:name>M</t:name></m:customer></m:CreateCustomers>"
    customer = call(target, "customer", inner)
    owner = customer.text("result/id")
    inner = (
        "<m:CreateAttachments><m:attachment><t:entity>Customer</t:entity>"
        f"<t:record>{owner}</t:record><t:name>drawing</t:name><t:mediaType>application/octet-stream</t:mediaType>"
        f"<t:size>{size}</t:size><t:sha256>{hashed}</t:sha256></m:attachment></m:CreateAttachments>"
    )
    made = call(target, "attachment", inner)
    expect(made.text("result/success") == "true", f"no attachment was made: {made.body[:500]!r}")
    return str(made.text("result/id"))


def wrapped(operation: str, key: str, version: str, target: Target, *, include: bool) -> bytes:
    """The envelope of PutContent or GetContent."""
    inner = f'<m:content><x:Include xmlns:x="{XOP}" href="cid:drawing@laptop"/></m:content>' if include else ""
    session = header("Session", token=target.token())
    return envelope(f"<m:{operation}><m:id>{key}</m:id>{inner}</m:{operation}>", session, version, "attachment")


def package(root: bytes, version: str, size: int) -> Iterator[bytes]:
    """A package as it is sent."""
    media = "text/xml" if version == SOAP11 else "application/soap+xml"
    yield (
        f'--{BOUNDARY}\r\nContent-Type: application/xop+xml; charset=utf-8; type="{media}"\r\n'
        "Content-Transfer-Encoding: binary\r\nContent-ID: <root@laptop>\r\n\r\n"
    ).encode() + root
    yield (
        f"\r\n--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
        "Content-ID: <drawing@laptop>\r\n\r\n"
    ).encode()
    yield from content(size)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def kind(version: str) -> str:
    """The media type of a package."""
    media = "text/xml" if version == SOAP11 else "application/soap+xml"
    return (
        f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"; start="<root@laptop>"; '
        f'start-info="{media}"'
    )


def put(target: Target, key: str, version: str, size: int) -> Answer:
    """Send the content in one call, chunked."""
    root = wrapped("PutContent", key, version, target, include=True)
    headers = {"Content-Type": kind(version), "SOAPAction": '""', "Transfer-Encoding": "chunked"}
    with connection(target) as over:
        return ask(over, "POST", target.path("attachment"), headers, package(root, version, size), chunked=True)


def got(target: Target, key: str, version: str) -> tuple[str, int, Any]:
    """SHA-256 and size of the content that GetContent gives beside its answer, and the answer's envelope."""
    media = "text/xml" if version == SOAP11 else "application/soap+xml"
    headers = {"Content-Type": f"{media}; charset=utf-8", "Accept": 'multipart/related; type="application/xop+xml"'}
    with connection(target) as over:
        body = wrapped("GetContent", key, version, target, include=False)
        answer = ask(over, "POST", target.path("attachment"), headers, body)
    same(answer.status, 200, "status")
    same(answer.media, "multipart/related", "media type")
    text = b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.body
    root, part = email.message_from_bytes(text, policy=email.policy.HTTP).iter_parts()  # type: ignore[attr-defined]
    tree = etree.fromstring(root.get_payload(decode=True))
    (include,) = tree.iter(f"{{{XOP}}}Include")
    same(f"<{include.get('href')[4:]}>", part["content-id"], "the part that is included")
    data = part.get_payload(decode=True)
    return hashlib.sha256(data).hexdigest(), len(data), tree


@SUITE.generated
def sizes(_target: Target) -> Iterator[Check]:
    """Each size by each version."""
    for name, size in SIZES.items():
        for suffix, version in (("11", SOAP11), ("12", SOAP12)):
            yield Check(
                f"mtom/identical-{name}-soap{suffix}", lambda at, size=size, by=version: _identical(at, size, by)
            )


def _identical(target: Target, size: int, version: str) -> None:
    """Sent and given back byte for byte, while the hub's memory does not grow with the size."""
    size += 1 if version == SOAP12 else 0  # else the hub would know the content from the other version's check
    hashed = digest(size)
    key = attachment(target, size, hashed)
    before = _memory(target)
    answer = put(target, key, version, size)
    same((answer.status, answer.text("stored")), (200, "true"), "status and stored")
    same(got(target, key, version)[:2], (hashed, size), "SHA-256 and size of what came back")
    after = _memory(target)
    expect(after - before < MEMORY, f"the hub grew by {after - before} bytes")


def _memory(target: Target) -> int:
    """The most memory that the hub has ever held, in bytes; 0 where its process is not known."""
    if target.process is None:
        return 0
    lines = Path(f"/proc/{target.process}/status").read_text().splitlines()
    (peak,) = [each.split()[1] for each in lines if each.startswith("VmHWM")]
    return int(peak) * 1024


@SUITE.check("wrong-content")
def wrong_content(target: Target) -> None:
    """Content that is not the announced one is refused, and the attachment has none."""
    key = attachment(target, 70_000, "0" * 64)
    answer = put(target, key, SOAP11, 70_000)
    same(answer.fault.detail.get("code") if answer.fault else None, "SB3013", "code of the fault")
    none = call(target, "attachment", f"<m:GetContent><m:id>{key}</m:id></m:GetContent>")
    same(none.fault.detail.get("code") if none.fault else None, "SB3001", "code afterwards")


@SUITE.check("wrong-size")
def wrong_size(target: Target) -> None:
    """Content of another size is refused before it is stored."""
    key = attachment(target, 70_001, digest(70_001))
    answer = put(target, key, SOAP11, 70_000)
    same(answer.fault.detail.get("code") if answer.fault else None, "SB3013", "code of the fault")


@SUITE.check("inline")
def inline(target: Target) -> None:
    """A caller that does not speak MTOM gets small content inside, and a typed refusal for a large one."""
    for size, code in ((1_000, None), (2 * 1024 * 1024, "SB5001")):
        key = attachment(target, size, digest(size))
        put(target, key, SOAP11, size)
        answer = call(target, "attachment", f"<m:GetContent><m:id>{key}</m:id></m:GetContent>")
        same(answer.fault.detail.get("code") if answer.fault else None, code, f"code for {size} bytes")
        expect(code or answer.text("content"), "no content inside")


@SUITE.check("oversize")
def oversize(target: Target) -> None:
    """A package beyond the bound is refused while it comes in."""
    if target.process is None:
        raise Skip("only a hub of our own is sent so much")
    size = 160 * 1024 * 1024
    head = {"Content-Type": kind(SOAP11), "SOAPAction": '""', "Content-Length": str(size), "Expect": "100-continue"}
    with connection(target) as over:
        over.putrequest("POST", target.path("attachment"))
        for name, value in head.items():
            over.putheader(name, value)
        over.endheaders()
        answer = over.getresponse()
        same(answer.status, 413, "status")
        expect(TYPES.encode() in answer.read(), "no typed fault")


@SUITE.check("wsdl-policy")
def wsdl_policy(target: Target) -> None:
    """The WSDL says that MTOM is taken, and which members are content (MTOM Policy, 1.0; xmime)."""
    text = exchange(target, "GET", f"{target.path('attachment')}?singleWsdl").body
    expect(b"OptimizedMimeSerialization" in text, "no assertion of MTOM")
    same(text.count(b'expectedContentTypes="application/octet-stream"'), 2, "members that are content")


@SUITE.check("without-session")
def without_session(target: Target) -> None:
    """Content is for who may see the record: nothing goes out without a session."""
    key = attachment(target, 1_000, digest(1_000))
    body = envelope(f"<m:GetContent><m:id>{key}</m:id></m:GetContent>", "", SOAP11, "attachment")
    headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "multipart/related"}
    with connection(target) as over:
        answer = ask(over, "POST", target.path("attachment"), headers, body)
    same(answer.fault.detail.get("code") if answer.fault else None, "SB2002", "code of the fault")

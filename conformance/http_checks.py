"""`http/`: what RFC 9110 and 9112 and WS-I BP 1.1 chapter 3.4 ask of the endpoint as an HTTP resource.

Belongs here: methods, media types, codings, caching, connections. May not know: what is in an envelope.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator

from conformance.report import Suite, expect, same
from conformance.wire import (
    GET_TIME,
    MEDIA,
    SOAP11,
    Answer,
    Target,
    ask,
    connection,
    envelope,
    exchange,
    post,
    read_head,
    stream,
)

SUITE = Suite("http")
TOO_BIG = 64 * 1024 * 1024 + 1


def _typed(answer: Answer, code: str) -> None:
    fault = answer.fault
    expect(fault, "the answer is no SOAP fault")
    assert fault is not None
    same(fault.detail.get("code"), code, "code in the fault's detail")


@SUITE.check("405-other-methods")
def methods(target: Target) -> None:
    """RFC 9110 15.5.6: 405 names the methods that are allowed."""
    for method in ("PUT", "DELETE", "PATCH"):
        answer = exchange(target, method, target.path("session"), {"Content-Type": MEDIA[SOAP11]}, b"<a/>")
        same(answer.status, 405, f"status of {method}")
        expect("POST" in answer.headers.get("allow", ""), f"{method}: Allow does not name POST")


@SUITE.check("405-get-without-query")
def plain_get(target: Target) -> None:
    """A call is a POST (BP R1132); GET of the bare endpoint calls nothing."""
    answer = exchange(target, "GET", target.path("session"))
    same(answer.status, 405, "status")
    expect("POST" in answer.headers.get("allow", ""), "Allow does not name POST")


@SUITE.check("415-media-type")
def media_type(target: Target) -> None:
    """BP R1115: a media type that SOAP does not use."""
    for media in ("application/json", "text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = post(target, "session", envelope(GET_TIME), headers={"Content-Type": media})
        same(answer.status, 415, f"status for {media}")
        _typed(answer, "SB1008")


@SUITE.check("415-no-media-type")
def no_media_type(target: Target) -> None:
    """A body without Content-Type is not guessed at."""
    answer = exchange(target, "POST", target.path("session"), {}, envelope(GET_TIME))
    same(answer.status, 415, "status")


@SUITE.check("415-unknown-charset")
def charset(target: Target) -> None:
    """A charset that XML processors need not know (P11)."""
    answer = post(target, "session", envelope(GET_TIME), headers={"Content-Type": "text/xml; charset=x-klingon"})
    expect(answer.status in (400, 415, 500), f"status {answer.status}")
    _typed(answer, "SB1008")


@SUITE.check("413-announced")
def announced(target: Target) -> None:
    """Who announces a length above the cap and waits for 100 is refused instead, before a byte of the body is sent."""
    with stream(target) as over:
        over.sendall(_head(target, f"Content-Length: {TOO_BIG}", "Expect: 100-continue"))
        expect(b" 413 " in read_head(over).split(b"\r\n")[0], "no 413 after the head alone")


@SUITE.check("413-chunked")
def chunked_oversize(target: Target) -> None:
    """An unannounced body is refused when the cap is reached, not after the last byte."""
    block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with stream(target) as over:
        over.sendall(_head(target, "Transfer-Encoding: chunked"))
        try:
            for _ in range(70):
                over.sendall(block)
        except OSError:
            return  # the hub closed before it had read everything: refused in time
        expect(b" 413 " in read_head(over).split(b"\r\n")[0], "70 MB were taken without 413")


@SUITE.check("413-is-a-fault")
def oversize_fault(target: Target) -> None:
    """The refusal is a SOAP fault with the bound's number."""
    padding = b"<!--" + b" " * (9 * 1024 * 1024) + b"-->"
    answer = post(target, "session", envelope(GET_TIME).replace(b"<s:Body>", padding + b"<s:Body>"))
    same(answer.status, 413, "status")
    _typed(answer, "SB5001")


@SUITE.check("400-request-line")
def bad_request(target: Target) -> None:
    """RFC 9112 3: a request line that is none."""
    with stream(target) as over:
        over.sendall(b"NONSENSE\r\n\r\n")
        expect(b" 400 " in read_head(over).split(b"\r\n")[0], "no 400")


@SUITE.check("404-unknown-service")
def unknown_service(target: Target) -> None:
    """An address without a service answers with a fault, the same for a tenant that does not exist."""
    for path in (target.path("nosuch"), target.path("session", "no-such-tenant"), "/x"):
        answer = exchange(target, "POST", path, {"Content-Type": MEDIA[SOAP11]}, envelope(GET_TIME))
        same(answer.status, 404, f"status of {path}")
        _typed(answer, "SB1010")


@SUITE.check("chunked")
def chunked(target: Target) -> None:
    """A chunked body, in chunks of seven bytes (S8)."""
    body = envelope(GET_TIME)
    with connection(target) as over:
        headers = {"Content-Type": MEDIA[SOAP11], "Transfer-Encoding": "chunked"}
        answer = ask(over, "POST", target.path("session"), headers, _pieces(body), chunked=True)
    expect(answer.text("time"), "no answer to a chunked request")


@SUITE.check("gzip-in")
def gzip_in(target: Target) -> None:
    """A gzipped request body."""
    body = gzip.compress(envelope(GET_TIME))
    expect(post(target, "session", body, headers={"Content-Encoding": "gzip"}).text("time"), "no answer")


@SUITE.check("gzip-damaged")
def gzip_damaged(target: Target) -> None:
    """Damaged gzip data is the caller's fault."""
    body = gzip.compress(envelope(GET_TIME))[:-9]
    answer = post(target, "session", body, headers={"Content-Encoding": "gzip"})
    expect(answer.status in (400, 415, 500), f"status {answer.status}")
    _typed(answer, "SB1009")


@SUITE.check("415-content-coding")
def coding(target: Target) -> None:
    """RFC 9110 15.5.16: a content coding that is not supported, and a word on those that are."""
    answer = post(target, "session", envelope(GET_TIME), headers={"Content-Encoding": "br"})
    same(answer.status, 415, "status")
    _typed(answer, "SB1009")


@SUITE.check("gzip-out")
def gzip_out(target: Target) -> None:
    """A long answer is gzipped for a caller who accepts it, and for no other."""
    path = f"{target.path('customer')}?wsdl"
    plain = exchange(target, "GET", path)
    expect("content-encoding" not in plain.headers, "coded although not asked for")
    packed = exchange(target, "GET", path, {"Accept-Encoding": "gzip"})
    same(packed.headers.get("content-encoding"), "gzip", "Content-Encoding")
    same(gzip.decompress(packed.body), plain.body, "the document")
    refused = exchange(target, "GET", path, {"Accept-Encoding": "gzip;q=0"})
    expect("content-encoding" not in refused.headers, "coded although q=0 (RFC 9110 12.4.2)")


@SUITE.check("vary")
def vary(target: Target) -> None:
    """RFC 9110 12.5.5: a cache must know that the answer depends on Accept-Encoding."""
    answer = exchange(target, "GET", f"{target.path('customer')}?wsdl", {"Accept-Encoding": "gzip"})
    expect("accept-encoding" in answer.headers.get("vary", "").lower(), "no Vary: Accept-Encoding")


@SUITE.check("wsdl-spellings")
def spellings(target: Target) -> None:
    """?wsdl, ?WSDL and ?singleWsdl each give a WSDL."""
    for query in ("wsdl", "WSDL", "singleWsdl"):
        answer = exchange(target, "GET", f"{target.path('session')}?{query}")
        same(answer.status, 200, f"status of ?{query}")
        expect(answer.tree.tag == "{http://schemas.xmlsoap.org/wsdl/}definitions", f"?{query} is no WSDL")


@SUITE.check("wsdl-soap11-only")
def soap11_only(target: Target) -> None:
    """`?wsdl&soap=1.1` has no SOAP 1.2 binding: Axis 1 refuses any WSDL that holds one."""
    answer = exchange(target, "GET", f"{target.path('session')}?wsdl&soap=1.1")
    same(answer.status, 200, "status")
    expect(b"schemas.xmlsoap.org/wsdl/soap12/" not in answer.body, "a SOAP 1.2 binding is in it")


@SUITE.check("wsdl-head")
def head(target: Target) -> None:
    """HEAD tells what GET would, without the body (W10)."""
    path = f"{target.path('session')}?wsdl"
    got, told = exchange(target, "GET", path), exchange(target, "HEAD", path)
    same(told.status, 200, "status")
    same(told.body, b"", "body of HEAD")
    for name in ("content-length", "content-type", "etag"):
        same(told.headers.get(name), got.headers.get(name), name)


@SUITE.check("wsdl-etag")
def etag(target: Target) -> None:
    """If-None-Match with the entity tag gives 304 and no body (RFC 9110 13.1.2)."""
    path = f"{target.path('session')}?wsdl"
    tag = exchange(target, "GET", path).headers.get("etag", "")
    expect(tag, "no ETag")
    for condition in (tag, f'"other", {tag}', "*", f"W/{tag.removeprefix('W/')}"):
        answer = exchange(target, "GET", path, {"If-None-Match": condition})
        same((answer.status, answer.body), (304, b""), f"answer to If-None-Match: {condition}")
    same(exchange(target, "GET", path, {"If-None-Match": '"other"'}).status, 200, "status for another tag")


@SUITE.check("wsdl-address")
def address(target: Target) -> None:
    """The address in the WSDL is the configured one, whatever Host the caller sends (S21)."""
    path = f"{target.path('session')}?wsdl"
    answer = exchange(target, "GET", path, {"Host": "attacker.example"})
    expect(b"attacker.example" not in answer.body, "the caller's Host header is in the WSDL")


@SUITE.check("keep-alive")
def keep_alive(target: Target) -> None:
    """Three calls, a fault among them, over one connection."""
    with connection(target) as over:
        over.connect()
        socket = over.sock
        for inner in (GET_TIME, "<m:NoSuch/>", GET_TIME):
            ask(over, "POST", target.path("session"), {"Content-Type": MEDIA[SOAP11]}, envelope(inner))
            expect(over.sock is socket, "the connection was closed between calls")


@SUITE.check("pipelining")
def pipelining(target: Target) -> None:
    """Two requests sent at once are answered in order (RFC 9112 9.3.2)."""
    body = envelope(GET_TIME)
    one = _head(target, f"Content-Length: {len(body)}") + body
    with stream(target) as over:
        over.sendall(one + one)
        for _ in range(2):
            told = read_head(over)
            expect(b" 200 " in told.split(b"\r\n")[0], "not both were answered with 200")
            _drain(over, told)


@SUITE.check("100-continue")
def continues(target: Target) -> None:
    """A caller that waits for 100 gets it before it sends the body."""
    body = envelope(GET_TIME)
    with stream(target) as over:
        over.sendall(_head(target, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        expect(b" 100 " in read_head(over).split(b"\r\n")[0], "no 100")
        over.sendall(body)
        expect(b" 200 " in read_head(over).split(b"\r\n")[0], "no 200 after the body")


@SUITE.check("request-id")
def request_id(target: Target) -> None:
    """Every answer names the call as the hub's log does; a fault says the same."""
    answer = post(target, "session", envelope("<m:NoSuch/>"))
    named = answer.headers.get("x-request-id", "")
    expect(named, "no X-Request-Id")
    assert answer.fault is not None
    same(answer.fault.detail.get("requestId"), named, "requestId in the fault")


@SUITE.check("healthz")
def health(target: Target) -> None:
    """/healthz says in JSON that the hub can serve."""
    answer = exchange(target, "GET", "/healthz")
    same(answer.status, 200, "status")
    expect(json.loads(answer.body).get("status"), "no status")


@SUITE.check("client-download")
def download(target: Target) -> None:
    """The laptop client that is offered is the one that is announced."""
    told = exchange(target, "GET", "/client/version.json")
    same(told.status, 200, "status of version.json")
    file = exchange(target, "GET", "/client/saddlebag.pyz")
    same(hashlib.sha256(file.body).hexdigest(), json.loads(told.body)["sha256"], "SHA-256")
    expect(len(file.body) <= 200 * 1024, f"{len(file.body)} bytes are more than 200 KB")


def _head(target: Target, *lines: str) -> bytes:
    first = (f"POST {target.path('session')} HTTP/1.1", f"Host: {target.host}", f"Content-Type: {MEDIA[SOAP11]}")
    return "\r\n".join((*first, *lines, "", "")).encode()


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 7] for start in range(0, len(body), 7))


def _drain(over: object, told: bytes) -> None:
    length = next(
        int(line.split(b":")[1]) for line in told.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while length > 0:
        piece = over.recv(length)  # type: ignore[attr-defined]
        length -= len(piece)
        expect(piece, "the body ended early")

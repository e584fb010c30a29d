"""`tls/`: the connection itself: versions, names, resumption, and a partner who proves herself by certificate.

Belongs here: handshakes. May not know: what travels after them, beyond one call.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from pathlib import Path

from conformance.report import Skip, Suite, expect, same
from conformance.wire import MEDIA, SECONDS, SOAP11, Answer, Target, ask, envelope

SUITE = Suite("tls")
_WHO = "<m:GetUserInfo/>"


def _context(target: Target) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(target.ca) if target.ca else None)


def _handshake(target: Target, context: ssl.SSLContext, name: str = "") -> ssl.SSLSocket:
    bare = socket.create_connection((target.host, target.port), timeout=SECONDS)
    return context.wrap_socket(bare, server_hostname=name or target.host)


@SUITE.check("1.2")
def tls12(target: Target) -> None:
    """TLS 1.2 with an authenticated cipher and forward secrecy."""
    context = _context(target)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with _handshake(target, context) as over:
        name, _, _ = over.cipher() or ("", "", 0)
        same(over.version(), "TLSv1.2", "version")
        expect("ECDHE" in name and ("GCM" in name or "CHACHA20" in name), f"cipher {name}")


@SUITE.check("1.3")
def tls13(target: Target) -> None:
    """TLS 1.3 is what two modern ends agree on."""
    with _handshake(target, _context(target)) as over:
        same(over.version(), "TLSv1.3", "version")


@SUITE.check("1.1-refused")
def tls11(target: Target) -> None:
    """TLS 1.0 and 1.1 are refused (RFC 8996)."""
    context = _context(target)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        _handshake(target, context).close()
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("TLS 1.1 was accepted")


@SUITE.check("name")
def name(target: Target) -> None:
    """The certificate is for the host's name, as a DNS name, and for no other."""
    with _handshake(target, _context(target)) as over:
        names = {value for kind, value in (over.getpeercert() or {}).get("subjectAltName", ()) if kind == "DNS"}
    expect(target.host in names, f"{target.host} is not among {sorted(names)}")
    try:
        _handshake(target, _context(target), "another.example").close()
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("the certificate is for another.example too")


@SUITE.check("resumption")
def resumption(target: Target) -> None:
    """A second connection takes up the first one's session, and costs no new key exchange of certificates."""
    context = _context(target)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 the ticket comes after the handshake
    with _handshake(target, context) as over:
        session = over.session
    bare = socket.create_connection((target.host, target.port), timeout=SECONDS)
    with context.wrap_socket(bare, server_hostname=target.host, session=session) as over:
        expect(over.session_reused, "the session was not taken up")


@SUITE.check("plain-http")
def plain(target: Target) -> None:
    """A caller without TLS gets no answer, and the hub stays up."""
    with socket.create_connection((target.host, target.port), timeout=SECONDS) as bare:
        bare.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            data = bare.recv(1000)
        except ConnectionError:
            data = b""
    expect(b"200" not in data.split(b"\r\n")[0], "answered without TLS")
    with _handshake(target, _context(target)) as over:
        expect(over.version(), "no handshake afterwards")


def _call_with(target: Target, files: tuple[Path, Path]) -> Answer:
    context = _context(target)
    context.load_cert_chain(*files)
    over = http.client.HTTPSConnection(target.host, target.port, timeout=SECONDS, context=context)
    try:
        return ask(over, "POST", target.path("session"), {"Content-Type": MEDIA[SOAP11]}, envelope(_WHO))
    finally:
        over.close()


def _certificate(target: Target, name: str) -> tuple[Path, Path]:
    if name not in target.certificates:
        raise Skip("no client certificates were given")
    return target.certificates[name]


@SUITE.check("client-certificate")
def client_certificate(target: Target) -> None:
    """A partner's certificate stands for her service account: no Session header is needed."""
    answer = _call_with(target, _certificate(target, "partner"))
    same(answer.text("role"), "integration", "role")


@SUITE.check("client-certificate-unknown")
def unknown_certificate(target: Target) -> None:
    """A certificate of the same authority that stands for nobody is no account."""
    fault = _call_with(target, _certificate(target, "stranger")).fault
    expect(fault, "no fault came")
    assert fault is not None
    same(fault.detail.get("code"), "SB2002", "code in the detail")


@SUITE.check("client-certificate-forged")
def forged(target: Target) -> None:
    """A certificate that only looks like the partner's proves nothing."""
    try:
        answer = _call_with(target, _certificate(target, "forged"))
    except (ssl.SSLError, ConnectionError):
        return  # refused in the handshake
    expect(
        answer.fault and answer.fault.detail.get("code") == "SB2002", "a forged certificate was taken for an account"
    )

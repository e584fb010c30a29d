"""The wire by hand: raw HTTPS and SOAP messages, so that a check can also send what no toolkit would.

Belongs here: one exchange over TLS, envelopes as text, faults as values. May not know: which answer is right.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from conformance.inbox import Inbox

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
TYPES = "urn:saddlebag:types:v1"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MEDIA = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}
SECONDS = 120
"""How long an exchange may take before it is given up: a guard against hanging, not a promise."""


@dataclass(frozen=True)
class Tenant:
    """A tenant of the hub and a user of it who may do everything there."""

    name: str
    user: str
    password: str


@dataclass(frozen=True)
class Proofs:
    """What WS-Security is judged with: accounts with secrets and keys, made by the operator's commands.

    `digest` is an account of the main tenant with its digest secret; `rsa` and `elliptic` are its signing certificates
    and keys, `unknown` is nobody's. `strict` is an administrator of a tenant that accepts signatures alone, by `rsa`.
    `hub` is the certificate that answers are signed with.
    """

    digest: Tenant
    strict: Tenant
    rsa: tuple[Path, Path]
    elliptic: tuple[Path, Path]
    unknown: tuple[Path, Path]
    hub: Path


@dataclass(frozen=True)
class Target:
    """The hub under judgement. `other`, `rep` and `certificates` are there where the runner made the hub.

    `other` is a second tenant and `rep` a sales rep of the first. `certificates` are (certificate, key) files:
    `partner` stands for an integration account, `stranger` is of the same authority, `forged` has only the name.
    """

    url: str
    ca: Path | None
    tenant: str
    user: str
    password: str
    other: Tenant | None = None
    rep: Tenant | None = None
    certificates: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    proofs: Proofs | None = None
    inbox: Inbox | None = None
    """Takes the answers that the hub sends to an address elsewhere."""
    process: int | None = None
    """The hub's process on this machine."""
    limited: Tenant | None = None
    """A tenant that may make few calls a second."""
    _tokens: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def host(self) -> str:
        """The host's name."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The TCP port."""
        return urlsplit(self.url).port or 443

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """A client's TLS settings: the hub's certificate is verified against the given authority."""
        return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)

    @property
    def main(self) -> Tenant:
        """The tenant under judgement with its user."""
        return Tenant(self.tenant, self.user, self.password)

    def path(self, service: str, tenant: str | None = None) -> str:
        """The path of a service."""
        return f"/{tenant or self.tenant}/{service}/v1"

    def token(self, who: Tenant | None = None) -> str:
        """A session of the given user (the main one), logged in at first need."""
        who = who or self.main
        key = f"{who.name}/{who.user}"
        if key not in self._tokens:
            self._tokens[key] = log_in(self, who)
        return self._tokens[key]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def tree(self) -> Any:
        """The body as XML."""
        return etree.fromstring(self.body)

    @property
    def media(self) -> str:
        """The media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def fault(self) -> Fault | None:
        """The SOAP fault in the body, or None."""
        return fault_of(self.tree)

    @cached_property
    def result(self) -> Any:
        """The one child of Body; raises AssertionError for a fault."""
        if self.fault:
            raise AssertionError(f"a fault came: {self.fault.code} {self.fault.text} {dict(self.fault.detail)}")
        return body_of(self.tree)[0]

    def texts(self, path: str) -> list[str]:
        """Texts of the elements at a path of local names below the result, such as "customer/id"."""
        steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
        return [each.text or "" for each in self.result.xpath(steps)]

    def text(self, path: str) -> str | None:
        """The first of `texts`, or None."""
        found = self.texts(path)
        return found[0] if found else None


@dataclass(frozen=True)
class Fault:
    """A SOAP fault of either version: the local name of its code, its reason, the members of SaddlebagFault."""

    version: str
    code: str
    text: str
    detail: Mapping[str, str]
    element: Any = field(repr=False, compare=False, default=None)


def body_of(tree: Any) -> Any:
    """The Body element of an envelope of either version."""
    version = etree.QName(tree).namespace
    body = tree.find(f"{{{version}}}Body")
    if body is None:
        raise AssertionError("the answer has no Body")
    return body


def fault_of(tree: Any) -> Fault | None:
    """The fault of an envelope of either version, or None."""
    version = str(etree.QName(tree).namespace)
    fault = body_of(tree).find(f"{{{version}}}Fault")
    if fault is None:
        return None
    if version == SOAP11:
        code, text, detail = fault.findtext("faultcode"), fault.findtext("faultstring"), fault.find("detail")
    else:
        code = fault.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Value")
        text = fault.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text")
        detail = fault.find(f"{{{SOAP12}}}Detail")
    ours = detail.find(f"{{{TYPES}}}SaddlebagFault") if detail is not None else None
    members = {} if ours is None else {etree.QName(each).localname: each.text or "" for each in ours}
    return Fault(version, (code or "").rpartition(":")[2], text or "", members, fault)


@contextmanager
def connection(target: Target) -> Iterator[http.client.HTTPSConnection]:
    """A keep-alive connection."""
    made = http.client.HTTPSConnection(target.host, target.port, timeout=SECONDS, context=target.tls)
    try:
        yield made
    finally:
        made.close()


def ask(
    over: http.client.HTTPSConnection,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    *,
    chunked: bool = False,
) -> Answer:
    """One request and its answer over an open connection."""
    over.request(method, path, body=body, headers=dict(headers or {}), encode_chunked=chunked)
    got = over.getresponse()
    return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())


def exchange(
    target: Target, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request and its answer over a connection of its own."""
    with connection(target) as over:
        return ask(over, method, path, headers, body)


@contextmanager
def stream(target: Target) -> Iterator[ssl.SSLSocket]:
    """A bare TLS stream to the hub, for what http.client would not send."""
    with socket.create_connection((target.host, target.port), timeout=SECONDS) as bare:
        yield target.tls.wrap_socket(bare, server_hostname=target.host)


def read_head(over: ssl.SSLSocket) -> bytes:
    """All bytes up to the end of the next head, b"" when the peer closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = over.recv(1)
        if not piece:
            break
        data += piece
    return data


def header(name: str, **members: object) -> str:
    """A header block of ours as XML text."""
    inner = "".join(f"<t:{key}>{escape(str(value))}</t:{key}>" for key, value in members.items())
    return f"<t:{name}>{inner}</t:{name}>"


def envelope(inner: str, headers: str = "", version: str = SOAP11, service: str = "session") -> bytes:
    """An envelope as bytes; prefixes: s the envelope, m the service's messages, t the common types."""
    head = f"<s:Header>{headers}</s:Header>" if headers else ""
    names = f'xmlns:s="{version}" xmlns:m="urn:saddlebag:{service}:v1" xmlns:t="{TYPES}"'
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {names}>{head}<s:Body>{inner}</s:Body></s:Envelope>'
    ).encode()


def post(
    target: Target,
    service: str,
    body: bytes,
    version: str = SOAP11,
    tenant: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send an envelope as it is."""
    sent = {"Content-Type": MEDIA.get(version, MEDIA[SOAP11]), **(headers or {})}
    if version == SOAP11:
        sent.setdefault("SOAPAction", '""')
    return exchange(target, "POST", target.path(service, tenant), sent, body)


def call(
    target: Target,
    service: str,
    inner: str,
    *,
    headers: str = "",
    version: str = SOAP11,
    who: Tenant | None = None,
    token: str | None = None,
) -> Answer:
    """Call an operation in a session of the given user (the main one)."""
    who = who or target.main
    session = header("Session", token=token or target.token(who))
    return post(target, service, envelope(inner, session + headers, version, service), version, who.name)


def log_in(target: Target, who: Tenant) -> str:
    """A new session's token."""
    inner = f"<m:Login><m:user>{escape(who.user)}</m:user><m:password>{escape(who.password)}</m:password></m:Login>"
    token = post(target, "session", envelope(inner), tenant=who.name).text("token")
    if not token:
        raise AssertionError("Login gave no token")
    return token


GET_TIME = "<m:GetServerTime/>"
"""The smallest call: public, no members."""


def answers(target: Target) -> bool:
    """Whether the hub still serves a plain call."""
    return post(target, "session", envelope(GET_TIME)).text("time") is not None

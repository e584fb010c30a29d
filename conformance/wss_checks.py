"""`wss/`: WS-Security 1.1 over TLS: tokens, signed messages in and out, and what forgers try.

Belongs here: calls that prove themselves, by zeep with python-xmlsec and by hand; each attack is a write of one
customer, which must be refused by a typed fault and not be there afterwards. May not know: how the hub verifies.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import requests
import xmlsec
import zeep
from lxml import etree
from zeep.wsse.signature import BinarySignature, Signature, verify_envelope
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU as MAKER
from zeep.wsse.utils import get_security_header

from conformance import interop_node
from conformance import wss_messages as wss
from conformance.bad_input import typed
from conformance.report import Check, Skip, Suite, expect, same
from conformance.wire import SOAP11, SOAP12, TYPES, Answer, Proofs, Target, call, exchange, post

SUITE = Suite("wss")
WHO = "<p:GetUserInfo/>"
BOTH = {"11": SOAP11, "12": SOAP12}
_WSP = "{http://www.w3.org/ns/ws-policy}"
_SP = "{http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702}"
_EVIL = "wrapped-evil"


def proofs(target: Target) -> Proofs:
    """What to prove oneself with."""
    if target.proofs is None:
        raise Skip("the hub was not made here: there are no accounts with secrets and signing certificates")
    return target.proofs


@cache
def _pair(files: tuple[Path, Path]) -> wss.Pair:
    return wss.load(files)


_given = [datetime.min.replace(tzinfo=UTC)]


def now() -> datetime:
    """The caller's clock, which never says the same twice: two messages that are signed alike are one message."""
    read = datetime.now(UTC)
    whole = read.replace(microsecond=read.microsecond // 1000 * 1000)  # as messages hold it
    _given[0] = max(whole, _given[0] + timedelta(milliseconds=1))
    return _given[0]


def send(target: Target, message: Any, version: str = SOAP11, service: str = "session", who: str = "") -> Answer:
    """Post a tree or bytes."""
    data = message if isinstance(message, bytes) else etree.tostring(message)
    return post(target, service, data, version, who or None)


def refused(answer: Answer, code: str, name: str) -> None:
    """A typed fault of this code, with the standard's own code beside it (SOAP Message Security 1.1, section 12)."""
    fault = typed(answer, code)
    element = fault.element.find("faultcode")
    if element is None:
        element = fault.element.find(f".//{{{SOAP12}}}Subcode/{{{SOAP12}}}Value")
    prefix, _, local = (element.text or "").partition(":")
    same((element.nsmap.get(prefix), local), (wss.WSSE, name), "fault code of WS-Security")


# Tokens


def _username(target: Target, kind: str, version: str) -> None:
    """A UsernameToken lets in: text, text with Nonce and Created, digest."""
    account = proofs(target).digest
    if kind == "digest":
        token = wss.username(account.user, account.password, now(), secrets.token_bytes(16), digest=True)
    else:
        made = (now(), secrets.token_bytes(16)) if kind == "text-nonce" else ()
        account = target.main
        token = wss.username(account.user, account.password, *made)
    answer = send(target, wss.envelope(WHO, wss.security(token), version, "session"), version)
    expect(answer.text("userId"), "no user came")


@SUITE.check("username/nobody-and-wrong-secret-are-one-answer")
def one_answer(target: Target) -> None:
    """An unknown name and a wrong secret cannot be told apart, but for the id of the call."""
    account = proofs(target).digest
    for digest in (False, True):
        texts = []
        for name in (account.user, f"nobody-{secrets.token_hex(4)}"):
            made = (now(), secrets.token_bytes(16)) if digest else (None, b"")
            token = wss.username(name, "wrong", *made, digest=digest)
            answer = send(target, wss.envelope(WHO, wss.security(token), service="session"))
            refused(answer, "SB2010", "FailedAuthentication")
            fault = typed(answer, "SB2010")
            texts.append((fault.text, {**fault.detail, "requestId": ""}))
        same(texts[0], texts[1], "the two answers")


def _digest(target: Target, created: datetime, nonce: bytes) -> Answer:
    account = proofs(target).digest
    token = wss.username(account.user, account.password, created, nonce, digest=True)
    return send(target, wss.envelope(WHO, wss.security(token), service="session"))


@SUITE.check("username/digest-replayed")
def digest_replayed(target: Target) -> None:
    """A nonce is taken once."""
    made, nonce = now(), secrets.token_bytes(16)
    expect(_digest(target, made, nonce).text("userId"), "the first was refused")
    refused(_digest(target, made, nonce), "SB2013", "InvalidSecurity")


@SUITE.check("username/digest-stale-and-future")
def digest_stale(target: Target) -> None:
    """An old digest and one of the future are refused."""
    for shift in (-timedelta(hours=1), timedelta(hours=1)):
        refused(_digest(target, now() + shift, secrets.token_bytes(16)), "SB2012", "MessageExpired")


# zeep with python-xmlsec


class _Stamped:
    """Signs a Timestamp too, and verifies the answer against the hub's certificate."""

    hub: Path
    verified = 0

    def apply(self, envelope: Any, headers: Any) -> Any:
        made = now()
        times = MAKER.Created(wss.stamp(made)), MAKER.Expires(wss.stamp(made + timedelta(minutes=5)))
        get_security_header(envelope).append(MAKER.Timestamp(*times))
        return super().apply(envelope, headers)  # type: ignore[misc]

    def verify(self, envelope: Any) -> Any:
        verify_envelope(envelope, str(self.hub))
        self.verified += 1
        return envelope


class _Signed(_Stamped, Signature):
    """Names its certificate by X509Data."""


class _SignedWithToken(_Stamped, BinarySignature):
    """Names its certificate by a BinarySecurityToken."""


def _zeep(target: Target, wsse: Any) -> Any:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(target.ca)
    transport = zeep.Transport(session=session)
    return zeep.Client(f"{target.url}{target.path('session')}?wsdl", transport=transport, wsse=wsse)


@SUITE.check("zeep/username-token")
def zeep_text(target: Target) -> None:
    """zeep's UsernameToken, as text."""
    info = _zeep(target, UsernameToken(target.user, target.password)).service.GetUserInfo()
    expect(info.userId, "no user came")


@SUITE.check("zeep/username-digest")
def zeep_digest(target: Target) -> None:
    """zeep's UsernameToken, as digest; each call has a nonce of its own."""
    account = proofs(target).digest
    client = _zeep(target, UsernameToken(account.user, account.password, use_digest=True))
    same(client.service.GetUserInfo().role, "integration", "role")
    same(client.service.GetUserInfo().role, "integration", "role of the second call")


def _zeep_signed(target: Target, kind: type[Any]) -> None:
    """zeep signs by RSA with SHA-256 and verifies the hub's signature on answer and fault."""
    given = proofs(target)
    signer = kind(
        str(given.rsa[1]), str(given.rsa[0]), signature_method=xmlsec.Transform.RSA_SHA256,
        digest_method=xmlsec.Transform.SHA256,
    )  # fmt: skip
    signer.hub = given.hub
    client = _zeep(target, signer)
    same(client.service.GetUserInfo().role, "integration", "role")
    same(signer.verified, 1, "answers verified")


# node-soap with xml-crypto


def _node(target: Target, kind: str, version: str) -> None:
    """node-soap proves itself by text, digest and signature.

    It signs times of whole seconds and nothing else that changes: the same call within a second is the same message.
    """
    given = proofs(target)
    account = target.main if kind == "PasswordText" else given.digest
    key, certificate = (each.read_text() for each in reversed(given.rsa))
    secret = {"user": account.user, "secret": account.password, "key": key, "certificate": certificate}
    for _ in range(1 if kind == "signature" else 2):
        expect(interop_node.who(target, version, {"kind": kind, **secret})["userId"], "no user came")


# Signed messages


def message(signer: wss.Pair, body: str, *blocks: str, version: str = SOAP11, service: str = "session") -> Any:
    """An envelope with a token and a Timestamp, to be signed."""
    return wss.envelope(
        body, wss.security(wss.token(signer.der) + wss.timestamp(now())) + "".join(blocks), version, service
    )


def _signed(target: Target, key: str, way: str, version: str) -> None:
    """A signed message lets in, whichever way it names its certificate; answer and fault come signed."""
    given = proofs(target)
    signer = _pair(getattr(given, key))
    ways = {"token": wss.by_token(), "thumbprint": wss.by_thumbprint(signer), "serial": wss.by_serial(signer)}
    root = message(signer, WHO, version=version)
    answer = send(target, wss.sign(root, signer, key_info=ways[way]), version)
    same(answer.text("role"), "integration", "role")
    _answer_signed(given, answer)
    answer = send(target, wss.sign(message(signer, "<p:Nothing/>", version=version), signer), version)
    typed(answer, "SB1006")
    _answer_signed(given, answer)


def _answer_signed(given: Proofs, answer: Answer) -> None:
    covered = wss.signed_in(answer.tree, given.hub.read_bytes())
    expect({"Body", "Timestamp"} <= covered, f"the answer's signature covers {sorted(covered)}")


@SUITE.check("signed/unsigned-callers-get-unsigned-answers")
def unsigned_answer(target: Target) -> None:
    """Who does not sign is not sent a Security header that she might not understand."""
    answer = call(target, "session", "<m:GetUserInfo/>")
    expect(answer.tree.find(f".//{{{wss.WSSE}}}Security") is None, "a Security header came")


# Attacks: each is a write that must not happen


Attack = Callable[[wss.Pair, str], Any]
"""Makes a message whose only effect would be a customer of this id."""


def create(record: str) -> str:
    """A call that writes one customer."""
    return f"<p:CreateCustomers><p:customer><t:id>{record}</t:id><t:name>x</t:name></p:customer></p:CreateCustomers>"


def _order(signer: wss.Pair, record: str, *blocks: str, **options: Any) -> Any:
    """A message that would be carried out, as a tree."""
    return etree.fromstring(wss.sign(message(signer, create(record), *blocks, service="customer"), signer, **options))


def _attacked(target: Target, make: Attack, *codes: str) -> None:
    given = proofs(target)
    signer, record = _pair(given.rsa), f"w-{secrets.token_hex(6)}"
    answer = send(target, make(signer, record), service="customer")
    fault = answer.fault
    expect(fault is not None, f"no fault came: {answer.body[:200]!r}")
    assert fault is not None
    typed(answer, fault.detail.get("code", ""))
    expect(fault.detail.get("code") in codes, f"code {fault.detail.get('code')} ({fault.text}), expected {codes}")
    for each in (record, _EVIL):
        found = call(target, "customer", f"<m:GetCustomers><m:id>{each}</m:id></m:GetCustomers>").texts("customer/id")
        same(found, [], "customers written")


def _wrap(where: Callable[[Any], Any], evil_id: str | None) -> Attack:
    """The signed Body is moved, and one that writes something else takes its place."""

    def make(signer: wss.Pair, record: str) -> Any:
        root = _order(signer, record)
        body = root.find(f"{{{SOAP11}}}Body")
        evil = copy.deepcopy(body)
        del evil.attrib[wss.ID]
        if evil_id:
            evil.set(wss.ID, evil_id)
        next(evil.iter(f"{{{TYPES}}}id")).text = _EVIL
        root.replace(body, evil)
        holder = where(root)
        holder.append(body)
        return root

    return make


def _below(path: str, tag: str = "") -> Callable[[Any], Any]:
    """The element at a path of local names below the envelope, or a new one in it."""

    def find(root: Any) -> Any:
        steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
        found = root.xpath(steps)[0]
        return etree.SubElement(found, tag) if tag else found

    return find


_PLACES: dict[str, Callable[[Any], Any]] = {
    "header-block": _below("Header"),
    "wrapper-in-header": _below("Header", "{urn:x}Wrapper"),
    "security": _below("Header/Security"),
    "wrapper-in-security": _below("Header/Security", "{urn:x}Wrapper"),
    "object-of-signature": _below("Header/Security/Signature", f"{{{wss.DS}}}Object"),
    "key-info": _below("Header/Security/Signature/KeyInfo", "{urn:x}Wrapper"),
    "timestamp": _below("Header/Security/Timestamp"),
    "evil-body": _below("Body"),
    "evil-operation": _below("Body/CreateCustomers"),
    "envelope": lambda root: root,
}


def _stamped(created: datetime) -> Attack:
    def make(signer: wss.Pair, record: str) -> Any:
        block = wss.security(wss.token(signer.der) + wss.timestamp(created))
        return wss.sign(wss.envelope(create(record), block, service="customer"), signer)

    return make


def _moved_timestamp(signer: wss.Pair, record: str) -> Any:
    """An old signed Timestamp is moved aside for a fresh one."""
    root = etree.fromstring(_stamped(now() - timedelta(hours=1))(signer, record))
    block = root.find(f".//{{{wss.WSSE}}}Security")
    old = block.find(f"{{{wss.WSU}}}Timestamp")
    fresh = etree.fromstring(wss.security(wss.timestamp(now()).replace("TS", "T2")))[0]
    block.replace(old, fresh)
    _below("Header", "{urn:x}Wrapper")(root).append(old)
    return root


def _excluded(signer: wss.Pair, record: str) -> Any:
    """The signature is taken out and everything else stays."""
    root = _order(signer, record)
    signature = root.find(f".//{{{wss.DS}}}Signature")
    signature.getparent().remove(signature)
    return root


def _stripped(signer: wss.Pair, record: str) -> Any:
    """The whole Security header is taken out."""
    root = _order(signer, record)
    root.find(f"{{{SOAP11}}}Header").clear()
    return root


def _changed(signer: wss.Pair, record: str) -> Any:
    root = _order(signer, record)
    next(root.iter(f"{{{TYPES}}}id")).text = _EVIL
    return root


def _two_headers(signer: wss.Pair, record: str) -> Any:
    root = _order(signer, record)
    root.find(f"{{{SOAP11}}}Header").append(etree.fromstring(wss.security("")))
    return root


def _with_id_twice(name: str) -> Attack:
    def make(signer: wss.Pair, record: str) -> Any:
        root = _order(signer, record)
        etree.SubElement(root.find(f"{{{SOAP11}}}Header"), "{urn:x}Trace").set(name, "B")
        return root

    return make


def _reference(change: Callable[[Any], None]) -> Attack:
    """The first Reference is changed once the message is signed."""

    def make(signer: wss.Pair, record: str) -> Any:
        root = _order(signer, record)
        change(root.find(f".//{{{wss.DS}}}Reference"))
        return root

    return make


def _transform(algorithm: str, inner: str = "") -> Attack:
    def change(reference: Any) -> None:
        (transform,) = reference.find(f"{{{wss.DS}}}Transforms")
        transform.set("Algorithm", algorithm)
        if inner:
            transform.append(etree.fromstring(inner))

    return _reference(change)


def _key_info(inner: Callable[[wss.Pair], str]) -> Attack:
    return lambda signer, record: _order(signer, record, key_info=inner(signer))


def _plain(**options: Any) -> Attack:
    return lambda signer, record: _order(signer, record, **options)


def _unsigned_block(signer: wss.Pair, record: str) -> Any:
    return _order(signer, record, "<t:AllOrNone><t:value>true</t:value></t:AllOrNone>")


def _commented(signer: wss.Pair, record: str) -> Any:
    """A comment splits a signed text: whoever reads only its first piece reads another id."""
    sent = wss.sign(message(signer, create(f"{_EVIL}-{record}"), service="customer"), signer)
    return sent.replace(f">{_EVIL}-{record}<".encode(), f">{_EVIL}<!-- x -->-other<".encode())


def _by_other(target: Target, signer_of: str) -> Attack:
    """Signed by another key: its own certificate, or under the name of the one that is registered."""

    def make(signer: wss.Pair, record: str) -> Any:
        unknown = _pair(proofs(target).unknown)
        named = unknown if signer_of == "own" else signer
        return wss.sign(message(named, create(record), service="customer"), unknown)

    return make


_XSLT = (
    '<s:stylesheet xmlns:s="http://www.w3.org/1999/XSL/Transform" version="1.0"><s:template match="/">'
    "<s:value-of select=\"document('file:///etc/hostname')\"/></s:template></s:stylesheet>"
)
_XPATH = '<d:XPath xmlns:d="http://www.w3.org/2000/09/xmldsig#">count(//. | //@* | //namespace::*) &gt; 0</d:XPath>'
_FORM, _TOKEN, _KIND, _ALGORITHM = "SB2006", "SB2007", "SB2008", "SB2009"
_FAILED, _CHECK, _EXPIRED, _SESSION = "SB2010", "SB2011", "SB2012", "SB2002"

_ATTACKS: dict[str, tuple[Attack, tuple[str, ...]]] = {
    "wrapping/timestamp-moved": (_moved_timestamp, (_FORM,)),
    "exclusion/signature": (_excluded, (_TOKEN,)),
    "exclusion/security-header": (_stripped, (_SESSION,)),
    "changed-after-signing": (_changed, (_CHECK,)),
    "comment-in-text": (_commented, (_CHECK,)),
    "stale": (_stamped(datetime(2020, 1, 1, tzinfo=UTC)), (_EXPIRED,)),
    "future": (_stamped(datetime(2150, 1, 1, tzinfo=UTC)), (_EXPIRED,)),
    "unsigned/body": (_plain(targets=("TS",)), (_FORM,)),
    "unsigned/timestamp": (_plain(targets=("B",)), (_FORM,)),
    "unsigned/header-block": (_unsigned_block, (_FORM,)),
    "two-security-headers": (_two_headers, (_FORM,)),
    "id-twice/wsu": (_with_id_twice(wss.ID), (_FORM,)),
    "id-twice/plain": (_with_id_twice("Id"), (_FORM,)),
    "id-twice/other-name": (_with_id_twice("ID"), (_FORM,)),
    "weak/rsa-sha1": (_plain(method=xmlsec.Transform.RSA_SHA1), (_ALGORITHM,)),
    "weak/digest-sha1": (_plain(digest=xmlsec.Transform.SHA1), (_ALGORITHM,)),
    "weak/inclusive-c14n": (_plain(c14n=xmlsec.Transform.C14N), (_ALGORITHM,)),
    "weak/c14n-with-comments": (_plain(c14n=xmlsec.Transform.EXCL_C14N_COMMENTS), (_ALGORITHM,)),
    "transform/xslt": (_transform("http://www.w3.org/TR/1999/REC-xslt-19991116", _XSLT), (_ALGORITHM,)),
    "transform/xpath": (_transform("http://www.w3.org/TR/1999/REC-xpath-19991116", _XPATH), (_ALGORITHM,)),
    "transform/xpath-filter": (_transform("http://www.w3.org/2002/06/xmldsig-filter2"), (_ALGORITHM,)),
    "transform/base64": (_transform("http://www.w3.org/2000/09/xmldsig#base64"), (_ALGORITHM,)),
    "transform/enveloped": (
        _plain(transforms=(xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N)),
        (_ALGORITHM,),
    ),
    "reference/external": (_reference(lambda each: each.set("URI", "http://attacker.example/x")), (_FORM,)),
    "reference/file": (_reference(lambda each: each.set("URI", "file:///etc/passwd")), (_FORM,)),
    "reference/whole-document": (_reference(lambda each: each.set("URI", "")), (_FORM,)),
    "reference/xpointer": (_reference(lambda each: each.set("URI", "#xpointer(/)")), (_FORM,)),
    "reference/nothing": (_reference(lambda each: each.set("URI", "#nothing")), (_FORM,)),
    "reference/flood": (_plain(targets=("B", *["TS"] * 200)), (_FORM,)),
    "key-info/external": (_key_info(lambda _: '<wsse:Reference URI="http://attacker.example/c"/>'), (_TOKEN,)),
    "key-info/huge": (_key_info(lambda _: f"<wsse:KeyIdentifier>{'A' * 500_000}</wsse:KeyIdentifier>"), (_TOKEN,)),
    "key-info/flood": (_key_info(lambda _: "<x/>" * 5_000), (_FORM,)),
    "key-info/key-value": (
        _key_info(lambda _: f'<ds:KeyValue xmlns:ds="{wss.DS}"><ds:RSAKeyValue/></ds:KeyValue>'),
        (_KIND,),
    ),
}


@SUITE.check("attacks/replay")
def replay(target: Target) -> None:
    """A signed message is carried out once: sent again, also by another worker, it is refused."""
    signer, record = _pair(proofs(target).rsa), f"w-{secrets.token_hex(6)}"
    sent = etree.tostring(_order(signer, record))
    same(send(target, sent, service="customer").text("result/status"), "created", "status of the first")
    for _ in range(3):
        refused(send(target, sent, service="customer"), "SB2013", "InvalidSecurity")


@SUITE.check("attacks/signature-made-into-another")
def malleable(target: Target) -> None:
    """An ECDSA signature (r, s) can be made into (r, n - s), which holds too: the message is still the same one."""
    signer = _pair(proofs(target).elliptic)
    root = etree.fromstring(wss.sign(message(signer, WHO), signer))
    expect(send(target, root).text("userId"), "the first was refused")
    value = root.find(f".//{{{wss.DS}}}SignatureValue")
    value.text = wss.mirrored(value.text)
    refused(send(target, root), "SB2013", "InvalidSecurity")


@SUITE.check("policy/as-declared")
def as_declared(target: Target) -> None:
    """A tenant that accepts signatures alone says so in its WSDL and lets nobody in by anything else."""
    given = proofs(target)
    strict, signer = given.strict, _pair(given.rsa)
    wsdl = etree.fromstring(exchange(target, "GET", target.path("scope", strict.name) + "?wsdl").body)
    policies = [each for each in wsdl.findall(f"{_WSP}Policy") if each.find(f".//{_SP}*") is not None]
    same(len(policies), 1, "policies that speak of security")
    (policy,) = policies
    bindings = {
        etree.QName(each).localname for each in policy.iter(f"{_SP}AsymmetricBinding", f"{_SP}TransportBinding")
    }
    same(bindings, {"AsymmetricBinding"}, "bindings of the policy")
    answer = send(target, wss.sign(message(signer, WHO), signer), who=strict.name)
    same(answer.text("role"), "admin", "role of a caller who signed")
    refused(call(target, "session", "<m:GetUserInfo/>", who=strict), "SB2014", "InvalidSecurity")
    token = wss.username(strict.user, strict.password)
    answer = send(target, wss.envelope(WHO, wss.security(token), service="session"), who=strict.name)
    refused(answer, "SB2014", "InvalidSecurity")


@SUITE.check("policy/another-tenants-certificate")
def other_tenant(target: Target) -> None:
    """A certificate that is registered in one tenant proves nothing in another."""
    signer = _pair(proofs(target).elliptic)
    answer = send(target, wss.sign(message(signer, WHO), signer), who=proofs(target).strict.name)
    refused(answer, "SB2010", "FailedAuthentication")


@SUITE.generated
def checks(target: Target) -> Iterable[Check]:
    """The checks that differ in one thing alone."""
    for number, version in BOTH.items():
        for kind in ("text", "text-nonce", "digest"):
            yield Check(f"wss/username/{kind}/{number}", partial(_username, kind=kind, version=version))
        for key in ("rsa", "elliptic"):
            for way in ("token", "thumbprint", "serial"):
                yield Check(f"wss/signed/{key}/{way}/{number}", partial(_signed, key=key, way=way, version=version))
    for kind in ("PasswordText", "PasswordDigest", "signature"):
        for version in ("1.1", "1.2"):
            yield Check(f"wss/node-soap/{kind}/{version}", partial(_node, kind=kind, version=version))
    yield Check("wss/zeep/signature", partial(_zeep_signed, kind=_Signed))
    yield Check("wss/zeep/binary-signature", partial(_zeep_signed, kind=_SignedWithToken))
    for place, where in _PLACES.items():
        for name, evil_id in (("no-id", None), ("same-id", "B"), ("other-id", "E")):
            attack = _wrap(where, evil_id)
            codes = (_FORM, _TOKEN, _KIND, "SB1003")
            yield Check(f"wss/attacks/wrapping/{place}/{name}", lambda t, a=attack, c=codes: _attacked(t, a, *c))  # type: ignore[misc]
    for name, (attack, codes) in _ATTACKS.items():
        yield Check(f"wss/attacks/{name}", lambda t, a=attack, c=codes: _attacked(t, a, *c))  # type: ignore[misc]
    for whose in ("own", "named"):
        yield Check(
            f"wss/attacks/wrong-key/{whose}",
            lambda t, w=whose: _attacked(t, _by_other(t, w), _FAILED),  # type: ignore[misc]
        )

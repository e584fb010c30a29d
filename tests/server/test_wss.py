"""WS-Security at the front: who is let in by which proof, what is refused and how, and that nothing is done then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import xmlsec
from conformance.wss_messages import (
    DS,
    ID,
    WSSE,
    WSU,
    Pair,
    by_serial,
    by_thumbprint,
    envelope,
    pair,
    security,
    sign,
    signed_in,
    timestamp,
    token,
    username,
)
from lxml import etree

from policy_alternatives import Alternative, alternatives
from saddlebag.contract import namespaces
from saddlebag.contract.codec import codec_for
from saddlebag.contract.policy import Proof, SecurityPolicy
from saddlebag.kernel import limits
from saddlebag.kernel.digest import record_hash
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import access, wss
from saddlebag.records.call import Hub
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.passwords import check_password
from saddlebag.server.front import Options
from saddlebag.server.rates import LocalBook, Meter, Rate, Rates
from saddlebag.server.root import make_front
from saddlebag.server.wss.answer import Signer
from saddlebag.store.base import ChangeKind, RecordWrite, Store, StoredRecord, Transaction
from saddlebag.store.tables import Credential, WssSeen
from soap_probe import NOW, PROBE, SERVICE, TENANT, Caller, Reply

START = NOW - timedelta(days=1)
SECRET = "a-secret-that-administration-issued"
KEYS = MasterKeys([b"k" * 32])
SOAP11, SOAP12 = namespaces.SOAP11, namespaces.SOAP12
WHO = "<p:Who/>"
STRANGE_IDENTIFIER = "<wsse:KeyIdentifier ValueType='urn:x'>AA==</wsse:KeyIdentifier>"

Ask = Callable[..., Reply]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The hub's clock."""
    return Clock()


@pytest.fixture
def ada(store: Store) -> Pair:
    """The signing certificate of u1."""
    return registered(store, pair("ada", START))


@pytest.fixture
def asked(hub: Hub, clock: Clock) -> Ask:
    """Sends a whole envelope; the hub signs with a key of its own."""
    own = pair("hub", START)
    front = make_front(
        replace(hub, now=clock, master_keys=lambda: KEYS),
        [SERVICE],
        Options(),
        signer=Signer(own.pem, own.key_pem),
    )
    caller = Caller(front)

    def ask(message: bytes | Any, version: str = SOAP11, **more: Any) -> Reply:
        data = message if isinstance(message, bytes) else etree.tostring(message)
        kind = "application/soap+xml" if version == SOAP12 else "text/xml"
        answer = caller.raw(data, content_type=f"{kind}; charset=utf-8", **more)
        return Reply(answer, etree.fromstring(answer.body))

    return ask


def registered(store: Store, signer: Pair, user: str = "u1", now: datetime = NOW) -> Pair:
    store.run(TENANT.name, lambda tx: wss.register(tx, user, signer.certificate, now))
    return signer


def with_secret(store: Store) -> None:
    store.run(TENANT.name, lambda tx: wss.issue_secret(tx, "u1", KEYS, SECRET, b"n" * 12, NOW))


def second_user(tx: Transaction) -> None:
    """Eve, with the password that Ada has."""
    values = {"name": "Eve", "login": "eve", "role": "rep", "active": True}
    version = tx.allocate(1)
    fragment, tail = codec_for(BUILTIN)["User"].render("u2", version, values, NOW, NOW)
    digest = record_hash("User", "u2", version, fragment)
    record = StoredRecord("User", "u2", version, version, values, {}, fragment, tail, digest, NOW, NOW, "")
    tx.write([RecordWrite(record, ChangeKind.CREATE, tuple(values))])
    access.set_password(tx, "u2", "eve", "correct horse", NOW, lambda: "salt")


def remembered(store: Store) -> int:
    return len(store.run(TENANT.name, lambda tx: tx.rows.select(WssSeen), read_only=True))


def message(signer: Pair, *extra: str, version: str = SOAP11, body: str = WHO, created: datetime = NOW) -> Any:
    """An envelope to be signed: a token, a Timestamp and header blocks."""
    block = security(token(signer.der) + timestamp(created))
    return envelope(body, block + "".join(extra), version)


def refused(reply: Reply, code: str, name: str, store: Store | None = None) -> None:
    """The fault of this code of the catalogue and of WS-Security; nothing was remembered."""
    assert reply.code == code, reply.answer.body
    fault = reply.root.find(f".//{{{etree.QName(reply.root).namespace}}}Fault")
    element = fault.find("faultcode")
    if element is None:
        element = fault.find(f".//{{{SOAP12}}}Subcode/{{{SOAP12}}}Value")
    prefix, _, local = element.text.partition(":")
    assert (element.nsmap[prefix], local) == (WSSE, name)
    assert reply.text("user") == []
    if store is not None:
        assert remembered(store) == 0


def expect_let_in(reply: Reply) -> None:
    assert reply.text("user") == ["u1"], reply.answer.body


# UsernameToken


def test_a_password_in_a_username_token_lets_in(asked: Ask) -> None:
    expect_let_in(asked(envelope(WHO, security(username("ada", "correct horse")))))
    expect_let_in(asked(envelope(WHO, security(username("ada", "correct horse")), SOAP12), SOAP12))


def test_a_digest_lets_in_once(asked: Ask, store: Store) -> None:
    with_secret(store)
    sent = envelope(WHO, security(username("ada", SECRET, NOW, b"nonce", digest=True)))
    expect_let_in(asked(sent))
    refused(asked(sent), "SB2013", "InvalidSecurity")
    expect_let_in(asked(envelope(WHO, security(username("ada", SECRET, NOW, b"other", digest=True)))))


def test_a_digest_of_the_password_proves_nothing_as_the_hub_keeps_no_password(asked: Ask, store: Store) -> None:
    with_secret(store)
    sent = envelope(WHO, security(username("ada", "correct horse", NOW, b"nonce", digest=True)))
    refused(asked(sent), "SB2010", "FailedAuthentication", store)


@pytest.mark.parametrize("digest", [False, True])
def test_an_unknown_name_and_a_wrong_secret_are_one_answer(asked: Ask, store: Store, digest: bool) -> None:
    with_secret(store)
    made = (NOW, b"nonce") if digest else (None, b"")
    answers = [
        asked(envelope(WHO, security(username(name, "wrong", *made, digest=digest))))
        for name in ("ada", "nobody", "", "~1")
    ]
    for each in answers:
        refused(each, "SB2010", "FailedAuthentication", store)
    assert len({each.answer.body for each in answers}) == 1


def test_wrong_passwords_are_throttled_as_at_log_in(asked: Ask) -> None:
    wrong = envelope(WHO, security(username("ada", "wrong")))
    codes = [asked(wrong).code for _ in range(limits.LOGIN_FAILURES + 1)]
    assert codes == ["SB2010"] * limits.LOGIN_FAILURES + ["SB2005"]


def test_a_proved_password_is_not_hashed_again_until_it_changes(asked: Ask, store: Store, clock: Clock) -> None:
    sent = envelope(WHO, security(username("ada", "correct horse")))
    expect_let_in(asked(sent))

    def spoil(tx: Transaction) -> None:
        kept = tx.rows.get(Credential, "u1")
        assert kept is not None
        tx.rows.put(replace(kept, failures=limits.LOGIN_FAILURES, failed_at=NOW + timedelta(seconds=1)))

    store.run(TENANT.name, spoil)
    expect_let_in(asked(sent))  # no attempt was counted, or it would be one too many
    clock.now += timedelta(seconds=limits.WSS_PROVED_SECONDS)
    assert asked(sent).code == "SB2005"
    clock.now += timedelta(seconds=limits.LOGIN_WINDOW_SECONDS)
    expect_let_in(asked(sent))
    store.run(TENANT.name, lambda tx: access.set_password(tx, "u1", "ada", "another horse", NOW, lambda: "s"))
    refused(asked(sent), "SB2010", "FailedAuthentication")


def test_a_flood_of_passwords_holds_a_few_workers_and_no_session_waits_for_it(
    asked: Ask, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one password is being hashed the next call comes, and so on: they are all under way at once."""
    sent = envelope(WHO, security(username("ada", "correct horse")))
    by_session = envelope(WHO, f"<t:Session><t:token>{token}</t:token></t:Session>")
    inner: list[Reply] = []

    def check(password: str, stored: str | None) -> bool:
        inner.append(asked(sent))
        expect_let_in(asked(by_session))
        return check_password(password, stored)

    monkeypatch.setattr(access, "check_password", check)
    expect_let_in(asked(sent))
    assert [each.code for each in inner] == ["SB5005"] + [None] * (limits.WSS_PROVING - 2)
    assert inner[0].answer.headers["Retry-After"] == "1"


def test_a_password_is_not_even_hashed_for_an_address_that_has_used_up_its_share(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def check(password: str, stored: str | None) -> bool:
        hashed.append(password)
        return check_password(password, stored)

    monkeypatch.setattr(access, "check_password", check)
    meter = Meter(Rates(address=Rate(1, 3)), LocalBook(), lambda: 0.0)
    caller = Caller(make_front(hub, [SERVICE], meter=meter))

    for name, code, times in (("a", b"SB2010", 1), ("b", b"SB5004", 2), ("c", b"SB5004", 2)):
        body = etree.tostring(envelope(WHO, security(username(name, "wrong"))))
        assert code in caller.raw(body).body
        assert len(hashed) == times


def test_a_nonce_beside_a_password_is_taken_once(asked: Ask) -> None:
    sent = envelope(WHO, security(username("ada", "correct horse", NOW, b"nonce")))
    expect_let_in(asked(sent))
    refused(asked(sent), "SB2013", "InvalidSecurity")


@pytest.mark.parametrize(
    "seconds", [-limits.WSS_FRESH_SECONDS - limits.WSS_SKEW_SECONDS - 1, limits.WSS_SKEW_SECONDS + 1]
)
def test_a_stale_digest_and_one_of_the_future_are_refused(asked: Ask, store: Store, seconds: int) -> None:
    with_secret(store)
    made = NOW + timedelta(seconds=seconds)
    sent = envelope(WHO, security(username("ada", SECRET, made, b"nonce", digest=True)))
    refused(asked(sent), "SB2012", "MessageExpired", store)


@pytest.mark.parametrize(
    ("change", "code", "name"),
    [
        (lambda text: text.replace("#PasswordText", "#PasswordSecret"), "SB2007", "InvalidSecurityToken"),
        (lambda text: text.replace("<wsse:Password", "<wsse:Salt/><wsse:Password"), "SB2007", "InvalidSecurityToken"),
        (lambda text: text.replace("wsse:Username>", "wsse:User>"), "SB2007", "InvalidSecurityToken"),
        (lambda text: text.replace(">ada<", f">{'a' * 1025}<"), "SB2007", "InvalidSecurityToken"),
        (lambda text: text.replace(">ada<", "><b/>ada<"), "SB2007", "InvalidSecurityToken"),
        (lambda text: text + text.replace("UT", "UT2"), "SB2006", "InvalidSecurity"),
        (lambda text: text + "<wsse:Strange/>", "SB2008", "UnsupportedSecurityToken"),
        (lambda text: text + token(b"der"), "SB2007", "InvalidSecurityToken"),
    ],
)
def test_a_username_token_of_another_form_is_refused(
    asked: Ask, store: Store, change: Callable[[str], str], code: str, name: str
) -> None:
    refused(asked(envelope(WHO, security(change(username("ada", "correct horse"))))), code, name, store)


def test_a_nonce_without_a_time_is_refused(asked: Ask, store: Store) -> None:
    text = username("ada", "correct horse", NOW, b"nonce").replace("wsu:Created>", "wsu:Made>")
    refused(asked(envelope(WHO, security(text))), "SB2007", "InvalidSecurityToken", store)


# Timestamp


def test_a_timestamp_alone_leaves_the_session_its_word(asked: Ask, token: str) -> None:
    session = f"<t:Session><t:token>{token}</t:token></t:Session>"
    expect_let_in(asked(envelope(WHO, security(timestamp(NOW)) + session)))
    late = NOW - timedelta(hours=1)
    refused(asked(envelope(WHO, security(timestamp(late)) + session)), "SB2012", "MessageExpired")
    assert asked(envelope(WHO, security(timestamp(NOW)))).code == "SB2002"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (timestamp(NOW - timedelta(seconds=400), 3600), "SB2012"),
        (timestamp(NOW - timedelta(seconds=100), 30), "SB2012"),
        (timestamp(NOW + timedelta(seconds=61)), "SB2012"),
        (timestamp(NOW, extra="<wsu:Expires>2030-01-01T00:00:00Z</wsu:Expires>"), "SB2006"),
        (timestamp(NOW).replace("Z<", "<"), "SB2006"),
        (timestamp(NOW).replace("Created", "Creation"), "SB2006"),
        (timestamp(NOW) + timestamp(NOW).replace("TS", "TS2"), "SB2006"),
    ],
)
def test_a_timestamp_is_fresh_and_of_its_form(asked: Ask, token: str, text: str, code: str) -> None:
    session = f"<t:Session><t:token>{token}</t:token></t:Session>"
    assert asked(envelope(WHO, security(text) + session)).code == code


def test_a_session_of_somebody_else_beside_a_proof_is_refused(asked: Ask, store: Store, token: str) -> None:
    session = f"<t:Session><t:token>{token}</t:token></t:Session>"
    both = security(username("ada", "correct horse")) + session
    expect_let_in(asked(envelope(WHO, both)))
    store.run(TENANT.name, second_user)
    refused(asked(envelope(WHO, both.replace("ada", "eve"))), "SB2010", "FailedAuthentication")
    as_eve = asked(envelope(WHO, security(username("eve", "correct horse"))))
    assert as_eve.text("user") == ["u2"]
    assert asked(envelope(WHO, both.replace(token, "another-token"))).code == "SB2003"


# Signatures


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("bits", [0, 2048])
def test_a_signed_message_lets_in_once(asked: Ask, store: Store, version: str, bits: int) -> None:
    signer = registered(store, pair("signer", START, bits=bits))
    sent = sign(message(signer, version=version), signer)
    expect_let_in(asked(sent, version))
    refused(asked(sent, version), "SB2013", "InvalidSecurity")


def test_what_one_worker_took_another_refuses(hub: Hub, ada: Pair) -> None:
    """Each process of a hub has a front of its own; what has come is in the store."""
    sent = sign(message(ada), ada)
    first, second = (Caller(make_front(hub, [SERVICE])).raw(sent).body for _ in range(2))
    assert b">u1<" in first
    assert b"SB2013" in second


def test_the_certificate_may_be_named_in_every_way_of_the_profile(asked: Ask, ada: Pair) -> None:
    ways = (by_thumbprint(ada), by_serial(ada), by_serial(ada, "O = Acme,  CN = ada"))
    for number, way in enumerate(ways):
        created = NOW + timedelta(milliseconds=number)
        sent = envelope(WHO, security(timestamp(created)))
        expect_let_in(asked(sign(sent, ada, key_info=way)))


def test_header_blocks_of_ours_are_used_when_they_are_signed(asked: Ask, ada: Pair) -> None:
    key = f'<t:IdempotencyKey wsu:Id="K" xmlns:wsu="{WSU}"><t:key>k1</t:key></t:IdempotencyKey>'
    reply = asked(sign(message(ada, key), ada, ("B", "TS", "K")))
    assert reply.text("key") == ["k1"]
    refused(asked(sign(message(ada, key), ada, ("B", "TS"))), "SB2006", "InvalidSecurity")


def test_what_was_not_signed_and_is_not_ours_is_left_behind(asked: Ask, ada: Pair) -> None:
    expect_let_in(asked(sign(message(ada, '<x:Trace xmlns:x="urn:x">1</x:Trace>'), ada)))


def test_addressing_that_was_not_signed_is_left_behind_unless_it_sends_the_answer_elsewhere(
    asked: Ask, ada: Pair
) -> None:
    """zeep adds addressing on its own and signs Body and Timestamp alone."""
    names = f'xmlns:a="{namespaces.WSA}"'
    reply = asked(sign(message(ada, f"<a:MessageID {names}>urn:x</a:MessageID>"), ada))
    expect_let_in(reply)
    assert reply.root.find(f".//{{{namespaces.WSA}}}RelatesTo") is None
    address = f"<a:Address>{namespaces.WSA}/none</a:Address>"
    refused(asked(sign(message(ada, f"<a:FaultTo {names}>{address}</a:FaultTo>"), ada)), "SB2006", "InvalidSecurity")
    must = f'<a:MessageID {names} e:mustUnderstand="1">urn:x</a:MessageID>'
    refused(asked(sign(message(ada, must), ada)), "SB2006", "InvalidSecurity")


def test_a_signature_beside_a_username_token_is_of_the_same_user(asked: Ask, store: Store, ada: Pair) -> None:
    with_secret(store)

    def both(name: str, *targets: str) -> Reply:
        content = token(ada.der) + timestamp(NOW) + username(name, SECRET, NOW, b"nonce", digest=True)
        return asked(sign(envelope(WHO, security(content)), ada, ("B", "TS", *targets)))

    refused(both("ada"), "SB2006", "InvalidSecurity", store)
    refused(both("nobody", "UT"), "SB2010", "FailedAuthentication", store)
    expect_let_in(both("ada", "UT"))
    assert remembered(store) == 2


def test_white_space_and_nil_that_are_taken_out_of_a_wrapper_were_signed(asked: Ask, ada: Pair) -> None:
    """P10 changes the tree; the signature is of what came."""
    expect_let_in(asked(sign(message(ada, body="<p:Who> \n </p:Who>"), ada)))


def test_a_comment_in_a_text_neither_splits_nor_changes_it(asked: Ask, ada: Pair) -> None:
    echo = "<p:Echo><p:stringValue>ab</p:stringValue></p:Echo>"
    sent = sign(message(ada, body=echo), ada).replace(b">ab<", b">a<!-- x -->b<")
    assert asked(sent).text("stringValue") == ["ab"]


def _truncating(signature: Any) -> None:
    """A parameter for the signature's method, as HMAC has one."""
    method = signature.find(f"{{{DS}}}SignedInfo/{{{DS}}}SignatureMethod")
    etree.SubElement(method, f"{{{DS}}}Length").text = "8"


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        ({"method": xmlsec.Transform.ECDSA_SHA1}, "SB2009", "UnsupportedAlgorithm"),
        ({"digest": xmlsec.Transform.SHA1}, "SB2009", "UnsupportedAlgorithm"),
        ({"digest": xmlsec.Transform.SHA512}, "SB2009", "UnsupportedAlgorithm"),
        ({"c14n": xmlsec.Transform.C14N}, "SB2009", "UnsupportedAlgorithm"),
        ({"c14n": xmlsec.Transform.EXCL_C14N_COMMENTS}, "SB2009", "UnsupportedAlgorithm"),
        ({"transforms": (xmlsec.Transform.C14N,)}, "SB2009", "UnsupportedAlgorithm"),
        ({"transforms": ()}, "SB2006", "InvalidSecurity"),
        ({"transforms": (xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N)}, "SB2009", "UnsupportedAlgorithm"),
        ({"change": _truncating}, "SB2009", "UnsupportedAlgorithm"),
        ({"targets": ("TS",)}, "SB2006", "InvalidSecurity"),
        ({"targets": ("B",)}, "SB2006", "InvalidSecurity"),
        ({"targets": ("B", "TS", "B")}, "SB2006", "InvalidSecurity"),
        ({"targets": ("B",) + ("TS",) * limits.WSS_REFERENCES}, "SB2006", "InvalidSecurity"),
        ({"key_info": "<wsse:Reference URI='#TS'/>"}, "SB2007", "InvalidSecurityToken"),
        ({"key_info": "<wsse:Reference URI='http://x.example/c'/>"}, "SB2007", "InvalidSecurityToken"),
        ({"key_info": "<wsse:Embedded/>"}, "SB2008", "UnsupportedSecurityToken"),
        ({"key_info": "<a/><b/>"}, "SB2007", "InvalidSecurityToken"),
        ({"key_info": STRANGE_IDENTIFIER}, "SB2008", "UnsupportedSecurityToken"),
    ],
)  # fmt: skip
def test_a_signature_of_another_form_is_refused(
    asked: Ask, store: Store, ada: Pair, options: dict[str, Any], code: str, name: str
) -> None:
    refused(asked(sign(message(ada), ada, **options)), code, name, store)


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
    ],
)
def test_transforms_that_compute_are_refused_before_any_key_is_looked_for(
    asked: Ask, store: Store, algorithm: str
) -> None:
    signer = pair("nobody's", START)
    root = etree.fromstring(sign(message(signer), signer))
    root.find(f".//{{{DS}}}Transform").set("Algorithm", algorithm)
    refused(asked(root), "SB2009", "UnsupportedAlgorithm", store)


@pytest.mark.parametrize("uri", ["", "http://x.example/a", "#xpointer(/)", "#", "B", "cid:a", "#B B"])
def test_a_reference_names_an_id_of_the_message_and_nothing_else(asked: Ask, store: Store, ada: Pair, uri: str) -> None:
    root = etree.fromstring(sign(message(ada), ada))
    root.find(f".//{{{DS}}}Reference").set("URI", uri)
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_a_signature_by_an_unknown_key_and_a_broken_one_are_one_answer(asked: Ask, store: Store, ada: Pair) -> None:
    stranger = pair("stranger", START)
    unknown = asked(sign(message(stranger), stranger))
    wrong_key = asked(sign(message(ada), stranger))
    broken = etree.fromstring(sign(message(ada), ada))
    value = broken.find(f".//{{{DS}}}SignatureValue")
    value.text = ("A" if value.text.strip()[0] != "A" else "B") + value.text.strip()[1:]
    answers = [unknown, wrong_key, asked(broken)]
    for each in answers:
        refused(each, "SB2010", "FailedAuthentication", store)
    assert len({each.answer.body for each in answers}) == 1


@pytest.mark.parametrize("days", [0, 60])
def test_a_certificate_that_is_not_valid_now_proves_nothing(asked: Ask, store: Store, clock: Clock, days: int) -> None:
    start = NOW + timedelta(days=1) if days == 0 else START
    signer = registered(store, pair(f"late-{days}", start))
    clock.now = NOW + timedelta(days=days)
    refused(asked(sign(message(signer, created=clock.now), signer)), "SB2010", "FailedAuthentication", store)


def test_a_certificate_that_is_registered_no_more_proves_nothing(asked: Ask, store: Store, ada: Pair) -> None:
    fingerprint = hashlib.sha256(ada.der).hexdigest()
    store.run(TENANT.name, lambda tx: wss.forget(tx, "u1", fingerprint))
    refused(asked(sign(message(ada), ada)), "SB2010", "FailedAuthentication", store)


def test_what_was_signed_may_not_change(asked: Ask, store: Store, ada: Pair) -> None:
    echo = "<p:Echo><p:stringValue>one</p:stringValue></p:Echo>"
    sent = sign(message(ada, body=echo), ada)
    refused(asked(sent.replace(b">one<", b">two<")), "SB2011", "FailedCheck", store)
    assert asked(sent).text("stringValue") == ["one"]


def test_an_unsigned_message_with_a_certificate_is_nobodys(asked: Ask, store: Store, ada: Pair) -> None:
    refused(asked(message(ada)), "SB2007", "InvalidSecurityToken", store)
    excluded = etree.fromstring(sign(message(ada), ada))
    block = excluded.find(f".//{{{WSSE}}}Security")
    for each in list(block):
        if each.tag != f"{{{WSU}}}Timestamp":
            block.remove(each)
    assert asked(excluded).code == "SB2002"


# Wrapping: the signed element is moved, and another stands in its place


def _evil(version: str = SOAP11) -> Any:
    return etree.fromstring(
        f'<e:Body xmlns:e="{version}" xmlns:p="{PROBE}"><p:Echo><p:stringValue>evil</p:stringValue></p:Echo></e:Body>'
    )


def _wrapped(root: Any, where: Callable[[Any], Any], evil_id: str | None) -> Any:
    """The signed Body goes where `where` says, and an evil one takes its place."""
    body = root.find(f"{{{SOAP11}}}Body")
    holder = where(root)
    evil = _evil()
    if evil_id is not None:
        evil.set(ID, evil_id)
    root.replace(body, evil)
    holder.append(body)
    return root


def _in_header(root: Any) -> Any:
    return etree.SubElement(root.find(f"{{{SOAP11}}}Header"), "{urn:x}Wrapper")


def _in_security(root: Any) -> Any:
    return root.find(f".//{{{WSSE}}}Security")


def _in_object(root: Any) -> Any:
    return etree.SubElement(root.find(f".//{{{DS}}}Signature"), f"{{{DS}}}Object")


def _in_key_info(root: Any) -> Any:
    return etree.SubElement(root.find(f".//{{{DS}}}KeyInfo"), "{urn:x}Wrapper")


def _in_timestamp(root: Any) -> Any:
    return root.find(f".//{{{WSU}}}Timestamp")


def _as_header_block(root: Any) -> Any:
    return root.find(f"{{{SOAP11}}}Header")


@pytest.mark.parametrize("evil_id", [None, "B", "other"])
@pytest.mark.parametrize("where", [_in_header, _in_security, _in_object, _in_key_info, _in_timestamp, _as_header_block])
def test_a_wrapped_body_is_refused(
    asked: Ask, store: Store, ada: Pair, where: Callable[[Any], Any], evil_id: str | None
) -> None:
    reply = asked(_wrapped(etree.fromstring(sign(message(ada), ada)), where, evil_id))
    assert reply.code in ("SB2006", "SB2007", "SB2008")
    assert reply.text("stringValue") == []
    assert remembered(store) == 0


def test_a_body_inside_the_evil_body_is_refused(asked: Ask, store: Store, ada: Pair) -> None:
    reply = asked(_wrapped(etree.fromstring(sign(message(ada), ada)), lambda root: _evil(), "other"))
    refused(reply, "SB2006", "InvalidSecurity", store)
    root = etree.fromstring(sign(message(ada), ada))
    body, evil = root.find(f"{{{SOAP11}}}Body"), _evil()
    root.replace(body, evil)
    evil[0].append(body)
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_a_wrapped_timestamp_does_not_make_an_old_message_fresh(asked: Ask, store: Store, ada: Pair) -> None:
    old = NOW - timedelta(hours=1)
    root = etree.fromstring(sign(message(ada, created=old), ada))
    block = root.find(f".//{{{WSSE}}}Security")
    signed = block.find(f"{{{WSU}}}Timestamp")
    fresh = etree.fromstring(security(timestamp(NOW).replace("TS", "T2")))[0]
    block.replace(signed, fresh)
    etree.SubElement(root.find(f"{{{SOAP11}}}Header"), "{urn:x}Wrapper").append(signed)
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_a_wrapped_header_block_is_not_used(asked: Ask, store: Store, ada: Pair) -> None:
    key = f'<t:IdempotencyKey wsu:Id="K" xmlns:wsu="{WSU}"><t:key>good</t:key></t:IdempotencyKey>'
    root = etree.fromstring(sign(message(ada, key), ada, ("B", "TS", "K")))
    header = root.find(f"{{{SOAP11}}}Header")
    signed = header.find(f"{{{namespaces.TYPES}}}IdempotencyKey")
    evil = deepcopy(signed)
    evil.attrib.clear()
    evil[0].text = "evil"
    header.replace(signed, evil)
    etree.SubElement(header, "{urn:x}Wrapper").append(signed)
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_a_signed_security_header_of_another_node_is_not_taken_for_ours(asked: Ask, store: Store, ada: Pair) -> None:
    root = etree.fromstring(sign(message(ada), ada))
    root.find(f".//{{{WSSE}}}Security").set(f"{{{SOAP11}}}actor", "urn:somebody:else")
    assert asked(root).code == "SB2002"
    header = root.find(f"{{{SOAP11}}}Header")
    header.append(etree.fromstring(security(timestamp(NOW).replace("TS", "T2"))))
    assert asked(root).code == "SB2002"


def test_a_signature_for_another_node_does_not_hide_ours(asked: Ask, ada: Pair) -> None:
    stranger = pair("stranger", START)
    root = etree.fromstring(sign(message(ada), ada))
    theirs = etree.fromstring(sign(message(stranger), stranger)).find(f".//{{{WSSE}}}Security")
    theirs.set(f"{{{SOAP11}}}actor", "urn:somebody:else")
    for each in theirs.iter():
        each.attrib.pop(ID, None)
    root.find(f"{{{SOAP11}}}Header").insert(0, theirs)
    expect_let_in(asked(root))


def test_a_signed_element_deep_inside_another_is_refused(asked: Ask, store: Store, ada: Pair) -> None:
    root = message(ada, body='<p:Who wsu:Id="O"/>')
    refused(asked(sign(root, ada, ("B", "TS", "O"))), "SB2006", "InvalidSecurity", store)


@pytest.mark.parametrize(
    "seconds", [-limits.WSS_FRESH_SECONDS - limits.WSS_SKEW_SECONDS - 1, limits.WSS_SKEW_SECONDS + 1]
)
def test_a_stale_signed_message_and_one_of_the_future_are_refused(
    asked: Ask, store: Store, ada: Pair, seconds: int
) -> None:
    sent = sign(message(ada, created=NOW + timedelta(seconds=seconds)), ada)
    refused(asked(sent), "SB2012", "MessageExpired", store)


def test_a_serial_number_of_another_issuer_names_nothing(asked: Ask, store: Store, ada: Pair) -> None:
    sent = sign(message(ada), ada, key_info=by_serial(ada, "CN=ada,O=Other"))
    refused(asked(sent), "SB2010", "FailedAuthentication", store)


def test_two_security_headers_for_us_are_refused(asked: Ask, store: Store, ada: Pair) -> None:
    root = etree.fromstring(sign(message(ada), ada))
    root.find(f"{{{SOAP11}}}Header").append(etree.fromstring(security("")))
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_ids_of_other_namespaces_count_too(asked: Ask, store: Store, ada: Pair) -> None:
    root = etree.fromstring(sign(message(ada, '<x:Trace xmlns:x="urn:x" x:ID="B"/>'), ada))
    refused(asked(root), "SB2006", "InvalidSecurity", store)


def test_a_security_header_is_bounded(asked: Ask, store: Store, ada: Pair) -> None:
    many = envelope(WHO, security("<x/>" * limits.WSS_ELEMENTS))
    refused(asked(many), "SB2006", "InvalidSecurity", store)
    huge = envelope(WHO, security(token(b"x" * limits.WSS_TOKEN_LENGTH) + timestamp(NOW)))
    refused(asked(huge), "SB2007", "InvalidSecurityToken", store)


@pytest.mark.parametrize(
    "inner",
    [
        "<p:words>a</p:words>" * limits.WSS_SIGNED_ELEMENTS,
        f"<p:words>{'x' * (limits.WSS_SIGNED_BYTES // 2)}</p:words>" * 2,
    ],
)
def test_a_signed_message_is_smaller_than_others_may_be(asked: Ask, store: Store, ada: Pair, inner: str) -> None:
    reply = asked(sign(message(ada, body=f"<p:Echo>{inner}</p:Echo>"), ada))
    assert reply.code == "SB5002"
    assert remembered(store) == 0


# Answers


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_who_signs_gets_signed_answers_and_faults(asked: Ask, ada: Pair, version: str) -> None:
    own = pair("hub", START)
    reply = asked(sign(message(ada, version=version), ada), version)
    expect_let_in(reply)
    assert signed_in(reply.root, own.pem) == {"Body", "Timestamp"}
    fail = "<p:Fail><p:how>typed</p:how></p:Fail>"
    reply = asked(sign(message(ada, version=version, body=fail), ada), version)
    assert reply.code == "SB3001"
    assert signed_in(reply.root, own.pem) == {"Body", "Timestamp"}


def test_the_answer_to_an_addressed_call_is_signed_with_its_addressing(asked: Ask, ada: Pair) -> None:
    wsa = f'xmlns:a="{namespaces.WSA}" xmlns:wsu="{WSU}"'
    blocks = (
        f'<a:MessageID {wsa} wsu:Id="M">urn:uuid:1</a:MessageID>',
        f'<a:Action {wsa} wsu:Id="A">{PROBE}/Who</a:Action>',
    )
    reply = asked(sign(message(ada, *blocks), ada, ("B", "TS", "M", "A")))
    expect_let_in(reply)
    assert {"Body", "Timestamp", "RelatesTo", "Action", "MessageID"} <= signed_in(reply.root, pair("hub", START).pem)


def test_others_get_signed_answers_where_the_tenant_says_so(asked: Ask, store: Store, clock: Clock) -> None:
    sent = envelope(WHO, security(username("ada", "correct horse")))
    assert asked(sent).root.find(f".//{{{DS}}}Signature") is None
    store.run(TENANT.name, lambda tx: wss.set_policy(tx, SecurityPolicy(sign_answers=True)))
    clock.now += timedelta(seconds=limits.WSS_POLICY_SECONDS)
    assert signed_in(asked(sent).root, pair("hub", START).pem) == {"Body", "Timestamp"}


# Policy


def _by(proof: Proof, ada: Pair, session: str, clock: Clock) -> tuple[Any, dict[str, Any]]:
    """A call with this proof, and what goes with it."""
    clock.now += timedelta(seconds=limits.WSS_POLICY_SECONDS + 1)
    now = clock.now
    match proof:
        case Proof.SESSION:
            return envelope(WHO, f"<t:Session><t:token>{session}</t:token></t:Session>"), {}
        case Proof.CERTIFICATE:
            return envelope(WHO, ""), {"fingerprint": "ab" * 32}
        case Proof.PASSWORD:
            return envelope(WHO, security(username("ada", "correct horse"))), {}
        case Proof.DIGEST:
            nonce = str(now).encode()
            return envelope(WHO, security(username("ada", SECRET, now, nonce, digest=True))), {}
    return sign(message(ada, created=now), ada), {}


@pytest.mark.parametrize("only", list(Proof))
def test_a_tenant_lets_in_by_the_proofs_that_it_accepts_alone(
    asked: Ask, store: Store, ada: Pair, token: str, clock: Clock, only: Proof
) -> None:
    with_secret(store)
    store.run(TENANT.name, lambda tx: wss.set_policy(tx, SecurityPolicy(frozenset({only}))))
    for proof in Proof:
        sent, more = _by(proof, ada, token, clock)
        reply = asked(sent, **more)
        if proof is only:
            expect_let_in(reply)
        else:
            refused(reply, "SB2014", "InvalidSecurity")


@pytest.mark.parametrize("only", list(Proof))
def test_an_account_may_accept_fewer_proofs_than_its_tenant(
    asked: Ask, store: Store, ada: Pair, token: str, clock: Clock, only: Proof
) -> None:
    with_secret(store)
    store.run(TENANT.name, lambda tx: wss.set_account(tx, "u1", {only}))
    codes = {}
    for proof in Proof:
        sent, more = _by(proof, ada, token, clock)
        codes[proof] = asked(sent, **more).code
    assert codes == {proof: None if proof is only else "SB2014" for proof in Proof}
    store.run(TENANT.name, lambda tx: wss.set_account(tx, "u1", ()))
    sent, more = _by(Proof.SESSION if only is not Proof.SESSION else Proof.PASSWORD, ada, token, clock)
    expect_let_in(asked(sent, **more))


# What the WSDL declares is what is enforced


@pytest.mark.parametrize("accepts", [set(Proof), {Proof.SIGNATURE}, {Proof.DIGEST, Proof.CERTIFICATE}, {Proof.SESSION}])
def test_the_policy_of_the_served_wsdl_is_what_is_enforced(
    asked: Ask, store: Store, ada: Pair, token: str, clock: Clock, accepts: set[Proof]
) -> None:
    """Every alternative lets in; without its proof, by another proof, or less than it asks for, nobody is let in."""
    with_secret(store)
    store.run(TENANT.name, lambda tx: wss.set_policy(tx, SecurityPolicy(frozenset(accepts))))
    asked(envelope("<p:Ping/>", ""))
    clock.now += timedelta(seconds=limits.WSS_POLICY_SECONDS)
    policy = _declared(asked, "Who")
    ways = {each.proof: each for each in alternatives(policy)}
    for proof in Proof:
        sent, more = _by(proof, ada, token, clock)
        assert (asked(sent, **more).code is None) == (proof in ways)
    assert asked(envelope(WHO, "")).code == "SB2002"
    assert [each.proof for each in alternatives(_declared(asked, "Ping"))] == [None]
    assert asked(envelope("<p:Ping/>", "")).code is None
    if Proof.SIGNATURE in ways:
        _less_than_signed(asked, ada, clock, ways[Proof.SIGNATURE])


def _less_than_signed(asked: Ask, ada: Pair, clock: Clock, way: Alternative) -> None:
    """Each part that the policy wants signed is refused unsigned."""
    assert way.timestamp == "required"
    address = f"<a:Address>{namespaces.WSA}/anonymous</a:Address>"
    wsa = f'<a:ReplyTo xmlns:a="{namespaces.WSA}" wsu:Id="M" xmlns:wsu="{WSU}">{address}</a:ReplyTo>'
    key = f'<t:IdempotencyKey wsu:Id="K" xmlns:wsu="{WSU}"><t:key>k1</t:key></t:IdempotencyKey>'
    part = {("Body", ""): "B", ("Header", namespaces.WSA): "M", ("Header", namespaces.TYPES): "K"}
    assert way.signed == part.keys()
    for missing in ("TS", *part.values()):
        signed = [each for each in ("TS", *part.values()) if each != missing]
        refused(asked(sign(message(ada, wsa, key, created=clock.now), ada, signed)), "SB2006", "InvalidSecurity")


def _declared(asked: Ask, operation: str) -> Any:
    """The policy that the served WSDL refers an operation to."""
    root = asked(b"", method="GET", query="wsdl").root
    wsdl, wsp = f"{{{namespaces.WSDL}}}", f"{{{namespaces.WSP}}}"
    (reference,) = root.findall(f"{wsdl}binding[1]/{wsdl}operation[@name='{operation}']/{wsp}PolicyReference")
    return next(each for each in root.iterfind(f"{wsp}Policy") if f"#{each.get(ID)}" == reference.get("URI"))

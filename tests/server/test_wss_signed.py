"""WS-Security at the front: what a signature proves, and that only what was signed is used."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import xmlsec
from conformance.wss_messages import (
    DS,
    WSSE,
    WSU,
    Pair,
    by_serial,
    by_thumbprint,
    envelope,
    pair,
    security,
    sign,
    timestamp,
    token,
    username,
)
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.records import wss
from saddlebag.records.call import Hub
from saddlebag.server.root import make_front
from saddlebag.store.base import Store
from soap_probe import NOW, SERVICE, TENANT, Caller, Reply
from wss_world import (
    SECRET,
    SOAP11,
    SOAP12,
    START,
    STRANGE_IDENTIFIER,
    WHO,
    Ask,
    Clock,
    ada,
    asked,
    clock,
    message,
    refusal,
    registered,
    remembered,
    with_secret,
)

__all__ = ["ada", "asked", "clock"]


# Signatures


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("bits", [0, 2048])
def test_a_signed_message_lets_in_once(asked: Ask, store: Store, version: str, bits: int) -> None:
    signer = registered(store, pair("signer", START, bits=bits))
    sent = sign(message(signer, version=version), signer)
    assert asked(sent, version).text("user") == ["u1"]
    assert refusal(asked(sent, version)) == ("SB2013", "InvalidSecurity")


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
        assert asked(sign(sent, ada, key_info=way)).text("user") == ["u1"]


def test_header_blocks_of_ours_are_used_when_they_are_signed(asked: Ask, ada: Pair) -> None:
    key = f'<t:IdempotencyKey wsu:Id="K" xmlns:wsu="{WSU}"><t:key>k1</t:key></t:IdempotencyKey>'
    reply = asked(sign(message(ada, key), ada, ("B", "TS", "K")))
    assert reply.text("key") == ["k1"]
    assert refusal(asked(sign(message(ada, key), ada, ("B", "TS")))) == ("SB2006", "InvalidSecurity")


def test_what_was_not_signed_and_is_not_ours_is_left_behind(asked: Ask, ada: Pair) -> None:
    assert asked(sign(message(ada, '<x:Trace xmlns:x="urn:x">1</x:Trace>'), ada)).text("user") == ["u1"]


def test_addressing_that_was_not_signed_is_left_behind_unless_it_sends_the_answer_elsewhere(
    asked: Ask, ada: Pair
) -> None:
    """zeep adds addressing on its own and signs Body and Timestamp alone."""
    names = f'xmlns:a="{namespaces.WSA}"'
    reply = asked(sign(message(ada, f"<a:MessageID {names}>urn:x</a:MessageID>"), ada))
    assert reply.text("user") == ["u1"]
    assert reply.root.find(f".//{{{namespaces.WSA}}}RelatesTo") is None
    address = f"<a:Address>{namespaces.WSA}/none</a:Address>"
    assert refusal(asked(sign(message(ada, f"<a:FaultTo {names}>{address}</a:FaultTo>"), ada))) == (
        "SB2006",
        "InvalidSecurity",
    )
    must = f'<a:MessageID {names} e:mustUnderstand="1">urn:x</a:MessageID>'
    assert refusal(asked(sign(message(ada, must), ada))) == ("SB2006", "InvalidSecurity")


def test_a_signature_beside_a_username_token_is_of_the_same_user(asked: Ask, store: Store, ada: Pair) -> None:
    with_secret(store)

    def both(name: str, *targets: str) -> Reply:
        content = token(ada.der) + timestamp(NOW) + username(name, SECRET, NOW, b"nonce", digest=True)
        return asked(sign(envelope(WHO, security(content)), ada, ("B", "TS", *targets)))

    assert refusal(both("ada"), store) == ("SB2006", "InvalidSecurity")
    assert refusal(both("nobody", "UT"), store) == ("SB2010", "FailedAuthentication")
    assert both("ada", "UT").text("user") == ["u1"]
    assert remembered(store) == 2


def test_white_space_and_nil_that_are_taken_out_of_a_wrapper_were_signed(asked: Ask, ada: Pair) -> None:
    """P10 changes the tree; the signature is of what came."""
    assert asked(sign(message(ada, body="<p:Who> \n </p:Who>"), ada)).text("user") == ["u1"]


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
    assert refusal(asked(sign(message(ada), ada, **options)), store) == (code, name)


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
    assert refusal(asked(root), store) == ("SB2009", "UnsupportedAlgorithm")


@pytest.mark.parametrize("uri", ["", "http://x.example/a", "#xpointer(/)", "#", "B", "cid:a", "#B B"])
def test_a_reference_names_an_id_of_the_message_and_nothing_else(asked: Ask, store: Store, ada: Pair, uri: str) -> None:
    root = etree.fromstring(sign(message(ada), ada))
    root.find(f".//{{{DS}}}Reference").set("URI", uri)
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


def test_a_signature_by_an_unknown_key_and_a_broken_one_are_one_answer(asked: Ask, store: Store, ada: Pair) -> None:
    stranger = pair("stranger", START)
    unknown = asked(sign(message(stranger), stranger))
    wrong_key = asked(sign(message(ada), stranger))
    broken = etree.fromstring(sign(message(ada), ada))
    value = broken.find(f".//{{{DS}}}SignatureValue")
    value.text = ("A" if value.text.strip()[0] != "A" else "B") + value.text.strip()[1:]
    answers = [unknown, wrong_key, asked(broken)]
    for each in answers:
        assert refusal(each, store) == ("SB2010", "FailedAuthentication")
    assert len({each.answer.body for each in answers}) == 1


@pytest.mark.parametrize("days", [0, 60])
def test_a_certificate_that_is_not_valid_now_proves_nothing(asked: Ask, store: Store, clock: Clock, days: int) -> None:
    start = NOW + timedelta(days=1) if days == 0 else START
    signer = registered(store, pair(f"late-{days}", start))
    clock.now = NOW + timedelta(days=days)
    assert refusal(asked(sign(message(signer, created=clock.now), signer)), store) == ("SB2010", "FailedAuthentication")


def test_a_certificate_that_is_registered_no_more_proves_nothing(asked: Ask, store: Store, ada: Pair) -> None:
    fingerprint = hashlib.sha256(ada.der).hexdigest()
    store.run(TENANT.name, lambda tx: wss.forget(tx, "u1", fingerprint))
    assert refusal(asked(sign(message(ada), ada)), store) == ("SB2010", "FailedAuthentication")


def test_what_was_signed_may_not_change(asked: Ask, store: Store, ada: Pair) -> None:
    echo = "<p:Echo><p:stringValue>one</p:stringValue></p:Echo>"
    sent = sign(message(ada, body=echo), ada)
    assert refusal(asked(sent.replace(b">one<", b">two<")), store) == ("SB2011", "FailedCheck")
    assert asked(sent).text("stringValue") == ["one"]


def test_an_unsigned_message_with_a_certificate_is_nobodys(asked: Ask, store: Store, ada: Pair) -> None:
    assert refusal(asked(message(ada)), store) == ("SB2007", "InvalidSecurityToken")
    excluded = etree.fromstring(sign(message(ada), ada))
    block = excluded.find(f".//{{{WSSE}}}Security")
    for each in list(block):
        if each.tag != f"{{{WSU}}}Timestamp":
            block.remove(each)
    assert asked(excluded).code == "SB2002"

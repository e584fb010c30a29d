"""WS-Security at the front: signed elements that are moved, and what stands in their place."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from conformance.wss_messages import (
    DS,
    ID,
    WSSE,
    WSU,
    Pair,
    by_serial,
    envelope,
    pair,
    security,
    sign,
    timestamp,
    token,
)
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.store.base import Store
from soap_probe import NOW, PROBE
from wss_world import (
    SOAP11,
    START,
    WHO,
    Ask,
    ada,
    asked,
    clock,
    message,
    refusal,
    remembered,
)

__all__ = ["ada", "asked", "clock"]


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
    assert refusal(reply, store) == ("SB2006", "InvalidSecurity")
    root = etree.fromstring(sign(message(ada), ada))
    body, evil = root.find(f"{{{SOAP11}}}Body"), _evil()
    root.replace(body, evil)
    evil[0].append(body)
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


def test_a_wrapped_timestamp_does_not_make_an_old_message_fresh(asked: Ask, store: Store, ada: Pair) -> None:
    old = NOW - timedelta(hours=1)
    root = etree.fromstring(sign(message(ada, created=old), ada))
    block = root.find(f".//{{{WSSE}}}Security")
    signed = block.find(f"{{{WSU}}}Timestamp")
    fresh = etree.fromstring(security(timestamp(NOW).replace("TS", "T2")))[0]
    block.replace(signed, fresh)
    etree.SubElement(root.find(f"{{{SOAP11}}}Header"), "{urn:x}Wrapper").append(signed)
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


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
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


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
    assert asked(root).text("user") == ["u1"]


def test_a_signed_element_deep_inside_another_is_refused(asked: Ask, store: Store, ada: Pair) -> None:
    root = message(ada, body='<p:Who wsu:Id="O"/>')
    assert refusal(asked(sign(root, ada, ("B", "TS", "O"))), store) == ("SB2006", "InvalidSecurity")


@pytest.mark.parametrize(
    "seconds", [-limits.WSS_FRESH_SECONDS - limits.WSS_SKEW_SECONDS - 1, limits.WSS_SKEW_SECONDS + 1]
)
def test_a_stale_signed_message_and_one_of_the_future_are_refused(
    asked: Ask, store: Store, ada: Pair, seconds: int
) -> None:
    sent = sign(message(ada, created=NOW + timedelta(seconds=seconds)), ada)
    assert refusal(asked(sent), store) == ("SB2012", "MessageExpired")


def test_a_serial_number_of_another_issuer_names_nothing(asked: Ask, store: Store, ada: Pair) -> None:
    sent = sign(message(ada), ada, key_info=by_serial(ada, "CN=ada,O=Other"))
    assert refusal(asked(sent), store) == ("SB2010", "FailedAuthentication")


def test_two_security_headers_for_us_are_refused(asked: Ask, store: Store, ada: Pair) -> None:
    root = etree.fromstring(sign(message(ada), ada))
    root.find(f"{{{SOAP11}}}Header").append(etree.fromstring(security("")))
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


def test_ids_of_other_namespaces_count_too(asked: Ask, store: Store, ada: Pair) -> None:
    root = etree.fromstring(sign(message(ada, '<x:Trace xmlns:x="urn:x" x:ID="B"/>'), ada))
    assert refusal(asked(root), store) == ("SB2006", "InvalidSecurity")


def test_a_security_header_is_bounded(asked: Ask, store: Store, ada: Pair) -> None:
    many = envelope(WHO, security("<x/>" * limits.WSS_ELEMENTS))
    assert refusal(asked(many), store) == ("SB2006", "InvalidSecurity")
    huge = envelope(WHO, security(token(b"x" * limits.WSS_TOKEN_LENGTH) + timestamp(NOW)))
    assert refusal(asked(huge), store) == ("SB2007", "InvalidSecurityToken")


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

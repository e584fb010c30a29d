"""WS-Security at the front: signed answers, and what tenants and accounts accept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from conformance.wss_messages import (
    DS,
    ID,
    WSU,
    Pair,
    envelope,
    pair,
    security,
    sign,
    signed_in,
    username,
)

from policy_alternatives import Alternative, alternatives
from saddlebag.contract import namespaces
from saddlebag.contract.policy import Proof, SecurityPolicy
from saddlebag.kernel import limits
from saddlebag.records import wss
from saddlebag.store.base import Store
from soap_probe import PROBE, TENANT
from wss_world import (
    SECRET,
    SOAP11,
    SOAP12,
    START,
    WHO,
    Ask,
    Clock,
    ada,
    asked,
    clock,
    message,
    refusal,
    with_secret,
)

__all__ = ["ada", "asked", "clock"]


# Answers


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_who_signs_gets_signed_answers_and_faults(asked: Ask, ada: Pair, version: str) -> None:
    own = pair("hub", START)
    reply = asked(sign(message(ada, version=version), ada), version)
    assert reply.text("user") == ["u1"]
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
    assert reply.text("user") == ["u1"]
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
            assert reply.text("user") == ["u1"]
        else:
            assert refusal(reply) == ("SB2014", "InvalidSecurity")


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
    assert asked(sent, **more).text("user") == ["u1"]


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
        assert refusal(asked(sign(message(ada, wsa, key, created=clock.now), ada, signed))) == (
            "SB2006",
            "InvalidSecurity",
        )


def _declared(asked: Ask, operation: str) -> Any:
    """The policy that the served WSDL refers an operation to."""
    root = asked(b"", method="GET", query="wsdl").root
    wsdl, wsp = f"{{{namespaces.WSDL}}}", f"{{{namespaces.WSP}}}"
    (reference,) = root.findall(f"{wsdl}binding[1]/{wsdl}operation[@name='{operation}']/{wsp}PolicyReference")
    return next(each for each in root.iterfind(f"{wsp}Policy") if f"#{each.get(ID)}" == reference.get("URI"))

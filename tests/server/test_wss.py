"""WS-Security at the front: who is let in by a UsernameToken, what is refused and how; nothing is done then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from conformance.wss_messages import (
    envelope,
    security,
    timestamp,
    token,
    username,
)
from lxml import etree

from saddlebag.kernel import limits
from saddlebag.records import access
from saddlebag.records.call import Hub
from saddlebag.security.passwords import check_password
from saddlebag.server.rates import LocalBook, Meter, Rate, Rates
from saddlebag.server.root import make_front
from saddlebag.store.base import Store, Transaction
from saddlebag.store.tables import Credential
from soap_probe import NOW, SERVICE, TENANT, Caller, Reply
from wss_world import (
    SECRET,
    SOAP12,
    WHO,
    Ask,
    Clock,
    ada,
    asked,
    clock,
    refusal,
    second_user,
    with_secret,
)

__all__ = ["ada", "asked", "clock"]


# UsernameToken


def test_a_password_in_a_username_token_lets_in(asked: Ask) -> None:
    assert asked(envelope(WHO, security(username("ada", "correct horse")))).text("user") == ["u1"]
    assert asked(envelope(WHO, security(username("ada", "correct horse")), SOAP12), SOAP12).text("user") == ["u1"]


def test_a_digest_lets_in_once(asked: Ask, store: Store) -> None:
    with_secret(store)
    sent = envelope(WHO, security(username("ada", SECRET, NOW, b"nonce", digest=True)))
    assert asked(sent).text("user") == ["u1"]
    assert refusal(asked(sent)) == ("SB2013", "InvalidSecurity")
    assert asked(envelope(WHO, security(username("ada", SECRET, NOW, b"other", digest=True)))).text("user") == ["u1"]


def test_a_digest_of_the_password_proves_nothing_as_the_hub_keeps_no_password(asked: Ask, store: Store) -> None:
    with_secret(store)
    sent = envelope(WHO, security(username("ada", "correct horse", NOW, b"nonce", digest=True)))
    assert refusal(asked(sent), store) == ("SB2010", "FailedAuthentication")


@pytest.mark.parametrize("digest", [False, True])
def test_an_unknown_name_and_a_wrong_secret_are_one_answer(asked: Ask, store: Store, digest: bool) -> None:
    with_secret(store)
    made = (NOW, b"nonce") if digest else (None, b"")
    answers = [
        asked(envelope(WHO, security(username(name, "wrong", *made, digest=digest))))
        for name in ("ada", "nobody", "", "~1")
    ]
    for each in answers:
        assert refusal(each, store) == ("SB2010", "FailedAuthentication")
    assert len({each.answer.body for each in answers}) == 1


def test_wrong_passwords_are_throttled_as_at_log_in(asked: Ask) -> None:
    wrong = envelope(WHO, security(username("ada", "wrong")))
    codes = [asked(wrong).code for _ in range(limits.LOGIN_FAILURES + 1)]
    assert codes == ["SB2010"] * limits.LOGIN_FAILURES + ["SB2005"]


def test_a_proved_password_is_not_hashed_again_until_it_changes(asked: Ask, store: Store, clock: Clock) -> None:
    sent = envelope(WHO, security(username("ada", "correct horse")))
    assert asked(sent).text("user") == ["u1"]

    def spoil(tx: Transaction) -> None:
        kept = tx.rows.get(Credential, "u1")
        assert kept is not None
        tx.rows.put(replace(kept, failures=limits.LOGIN_FAILURES, failed_at=NOW + timedelta(seconds=1)))

    store.run(TENANT.name, spoil)
    assert asked(sent).text("user") == ["u1"]  # no attempt was counted, or it would be one too many
    clock.now += timedelta(seconds=limits.WSS_PROVED_SECONDS)
    assert asked(sent).code == "SB2005"
    clock.now += timedelta(seconds=limits.LOGIN_WINDOW_SECONDS)
    assert asked(sent).text("user") == ["u1"]
    store.run(TENANT.name, lambda tx: access.set_password(tx, "u1", "ada", "another horse", NOW, lambda: "s"))
    assert refusal(asked(sent)) == ("SB2010", "FailedAuthentication")


def test_a_flood_of_passwords_holds_a_few_workers_and_no_session_waits_for_it(
    asked: Ask, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one password is being hashed the next call comes, and so on: they are all under way at once."""
    sent = envelope(WHO, security(username("ada", "correct horse")))
    by_session = envelope(WHO, f"<t:Session><t:token>{token}</t:token></t:Session>")
    inner: list[Reply] = []

    def check(password: str, stored: str | None) -> bool:
        inner.append(asked(sent))
        assert asked(by_session).text("user") == ["u1"]
        return check_password(password, stored)

    monkeypatch.setattr(access, "check_password", check)
    assert asked(sent).text("user") == ["u1"]
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
    assert asked(sent).text("user") == ["u1"]
    assert refusal(asked(sent)) == ("SB2013", "InvalidSecurity")


@pytest.mark.parametrize(
    "seconds", [-limits.WSS_FRESH_SECONDS - limits.WSS_SKEW_SECONDS - 1, limits.WSS_SKEW_SECONDS + 1]
)
def test_a_stale_digest_and_one_of_the_future_are_refused(asked: Ask, store: Store, seconds: int) -> None:
    with_secret(store)
    made = NOW + timedelta(seconds=seconds)
    sent = envelope(WHO, security(username("ada", SECRET, made, b"nonce", digest=True)))
    assert refusal(asked(sent), store) == ("SB2012", "MessageExpired")


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
    assert refusal(asked(envelope(WHO, security(change(username("ada", "correct horse"))))), store) == (code, name)


def test_a_nonce_without_a_time_is_refused(asked: Ask, store: Store) -> None:
    text = username("ada", "correct horse", NOW, b"nonce").replace("wsu:Created>", "wsu:Made>")
    assert refusal(asked(envelope(WHO, security(text))), store) == ("SB2007", "InvalidSecurityToken")


# Timestamp


def test_a_timestamp_alone_leaves_the_session_its_word(asked: Ask, token: str) -> None:
    session = f"<t:Session><t:token>{token}</t:token></t:Session>"
    assert asked(envelope(WHO, security(timestamp(NOW)) + session)).text("user") == ["u1"]
    late = NOW - timedelta(hours=1)
    assert refusal(asked(envelope(WHO, security(timestamp(late)) + session))) == ("SB2012", "MessageExpired")
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
    assert asked(envelope(WHO, both)).text("user") == ["u1"]
    store.run(TENANT.name, second_user)
    assert refusal(asked(envelope(WHO, both.replace("ada", "eve")))) == ("SB2010", "FailedAuthentication")
    as_eve = asked(envelope(WHO, security(username("eve", "correct horse"))))
    assert as_eve.text("user") == ["u2"]
    assert asked(envelope(WHO, both.replace(token, "another-token"))).code == "SB2003"

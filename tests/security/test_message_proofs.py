"""What messages prove, in the store: each is taken once whoever asks at the same moment, and no share is exceeded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from conformance.wss_messages import pair

from records_world import World
from saddlebag.contract.policy import DEFAULT, Proof, SecurityPolicy
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    INVALID_VALUE,
    MESSAGE_REPLAYED,
    PROOF_REQUIRED,
    RATE_LIMITED,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.records import wss
from saddlebag.records.access import Attempt
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.usernames import ProvedPasswords, password_digest, same_digest
from saddlebag.store.tables import Credential, WssSeen


def take(world: World, *messages: str, user: str = "rita", late: float = 0.0) -> ErrorKind | None:
    """Why these messages are not taken, `late` seconds after the world's time; None where they are."""
    try:
        world.run(lambda tx: wss.remember(tx, user, messages, world.now + timedelta(seconds=late)))
    except SaddlebagError as refusal:
        return refusal.kind
    return None


def seen(world: World) -> set[str]:
    return {each.message for each in world.run(lambda tx: tx.rows.select(WssSeen), read_only=True)}


def test_a_message_is_taken_once(world: World) -> None:
    assert take(world, "a") is None
    assert take(world, "a") is MESSAGE_REPLAYED
    assert take(world, "a", user="adam") is MESSAGE_REPLAYED
    assert take(world, "b") is None


def test_of_two_messages_with_one_replayed_neither_is_remembered(world: World) -> None:
    assert take(world, "a") is None
    assert take(world, "b", "a") is MESSAGE_REPLAYED
    assert seen(world) == {"a"}


def test_of_many_at_once_one_is_taken(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: take(world, "same"), range(6)))
    assert sorted(map(str, found)) == sorted(map(str, [None, *[MESSAGE_REPLAYED] * 5]))


def test_a_message_is_remembered_for_as_long_as_it_could_be_fresh_and_then_let_go(world: World) -> None:
    assert take(world, "a") is None
    longest = limits.WSS_FRESH_SECONDS + 2 * limits.WSS_SKEW_SECONDS
    assert take(world, "a", late=longest) is MESSAGE_REPLAYED
    assert take(world, "b", late=longest + 2) is None
    assert seen(world) == {"b"}


def test_an_account_has_its_share_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WSS_REPLAYS", 6)
    assert [take(world, name) for name in "abcd"] == [None, None, None, RATE_LIMITED]
    assert take(world, "d", user="adam") is None
    assert take(world, "a") is MESSAGE_REPLAYED
    assert take(world, "d2", late=wss.REMEMBERED.total_seconds() + 1) is None


def test_a_digest_is_made_as_the_profile_says() -> None:
    """Base64(SHA-1(nonce + created + password)), worked out by another program."""
    assert password_digest(b"nonce", "2026-01-01T00:00:00Z", "secret") == "pnjj9YytzZmPCimFk6SD59iS/Q4="
    assert same_digest("pnjj9YytzZmPCimFk6SD59iS/Q4=", b"nonce", "2026-01-01T00:00:00Z", "secret")
    assert not same_digest("pnjj9YytzZmPCimFk6SD59iS/Q4=", b"nonce", "2026-01-01T00:00:01Z", "secret")
    assert not same_digest("\udcff", b"nonce", "", "secret")


def test_a_secret_of_one_user_opens_for_no_other(world: World) -> None:
    keys = MasterKeys([b"k" * 32])

    def work(login: str) -> tuple[str, str]:
        return world.run(lambda tx: wss.digest_secret(tx, login, keys), read_only=True)

    world.run(lambda tx: tx.rows.put(Credential("rita", "rita", "", world.now)))
    assert work("rita") == work("nobody") == ("", "")
    world.run(lambda tx: wss.issue_secret(tx, "rita", keys, "first", b"n" * 12, world.now))
    world.run(lambda tx: wss.issue_secret(tx, "rita", keys, "second", b"m" * 12, world.now))
    assert work("rita") == ("rita", "second")
    assert world.run(lambda tx: (wss.take_secret(tx, "rita"), wss.take_secret(tx, "rita"))) == (True, False)


def test_a_certificate_belongs_to_one_tenant_and_one_user_and_they_are_bounded(world: World) -> None:
    made = [pair(f"c{number}", world.now) for number in range(limits.WSS_CERTIFICATES + 1)]
    for each in made[:-1]:
        world.run(lambda tx, each=each: wss.register(tx, "rita", each.certificate, world.now))  # type: ignore[misc]
    for user, signer in (("rita", made[-1]), ("adam", made[0])):
        with pytest.raises(SaddlebagError) as refusal:
            world.run(lambda tx, u=user, s=signer: wss.register(tx, u, s.certificate, world.now))  # type: ignore[misc]
        assert refusal.value.kind is INVALID_VALUE
    found = world.run(lambda tx: wss.certificates(tx, "serial", str(made[0].certificate.serial_number)))
    assert [each.user for each in found] == ["rita"]


def test_a_password_that_changed_while_it_was_hashed_proves_nothing(world: World) -> None:
    world.run(
        lambda tx: tx.rows.put(Credential("rita", "rita", "new-hash", world.now, failures=3, failed_at=world.now))
    )
    assert world.run(lambda tx: wss.confirm(tx, Attempt("rita", "old-hash"))) is False
    assert world.run(lambda tx: wss.confirm(tx, Attempt("rita", "new-hash"))) is True
    kept = world.run(lambda tx: tx.rows.get(Credential, "rita"))
    assert kept is not None
    assert kept.failures == 0


def test_proved_passwords_are_kept_for_a_while_and_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WSS_PROVED", 2)
    proved = ProvedPasswords("key")
    for name in "abc":
        proved.add("t", name, "password", world.now)
    assert len(proved) == 2
    assert [proved.has("t", name, "password", world.now) for name in "abc"] == [False, True, True]
    assert not proved.has("other", "b", "password", world.now)
    assert not proved.has("t", "b", "passwor", world.now)
    assert not proved.has("t", "b", "password", world.now + timedelta(seconds=limits.WSS_PROVED_SECONDS))


def test_requirements_are_the_tenants_narrowed_by_the_account(world: World) -> None:
    assert world.run(wss.requirements).policy == DEFAULT
    world.run(lambda tx: wss.set_policy(tx, SecurityPolicy(frozenset({Proof.SESSION, Proof.DIGEST}), True)))
    world.run(lambda tx: wss.set_account(tx, "rita", {Proof.DIGEST, Proof.SIGNATURE}))
    required = world.run(wss.requirements, read_only=True)
    assert required.policy.sign_answers
    allowed = {(user, proof) for user in ("rita", "adam") for proof in Proof if _accepted(required, user, proof)}
    assert allowed == {("rita", Proof.DIGEST), ("adam", Proof.SESSION), ("adam", Proof.DIGEST)}


def _accepted(required: wss.Requirements, user: str, proof: Proof) -> bool:
    try:
        required.check(user, proof)
    except SaddlebagError as refusal:
        if refusal.kind is not PROOF_REQUIRED:
            raise
        return False
    return True

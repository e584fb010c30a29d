"""Who gets in: log-in, throttle, sessions, devices, certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from records_world import START, World, update
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    DEVICE_DISABLED,
    INVALID_CREDENTIALS,
    SESSION_EXPIRED,
    SESSION_REQUIRED,
    TOO_MANY_ATTEMPTS,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.records import access
from saddlebag.security.principal import Principal, Role
from saddlebag.security.tokens import token_hash
from saddlebag.store.base import Tenant, Transaction
from saddlebag.store.tables import Certificate, Credential, Device, Session

PASSWORD = "correct horse"


@pytest.fixture
def secrets() -> Callable[[], str]:
    made: Iterator[str] = (f"secret-{n:060d}" for n in range(1000))
    return lambda: next(made)


@pytest.fixture
def office(world: World, secrets: Callable[[], str]) -> World:
    """The organisation, with a password for rita."""
    world.run(lambda tx: access.set_password(tx, "rita", "rita", PASSWORD, world.now, secrets))
    return world


def attempt(world: World, login: str, password: str, now: datetime, secrets: Callable[[], str]) -> str | ErrorKind:
    """A log-in as a service does it: the token, or the kind of refusal."""
    try:
        reserved = world.run(lambda tx: access.reserve(tx, login, now))
        if not reserved.proved(password):
            raise SaddlebagError(INVALID_CREDENTIALS)
        return world.run(lambda tx: access.grant(tx, reserved, now, secrets)).token
    except SaddlebagError as refusal:
        return refusal.kind


def caller(world: World, token: str | None, now: datetime, fingerprint: str | None = None) -> Principal | ErrorKind:
    def work(tx: Transaction) -> Principal:
        return access.authenticate(tx, token, fingerprint, now)[0]

    try:
        return world.run(work, read_only=True)
    except SaddlebagError as refusal:
        return refusal.kind


def test_a_log_in_gives_a_session_that_ends(office: World, secrets: Callable[[], str]) -> None:
    token = attempt(office, "rita", PASSWORD, START, secrets)
    assert isinstance(token, str)
    life = timedelta(seconds=limits.SESSION_SECONDS)
    assert caller(office, token, START + life - timedelta(seconds=1)) == Principal(
        office.tenant, "rita", Role.REP, frozenset({"north-1"})
    )
    assert caller(office, token, START + life) is SESSION_EXPIRED
    kept = office.run(lambda tx: tx.rows.get(Session, token_hash(token)), read_only=True)
    assert kept is not None
    assert token not in repr(kept)


def test_a_manager_has_the_territories_below_hers(office: World, secrets: Callable[[], str]) -> None:
    office.run(lambda tx: access.set_password(tx, "mona", "mona", PASSWORD, START, secrets))
    _, principal, _ = office.run(lambda tx: access.log_in(tx, "mona", PASSWORD, START, secrets))
    assert principal.territories == {"north", "north-1"}


@pytest.mark.parametrize("login", ["rita", "nobody"])
def test_failures_are_counted_for_known_and_unknown_names_alike(
    office: World, login: str, secrets: Callable[[], str]
) -> None:
    answers = [attempt(office, login, "wrong", START, secrets) for _ in range(limits.LOGIN_FAILURES + 2)]
    assert answers == [INVALID_CREDENTIALS] * limits.LOGIN_FAILURES + [TOO_MANY_ATTEMPTS] * 2
    assert attempt(office, "adam", "wrong", START, secrets) is INVALID_CREDENTIALS


def test_the_right_password_waits_too_and_works_after_the_window(office: World, secrets: Callable[[], str]) -> None:
    for _ in range(limits.LOGIN_FAILURES):
        attempt(office, "rita", "wrong", START, secrets)
    assert attempt(office, "rita", PASSWORD, START + timedelta(seconds=9), secrets) is TOO_MANY_ATTEMPTS
    later = START + timedelta(seconds=limits.LOGIN_WINDOW_SECONDS)
    assert isinstance(attempt(office, "rita", PASSWORD, later, secrets), str)
    row = office.run(lambda tx: tx.rows.get(Credential, "rita"), read_only=True)
    assert row is not None
    assert row.failures == 0


def test_a_new_password_ends_sessions_and_the_old_password(office: World, secrets: Callable[[], str]) -> None:
    token = attempt(office, "rita", PASSWORD, START, secrets)
    office.run(lambda tx: access.set_password(tx, "rita", "rita", "other one", START, secrets))
    assert caller(office, str(token), START) is SESSION_EXPIRED
    assert attempt(office, "rita", PASSWORD, START, secrets) is INVALID_CREDENTIALS
    assert isinstance(attempt(office, "rita", "other one", START, secrets), str)


def test_a_user_who_is_no_longer_active_is_out_at_once(office: World, secrets: Callable[[], str]) -> None:
    token = attempt(office, "rita", PASSWORD, START, secrets)
    office.write("adam", update("User", "rita", active=False))
    assert caller(office, str(token), START) is SESSION_EXPIRED
    assert attempt(office, "rita", PASSWORD, START, secrets) is INVALID_CREDENTIALS


def test_rights_are_read_at_each_call(office: World, secrets: Callable[[], str]) -> None:
    token = str(attempt(office, "rita", PASSWORD, START, secrets))
    office.write("adam", update("User", "rita", role="manager", territory="north"))
    below = frozenset({"north", "north-1"})
    assert caller(office, token, START) == Principal(office.tenant, "rita", Role.MANAGER, below)


def test_a_log_out_ends_the_session(office: World, secrets: Callable[[], str]) -> None:
    token = str(attempt(office, "rita", PASSWORD, START, secrets))
    assert office.run(lambda tx: access.log_out(tx, token))
    assert caller(office, token, START) is SESSION_EXPIRED
    assert not office.run(lambda tx: access.log_out(tx, token))


def test_a_session_is_good_for_its_own_tenant_only(office: World, secrets: Callable[[], str]) -> None:
    token = str(attempt(office, "rita", PASSWORD, START, secrets))
    office.store.create_tenant(Tenant("other", "Other", "UTC", b"o" * 32, START))
    with pytest.raises(SaddlebagError) as caught:
        office.store.run("other", lambda tx: access.authenticate(tx, token, None, START), read_only=True)
    assert caught.value.kind is SESSION_EXPIRED


def test_nothing_and_an_unknown_certificate_are_no_caller(office: World) -> None:
    assert caller(office, None, START) is SESSION_REQUIRED
    assert caller(office, None, START, "ab" * 32) is SESSION_REQUIRED


def test_a_known_certificate_stands_for_its_user(office: World) -> None:
    office.run(lambda tx: tx.rows.put(Certificate("ab" * 32, "inga", START)))
    assert caller(office, None, START, "AB" * 32) == Principal(office.tenant, "inga", Role.INTEGRATION)
    assert caller(office, "false token", START, "ab" * 32) is SESSION_EXPIRED


def test_a_device_logs_in_with_its_key_until_it_is_disabled(office: World, secrets: Callable[[], str]) -> None:
    device = Device("dev", "rita", "Laptop", "linux", token_hash("key"), 1, 0, 0, True, START, START)
    office.run(lambda tx: tx.rows.put(device))

    def log_in(name: str, key: str) -> str | ErrorKind:
        try:
            return office.run(lambda tx: access.log_in_device(tx, name, key, START, secrets)).token
        except SaddlebagError as refusal:
            return refusal.kind

    token = str(log_in("dev", "key"))
    principal = caller(office, token, START)
    assert isinstance(principal, Principal)
    assert (principal.device, principal.origin) == ("dev", "device:dev")
    assert [log_in("dev", "no"), log_in("none", "key"), log_in("none", "")] == [INVALID_CREDENTIALS] * 3
    office.run(lambda tx: tx.rows.put(replace(device, enabled=False)))
    assert [log_in("dev", "key"), log_in("dev", "no")] == [DEVICE_DISABLED, INVALID_CREDENTIALS]
    assert caller(office, token, START) is DEVICE_DISABLED


def test_ended_sessions_are_cleared_away(office: World, secrets: Callable[[], str]) -> None:
    for _ in range(3):
        attempt(office, "rita", PASSWORD, START, secrets)
    later = START + timedelta(days=2)
    attempt(office, "rita", PASSWORD, later, secrets)
    assert len(office.run(lambda tx: tx.rows.select(Session, user="rita"), read_only=True)) == 1

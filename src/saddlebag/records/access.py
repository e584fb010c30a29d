"""Who is calling: log-in, sessions, devices' keys and client certificates, from rows to a `Principal`.

Belongs here: proof of identity against stored rows. May not know: SOAP headers, TLS, a clock, a source of secrets.

A log-in takes three steps, so that no database lock is held while a password is hashed, and so that a failure is
counted although the call ends in a fault:

    reserve   in one transaction: count the attempt, refuse it when there were too many (TOO_MANY_ATTEMPTS)
    proved    in no transaction: hash and compare, the same work for an unknown name
    grant     in another transaction: forget the failures, keep the session

An unknown name counts its attempts in one of `SLOTS` rows chosen by its keyed hash: were it not throttled as a known
one is, the throttle would tell which names exist.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    DEVICE_DISABLED,
    INVALID_CREDENTIALS,
    SESSION_EXPIRED,
    SESSION_REQUIRED,
    TOO_MANY_ATTEMPTS,
    SaddlebagError,
)
from saddlebag.model.condition import Compare, Op
from saddlebag.security.passwords import SALT_BYTES, check_password, hash_password
from saddlebag.security.principal import Principal, Role
from saddlebag.security.tokens import same_token, token_hash
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.store.tables import Certificate, Credential, Device, ManifestSlot, PendingPage, Session

SLOTS: Final = 4096
"""Rows that unknown names share to count their attempts; a bound, or anyone could fill the table."""
_PURGE: Final = 50
_DEPTH: Final = 32

NewSecret = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that was counted and may be proved; `user` is "" where there is no such account."""

    user: str
    stored: str

    def proved(self, password: str) -> bool:
        """Whether the password is right; takes the same time for an account that does not exist."""
        return check_password(password, self.stored) and bool(self.user)


@dataclass(frozen=True, slots=True)
class Granted:
    """A new session: its token (given out once, never kept), its principal and its end."""

    token: str
    principal: Principal
    expires_at: datetime


def reserve(tx: Transaction, login: str, now: datetime) -> Attempt:
    """Count one more attempt on this name; raises TOO_MANY_ATTEMPTS when its window is full."""
    found = tx.rows.select(Credential, login=login) if login else []
    if found:  # held until the end, or attempts made at once would count as one
        tx.get("User", [found[0].user], lock=True)
        found = tx.rows.select(Credential, login=login)
    kept = found[0] if found else tx.rows.get(Credential, _slot(tx, login)) or _empty(_slot(tx, login), now)
    since = kept.failed_at
    age = limits.LOGIN_WINDOW_SECONDS if since is None else (now - since).total_seconds()
    fresh = age >= limits.LOGIN_WINDOW_SECONDS
    if not fresh and kept.failures >= limits.LOGIN_FAILURES:
        wait = max(1, int(limits.LOGIN_WINDOW_SECONDS - age))
        raise SaddlebagError(TOO_MANY_ATTEMPTS, retry_after=wait, limit=limits.LOGIN_FAILURES)
    tx.rows.put(replace(kept, failures=1 if fresh else kept.failures + 1, failed_at=now if fresh else since))
    return Attempt(kept.user if found else "", kept.password)


def grant(
    tx: Transaction, attempt: Attempt, now: datetime, new_secret: NewSecret, seconds: int = limits.SESSION_SECONDS
) -> Granted:
    """A session for a proved attempt; raises INVALID_CREDENTIALS when the account has been disabled or removed."""
    principal = principal_of(tx, attempt.user)
    kept = tx.rows.get(Credential, attempt.user)
    if principal is None or kept is None or kept.password != attempt.stored:
        raise SaddlebagError(INVALID_CREDENTIALS)
    tx.rows.put(replace(kept, failures=0, failed_at=None))
    return open_session(tx, principal, now, new_secret, seconds)


def log_in(
    tx: Transaction, login: str, password: str, now: datetime, new_secret: NewSecret
) -> tuple[str, Principal, datetime]:
    """All three steps in one transaction, for tools and tests; a service takes them apart.

    Raises INVALID_CREDENTIALS, and then the failure counts only if the caller commits.
    """
    attempt = reserve(tx, login, now)
    if not attempt.proved(password):
        raise SaddlebagError(INVALID_CREDENTIALS)
    granted = grant(tx, attempt, now, new_secret)
    return granted.token, granted.principal, granted.expires_at


def log_in_device(
    tx: Transaction,
    device: str,
    key: str,
    now: datetime,
    new_secret: NewSecret,
    seconds: int = limits.SESSION_SECONDS,
) -> Granted:
    """A session for a registered device; raises INVALID_CREDENTIALS, or DEVICE_DISABLED to who holds the right key."""
    kept = tx.rows.get(Device, device)
    if not same_token(key, kept.key_hash if kept else token_hash("")) or kept is None:
        raise SaddlebagError(INVALID_CREDENTIALS, "The device or its key is not known.")
    principal = _of_device(tx, kept, principal_of(tx, kept.user, device=device))
    if principal is None:
        raise SaddlebagError(INVALID_CREDENTIALS, "The device or its key is not known.")
    return open_session(tx, principal, now, new_secret, seconds)


def open_session(
    tx: Transaction, principal: Principal, now: datetime, new_secret: NewSecret, seconds: int = limits.SESSION_SECONDS
) -> Granted:
    """A session of `seconds` for a proved principal; ended sessions are cleared away a few at a time."""
    for ended in tx.rows.select(Session, order=("expires_at",), limit=_PURGE, before={"expires_at": now}):
        tx.rows.delete(Session, token_hash=ended.token_hash)
    token = new_secret()
    expires_at = now + timedelta(seconds=seconds)
    tx.rows.put(Session(token_hash(token), principal.user, principal.device, now, expires_at))
    return Granted(token, principal, expires_at)


def log_out(tx: Transaction, token: str) -> bool:
    """End a session; whether there was one."""
    return tx.rows.delete(Session, token_hash=token_hash(token)) > 0


def keep_alive(tx: Transaction, token: str, now: datetime, seconds: int = limits.SESSION_SECONDS) -> None:
    """Let a session last `seconds` from now, at most SESSION_LONGEST_SECONDS from its log-in."""
    session = tx.rows.get(Session, token_hash(token))
    if session is not None:
        longest = session.created_at + timedelta(seconds=max(limits.SESSION_LONGEST_SECONDS, seconds))
        later = max(session.expires_at, min(now + timedelta(seconds=seconds), longest))
        if tx.rows.delete(Session, token_hash=session.token_hash) == 1:  # 0: logged out meanwhile, and it stays so
            tx.rows.put(replace(session, expires_at=later))


def authenticate(
    tx: Transaction, token: str | None, certificate_fingerprint: str | None, now: datetime
) -> tuple[Principal, Session | None]:
    """The caller of a call to `tx.tenant`; reads only.

    Raises SESSION_EXPIRED for a token that this tenant does not know (another tenant's included), DEVICE_DISABLED,
    and SESSION_REQUIRED without token and known certificate.
    """
    if token:
        session = tx.rows.get(Session, token_hash(token))
        if session is None or session.expires_at <= now:
            raise SaddlebagError(SESSION_EXPIRED)
        principal = principal_of(tx, session.user, device=session.device)
        if session.device:
            principal = _of_device(tx, tx.rows.get(Device, session.device), principal)
        if principal is None:
            raise SaddlebagError(SESSION_EXPIRED)
        return principal, session
    certificate = tx.rows.get(Certificate, certificate_fingerprint.lower()) if certificate_fingerprint else None
    partner = principal_of(tx, certificate.user) if certificate else None
    if partner is None:
        raise SaddlebagError(SESSION_REQUIRED)
    return partner, None


def set_password(tx: Transaction, user: str, login: str, password: str, now: datetime, new_secret: NewSecret) -> None:
    """Give a user a log-in name and password, and end her sessions; a device's key and session stay good."""
    salt = hashlib.sha256(new_secret().encode()).digest()[:SALT_BYTES]
    tx.rows.put(Credential(user, login, hash_password(password, salt), now))
    tx.rows.delete(Session, user=user, device="")


def principal_of(tx: Transaction, user: str, *, device: str = "") -> Principal | None:
    """The principal for a user's record, or None where it is gone or not active: rights are read at each call."""
    record = tx.get("User", [user]).get(user)
    if record is None or record.values.get("active") is False:
        return None
    territories = _territories(tx, record)
    role = Role(str(record.values["role"]))
    return Principal(tx.tenant.name, user, role, territories, device, f"device:{device}" if device else "")


def _territories(tx: Transaction, user: StoredRecord) -> frozenset[str]:
    """The user's territory and all below it, level by level; a cycle ends the walk as every territory is met once."""
    start = user.values.get("territory")
    if not isinstance(start, str) or user.values["role"] not in (Role.REP, Role.MANAGER):
        return frozenset()
    met, level = {start}, {start}
    for _ in range(_DEPTH):
        below = tx.stamps("Territory", Compare("parent", Op.IN, tuple(sorted(level))))
        level = {each.id for each in below} - met
        if not level:
            break
        met |= level
    return frozenset(met)


def _of_device(tx: Transaction, kept: Device | None, principal: Principal | None) -> Principal | None:
    """The caller behind a device's session; one that has lost its rights may still call to be emptied.

    None where its user has lost hers and the device holds nothing; raises DEVICE_DISABLED.
    """
    if kept is not None and kept.enabled and principal is not None:
        return principal
    if kept is not None and holds_records(tx, kept.device):
        return Principal(tx.tenant.name, kept.user, Role.REVOKED, device=kept.device, origin=f"device:{kept.device}")
    if kept is None or not kept.enabled:
        raise SaddlebagError(DEVICE_DISABLED)
    return None


def holds_records(tx: Transaction, device: str) -> bool:
    """Whether the device has records, or a page under way that it may have applied."""
    held = tx.rows.select(ManifestSlot, device=device, after={"slot": 0}, limit=1)  # 0 and below hold no records
    return bool(held) or tx.rows.get(PendingPage, device) is not None


def _slot(tx: Transaction, login: str) -> str:
    data = login.encode("utf-8", "surrogatepass")
    number = int.from_bytes(hmac.new(tx.tenant.secret, data, hashlib.sha256).digest()[:4], "big") % SLOTS
    return f"~{number}"  # '~' is in no record's id


def _empty(slot: str, now: datetime) -> Credential:
    return Credential(slot, "", "", now)

"""The guard: a Security header against what the tenant keeps, and what the tenant asks of callers.

Belongs here: the order of the checks, and what is kept between calls (requirements, proved passwords). May not know:
Spyne, Twisted, how a signature is verified.

    form of the header and of the signature      before anything is looked up
    the key or secret that is named              unknown and wrong are one answer, at one cost
    the signature or digest, then the time       of signed elements alone
    seen before?                                 a row of the store, written before the call is carried out

Nothing is remembered, logged as a user or carried out for a message that was not proved. Why one was refused stands in
the log, not in the fault: who asks with strange certificates shall not learn which of them the hub knows.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from saddlebag.contract.policy import Proof, SecurityPolicy
from saddlebag.kernel import limits
from saddlebag.kernel.errors import AUTHENTICATION_FAILED, BUSY, SECURITY_TOKEN, SaddlebagError
from saddlebag.records import access, wss
from saddlebag.records.call import Hub
from saddlebag.security.principal import Principal
from saddlebag.security.usernames import ProvedPasswords, same_digest
from saddlebag.server.envelope import Message, Version
from saddlebag.server.wss.answer import Signer
from saddlebag.server.wss.block import SecurityBlock, UsernameToken, read_timestamp, read_username
from saddlebag.server.wss.names import refusal, standard
from saddlebag.server.wss.profile import KeyReference, read_form
from saddlebag.server.wss.verify import Verified, verify
from saddlebag.store.base import Tenant, Transaction

log = logging.getLogger(__name__)

_TENANTS: Final = 4096
"""Tenants whose requirements are kept; beyond it all are read again."""
_KEPT: Final = timedelta(seconds=limits.WSS_POLICY_SECONDS)
_RDN = re.compile(r"(?<!\\)[,;]")


Charge = Callable[[], object]


def _free() -> None:
    """For who counts nothing."""


@dataclass(frozen=True, slots=True)
class Proved:
    """Who a Security header proves to be calling, and how; `message` is what may be used of hers."""

    user: str
    proof: Proof
    message: Message

    @property
    def signed(self) -> bool:
        """Whether she signed the message."""
        return self.proof is Proof.SIGNATURE


class Guard:
    """Judges messages for one hub; safe to use from several threads."""

    def __init__(self, hub: Hub, signer: Signer | None = None) -> None:
        self._hub = hub
        self._signer = signer
        self._passwords = ProvedPasswords(hub.new_secret())
        self._proving: Counter[str] = Counter()
        self._requirements: dict[str, tuple[datetime, wss.Requirements]] = {}
        self._lock = Lock()

    def examine(
        self, tenant: Tenant | None, message: Message, block: SecurityBlock, now: datetime, charge: Charge = _free
    ) -> Proved | None:  # fmt: skip
        """Who the Security header proves; None where it holds no more than a Timestamp. Raises errors of its own.

        `charge` is called before a password is hashed, and may refuse it.
        """
        try:
            return self._examine(tenant, message, block, now, charge)
        except SaddlebagError as problem:
            raise standard(problem) from None

    def check(self, tenant: Tenant, user: str, proof: Proof, now: datetime) -> None:
        """Raise PROOF_REQUIRED where the tenant or the account asks for another proof."""
        try:
            self._required(tenant.name, now).check(user, proof)
        except SaddlebagError as problem:
            raise standard(problem) from None

    def principal(self, tx: Transaction, proved: Proved, session: Principal | None = None) -> Principal:
        """The principal of a proved user, that of a session which came too; raises AUTHENTICATION_FAILED.

        A session of somebody else beside a proof is refused: one of the two was not meant to be here.
        """
        found = access.principal_of(tx, proved.user)
        if found is None or (session is not None and session.user != proved.user):
            raise refusal(AUTHENTICATION_FAILED)
        return found if session is None else session

    def policy(self, tenant: str, now: datetime) -> SecurityPolicy:
        """What the tenant asks of callers, for its WSDLs."""
        return self._required(tenant, now).policy

    def signs(self, tenant: Tenant, proved: Proved | None, now: datetime) -> bool:
        """Whether an answer is to be signed: to a caller who signed, or whoever called where the tenant says so."""
        if self._signer is None:
            return False
        return (proved is not None and proved.signed) or self._required(tenant.name, now).policy.sign_answers

    def sign(self, envelope: bytes, version: Version, now: datetime) -> bytes:
        """The answer with the hub's signature."""
        return envelope if self._signer is None else self._signer.sign(envelope, version, now)

    def _required(self, tenant: str, now: datetime) -> wss.Requirements:
        """From memory for `limits.WSS_POLICY_SECONDS`."""
        kept = self._requirements.get(tenant)
        if kept is not None and abs(now - kept[0]) < _KEPT:
            return kept[1]
        found = self._hub.store.run(tenant, wss.requirements, read_only=True)
        with self._lock:
            if len(self._requirements) >= _TENANTS:
                self._requirements.clear()
            self._requirements[tenant] = now, found
        return found

    def _examine(
        self, tenant: Tenant | None, message: Message, block: SecurityBlock, now: datetime, charge: Charge
    ) -> Proved | None:  # fmt: skip
        if block.signature is not None:
            return self._signed(tenant, message, block, now, charge)
        if block.tokens:
            raise refusal(SECURITY_TOKEN, "A certificate proves nothing without a signature.")
        if block.timestamp is not None:
            read_timestamp(block.timestamp).check(now)
        if block.username is None:
            return None
        user = self._user(tenant, block.username, now, charge)
        self._remember(tenant, user, _nonces(user, block.username), now)
        return Proved(user, Proof.DIGEST if block.username.digest else Proof.PASSWORD, message)

    def _signed(
        self, tenant: Tenant | None, message: Message, block: SecurityBlock, now: datetime, charge: Charge
    ) -> Proved:  # fmt: skip
        assert block.signature is not None
        form = read_form(block.signature, block.tokens)
        if tenant is None:
            raise refusal(AUTHENTICATION_FAILED)
        user, certificate = self._certificate(tenant, form.key, form.embedded, now)
        verified = verify(message.source, message.version, form, certificate, now)
        read_timestamp(verified.timestamp).check(now)
        messages = [wss.signature_hash(certificate.fingerprint(SHA256()).hex(), verified.signed_info)]
        messages += self._second(tenant, user, verified, now, charge)
        self._remember(tenant, user, messages, now)
        return Proved(user, Proof.SIGNATURE, verified.message)

    def _second(
        self, tenant: Tenant, user: str, verified: Verified, now: datetime, charge: Charge
    ) -> list[str]:  # fmt: skip
        """A UsernameToken beside a signature is of the same user; its nonce."""
        if verified.username is None:
            return []
        token = read_username(verified.username)
        if self._user(tenant, token, now, charge) != user:
            raise refusal(AUTHENTICATION_FAILED)
        return _nonces(user, token)

    def _user(self, tenant: Tenant | None, token: UsernameToken, now: datetime, charge: Charge) -> str:
        """The user whom a UsernameToken proves."""
        token.check(now)
        if tenant is None:
            raise refusal(AUTHENTICATION_FAILED)
        user = self._by_digest(tenant, token) if token.digest else self._by_password(tenant, token, now, charge)
        if not user:
            log.info(
                "username token refused",
                extra={"tenant": tenant.name, "reason": "digest" if token.digest else "password"},
            )
            raise refusal(AUTHENTICATION_FAILED)
        return user

    def _by_digest(self, tenant: Tenant, token: UsernameToken) -> str:
        keys = self._hub.master_keys()
        user, secret = self._hub.store.run(
            tenant.name, lambda tx: wss.digest_secret(tx, token.name, keys), read_only=True
        )
        return user if same_digest(token.password, token.nonce, token.created, secret) else ""

    @contextmanager
    def _place(self, tenant: str) -> Iterator[None]:
        """A place to hash a password at; raises BUSY: a flood of log-ins must not hold every worker."""
        with self._lock:
            if self._proving.total() >= limits.WSS_PROVING or self._proving[tenant] >= limits.WSS_PROVING - 1:
                raise SaddlebagError(BUSY, retry_after=1)
            self._proving[tenant] += 1
        try:
            yield
        finally:
            with self._lock:
                self._proving[tenant] -= 1
                self._proving += Counter()  # those with none go

    def _by_password(self, tenant: Tenant, token: UsernameToken, now: datetime, charge: Charge) -> str:
        """As log-in does it, in three steps, unless the same password was proved a moment ago."""
        run = self._hub.store.run
        kept = run(tenant.name, lambda tx: wss.credential(tx, token.name), read_only=True)
        if kept is not None and self._passwords.has(tenant.name, kept.password, token.password, now):
            return kept.user
        charge()
        with self._place(tenant.name):
            attempt = run(tenant.name, lambda tx: access.reserve(tx, token.name, now))
            proved = attempt.proved(token.password)
        if not proved or not run(tenant.name, lambda tx: wss.confirm(tx, attempt)):
            return ""
        self._passwords.add(tenant.name, attempt.stored, token.password, now)
        return attempt.user

    def _remember(self, tenant: Tenant | None, user: str, messages: list[str], now: datetime) -> None:
        if messages and tenant is not None:
            self._hub.store.run(tenant.name, lambda tx: wss.remember(tx, user, messages, now))

    def _certificate(
        self, tenant: Tenant, key: KeyReference, embedded: bytes | None, now: datetime
    ) -> tuple[str, x509.Certificate]:
        """The registered certificate that a signature names and its user; raises AUTHENTICATION_FAILED."""
        what, value = (key.what, key.value) if embedded is None else ("fingerprint", _fingerprint(embedded))
        rows = self._hub.store.run(tenant.name, lambda tx: wss.certificates(tx, what, value), read_only=True)
        reason = "unknown"
        for row in rows:
            certificate = x509.load_der_x509_certificate(row.certificate)
            if key.issuer and _name(key.issuer) != _name(certificate.issuer.rfc4514_string()):
                reason = "of another issuer"
            elif not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                reason = "not valid now"
            elif not wss.usable(certificate):
                reason = "not for signing"
            else:
                return row.user, certificate
        log.info("signing certificate refused", extra={"tenant": tenant.name, "reason": reason})
        raise refusal(AUTHENTICATION_FAILED)


def _fingerprint(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def _nonces(user: str, token: UsernameToken) -> list[str]:
    return [wss.nonce_hash(user, token.nonce)] if token.nonce else []


def _name(text: str) -> list[str]:
    """An issuer's name to be compared: stacks differ in its order, its spaces and the case of its attributes' names.

    It only chooses among registered certificates, so that being generous gives nothing away.
    """
    parts = [each.partition("=") for each in _RDN.split(text)]
    return sorted(f"{name.strip().upper()}={value.strip()}" for name, _, value in parts)

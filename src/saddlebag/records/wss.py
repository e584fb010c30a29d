"""Who calls, by what a message itself proves: secrets of digests, signing certificates, what has come already.

Belongs here: these proofs against stored rows, and their administration. May not know: XML, SOAP headers, a clock, a
source of secrets.

A message that was proved is remembered until it would be stale anyway, by all processes of the hub since the rows are
the store's. Only proved messages are, so nobody fills the table who has no account; and an account that has filled its
share is refused: forgetting an entry instead would let its message in again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from saddlebag.contract.policy import DEFAULT, Proof, SecurityPolicy, read_proofs, write_proofs
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    INVALID_VALUE,
    MESSAGE_REPLAYED,
    NOT_FOUND,
    PROOF_REQUIRED,
    RATE_LIMITED,
    SaddlebagError,
)
from saddlebag.records.access import Attempt, NewSecret
from saddlebag.security.masterkeys import NONCE_BYTES, MasterKeys, nonce_of
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Credential, TenantSetting, WssAccount, WssCertificate, WssCount, WssSecret, WssSeen

PROOFS: Final = "security.proofs"
"""The tenant's setting that names the proofs which it accepts; all where it is absent."""
ANSWERS: Final = "security.answers"
"""The tenant's setting that says which answers are signed: `signed` (to callers who signed) or `always`."""
REMEMBERED: Final = timedelta(seconds=limits.WSS_FRESH_SECONDS + 2 * limits.WSS_SKEW_SECONDS + 1)
"""How long a message is remembered: from a clock that was ahead to one that is behind, it is stale by then."""
_PURGE: Final = 4
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a tenant asks of callers, and those of its accounts that ask for more."""

    policy: SecurityPolicy = DEFAULT
    accounts: Mapping[str, frozenset[Proof]] = field(default_factory=dict)

    def check(self, user: str, proof: Proof) -> None:
        """Raise PROOF_REQUIRED where the tenant or the account does not accept the proof."""
        if proof not in self.policy.accepts or proof not in self.accounts.get(user, self.policy.accepts):
            raise SaddlebagError(PROOF_REQUIRED)


def requirements(tx: Transaction) -> Requirements:
    """The tenant's requirements."""
    proofs, answers = (tx.rows.get(TenantSetting, name) for name in (PROOFS, ANSWERS))
    accepts = read_proofs(proofs.value) if proofs else DEFAULT.accepts
    policy = SecurityPolicy(accepts, answers is not None and answers.value == "always")
    return Requirements(policy, {each.user: read_proofs(each.proofs) for each in tx.rows.select(WssAccount)})


def set_policy(tx: Transaction, policy: SecurityPolicy) -> None:
    """Change what the tenant asks of callers."""
    tx.rows.put(TenantSetting(PROOFS, write_proofs(policy.accepts)))
    tx.rows.put(TenantSetting(ANSWERS, "always" if policy.sign_answers else "signed"))


def set_account(tx: Transaction, user: str, proofs: Iterable[Proof]) -> None:
    """Let an account accept only these proofs; none sets it back to what the tenant accepts."""
    text = write_proofs(proofs)
    if text:
        tx.rows.put(WssAccount(user, text))
    else:
        tx.rows.delete(WssAccount, user=user)


def issue_secret(tx: Transaction, user: str, keys: MasterKeys, secret: str, nonce: bytes, now: datetime) -> None:
    """Keep the secret that the user's digests are made with, in place of the one before."""
    tx.rows.put(WssSecret(user, keys.seal(secret.encode(), _context(tx, user), nonce), now))


def reseal(tx: Transaction, masters: MasterKeys, new_secret: NewSecret, after: str, limit: int) -> str | None:
    """Seal the next secrets under the newest master key; the user to go on after, None at the end."""
    page = tx.rows.select(WssSecret, order=("user",), after={"user": after}, limit=limit)
    for each in page:
        if not masters.current(each.sealed):
            secret = masters.open(each.sealed, _context(tx, each.user))
            tx.rows.put(replace(each, sealed=masters.seal(secret, _context(tx, each.user), nonce_of(new_secret()))))
    return page[-1].user if len(page) == limit else None


def take_secret(tx: Transaction, user: str) -> bool:
    """Accept no digests of the user any more; whether it had a secret."""
    return tx.rows.delete(WssSecret, user=user) > 0


def digest_secret(tx: Transaction, login: str, keys: MasterKeys) -> tuple[str, str]:
    """The user and the secret behind a log-in name, both "" where there is none; the same work either way."""
    found = tx.rows.select(Credential, login=login)
    user = found[0].user if found else ""
    kept = tx.rows.get(WssSecret, user)
    if kept is None:
        keys.seal(bytes(43), _context(tx, user), bytes(NONCE_BYTES))  # given to nobody, so the nonce may repeat
        return "", ""
    return user, keys.open(kept.sealed, _context(tx, user)).decode()


def credential(tx: Transaction, login: str) -> Credential | None:
    """How the user of a log-in name proves who she is."""
    found = tx.rows.select(Credential, login=login) if login else []
    return found[0] if found else None


def confirm(tx: Transaction, attempt: Attempt) -> bool:
    """Forget the failures of a proved attempt; False where the password was changed meanwhile."""
    kept = tx.rows.get(Credential, attempt.user)
    if kept is None or kept.password != attempt.stored:
        return False
    tx.rows.put(replace(kept, failures=0, failed_at=None))
    return True


def usable(certificate: x509.Certificate) -> bool:
    """Whether the key may sign messages: RSA of bounded size or a NIST curve, and its use not restricted to others."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        fits = limits.WSS_RSA_BITS <= key.key_size <= 2 * limits.WSS_RSA_BITS
    else:
        fits = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    try:
        use = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return fits
    return fits and (use.digital_signature or use.content_commitment)


def register(tx: Transaction, user: str, certificate: x509.Certificate, now: datetime) -> str:
    """Take messages that are signed with the certificate's key as the user's; its fingerprint.

    Raises INVALID_VALUE for a key that may not sign, for one that stands for another user, and beyond the bound.
    """
    if not usable(certificate):
        sentence = "The certificate's key may not sign messages: RSA of 2048 to 4096 bits, or P-256, P-384 or P-521."
        raise SaddlebagError(INVALID_VALUE, sentence, field="certificate")
    row = _row(user, certificate, now)
    kept = tx.rows.get(WssCertificate, row.fingerprint)
    if kept is not None and kept.user != user:
        raise SaddlebagError(INVALID_VALUE, "The certificate stands for another user.", field="certificate")
    if kept is None and len(tx.rows.select(WssCertificate, user=user)) >= limits.WSS_CERTIFICATES:
        raise SaddlebagError(INVALID_VALUE, limit=limits.WSS_CERTIFICATES, field="certificate")
    tx.rows.put(row)
    return row.fingerprint


def forget(tx: Transaction, user: str, fingerprint: str) -> None:
    """Take no message that is signed with the certificate's key any more; raises NOT_FOUND."""
    if not tx.rows.delete(WssCertificate, user=user, fingerprint=fingerprint.lower().replace(":", "")):
        raise SaddlebagError(NOT_FOUND, "The user has no signing certificate of this fingerprint.")


def certificates(tx: Transaction, what: str, value: str) -> list[WssCertificate]:
    """A few registered certificates by `user`, `fingerprint`, `thumbprint`, `serial` or `subject_key`."""
    where: dict[str, Any] = {what: value}
    return tx.rows.select(WssCertificate, limit=limits.WSS_CERTIFICATES, **where)


def remember(tx: Transaction, user: str, messages: Iterable[str], now: datetime) -> None:
    """Note that messages of the user, each known by a hash, have come.

    Raises MESSAGE_REPLAYED where one has come before, and RATE_LIMITED where the account's share is full.
    """
    tx.get("User", [user], lock=True)  # or two calls at once would both count from the same number
    for gone in tx.rows.select(WssSeen, order=("expires_at",), limit=_PURGE, before={"expires_at": now}):
        tx.rows.delete(WssSeen, message=gone.message)
    kept = tx.rows.get(WssCount, user)
    if kept is None or kept.until <= now:
        kept = WssCount(user, now + REMEMBERED, 0)
    count = kept.count
    for message in messages:
        if not tx.rows.add(WssSeen(message, now + REMEMBERED)):
            raise SaddlebagError(MESSAGE_REPLAYED)
        count += 1
    # Two windows may be remembered at once: the one that runs and the one before it.
    if count > limits.WSS_REPLAYS // 2:
        wait = max(1, int((kept.until - now).total_seconds()))
        raise SaddlebagError(RATE_LIMITED, rule="messages remembered", limit=limits.WSS_REPLAYS, retry_after=wait)
    tx.rows.put(replace(kept, count=count))


def nonce_hash(user: str, nonce: bytes) -> str:
    """What a nonce of a user is remembered by."""
    return hashlib.sha256(b"nonce\0" + user.encode() + b"\0" + nonce).hexdigest()


def signature_hash(fingerprint: str, signed_info: bytes) -> str:
    """What a signature is remembered by: what it signs, for an ECDSA value can be made into another that holds too."""
    return hashlib.sha256(b"signature\0" + fingerprint.encode() + b"\0" + signed_info).hexdigest()


def _row(user: str, certificate: x509.Certificate, now: datetime) -> WssCertificate:
    try:
        subject_key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    except x509.ExtensionNotFound:
        subject_key = ""
    return WssCertificate(
        certificate.fingerprint(hashes.SHA256()).hex(),
        user,
        certificate.public_bytes(serialization.Encoding.DER),
        certificate.fingerprint(hashes.SHA1()).hex(),  # a name that messages use, no proof
        str(certificate.serial_number),
        subject_key,
        now,
    )


def _context(tx: Transaction, user: str) -> str:
    return f"wss-secret {tx.tenant.name} {user}"

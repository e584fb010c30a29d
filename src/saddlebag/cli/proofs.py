"""Verbs of `saddlebag user` and `saddlebag tenant` about proofs of who calls: secrets, certificates, policy.

Belongs here: what an operator does with them. May not know: how a message is checked. A secret is shown once, on the
terminal of who issues it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from saddlebag.cli.main import add_config, new_secret, settings_of, store_of
from saddlebag.contract.policy import Proof, SecurityPolicy, read_proofs, write_proofs
from saddlebag.kernel.errors import INVALID_VALUE, MASTER_KEY, NOT_FOUND, SaddlebagError
from saddlebag.records import wss
from saddlebag.security.masterkeys import nonce_of
from saddlebag.server import keyfile
from saddlebag.store.base import Transaction

_PROOFS = ", ".join(Proof)


def add_user_verbs(verbs: Any) -> None:
    """Add what is done with one account."""
    secret = account_verb(
        verbs, "wss-secret", "issue the secret for WS-Security password digests, and show it once", _secret
    )
    secret.add_argument("--remove", action="store_true", help="accept no digests of the user any more")
    certificate = account_verb(
        verbs, "signing-certificate", "take messages signed with a certificate as the user's", _signing
    )
    which = certificate.add_mutually_exclusive_group(required=True)
    which.add_argument("--add", type=Path, metavar="FILE", help="PEM file of the certificate")
    which.add_argument("--remove", metavar="FINGERPRINT", help="SHA-256 of one that is registered")
    which.add_argument("--list", action="store_true", help="show those that are registered")
    proofs = account_verb(verbs, "proofs", "show or set which proofs of who calls the account accepts", _account)
    proofs.add_argument("--accept", metavar="PROOFS", help=f"some of: {_PROOFS}; or `tenant` for what the tenant does")


def add_tenant_verbs(verbs: Any) -> None:
    """Add what is done with a tenant."""
    parser = verbs.add_parser("security", help="show or set which proofs of who calls a tenant accepts")
    parser.add_argument("name")
    parser.add_argument("--accept", metavar="PROOFS", help=f"some of: {_PROOFS}; or `all`")
    parser.add_argument("--sign-answers", choices=("signed", "always"), help="to callers who signed, or to all")
    parser.set_defaults(run=_tenant)
    add_config(parser)


def account_verb(
    verbs: Any, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:  # fmt: skip
    """A verb that takes a tenant and a login."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    parser.add_argument("tenant")
    parser.add_argument("login")
    parser.set_defaults(run=run)
    add_config(parser)
    return parser


def _user(tx: Transaction, login: str) -> str:
    found = wss.credential(tx, login)
    if found is None:
        raise SaddlebagError(NOT_FOUND, f"There is no user with the login {login}.", entity="User")
    return found.user


def _secret(arguments: argparse.Namespace) -> int:
    path = settings_of(arguments).master_keys
    if path is None:
        raise SaddlebagError(MASTER_KEY, "The hub has no file of master keys.")
    secret, now = new_secret(), datetime.now(UTC)
    keys = keyfile.load(path)

    def work(tx: Transaction) -> None:
        user = _user(tx, arguments.login)
        if arguments.remove:
            wss.take_secret(tx, user)
        else:
            wss.issue_secret(tx, user, keys, secret, nonce_of(new_secret()), now)

    with store_of(arguments) as store:
        store.run(arguments.tenant, work)
    if not arguments.remove:
        sys.stdout.write(f"{secret}\n")
    return 0


def _signing(arguments: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    certificate = _certificate(arguments.add) if arguments.add else None

    def work(tx: Transaction) -> list[str]:
        user = _user(tx, arguments.login)
        if certificate is not None:
            return [wss.register(tx, user, certificate, now)]
        if arguments.remove:
            wss.forget(tx, user, arguments.remove)
            return []
        return [_line(each.certificate, each.fingerprint) for each in wss.certificates(tx, "user", user)]

    with store_of(arguments) as store:
        for line in store.run(arguments.tenant, work):
            sys.stdout.write(line + "\n")
    return 0


def _line(certificate: bytes, fingerprint: str) -> str:
    loaded = x509.load_der_x509_certificate(certificate)
    return f"{fingerprint}  until {loaded.not_valid_after_utc:%Y-%m-%d}  {loaded.subject.rfc4514_string()}"


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        raise SaddlebagError(INVALID_VALUE, "The certificate file cannot be read as PEM.") from None


def _read(text: str) -> frozenset[Proof]:
    try:
        return read_proofs(text.replace(",", " "))
    except ValueError:
        raise SaddlebagError(INVALID_VALUE, f"Proofs are some of: {_PROOFS}.", field="accept") from None


def _account(arguments: argparse.Namespace) -> int:
    def work(tx: Transaction) -> str:
        user = _user(tx, arguments.login)
        if arguments.accept is not None:
            wss.set_account(tx, user, () if arguments.accept == "tenant" else _read(arguments.accept))
        required = wss.requirements(tx)
        return write_proofs(required.accounts.get(user, required.policy.accepts) & required.policy.accepts)

    with store_of(arguments) as store:
        sys.stdout.write(store.run(arguments.tenant, work) + "\n")
    return 0


def _tenant(arguments: argparse.Namespace) -> int:
    def work(tx: Transaction) -> SecurityPolicy:
        policy = wss.requirements(tx).policy
        accepts, answers = arguments.accept, arguments.sign_answers
        if accepts is not None or answers is not None:
            proofs = policy.accepts if accepts is None else frozenset(Proof) if accepts == "all" else _read(accepts)
            policy = SecurityPolicy(proofs, policy.sign_answers if answers is None else answers == "always")
            wss.set_policy(tx, policy)
        return policy

    with store_of(arguments) as store:
        policy = store.run(arguments.name, work)
    sys.stdout.write(f"accepts {write_proofs(policy.accepts)}\n")
    sys.stdout.write(f"signs answers to {'all callers' if policy.sign_answers else 'callers who signed'}\n")
    if arguments.accept and Proof.SESSION not in policy.accepts:
        sys.stdout.write("laptops cannot sync: they call with a session\n")
    return 0

"""`saddlebag user`: service accounts and users, their passwords and certificates.

Belongs here: what an operator does with accounts; the record goes through the records path like any other write.
May not know: SQL. A password is read from the terminal or standard input, never from the command line, where `ps`
shows it.
"""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlebag.cli.main import add_config, new_secret, settings_of, store_of
from saddlebag.cli.proofs import account_verb, add_user_verbs
from saddlebag.cli.setup import write_new
from saddlebag.kernel.errors import INVALID_VALUE, NOT_FOUND, SETTING_INVALID, SaddlebagError
from saddlebag.kernel.ids import uuid7
from saddlebag.model.condition import ALWAYS, eq
from saddlebag.model.fields import Value
from saddlebag.records.access import set_password
from saddlebag.records.base import Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.server import pki
from saddlebag.server.config import Settings
from saddlebag.store.base import Store, Transaction
from saddlebag.store.tables import Certificate, Credential, Session

_ROLES = ("rep", "manager", "integration", "admin")
_PASSWORD_LENGTH = 8


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("user", help="add and change users and service accounts")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    add = account_verb(verbs, "add", "add a user or service account", _add)
    add.add_argument("--role", choices=_ROLES, default="rep")
    add.add_argument("--name", help="full name (default: the login)")
    add.add_argument("--email")
    add.add_argument("--territory", help="code of the territory that the user works in")
    _secret_options(add)
    password = account_verb(verbs, "password", "set a user's password and end her sessions", _password)
    _secret_options(password)
    account_verb(verbs, "disable", "refuse a user's log-ins and end her sessions", _disable)
    add_user_verbs(verbs)
    listing = verbs.add_parser("list", help="list a tenant's users")
    listing.add_argument("tenant")
    listing.set_defaults(run=_list)
    add_config(listing)


def _secret_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    certificate = parser.add_mutually_exclusive_group()
    certificate.add_argument("--certificate", type=Path, help="PEM file of a client certificate")
    certificate.add_argument(
        "--new-certificate",
        type=Path,
        metavar="FILE",
        help="PEM file to be made: a client certificate of the hub's own authority; its key goes beside it",
    )


def _read_password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif arguments.certificate or arguments.new_certificate:
        return ""
    else:
        password = getpass.getpass("password: ")
        if password != getpass.getpass("again: "):
            raise SaddlebagError(INVALID_VALUE, "The two passwords differ.")
    if len(password) < _PASSWORD_LENGTH:
        raise SaddlebagError(INVALID_VALUE, f"A password has at least {_PASSWORD_LENGTH} characters.")
    return password


def _fingerprint(arguments: argparse.Namespace) -> str | None:
    """The fingerprint of the certificate that was given or is to be made; raises INVALID_VALUE, SETTING_INVALID."""
    if arguments.new_certificate:
        return _new_certificate(settings_of(arguments), arguments.login, arguments.new_certificate)
    if not arguments.certificate:
        return None
    try:
        return pki.fingerprint(arguments.certificate.read_bytes())
    except (OSError, ValueError):
        raise SaddlebagError(INVALID_VALUE, "The certificate file cannot be read as PEM.") from None


def _new_certificate(settings: Settings, name: str, file: Path) -> str:
    authority = settings.client_authority
    try:
        if authority is None:
            raise OSError
        signer = pki.Pair(authority.read_bytes(), authority.with_suffix(".key").read_bytes())
    except OSError:
        sentence = "The key of [tls] client_authority is not here: make the certificate where it is kept."
        raise SaddlebagError(SETTING_INVALID, sentence, field="client_authority") from None
    pair = pki.make_client_certificate(signer, name, datetime.now(UTC))
    write_new(file.with_suffix(".key"), pair.key)
    write_new(file, pair.certificate)
    return pki.fingerprint(pair.certificate)


def system_records(tx: Transaction, now: datetime) -> Records:
    """The records path for the operator's own writes."""
    principal = Principal(tx.tenant.name, "", Role.SYSTEM)
    return Records(tx, principal, now=now, new_id=lambda: uuid7(now, secrets.token_bytes(10)))


def add_user(store: Store, tenant: str, values: dict[str, Value], password: str, fingerprint: str | None = None) -> str:
    """Create or change the User record of `values["login"]` with its credential and certificate; the user's id."""
    now = datetime.now(UTC)

    def work(tx: Transaction) -> str:
        login = str(values["login"])
        outcome = system_records(tx, now).apply([Write(Verb.UPSERT, "User", key=("login", login), values=values)])[0]
        if outcome.error:
            raise outcome.error
        user = str(outcome.id)
        if password:
            give_password(tx, user, login, password, now)
        elif tx.rows.get(Credential, user) is None:
            tx.rows.put(Credential(user, login, "", now))
        if fingerprint:
            tx.rows.put(Certificate(fingerprint, user, now))
        return user

    return store.run(tenant, work)


def give_password(tx: Transaction, user: str, login: str, password: str, now: datetime) -> None:
    """Store a password's hash and end the user's sessions; her registered devices stay good."""
    set_password(tx, user, login, password, now, new_secret)


def _add(arguments: argparse.Namespace) -> int:
    password = _read_password(arguments)
    fingerprint = _fingerprint(arguments)
    values: dict[str, Value] = {
        "login": arguments.login,
        "name": arguments.name or arguments.login,
        "role": arguments.role,
        "email": arguments.email,
        "active": True,
    }
    with store_of(arguments) as store:
        if arguments.territory:
            values["territory"] = _territory(store, arguments.tenant, arguments.territory)
        user = add_user(store, arguments.tenant, values, password, fingerprint)
    sys.stdout.write(f"user {arguments.login} ({arguments.role}) has the id {user}\n")
    return 0


def _territory(store: Store, tenant: str, code: str) -> str:
    found = store.run(tenant, lambda tx: tx.find("Territory", eq("code", code)), read_only=True)
    if not found:
        raise SaddlebagError(NOT_FOUND, f"There is no territory with the code {code}.", entity="Territory")
    return found[0].id


def _user(tx: Transaction, login: str) -> Credential:
    found = tx.rows.select(Credential, login=login)
    if not found:
        raise SaddlebagError(NOT_FOUND, f"There is no user with the login {login}.", entity="User")
    return found[0]


def _password(arguments: argparse.Namespace) -> int:
    password = _read_password(arguments)
    fingerprint = _fingerprint(arguments)
    now = datetime.now(UTC)

    def work(tx: Transaction) -> None:
        user = _user(tx, arguments.login).user
        if password:
            give_password(tx, user, arguments.login, password, now)
        if fingerprint:
            tx.rows.put(Certificate(fingerprint, user, now))

    with store_of(arguments) as store:
        store.run(arguments.tenant, work)
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    now = datetime.now(UTC)

    def work(tx: Transaction) -> None:
        user = _user(tx, arguments.login).user
        outcome = system_records(tx, now).apply([Write(Verb.UPDATE, "User", id=user, values={"active": False})])[0]
        if outcome.error:
            raise outcome.error
        tx.rows.delete(Session, user=user)

    with store_of(arguments) as store:
        store.run(arguments.tenant, work)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        for user in store.run(arguments.tenant, lambda tx: tx.find("User", ALWAYS), read_only=True):
            state = "" if user.values.get("active") else "  disabled"
            sys.stdout.write(f"{user.id:<36}  {user.values['login']!s:<20} {user.values['role']!s:<12}{state}\n")
    return 0

"""`saddlebag scope`: show, check and set the rules that decide what devices carry.

Belongs here: files and the terminal. May not know: what a rule means (`saddlebag.sync.rules`), who may set which.
The operator acts as the hub itself. A user may be named by her login, as `user:alice`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saddlebag.cli.main import add_config, store_of
from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.model.condition import eq
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction
from saddlebag.sync import administration
from saddlebag.sync.rules import read_scope


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("scope", help="show, check and set what devices carry")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    show = _verb(verbs, "show", "print a scope's rules as JSON", _show)
    check = _verb(verbs, "check", "say whether rules fit the tenant's records, and set nothing", _check)
    setting = _verb(verbs, "set", "set a scope; devices get the difference at their next pull", _set)
    for each in (show, check, setting):
        add_config(each)
    for each in (check, setting):
        each.add_argument("file", type=Path, help="JSON file with the rules (docs/scope.md)")
    setting.add_argument("--version", type=int, help="refuse unless this version is set now; 0 for none")


def _verb(verbs: Any, name: str, summary: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    parser.add_argument("tenant")
    parser.add_argument("name", help="default, role:ROLE, user:LOGIN or user:ID")
    parser.set_defaults(run=run)
    return parser


def _show(arguments: argparse.Namespace) -> int:
    (kept,) = _run(arguments, lambda tx, who: administration.listed(tx, who, _name(tx, arguments.name)))
    sys.stderr.write(f"scope {kept.name}, version {kept.version}\n")
    sys.stdout.write(kept.rules + "\n")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    rules = _text(arguments.file)
    scope = _run(arguments, lambda tx, who: read_scope(_name(tx, arguments.name), 0, rules, tx.schema))
    sys.stdout.write(f"{len(scope.rules)} rules fit: {', '.join(each.name for each in scope.rules)}\n")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    rules = _text(arguments.file)

    def work(tx: Transaction, who: Principal) -> administration.Kept:
        name = _name(tx, arguments.name)
        version = arguments.version
        if version is None:
            version = administration.version_of(tx, name)
        return administration.save(tx, who, name, rules, version)

    kept = _run(arguments, work, read_only=False)
    sys.stdout.write(f"scope {kept.name} set, version {kept.version}\n")
    return 0


def _run(arguments: argparse.Namespace, work: Callable[[Transaction, Principal], Any], read_only: bool = True) -> Any:
    who = Principal(arguments.tenant, "hub", Role.SYSTEM, origin="system:cli")
    with store_of(arguments) as store:
        return store.run(arguments.tenant, lambda tx: work(tx, who), read_only=read_only)


def _name(tx: Transaction, name: str) -> str:
    """The scope's name, with a login turned into the user's id."""
    kind, _, whose = name.partition(":")
    found = tx.stamps("User", eq("login", whose)) if kind == "user" else []
    return f"user:{found[0].id}" if found else name


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SaddlebagError(INVALID_VALUE, "The file of rules cannot be read as UTF-8 text.") from None

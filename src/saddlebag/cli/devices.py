"""`saddlebag device`: list, disable, enable and remove the laptops of a tenant.

Belongs here: what an operator does with devices. May not know: what a disabled device still gets (`saddlebag.sync`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from saddlebag.cli.main import add_config, store_of
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction
from saddlebag.sync import fleet

_PAGE = 500


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("device", help="list, disable, enable and remove laptops")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list a tenant's devices")
    listing.add_argument("tenant")
    listing.add_argument("--user", help="those of the user with this id only")
    listing.set_defaults(run=_list)
    add_config(listing)
    _verb(verbs, "disable", "take its records from a device when it next calls, and refuse it then", _disable)
    _verb(verbs, "enable", "let a disabled device pull and push again", _enable)
    _verb(verbs, "remove", "forget a device that is gone for good; what it holds stays on it", _remove)


def _verb(verbs: Any, name: str, summary: str, work: Callable[[Transaction, Principal, str], str]) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    parser.add_argument("tenant")
    parser.add_argument("device", help="its id, as `device list` gives it")
    parser.set_defaults(run=lambda arguments: _do(arguments, work))
    add_config(parser)


def _do(arguments: argparse.Namespace, work: Callable[[Transaction, Principal, str], str]) -> int:
    operator = Principal(arguments.tenant, "", Role.SYSTEM)
    with store_of(arguments) as store:
        said = store.run(arguments.tenant, lambda tx: work(tx, operator, arguments.device))
    sys.stdout.write(f"{said}\n")
    return 0


def _disable(tx: Transaction, operator: Principal, device: str) -> str:
    known = fleet.set_enabled(tx, operator, device, enabled=False)
    rest = "its next sync takes its records from it" if known.holds else "it holds no records"
    return f"device {device} is disabled; {rest}"


def _enable(tx: Transaction, operator: Principal, device: str) -> str:
    fleet.set_enabled(tx, operator, device, enabled=True)
    return f"device {device} is enabled"


def _remove(tx: Transaction, operator: Principal, device: str) -> str:
    fleet.remove(tx, operator, device)
    return f"device {device} is forgotten"


def _list(arguments: argparse.Namespace) -> int:
    operator = Principal(arguments.tenant, "", Role.SYSTEM)
    after: str | None = ""
    with store_of(arguments) as store:
        while after is not None:
            after = store.run(arguments.tenant, partial(_page, operator=operator, user=arguments.user, after=after))
    return 0


def _page(tx: Transaction, operator: Principal, user: str | None, after: str) -> str | None:
    """Write one page of the list; where the next one begins, None after the last."""
    page = fleet.listed(tx, operator, user=user, after=after, limit=_PAGE)
    for known in page:
        row = known.device
        state = "" if row.enabled else "  disabled, " + ("still holds records" if known.holds else "empty")
        line = f"{row.device:<36}  {row.user:<36}  {row.seen_at:%Y-%m-%d %H:%M}  {row.name}{state}"
        sys.stdout.write(f"{line}\n")
    return page[-1].device.device if len(page) == _PAGE else None

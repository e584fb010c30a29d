"""`saddlebag device`: list, disable, enable and remove the laptops of a tenant; the keys of those that are encrypted.

Belongs here: what an operator does with devices. May not know: what a disabled device still gets (`saddlebag.sync`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from saddlebag.cli.main import add_config, new_secret, settings_of, store_of
from saddlebag.kernel.errors import MASTER_KEY, SaddlebagError
from saddlebag.records import wss
from saddlebag.security.principal import Principal, Role
from saddlebag.server import keyfile
from saddlebag.store.base import Transaction
from saddlebag.sync import fleet, keys

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
    lease = verbs.add_parser("lease", help="show or set how long encrypted laptops can be read without asking the hub")
    lease.add_argument("tenant")
    lease.add_argument("hours", type=int, nargs="?")
    lease.set_defaults(run=_lease)
    rotate = verbs.add_parser("rotate-key", help="seal wrapping keys and digest secrets under a fresh master key")
    rotate.set_defaults(run=_rotate)
    for each in (lease, rotate):
        add_config(each)


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


def _lease(arguments: argparse.Namespace) -> int:
    operator = Principal(arguments.tenant, "", Role.SYSTEM)
    with store_of(arguments) as store:
        if arguments.hours is not None:
            store.run(arguments.tenant, lambda tx: keys.set_hours(tx, operator, arguments.hours))
        hours = store.run(arguments.tenant, keys.hours, read_only=True)
    sys.stdout.write(f"a lease of a laptop's key lasts {hours} hours\n")
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    """The key before the fresh one stays: a lease under way may have put back what it had read."""
    path = settings_of(arguments).master_keys
    if path is None:
        raise SaddlebagError(MASTER_KEY, "The hub has no file of master keys.")
    masters = keyfile.load(path).rotated(keyfile.fresh())
    keyfile.replace(path, masters)  # first, so that a rotation that breaks off leaves nothing that cannot be opened
    with store_of(arguments) as store:
        for tenant in store.tenants():
            for reseal in (keys.reseal, wss.reseal):
                after: str | None = ""
                while after is not None:
                    step = partial(reseal, masters=masters, new_secret=new_secret, after=after, limit=_PAGE)
                    after = store.run(tenant.name, step)
    keyfile.replace(path, masters.newest(2))
    sys.stdout.write("what was sealed is sealed under a fresh master key; back up the file of master keys\n")
    return 0


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
        if known.leased_until is not None:
            state += f"  key leased until {known.leased_until:%Y-%m-%d %H:%M}"
        line = f"{row.device:<36}  {row.user:<36}  {row.seen_at:%Y-%m-%d %H:%M}  {row.name}{state}"
        sys.stdout.write(f"{line}\n")
    return page[-1].device.device if len(page) == _PAGE else None

"""`saddlebag tenant`: add, list and sweep tenants.

Belongs here: what an operator does with tenants as a whole. May not know: what is in them.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from saddlebag.cli.main import add_config, store_of
from saddlebag.cli.proofs import add_tenant_verbs
from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.records import attachments
from saddlebag.store.base import Store, Tenant

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("tenant", help="add, list and sweep tenants")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    add = verbs.add_parser("add", help="add a tenant")
    add.add_argument("name", help="its part of every address: a-z, 0-9 and '-', at most 40")
    add.add_argument("--title", help="its name for people (default: the name)")
    add.add_argument("--time-zone", default="UTC", help="IANA time zone that its days begin in, such as Europe/Berlin")
    add.set_defaults(run=_add)
    listing = verbs.add_parser("list", help="list tenants")
    listing.set_defaults(run=_list)
    add_tenant_verbs(verbs)
    sweep = verbs.add_parser("sweep", help="drop the content of attachments that have been deleted")
    sweep.add_argument("name")
    sweep.set_defaults(run=_sweep)
    for each in (add, listing, sweep):
        add_config(each)


def make_tenant(store: Store, name: str, title: str, time_zone: str) -> Tenant:
    """Add a tenant with a signing secret of its own; raises INVALID_VALUE and TENANT_EXISTS."""
    if _NAME.fullmatch(name) is None:
        raise SaddlebagError(INVALID_VALUE, "A tenant's name has a-z, 0-9 and '-', begins with a letter, at most 40.")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise SaddlebagError(INVALID_VALUE, "The time zone is not an IANA name such as Europe/Berlin.") from None
    tenant = Tenant(name, title, time_zone, secrets.token_bytes(32), datetime.now(UTC))
    store.create_tenant(tenant)
    return tenant


def _add(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        tenant = make_tenant(store, arguments.name, arguments.title or arguments.name, arguments.time_zone)
    sys.stdout.write(f"tenant {tenant.name} added; next: saddlebag user add {tenant.name} LOGIN --role admin\n")
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    """One transaction for each step, so that nobody waits for the whole."""
    place: str | None = ""
    with store_of(arguments) as store:
        while place is not None:
            place = store.run(arguments.name, partial(attachments.collect, after=place))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        for tenant in store.tenants():
            state = "" if tenant.enabled else "  disabled"
            sys.stdout.write(f"{tenant.name:<24} {tenant.time_zone:<20} {tenant.title}{state}\n")
    return 0

"""`saddlebag demo`: a hub with data, a rep's day, and then everything that one needs to go on trying.

Belongs here: the order of the demonstration, what it prints and writes. May not know: the steps' insides.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saddlebag.cli.demo import hub as demo_hub
from saddlebag.cli.demo.data import Sizes, rep_id
from saddlebag.cli.demo.day import Setting, Step, play
from saddlebag.cli.demo.week import deals_of_week
from saddlebag.cli.setup import make_hub
from saddlebag.model.builtin import BUILTIN
from saddlebag.server import plugins
from saddlebag.store import open_store

_LEAST_DEALS = 3


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="make a tenant with data, start a hub and play a rep's day")
    parser.add_argument("--once", action="store_true", help="end after the day")
    parser.add_argument("--json", type=Path, help="file that the addresses and the figures are written to")
    parser.add_argument("--port", type=int, default=0, help="TCP port of the hub (default: a free one)")
    parser.add_argument(
        "--folder", type=Path, help="empty folder for the hub, kept (default: a temporary one, removed)"
    )
    parser.add_argument("--database", default="sqlite:///hub.sqlite", help="SQLAlchemy URL of an empty database")
    parser.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    # SIGTERM ends the demonstration as Ctrl-C does: the hub is stopped and the folder removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="saddlebag-demo-"))
    try:
        return _run(arguments, folder)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    port = arguments.port or demo_hub.free_port()
    settings = make_hub(folder, ["localhost"], listen="127.0.0.1", port=port, database=arguments.database)
    say("Filling a tenant: 20 reps, 2,000 customers, 5,000 deals, 20,000 invoices, stock ...")
    now = demo_hub.now_utc()
    store = open_store(settings.database)
    sizes = Sizes()
    try:
        filled = demo_hub.fill(store, sizes, now)
        rep = demo_hub.median_rep(store, now.date(), sizes.reps)
        deals = deals_of_week(store, demo_hub.TENANT, rep_id(rep), now.date())
    finally:
        store.close()
    if len(deals) < _LEAST_DEALS:
        raise RuntimeError("the made-up organisation has no rep with a week's work")
    rate = filled.records / filled.seconds
    say(f"  {filled.records:,} records in {filled.seconds:.1f} s ({rate:,.0f} a second)")
    with demo_hub.running(folder / "saddlebag.toml", folder / "ready") as url:
        laptop = folder / "laptop"
        laptop.mkdir()
        ca, other = folder / "tls" / "authority.pem", rep_id((rep + 1) % sizes.reps)
        setting = Setting(url, ca, f"rep{rep:02d}", other, filled.password, laptop, now.date())
        told = _addresses(setting)
        _write(arguments.json, told)
        steps = _play(setting, [deal.id for deal in deals], str(deals[0].values["customer"]))
        figures = _figures(steps, filled.replica_bytes)
        _write(arguments.json, {**told, **figures})
        _summary(figures)
        if not arguments.once:
            _stay(setting)
    return 0


def _addresses(setting: Setting) -> dict[str, Any]:
    return {
        "url": setting.url,
        "ca": str(setting.ca),
        "tenant": demo_hub.TENANT,
        "user": setting.rep,
        "password": setting.password,
        "office": demo_hub.OFFICE,
        "services": {name: f"{setting.url}/{demo_hub.TENANT}/{name}/v1" for name in _services()},
    }


def _services() -> tuple[str, ...]:
    return tuple(plugins.services(BUILTIN))


def _play(setting: Setting, deals: list[str], customer: str) -> list[Step]:
    say(f"The day of {setting.rep}, over TLS, with the client that the hub offers:")
    say(f"  {'step':<18} {'records':>8} {'bytes up':>10} {'bytes down':>11} {'seconds':>8}")
    steps = []
    for step in play(setting, deals, customer):
        steps.append(step)
        say(
            f"  {step.name:<18} {step.records:>8,} {step.bytes_up:>10,} {step.bytes_down:>11,} {step.seconds:>8.2f}"
            f"  {step.story}"
        )
    return steps


def _figures(steps: list[Step], replica_bytes: int) -> dict[str, Any]:
    by_name = {step.name: step for step in steps}
    first, empty = by_name["first sync"], by_name["empty sync"]
    names = ("name", "records", "bytes_up", "bytes_down", "seconds")
    return {
        "steps": [{name: getattr(step, name) for name in names} for step in steps],
        "full_replica_bytes": replica_bytes,
        "first_sync_bytes": first.bytes_up + first.bytes_down,
        "empty_sync_body_bytes": empty.body_bytes,
        "evicted": sum(step.evicted for step in steps),
    }


def _summary(figures: Mapping[str, Any]) -> None:
    share = 100 * figures["first_sync_bytes"] / figures["full_replica_bytes"]
    say(
        f"A full replica as XML is {figures['full_replica_bytes']:,} bytes; "
        f"the first sync took {share:.2f} % of that.\n"
        f"A sync with nothing new has a body of {figures['empty_sync_body_bytes']} bytes. "
        f"{figures['evicted']} records left the laptop when their deal did."
    )


def _stay(setting: Setting) -> None:
    say(
        f"""
The hub stays up at {setting.url} until Ctrl-C. Try it:

  tenant {demo_hub.TENANT}, users {setting.rep} (a rep) and {demo_hub.OFFICE} (an integration account),
  password {setting.password}
  certificate authority {setting.ca}
  WSDLs: {setting.url}/{demo_hub.TENANT}/customer/v1?wsdl and likewise {", ".join(_services())}

import requests, zeep
http = requests.Session()
http.trust_env = False
http.verify = "{setting.ca}"
def service(name):
    wsdl = f"{setting.url}/{demo_hub.TENANT}/{{name}}/v1?wsdl"
    return zeep.Client(wsdl, transport=zeep.Transport(session=http)).service
token = service("session").Login(user="{setting.rep}", password="{setting.password}").token
session = {{"Session": {{"token": token}}}}
stage = {{"field": "stage", "op": "eq", "value": ["negotiate"]}}
found = service("deal").SearchDeals(filter=[stage], limit=5, _soapheaders=session)
for deal in found.deal:
    print(deal.number, deal.title, deal.amount, deal.closeDate)
"""
    )
    signal.pause()


def _write(path: Path | None, told: Mapping[str, Any]) -> None:
    """Write the file whole or not at all: whoever waits for it reads it as soon as it is there."""
    if path is not None:
        partial = path.with_suffix(path.suffix + ".partial")
        partial.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)


def say(text: str) -> None:
    """Print for people, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

"""`saddlebag adapter`: configure outside systems, check and run them, look at what came of it, replay what failed.

Belongs here: arguments, files and the environment become values; what happened becomes lines. May not know: how
adapters work. Several systems run side by side, so that one that is dead delays no other.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlebag.bridge import letters, runs, systems
from saddlebag.bridge.runs import Means, Options, System
from saddlebag.bridge.settings import json_schema
from saddlebag.bridge.systems import Configured
from saddlebag.cli.main import add_config, store_of
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError
from saddlebag.kernel.ids import uuid7
from saddlebag.store.base import Store
from saddlebag.store.tables import AdapterRun


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("adapter", help="bring records over from outside systems")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _register_setup(verbs)
    run = _verb(verbs, "run", "read changes from systems and take them over", _run, many=True)
    _add_connection(run)
    _add_stream(run)
    run.add_argument("--from-start", action="store_true", help="read everything again; what is known is left alone")
    run.add_argument("--reconcile", action="store_true", help="also compare id sets: finds deletions and late records")
    run.add_argument("--allow-deletions", action="store_true", help="delete more of a stream than its declared share")
    listing = _verb(verbs, "history", "show the latest runs of a system", _history)
    listing.add_argument("--limit", type=int, default=20, help="how many (default: 20)")
    _add_stream(_verb(verbs, "letters", "show the records that could not be taken over, and why", _letters))
    again = _verb(verbs, "replay", "take such records over again", _replay)
    _add_connection(again)
    _add_stream(again)
    again.add_argument("--letter", action="append", default=[], help="only this one, by its key; may be repeated")


def _register_setup(verbs: argparse._SubParsersAction[Any]) -> None:
    listing = _verb(verbs, "list", "show the installed adapters and a tenant's systems", _list, system=False)
    listing.add_argument("--settings-of", metavar="ADAPTER", help="show the JSON schema of this adapter's settings")
    setting = _verb(verbs, "set", "configure a system of a tenant", _set)
    setting.add_argument("--adapter", required=True, help="the adapter that reads the system")
    _add_connection(setting)
    check = _verb(verbs, "check", "log in to a system and show what it offers", _check)
    _add_connection(check)


def _verb(
    verbs: argparse._SubParsersAction[Any],
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
    *,
    system: bool = True,
    many: bool = False,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text)
    parser.add_argument("tenant", help="the tenant", nargs=None if system or many else "?")
    if system:
        parser.add_argument("system", help="the system's name in the tenant", nargs="*" if many else None)
    parser.set_defaults(run=run)
    add_config(parser)
    return parser


def _add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", type=Path, help="JSON or TOML file with the system's settings")
    parser.add_argument("--mapping", type=Path, help="JSON or TOML file with changes of the adapter's mapping")


def _add_stream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stream", action="append", default=[], help="only this stream; may be repeated")


# --- what verbs share


def means_of(store: Store, tenant: str) -> Means:
    """What runs need, from this process: its clock, its chance, its sleep."""
    return Means(store, tenant, _now, lambda: uuid7(_now(), os.urandom(10)), random.random, time.sleep)


def _now() -> datetime:
    return datetime.now(UTC)


def _configured(arguments: argparse.Namespace, store: Store, name: str) -> Configured:
    """The system as it is kept, with the files of this call in the place of what is kept."""
    known = store.run(arguments.tenant, systems.configured, read_only=True)
    kept = next((each for each in known if each.name == name), None)
    if kept is None and arguments.settings is None:
        return store.run(arguments.tenant, lambda tx: systems.find(tx, name), read_only=True)
    system = kept or Configured(name, getattr(arguments, "adapter", None) or name)
    if arguments.settings is not None:
        system = replace(system, settings=_table(arguments.settings))
    if arguments.mapping is not None:
        system = replace(system, mapping=_table(arguments.mapping))
    return system


def _table(path: Path) -> dict[str, Any]:
    """A JSON or TOML file; raises ADAPTER_CONFIGURATION."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as problem:
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The file {path.name} cannot be read.") from problem
    except ValueError as problem:
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The file {path.name} is neither JSON nor TOML.") from problem
    if not isinstance(table, dict):
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The file {path.name} holds no table.")
    return table


@contextmanager
def _opened(arguments: argparse.Namespace, store: Store, name: str) -> Iterator[System]:
    system = systems.open_system(_configured(arguments, store, name), store.schema, os.environ, _now)
    try:
        _check_streams(system, getattr(arguments, "stream", []))
        yield system
    finally:
        system.connector.close()


def _check_streams(system: System, names: Sequence[str]) -> None:
    known = [each.name for each in system.adapter.streams]
    for name in names:
        if name not in known:
            raise SaddlebagError(
                ADAPTER_CONFIGURATION, f"The adapter has no stream {name}; it has {', '.join(known)}.", rule=name
            )


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


# --- verbs


def _list(arguments: argparse.Namespace) -> int:
    if arguments.settings_of:
        adapter = systems.load_adapter(arguments.settings_of)
        _say(json.dumps(json_schema(adapter.settings), indent=2, ensure_ascii=False))
        return 0
    for name in systems.installed():
        adapter = systems.load_adapter(name)
        _say(f"{name:<16} {adapter.title}", *(f"    {each.name:<16} {each.entity}" for each in adapter.streams))
    if arguments.tenant:
        with store_of(arguments) as store:
            for each in store.run(arguments.tenant, systems.configured, read_only=True):
                _say(f"{arguments.tenant}: {each.name} by {each.adapter}")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        system = replace(_configured_or_new(arguments, store), adapter=arguments.adapter)
        store.run(arguments.tenant, lambda tx: systems.configure(tx, system))
    _say(f"system {system.name} set; next: saddlebag adapter check {arguments.tenant} {system.name}")
    return 0


def _configured_or_new(arguments: argparse.Namespace, store: Store) -> Configured:
    if arguments.settings is None:
        raise SaddlebagError(ADAPTER_CONFIGURATION, "Give the settings as --settings FILE.")
    return _configured(arguments, store, arguments.system)


def _check(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store, _opened(arguments, store, arguments.system) as system:
        info = system.connector.check()
        _say(f"{system.name}: {info.product} {info.version}", *(f"    {note}" for note in info.notes))
        for each in system.connector.discover():
            count = "" if each.count is None else f"{each.count:>8}"
            _say(f"    {each.stream:<16} {system.adapter.stream(each.stream).entity:<14}{count}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        known = store.run(arguments.tenant, systems.configured, read_only=True)
        names = list(dict.fromkeys(arguments.system or [each.name for each in known]))
        if not names:
            raise SaddlebagError(ADAPTER_CONFIGURATION, "The tenant has no system; see saddlebag adapter set.")
        with ThreadPoolExecutor(max_workers=len(names)) as pool:
            outcomes = list(pool.map(lambda name: run_adapter(arguments, store, name), names))
    return 0 if all(outcomes) else 1


def run_adapter(arguments: argparse.Namespace, store: Store, name: str) -> bool:
    """Run one system and say what came of it; whether all of it was done."""
    options = Options(arguments.from_start, arguments.reconcile, arguments.allow_deletions)
    try:
        with _opened(arguments, store, name) as system:
            rows = runs.run_system(means_of(store, arguments.tenant), system, arguments.stream, options)
    except SaddlebagError as error:
        sys.stderr.write(f"{name}: {error.message} {error.kind.cure} ({error.kind.code})\n")
        return False
    _say(*(_line(row) for row in rows))
    if any(row.failed for row in rows):
        _say(f"some records were not taken over: saddlebag adapter letters {arguments.tenant} {name}")
    return all(row.outcome == runs.DONE for row in rows)


def _line(row: AdapterRun) -> str:
    counts = " ".join(
        f"{name} {getattr(row, name)}"
        for name in ("read", "created", "updated", "deleted", "unchanged", "failed")
        if name == "read" or getattr(row, name)
    )
    seconds = (row.ended_at - row.started_at).total_seconds() if row.ended_at else 0.0
    text = f"{row.system:<16} {row.stream:<16} {row.outcome:<12} {counts}  {seconds:.1f} s"
    return f"{text}  {row.message}" if row.message else text


def _history(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        for row in runs.history(means_of(store, arguments.tenant), arguments.system, arguments.limit):
            _say(f"{row.started_at:%Y-%m-%d %H:%M:%S}  {_line(row)}")
    return 0


def _letters(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store:
        held = store.run(arguments.tenant, lambda tx: letters.waiting(tx, arguments.system), read_only=True)
    for each in held:
        if not arguments.stream or each.stream in arguments.stream:
            _say(
                f"{each.letter}  {each.at:%Y-%m-%d %H:%M}  {each.stream} {each.external_id}: {each.code} {each.reason}"
            )
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    with store_of(arguments) as store, _opened(arguments, store, arguments.system) as system:
        wanted = set(arguments.letter)
        means = means_of(store, arguments.tenant)
        done = runs.replay(means, system, arguments.stream, lambda each: not wanted or each.letter in wanted)
    for stream, counts in done.items():
        _say(f"{stream:<16} read {counts.read}, still refused {counts.failed}")
    return 1 if any(counts.failed for counts in done.values()) else 0

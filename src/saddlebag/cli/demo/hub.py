"""The demonstration's hub: a real one, in a process of its own, started and stopped like anybody's.

Belongs here: making its folder, filling its database, starting and stopping it. May not know: the rep's day.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from saddlebag.cli.demo.data import Organisation, Record, Sizes, rep_id
from saddlebag.cli.demo.week import deals_of_week
from saddlebag.cli.tenants import make_tenant
from saddlebag.cli.users import add_user, give_password
from saddlebag.kernel.errors import UNAVAILABLE, SaddlebagError
from saddlebag.model.condition import ALWAYS
from saddlebag.records.bulk import load
from saddlebag.store.base import Store, Transaction
from saddlebag.store.tables import TenantSetting

TENANT = "demo"
OFFICE = "office"
SEED = 20_260_302
_START_SECONDS = 60
_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling the database came to."""

    records: int
    seconds: float
    replica_bytes: int
    password: str


def fill(store: Store, sizes: Sizes, now: datetime) -> Filled:
    """Make the tenant, its records, a log-in for every rep and one for the office; all share one fresh password."""
    started = time.perf_counter()
    password = secrets.token_urlsafe(12)
    make_tenant(store, TENANT, "Demonstration", "UTC")
    organisation = Organisation(SEED, now.date(), sizes)
    records = 0
    for entity, rows in organisation.records():
        batch = list(rows)
        records += store.run(TENANT, partial(_load, entity=entity, rows=batch, now=now))
    store.run(TENANT, lambda tx: _credentials(tx, sizes.reps, password, now))
    add_user(store, TENANT, {"login": OFFICE, "name": "Back Office", "role": "integration", "active": True}, password)
    return Filled(records, time.perf_counter() - started, replica_bytes(store), password)


def _load(tx: Transaction, *, entity: str, rows: list[Record], now: datetime) -> int:
    return load(tx, entity, rows, now=now, origin="demo")


def _credentials(tx: Transaction, reps: int, password: str, now: datetime) -> None:
    for number in range(reps):
        give_password(tx, rep_id(number), f"rep{number:02d}", password, now)
    tx.rows.put(TenantSetting("demo", "made by saddlebag demo"))


def replica_bytes(store: Store) -> int:
    """Bytes of every record as XML, each in an element of its entity: what a full replica would have to carry."""

    def count(tx: Transaction) -> int:
        total = 0
        for entity in tx.schema.entities:
            frame = 2 * len(entity.element) + 5
            for each in tx.renderings(entity.name, ALWAYS):
                total += frame + len(each.fragment.encode()) + len(each.tail.encode())
        return total

    return store.run(TENANT, count, read_only=True)


def median_rep(store: Store, today: date, reps: int) -> int:
    """The number of the rep whose week is of middling size: that many of her open deals close in seven days."""
    sizes = sorted((len(deals_of_week(store, TENANT, rep_id(number), today)), number) for number in range(reps))
    return sizes[len(sizes) // 2][1]


@contextmanager
def running(config: Path, ready: Path) -> Iterator[str]:
    """The hub of `config` in a process of its own; gives its address once it accepts calls, stops it at the end."""
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "saddlebag.cli", "serve", "--config", str(config)],
        env={
            **os.environ,
            "SADDLEBAG_HUB_READY_FILE": str(ready),
            "SADDLEBAG_LOG_LOG_FILE": str(ready.with_name("hub.log")),
        },
        stdin=subprocess.DEVNULL,
    )
    try:
        yield _await(process, ready)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], ready: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if ready.exists() and (text := ready.read_text().strip()):
            return text
        if process.poll() is not None:
            raise SaddlebagError(UNAVAILABLE, f"The hub stopped at its start with status {process.returncode}.")
        time.sleep(0.05)
    raise SaddlebagError(UNAVAILABLE, f"The hub did not accept calls within {_START_SECONDS} seconds.")


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def now_utc() -> datetime:
    """The present time."""
    return datetime.now(UTC)

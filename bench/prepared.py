"""A hub full of the standard workload: made with the operator's commands, filled through the hub's own bulk path.

Belongs here: getting a hub ready to be measured. May not know: what is measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from conformance.hub import Hub, new_hub, run

from bench.workload import Sizes, Values, Workload
from saddlebag.records.bulk import load
from saddlebag.store import open_store

TENANT = "load"


@dataclass(frozen=True, slots=True)
class Loading:
    """What filling the hub cost."""

    records: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hub that holds the workload; not yet started."""

    hub: Hub
    database: str
    work: Workload
    loading: Loading


@contextmanager
def prepared(
    customers: int, today: date, also: Callable[[str, Iterable[tuple[str, Values]]], None]
) -> Iterator[Prepared]:
    """A hub on SQLite with this many customers; `also` is given every entity's records as well, for a peer."""
    with new_hub() as hub:
        run("client", "build", str(hub.folder / "saddlebag.pyz"))
        hub.tenant(TENANT)
        database = f"sqlite:///{hub.folder / 'hub.sqlite'}"
        work = Workload(Sizes(customers=customers), today)
        yield Prepared(hub, database, work, _fill(database, work, also))


def _fill(database: str, work: Workload, also: Callable[[str, Iterable[tuple[str, Values]]], None]) -> Loading:
    store = open_store(database)
    now = datetime.now(UTC)
    seconds = cpu = 0.0
    total = 0
    for entity, rows in work.records():
        kept = list(rows)
        started, used = time.perf_counter(), time.process_time()
        total += store.run(TENANT, lambda tx, entity=entity, kept=kept: load(tx, entity, kept, now))  # type: ignore[misc]
        seconds += time.perf_counter() - started
        cpu += time.process_time() - used
        also(entity, kept)
    store.close()
    return Loading(total, seconds, cpu)


def nothing(_entity: str, _rows: Iterable[tuple[str, Values]]) -> None:
    """For a harness without a peer."""


def settle() -> None:
    """Let the disk finish what the loading left, so that no measurement pays for it."""
    os.sync()

"""A hub full of the standard workload: made with the operator's commands, filled through the hub's own bulk path, kept.

Belongs here: getting hubs ready to be measured, and keeping them. May not know: what is measured.

A full hub is kept in the cache folder under a hash of everything that its content follows from, so that a harness that
was broken off, or the next one, starts at once; what is half made is never found. Each measurement works on a copy.

    FOLDER/hub-HASH/hub/            as `saddlebag init` made it, with the database
    FOLDER/hub-HASH/plain.sqlite    the same records in plain tables (bench.plain)
    FOLDER/hub-HASH/facts.json      what loading cost; the standard rep
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import islice
from pathlib import Path

from conformance.hub import Hub, free_port, run

from bench.clocked import Clock
from bench.plain import Plain, copied
from bench.workload import SEED, TODAY, Sizes, Workload
from saddlebag.model.builtin import BUILTIN
from saddlebag.records.bulk import load
from saddlebag.store import open_store

TENANT = "load"
_BATCH = 50_000
"""Records that are held in memory at once, and loaded in one transaction."""
_ROOT = Path(__file__).resolve().parents[1]
_UNBOUNDED = {f"SADDLEBAG_LIMITS_{each}_RATE": "0" for each in ("TENANT", "USER", "ADDRESS")}
"""A load is one tenant's and comes from one address: the bounds for such are not what is measured."""
_DECIDES = (
    "bench/workload.py",
    "bench/plain.py",
    "bench/rules.json",
    "src/saddlebag/model",
    "src/saddlebag/kernel/canon.py",
    "src/saddlebag/kernel/digest.py",
    "src/saddlebag/contract/codec.py",
    "src/saddlebag/contract/fieldcodec.py",
)
"""What the content of a full hub follows from; an older database is migrated when it is copied."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What filling the hub cost."""

    records: int
    seconds: float
    cpu_seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hub of one's own that holds the workload, with the plain tables beside it; not yet started."""

    hub: Hub
    plain: Plain
    clock: Clock
    folder: Path
    sizes: Sizes
    loading: Loading
    rep: str

    @property
    def database(self) -> str:
        """The hub's SQLAlchemy URL."""
        return f"sqlite:///{self.hub.folder / 'hub.sqlite'}"

    @property
    def today(self) -> date:
        """The day that the hub lives on."""
        return self.clock.today

    def login(self, rep: str) -> str:
        """The log-in name of a rep."""
        return f"rep{int(rep[1:]):03d}"


@contextmanager
def prepared(sizes: Sizes, cache: Path, *, workers: int = 1) -> Iterator[Prepared]:
    """A copy of a full hub of this size, made at first need; stopped and removed at the end."""
    kept = _kept(sizes, cache)
    facts = json.loads((kept / "facts.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="saddlebag-bench-", dir=cache) as name:
        folder = Path(name)
        shutil.copytree(kept / "hub", folder / "hub")
        plain = copied(kept / "plain.sqlite", folder / "plain.sqlite")
        clock = Clock(folder / "clock", TODAY)
        port = free_port()
        environment = {
            **clock.environment,
            "SADDLEBAG_HUB_PORT": str(port),
            "SADDLEBAG_HUB_PUBLIC_URL": f"https://localhost:{port}",
            "SADDLEBAG_HUB_WORKERS": str(workers),
            "SADDLEBAG_SECURITY_SESSION_SECONDS": str(30 * 24 * 3600),  # the clock moves by days
            **_UNBOUNDED,
        }
        hub = Hub(folder / "hub", port, environment)
        run("client", "build", str(hub.folder / "saddlebag.pyz"))
        hub.command("migrate")
        settle()
        try:
            yield Prepared(hub, plain, clock, folder, sizes, Loading(**facts["loading"]), facts["rep"])
        finally:
            hub.stop()
            plain.close()


def fingerprint(sizes: Sizes, root: Path = _ROOT) -> str:
    """The hash of everything that a full hub's content follows from."""
    told = hashlib.sha256(repr((sizes, SEED, TODAY)).encode())
    for each in _DECIDES:
        place = root / each
        for file in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            told.update(file.name.encode() + b"\0" + file.read_bytes())
    return told.hexdigest()[:16]


def _kept(sizes: Sizes, cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"hub-{sizes.customers}-{fingerprint(sizes)}"
    if not kept.exists():
        print(f"filling a hub with {sizes.customers:,} customers; kept in {kept}", file=sys.stderr, flush=True)
        half = Path(tempfile.mkdtemp(prefix="half-made-", dir=cache))
        try:
            _make(sizes, half)
            half.rename(kept)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return kept


def _make(sizes: Sizes, folder: Path) -> None:
    hub = Hub(folder / "hub", free_port())
    run("init", str(hub.folder), "--port", str(hub.port))
    hub.tenant(TENANT)
    plain = Plain(folder / "plain.sqlite")
    plain.create({each.name: [field.name for field in each.fields] for each in BUILTIN.entities})
    loading = _fill(f"sqlite:///{hub.folder / 'hub.sqlite'}", Workload(sizes), plain)
    plain.finish()
    hub.command("scope", "set", TENANT, "role:rep", str(_ROOT / "bench" / "rules.json"))
    facts = {"loading": asdict(loading), "rep": plain.median_rep(TODAY)}
    (folder / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    plain.close()


def _fill(database: str, work: Workload, plain: Plain) -> Loading:
    store = open_store(database)
    now = datetime.combine(work.today, clock_time(6), UTC) - timedelta(days=1)
    seconds = cpu = 0.0
    total = 0
    for entity, rows in work.records():
        names = [each.name for each in BUILTIN.entity(entity).fields]
        while kept := list(islice(rows, _BATCH)):
            started, used = time.perf_counter(), time.process_time()
            total += store.run(TENANT, lambda tx, entity=entity, kept=kept: load(tx, entity, kept, now))  # type: ignore[misc]
            seconds += time.perf_counter() - started
            cpu += time.process_time() - used
            plain.fill(entity, ([record, *(text_of(values.get(name)) for name in names)] for record, values in kept))
    store.close()
    file = Path(database.removeprefix("sqlite:///"))
    return Loading(total, seconds, cpu, file.stat().st_size)


def text_of(value: object) -> str | None:
    """A value as the plain tables keep it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def settle() -> None:
    """Let the disk finish what the loading left, so that no measurement pays for it."""
    os.sync()

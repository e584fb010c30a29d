"""`sync`: first sync, empty sync and the sync after a day's churn, through the real client over TLS.

Belongs here: what a rep's laptop waits for and what it costs the hub. May not know: how either does it. The floor
(`bench.floor`) and the generator's own count of the records are measured in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.wire import Tenant

from bench import floor
from bench.figures import CountingProxy, Report, counting, cpu_seconds, median, peak_megabytes
from bench.prepared import TENANT, Prepared, prepared, settle
from bench.workload import Values
from saddlebag.records.base import Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store import open_store
from saddlebag_client.main import main as client_main


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync as it went."""

    milliseconds: float
    server_ms: float
    told: dict[str, Any]

    @property
    def records(self) -> int:
        """Records that came and went."""
        return sum(self.told["received"].values()) + len(self.told["removed"])


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """All figures of this harness."""
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory(prefix="saddlebag-bench-") as name:
        folder = Path(name)
        tables = floor.Tables(folder / "floor.sqlite")
        with prepared(arguments.customers, today, tables.fill) as ready:
            tables.finish()
            _loading(report, ready)
            rep = ready.work.focus_rep()
            who = ready.hub.user(TENANT, f"rep{int(rep[1:]):03d}", "rep")
            ready.hub.start()
            settle()
            records = _hub(report, ready, who, rep, folder, arguments.runs)
            _floor(report, ready, tables.path, rep, folder, arguments.runs, records)
            _delta(report, ready, who, rep, folder, arguments.runs)
            assert ready.hub.process is not None
            report.add("sync.hub.peak_memory", peak_megabytes(ready.hub.process.pid), "MB")


def _loading(report: Report, ready: Prepared) -> None:
    loading = ready.loading
    report.add("load.records", loading.records, "records")
    report.add("load.rate", loading.records / loading.seconds, "records/s")
    report.add("load.cpu", loading.cpu_seconds, "s")


class Laptops:
    """New laptops of one rep, each with a file of its own; `port` is the hub's or a proxy's before it."""

    def __init__(self, ready: Prepared, who: Tenant, folder: Path) -> None:
        self.ready, self.who, self.folder = ready, who, folder
        self._made = 0

    def new(self, port: int) -> Path:
        """Log in from a new file."""
        self._made += 1
        file = self.folder / f"laptop{self._made}.sqlite"
        words = ("login", f"https://localhost:{port}", "--tenant", TENANT, "--user", self.who.user)
        self.in_process(file, *words, "--ca", str(self.ready.hub.ca), "--password-stdin", stdin=self.who.password)
        return file

    def in_process(self, file: Path, *words: str, stdin: str = "") -> dict[str, Any]:
        """A command of the client in this process: no start of an interpreter in the figure."""
        out, given = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(f"{stdin}\n")
        try:
            with contextlib.redirect_stdout(out):
                code = client_main(["--file", str(file), "--json", *words])
        finally:
            sys.stdin = given
        if code:
            raise RuntimeError(f"the client failed at {words[0]}: {out.getvalue()[-1000:]}")
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    def packed(self, file: Path, *words: str) -> dict[str, Any]:
        """A command of the packed client, as a rep types it."""
        pyz = self.ready.hub.folder / "saddlebag.pyz"
        command = [sys.executable, "-I", str(pyz), "--file", str(file), "--json", *words]
        told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return told

    def sync(self, file: Path, run: Callable[..., dict[str, Any]]) -> Sync:
        """One sync with its wall time and the hub's CPU time."""
        assert self.ready.hub.process is not None
        pid = self.ready.hub.process.pid
        used, started = cpu_seconds(pid), time.perf_counter()
        told = run(file, "sync")
        milliseconds = (time.perf_counter() - started) * 1000
        return Sync(milliseconds, (cpu_seconds(pid) - used) * 1000, told)


def _hub(report: Report, ready: Prepared, who: Tenant, rep: str, folder: Path, runs: int) -> int:
    laptops = Laptops(ready, who, folder)
    warm = laptops.new(ready.hub.port)
    records = laptops.sync(warm, laptops.in_process).records
    report.add("sync.first.records", records, "records")
    first, empty, beside = [], [], []
    for _ in range(runs):
        file = laptops.new(ready.hub.port)
        first.append(laptops.sync(file, laptops.in_process))
        empty.append(laptops.sync(file, laptops.in_process))
    for number in range(runs):
        _apply(ready.database, ready.work.beside(rep, number))
        beside.append(laptops.sync(file, laptops.in_process))
    _check(all(each.records == records for each in first), "first syncs of one rep differ")
    _check(not any(each.records for each in (*empty, *beside)), "a sync with nothing new brought something")
    _walls(report, "sync.first", first)
    _walls(report, "sync.empty", empty)
    _walls(report, "sync.beside", beside)
    report.add("sync.empty.body", empty[0].told["body_bytes"], "bytes")
    report.add("sync.empty.requests", empty[0].told["requests"], "requests")
    packed = [laptops.sync(laptops.new(ready.hub.port), laptops.packed) for _ in range(min(runs, 5))]
    report.add("sync.first.pyz.wall", median([each.milliseconds for each in packed]), "ms")
    again = [laptops.sync(warm, laptops.packed) for _ in range(min(runs, 5))]
    report.add("sync.empty.pyz.wall", median([each.milliseconds for each in again]), "ms")
    with counting(ready.hub.port) as proxy:
        file = laptops.new(proxy.port)
        for name in ("first", "empty"):
            _wire(report, f"sync.{name}", proxy, lambda: laptops.sync(file, laptops.in_process))
    return records


def _walls(report: Report, name: str, syncs: list[Sync]) -> None:
    report.add(f"{name}.wall", median([each.milliseconds for each in syncs]), "ms")
    report.add(f"{name}.server_cpu", median([each.server_ms for each in syncs]), "ms")


def _wire(report: Report, name: str, proxy: CountingProxy, work: Callable[[], object], versus: str = "") -> None:
    proxy.reset()
    work()
    report.add(f"{name}.wire", proxy.up + proxy.down, "bytes", versus)
    report.add(f"{name}.connections", proxy.connections, "TCP", versus)


def _floor(report: Report, ready: Prepared, path: Path, rep: str, folder: Path, runs: int, records: int) -> None:
    tls = ready.hub.folder / "tls"
    context = ssl.create_default_context(cafile=str(ready.hub.ca))
    today = ready.work.today
    with floor.served(path, tls / "hub.pem", tls / "hub.key", today) as (port, pid):
        walls, cpus = [], []
        found = floor.fetch(port, context, rep, folder / "floor-warm.sqlite")
        _check(found == records, f"the floor has {found} records, the hub {records}")
        for number in range(runs):
            used, started = cpu_seconds(pid), time.perf_counter()
            floor.fetch(port, context, rep, folder / f"floor{number}.sqlite")
            walls.append((time.perf_counter() - started) * 1000)
            cpus.append((cpu_seconds(pid) - used) * 1000)
        report.add("sync.first.wall", median(walls), "ms", "floor")
        report.add("sync.first.server_cpu", median(cpus), "ms", "floor")
        with counting(port) as proxy:
            last = folder / "floor-wire.sqlite"
            _wire(report, "sync.first", proxy, lambda: floor.fetch(proxy.port, context, rep, last), "floor")


def _delta(report: Report, ready: Prepared, who: Tenant, rep: str, folder: Path, runs: int) -> None:
    """The same churn for laptops that were all up to date before it."""
    laptops = Laptops(ready, who, folder)
    with counting(ready.hub.port) as proxy:
        metered = laptops.new(proxy.port)
        laptops.sync(metered, laptops.in_process)
        files = [laptops.new(ready.hub.port) for _ in range(runs)]
        for file in files:
            laptops.sync(file, laptops.in_process)
        changes = ready.work.churn(rep)
        report.add("churn.changes", len(changes), "records")
        report.add("churn.rate", len(changes) / _apply(ready.database, changes), "records/s")
        syncs = [laptops.sync(file, laptops.in_process) for file in files]
        _check(len({each.records for each in syncs}) == 1, "the same churn gave laptops different changes")
        told = syncs[0].told
        report.add("sync.delta.received", sum(told["received"].values()), "records")
        report.add("sync.delta.removed", len(told["removed"]), "records")
        _walls(report, "sync.delta", syncs)
        _wire(report, "sync.delta", proxy, lambda: laptops.sync(metered, laptops.in_process))


def _apply(database: str, changes: list[tuple[str, str, Values | None]]) -> float:
    """Write the churn through the hub's own path, 200 records at a time as integrations do; the seconds it took."""
    store = open_store(database)
    system = Principal(TENANT, "", Role.SYSTEM)
    started = time.perf_counter()
    for batch in _batches(changes):
        now = datetime.now(UTC)
        writes = [
            Write(Verb.DELETE if values is None else Verb.UPDATE, entity, id=record, values=values or {})
            for entity, record, values in batch
        ]
        outcomes = store.run(
            TENANT,
            lambda tx, now=now, writes=writes: Records(tx, system, now=now, new_id=str).apply(writes),  # type: ignore[misc]
        )
        for each in outcomes:
            if each.error:
                raise each.error
    seconds = time.perf_counter() - started
    store.close()
    return seconds


def _batches(changes: list[tuple[str, str, Values | None]]) -> Iterator[list[tuple[str, str, Values | None]]]:
    return (changes[start : start + 200] for start in range(0, len(changes), 200))


def _check(holds: bool, otherwise: str) -> None:
    """A figure of a wrong answer is worth nothing."""
    if not holds:
        raise RuntimeError(otherwise)

"""`sync`: what a rep's laptop waits for, puts on the wire and costs the hub, from an empty file to 100 edits pushed.

Belongs here: the steps, in their order, on the standard rep. May not know: how hub or client do it. Each step is
checked against the plain tables: a wrong answer ends the run. The floor and, where they are asked for, the peers are
measured in the same run.
"""

from __future__ import annotations

import argparse
import socket
import ssl
from importlib.util import find_spec
from pathlib import Path

from bench import floor_figures
from bench.day import Day, beside, edits
from bench.exact import check, check_laptop
from bench.figures import CountingProxy, Report, counting, cpu_seconds, median, peak_megabytes
from bench.hub_changes import write
from bench.laptops import Laptops, Sync
from bench.peers import catalogue
from bench.peers.install import Python
from bench.peers.measure import compare
from bench.plain import Change, moved
from bench.prepared import TENANT, Prepared, prepared
from bench.workload import DAY_SEED, Sizes

_PACKED_RUNS = 5


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """All figures of this harness."""
    python = Python(arguments.cache)
    with prepared(Sizes(customers=arguments.customers), arguments.cache) as ready:
        loading(report, ready)
        floor_figures.measure(report, ready, arguments.runs, python if arguments.peers else None)
        if arguments.peers:
            peers = catalogue.peers(arguments.cache, python)
            compare(
                report, peers, ready.plain, ready.folder, ready.rep, ready.today, arguments.postgres, arguments.runs
            )
        who = ready.hub.user(TENANT, ready.login(ready.rep), "rep")
        ready.hub.start()
        _Rep(report, ready, Laptops(ready, who), arguments.runs).run()


def loading(report: Report, ready: Prepared) -> None:
    """What filling the hub cost, when it was filled."""
    took = ready.loading
    report.add("load.records", took.records, "records")
    report.add("load.rate", took.records / took.seconds, "records/s")
    report.add("load.cpu", took.cpu_seconds, "s")
    report.add("load.database", took.bytes / 1e6, "MB")


class _Rep:
    """The standard rep and her laptops."""

    def __init__(self, report: Report, ready: Prepared, laptops: Laptops, runs: int) -> None:
        self._report, self._ready, self._laptops, self._runs = report, ready, laptops, runs

    def run(self) -> None:
        """All steps."""
        with counting(self._ready.hub.port) as proxy:
            metered = self._laptops.new(proxy.port)
            files = self._first(metered, proxy)
            self._empty(files, metered, proxy)
            self._churn(files, metered, proxy)
            self._roll(files, metered, proxy)
            self._push(files)
        assert self._ready.hub.process is not None
        self._report.add("sync.hub.peak_memory", peak_megabytes(self._ready.hub.process.pid), "MB")

    def _first(self, metered: Path, proxy: CountingProxy) -> list[Path]:
        laptops, held = self._laptops, self._held()
        laptops.sync(laptops.new())  # what a hub does once is not a rep's
        files = [laptops.new() for _ in range(self._runs)]
        syncs = [laptops.sync(each) for each in files]
        check(all(each.received == len(held) for each in syncs), f"a first sync brought not {len(held)} records")
        self._report.add("sync.first.records", len(held), "records")
        self._report.add("sync.zstd", find_spec("zstandard") is not None, "yes or no")
        self._tell("first", syncs)
        self._wire("first", metered, proxy)
        self._exact("first", [files[-1], metered])
        packed = [laptops.sync(laptops.new(), laptops.packed) for _ in range(min(self._runs, _PACKED_RUNS))]
        self._report.add("sync.first.pyz.wall", median([each.milliseconds for each in packed]), "ms")
        return files

    def _empty(self, files: list[Path], metered: Path, proxy: CountingProxy) -> None:
        syncs = [self._laptops.sync(each) for each in files]  # presents the last page's cursor: that is remembered
        syncs = [self._laptops.sync(each) for each in files]
        self._nothing(syncs)
        self._tell("empty", syncs)
        self._report.add("sync.empty.body", syncs[0].told["body_bytes"], "bytes")
        self._report.add("sync.empty.requests", syncs[0].told["requests"], "requests")
        self._report.add("sync.empty.beyond_handshake", self._cpu(syncs) - self._handshakes(proxy), "ms")
        self._laptops.sync(metered)
        self._wire("empty", metered, proxy)
        others = []
        for number in range(self._runs):
            self._write(beside(self._ready.plain, self._ready.rep, self._ready.today, number))
            others.append(self._laptops.sync(files[number]))
        self._nothing(others)
        self._tell("beside", others)
        packed = [self._laptops.sync(files[0], self._laptops.packed) for _ in range(min(self._runs, _PACKED_RUNS))]
        self._report.add("sync.empty.pyz.wall", median([each.milliseconds for each in packed]), "ms")

    def _cpu(self, syncs: list[Sync]) -> float:
        return median([each.server_ms for each in syncs])

    def _handshakes(self, proxy: CountingProxy) -> float:
        """The hub's CPU milliseconds for a connection on which nothing is asked; and its bytes."""
        hub, taken = self._ready.hub, []
        assert hub.process is not None
        for _ in range(self._runs):
            used = cpu_seconds(hub.process.pid)
            self._handshake(hub.port)
            taken.append((cpu_seconds(hub.process.pid) - used) * 1000)
        self._report.add("sync.handshake.server_cpu", median(taken), "ms")
        proxy.reset()
        self._handshake(proxy.port)
        self._report.add("sync.handshake.wire", proxy.traffic(), "bytes")
        return median(taken)

    def _handshake(self, port: int) -> None:
        context = ssl.create_default_context(cafile=str(self._ready.hub.ca))
        context.set_alpn_protocols(["http/1.1"])
        with socket.create_connection(("localhost", port)) as bare:
            context.wrap_socket(bare, server_hostname="localhost").unwrap().close()

    def _nothing(self, syncs: list[Sync]) -> None:
        check(not any(each.received or each.removed for each in syncs), "a sync with nothing new brought something")

    def _churn(self, files: list[Path], metered: Path, proxy: CountingProxy) -> None:
        ready, before = self._ready, self._held()
        changes = Day(ready.plain, ready.rep, ready.today, DAY_SEED).churn()
        seconds = write(ready, changes)
        self._report.add("churn.changes", len(changes), "records")
        self._report.add("churn.rate", len(changes) / seconds, "records/s")
        self._moved("delta", before)
        self._delta("delta", files, metered, proxy)

    def _roll(self, files: list[Path], metered: Path, proxy: CountingProxy) -> None:
        before = self._held()
        self._ready.clock.move(1)
        self._moved("roll", before)
        self._delta("roll", files, metered, proxy)

    def _moved(self, name: str, before: dict[tuple[str, str], dict[str, str]]) -> None:
        for what, count in zip(("in", "out", "changed"), moved(before, self._held()), strict=True):
            self._report.add(f"sync.{name}.{what}", count, "records")

    def _delta(self, name: str, files: list[Path], metered: Path, proxy: CountingProxy) -> None:
        syncs = [self._laptops.sync(each) for each in files]
        self._tell(name, syncs)
        self._wire(name, metered, proxy)
        self._exact(name, [*files, metered])

    def _push(self, files: list[Path]) -> None:
        ready, syncs, steps = self._ready, [], []
        for number, file in enumerate(files):
            self._laptops.sync(file)
            made = self._laptops.edit(file, edits(ready.plain, ready.rep, ready.today, number))
            syncs.append(self._laptops.sync(file))
            wrong = [each for each in syncs[-1].told["sent"] if each["status"] != "applied"]
            check(not wrong and len(syncs[-1].told["sent"]) == len(made), f"edits were not taken over: {wrong[:2]}")
            ready.plain.apply(made)
            self._exact("push", [file])
            steps.append(syncs[-1].step("push"))
        self._report.add("sync.push.edits", len(made), "edits")
        self._report.add("sync.push.requests", sum(each["requests"] for each in steps) / len(steps), "requests")
        self._report.add_all("sync.push.wall", [each["seconds"] * 1000 for each in steps], "ms")
        self._report.add("sync.push.bytes", median([each["bytes_up"] + each["bytes_down"] for each in steps]), "bytes")
        self._tell("push_and_pull", syncs)

    def _held(self) -> dict[tuple[str, str], dict[str, str]]:
        return self._ready.plain.held(self._ready.rep, self._ready.today)

    def _write(self, changes: list[Change]) -> None:
        self._ready.plain.apply(changes)
        write(self._ready, changes)

    def _exact(self, name: str, files: list[Path]) -> None:
        held = self._held()
        for each in files:
            check_laptop(f"the laptop after {name}", each, held)

    def _tell(self, name: str, syncs: list[Sync]) -> None:
        self._report.add_all(f"sync.{name}.wall", [each.milliseconds for each in syncs], "ms")
        self._report.add(f"sync.{name}.server_cpu", self._cpu(syncs), "ms")

    def _wire(self, name: str, metered: Path, proxy: CountingProxy) -> None:
        proxy.reset()
        sync = self._laptops.sync(metered)
        self._report.add(f"sync.{name}.wire", proxy.up + proxy.down, "bytes")
        self._report.add(f"sync.{name}.down", sync.told["bytes_down"], "bytes")
        self._report.add(f"sync.{name}.connections", proxy.connections, "TCP")

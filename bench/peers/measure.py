"""The one way in which all peers are measured: the same steps, on the same records, as the hub.

Belongs here: first sync, day's churn, the day after, 100 edits; exactness after each. May not know: any peer's inside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from bench.children import ChildFailed, Client
from bench.day import Day, edits
from bench.exact import check_keys
from bench.figures import Report, counting, cpu_seconds_of, median
from bench.peers.base import Peer, Service, Unavailable, World, order
from bench.plain import Change, Key, Plain, Texts, copied
from bench.workload import DAY_SEED


@dataclass
class _Taken:
    """One step's walls and server CPU, in milliseconds."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)


class Measured:
    """One peer under measurement."""

    def __init__(self, report: Report, peer: Peer, world: World, runs: int) -> None:
        self._report, self._peer, self._world, self._runs = report, peer, world, runs
        self._clients: list[Client] = []

    def run(self) -> None:
        """All figures of the peer; raises Unavailable, ChildFailed, WrongAnswer."""
        with self._peer.served(self._world) as service:
            try:
                with counting(service.port) as proxy:
                    self._metered = service.client(self._runs, proxy.port)
                    self._clients = [service.client(each, service.port) for each in range(self._runs)]
                    self._steps(service, proxy.traffic)
            finally:
                for each in [*self._clients, self._metered]:
                    each.close()

    def _steps(self, service: Service, traffic: Callable[[], int]) -> None:
        world, plain = self._world, self._world.plain
        held = plain.held(world.rep, world.today)
        self._step(service, "first", "first", held, traffic)
        if self._peer.connected:
            return
        changes = Day(plain, world.rep, world.today, DAY_SEED).churn()
        after = plain.held(world.rep, world.today)
        self._become(service, "churn", changes, 0, held, after)
        self._step(service, "delta", "delta", after, traffic)
        tomorrow = plain.held(world.rep, world.today + timedelta(days=1))
        self._become(service, "roll", [], 1, after, tomorrow)
        self._step(service, "delta", "roll", tomorrow, traffic)
        self._push(service)

    def _become(
        self,
        service: Service,
        name: str,
        changes: Sequence[Change],
        days: int,
        before: dict[Key, Texts],
        after: dict[Key, Texts],
    ) -> None:
        writes = service.become(changes, self._world.today + timedelta(days=days), before, after)
        self._report.add(f"sync.{name}.writes", writes, "writes", self._peer.name)

    def _step(self, service: Service, op: str, name: str, wanted: dict[Key, Texts], traffic: Callable[[], int]) -> None:
        taken = _Taken()
        for each in self._clients:
            self._take(service, each, op, taken)
        traffic()
        self._metered.ask(op)
        wire = traffic()
        for each in (self._clients[-1], self._metered):
            keys = {(entity, record) for entity, record in each.ask("keys")["keys"]}
            check_keys(f"{self._peer.name} after {name}", keys, wanted)
        self._tell(name, taken)
        self._report.add(f"sync.{name}.wire", wire, "bytes", self._peer.name)

    def _take(self, service: Service, client: Client, op: str, taken: _Taken) -> None:
        pids = service.processes()
        used = cpu_seconds_of(pids)
        taken.walls.append(client.ask(op)["seconds"] * 1000)
        taken.cpus.append((cpu_seconds_of(pids) - used) * 1000)

    def _tell(self, name: str, taken: _Taken) -> None:
        self._report.add_all(f"sync.{name}.wall", taken.walls, "ms", self._peer.name)
        self._report.add(f"sync.{name}.server_cpu", median(taken.cpus), "ms", self._peer.name)

    def _push(self, service: Service) -> None:
        world, taken = self._world, _Taken()
        for number, each in enumerate(self._clients):
            each.ask("delta")
            made = list(edits(world.plain, world.rep, world.today + timedelta(days=1), number))
            each.ask("edit", changes=order(made))
            self._take(service, each, "push", taken)
        self._tell("push", taken)


def compare(
    report: Report, peers: Sequence[Peer], plain: Plain, folder: Path, rep: str, today: date, postgres: str, runs: int
) -> None:
    """Measure each peer on a copy of the plain tables; one that cannot run here is told with its reason."""
    for peer in peers:
        place = folder / peer.name.replace(" ", "-").lower()
        place.mkdir()
        tables = copied(plain.path, place / "plain.sqlite")
        started = time.perf_counter()
        try:
            Measured(report, peer, World(place, tables, rep, today, postgres), runs).run()
        except (Unavailable, ChildFailed) as problem:
            report.skip(f"sync.{peer.name}", str(problem))
        finally:
            tables.close()
        report.note(f"{peer.name}: {time.perf_counter() - started:.0f} s")

"""`throughput`: reps a second that one worker and two workers serve: first, empty and delta pulls of many devices.

Belongs here: several reps near the standard one, the same number of new devices each, pulled for from several
processes; every pull is a connection of its own, as laptops come. May not know: how the hub shares its work out.
"""

from __future__ import annotations

import argparse

from conformance.wire import Target, Tenant, call, header

from bench.day import Day
from bench.exact import check
from bench.figures import Report, cpu_seconds_of, family
from bench.hub_changes import write
from bench.prepared import TENANT, Prepared, prepared
from bench.pulling import Device, Puller, together
from bench.workload import DAY_SEED, Sizes

_REPS = 8
_PULLERS = 4
_EMPTY = 3


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """The figures for one worker and for two."""
    for workers in (1, 2):
        with prepared(Sizes(customers=arguments.customers), arguments.cache, workers=workers) as ready:
            _Load(report, ready, workers, arguments.devices).run()


class _Load:
    """Many devices on one hub."""

    def __init__(self, report: Report, ready: Prepared, workers: int, devices: int) -> None:
        self._report, self._ready, self._workers, self._count = report, ready, workers, devices
        by_size = ready.plain.reps_by_size(ready.today)
        place = [rep for _, rep in by_size].index(ready.rep)
        reps = max(2, min(_REPS, devices // _PULLERS))
        start = max(0, min(place - reps // 2, len(by_size) - reps))
        self._reps = [rep for _, rep in by_size[start : start + reps]]

    def run(self) -> None:
        """First, empty and delta pulls; then it is known how many records each device ends up with, and checked."""
        ready = self._ready
        people = {rep: ready.hub.user(TENANT, ready.login(rep), "rep") for rep in self._reps}
        ready.hub.start()
        devices = self._register(people)
        path = Target(ready.hub.url, ready.hub.ca, TENANT, "", "").path("sync")
        pullers = [Puller(ready.hub.port, ready.hub.ca, path) for _ in range(_PULLERS)]
        try:
            self._stages(pullers, devices)
        finally:
            for each in pullers:
                each.close()

    def _stages(self, pullers: list[Puller], devices: list[Device]) -> None:
        for each in self._reps[1:]:  # what a hub does once is not a rep's
            together(pullers[:1], [devices[self._reps.index(each)]])
        devices = self._stage("first", pullers, devices, 1)
        _, cursors = together(pullers, devices)  # presents the page's cursor: that is remembered
        devices = [(session, cursor, size) for (session, _, size), cursor in zip(devices, cursors, strict=True)]
        devices = self._stage("empty", pullers, devices, _EMPTY)
        changes = Day(self._ready.plain, self._ready.rep, self._ready.today, DAY_SEED).churn()
        write(self._ready, changes)
        sizes = [self._ready.plain.size(self._rep(number), self._ready.today) for number in range(len(devices))]
        check([each[2] for each in devices] != sizes, "the churn changed nobody's scope")
        devices = [(session, cursor, size) for (session, cursor, _), size in zip(devices, sizes, strict=True)]
        self._stage("delta", pullers, devices, 1)

    def _rep(self, number: int) -> str:
        return self._reps[number % len(self._reps)]

    def _register(self, people: dict[str, Tenant]) -> list[Device]:
        ready, made = self._ready, []
        target = Target(ready.hub.url, ready.hub.ca, TENANT, "", "")
        sizes = {rep: ready.plain.size(rep, ready.today) for rep in self._reps}
        for number in range(self._count):
            rep = self._rep(number)
            members = {"name": "load", "platform": "linux", "clientVersion": "1"}
            told = "".join(f"<m:{name}>{text}</m:{name}>" for name, text in members.items())
            cursor = call(target, "sync", f"<m:RegisterDevice>{told}</m:RegisterDevice>", who=people[rep]).text(
                "cursor"
            )
            check(bool(cursor), "a device was not registered")
            made.append((header("Session", token=target.token(people[rep])), str(cursor), sizes[rep]))
        return made

    def _stage(self, name: str, pullers: list[Puller], devices: list[Device], times: int) -> list[Device]:
        process = self._ready.hub.process
        assert process is not None
        pids = family(process.pid)
        used = cpu_seconds_of(pids)
        seconds, cursors = together(pullers, devices * times)
        cpu = cpu_seconds_of(pids) - used
        versus = f"{self._workers} worker{'s' if self._workers > 1 else ''}"
        self._report.add(f"throughput.{name}.rate", len(cursors) / seconds, "reps/s", versus)
        self._report.add(f"throughput.{name}.server_cpu", cpu * 1000 / len(cursors), "ms/rep", versus)
        last = cursors[-len(devices) :]
        return [(session, cursor, size) for (session, _, size), cursor in zip(devices, last, strict=True)]

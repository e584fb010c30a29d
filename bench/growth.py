"""`growth`: what a scope of one size costs the hub when the organisation, or the number of its devices, is larger.

Belongs here: the same steps on hubs of different sizes; a rep has the same number of customers in each, for there are
more reps. May not know: why a hub keeps its pace, or does not.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bench.exact import check, check_laptop
from bench.figures import Report, median
from bench.hub_changes import write
from bench.laptops import Laptops, Sync
from bench.plain import Change
from bench.prepared import TENANT, Prepared, prepared
from bench.workload import Sizes
from saddlebag.kernel.ids import uuid7
from saddlebag.store import open_store
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Device, ManifestSlot

RECORDS = 569
"""The scope whose cost is compared: that of the standard rep."""
_CUSTOMERS_OF_A_REP = 500
_FEW, _MANY = 10, 10_000
_WRITES = 1_000
_STEPS = ("first", "empty", "touched")


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """By customers, then by devices."""
    sizes = sorted(int(each) for each in arguments.growth.split(","))
    taken = []
    for customers in sizes:
        with _hub(customers, arguments) as ready:
            taken.append(_Scope(ready, arguments.runs).measured(report, f"{customers} customers"))
    _ratios(report, "growth.customers", taken[0], taken[-1])
    with _hub(min(sizes, key=lambda each: abs(each - 100_000)), arguments) as ready:
        _devices(report, ready, arguments.runs)


def _hub(customers: int, arguments: argparse.Namespace):  # type: ignore[no-untyped-def]
    return prepared(Sizes(customers=customers, reps=max(1, customers // _CUSTOMERS_OF_A_REP)), arguments.cache)


def _devices(report: Report, ready: Prepared, runs: int) -> None:
    few = _Scope(ready, runs)
    before = few.measured(report, f"{_FEW} devices")
    before["write"] = few.writes(report, f"{_FEW} devices", 0)
    ready.hub.stop()
    _register(ready, _MANY)
    ready.hub.start()
    many = _Scope(ready, runs)
    after = many.measured(report, f"{_MANY} devices")
    after["write"] = many.writes(report, f"{_MANY} devices", 1)
    _ratios(report, "growth.devices", before, after)


def _ratios(report: Report, name: str, small: dict[str, float], large: dict[str, float]) -> None:
    for step, cost in large.items():
        report.add(f"{name}.{step}", cost / small[step], "times")


def _register(ready: Prepared, count: int) -> None:
    """Give the hub many devices: copies of those that are there, each with what it has proved it holds."""
    store = open_store(ready.database)

    def copy(tx: Transaction) -> None:
        models = tx.rows.select(Device)
        slots = {each.device: tx.rows.select(ManifestSlot, device=each.device) for each in models}
        held = [each for each in models if slots[each.device]]
        devices, manifests = [], []
        for number in range(count - len(models)):
            model = held[number % len(held)]
            name = uuid7(ready.clock.now() - timedelta(seconds=number), number.to_bytes(10, "big"))
            devices.append(replace(model, device=name, key_hash=f"copy{number}"))
            manifests += [replace(each, device=name) for each in slots[model.device]]
        tx.rows.put_all(devices)
        tx.rows.put_all(manifests)
        check(len(tx.rows.select(Device)) == count, f"there are not {count} devices")

    store.run(TENANT, copy)
    store.close()


@dataclass
class _Scope:
    """A rep whose scope has the size that is compared."""

    ready: Prepared
    runs: int

    def __post_init__(self) -> None:
        ready = self.ready
        _, self.rep = min(ready.plain.reps_by_size(ready.today), key=lambda each: abs(each[0] - RECORDS))
        self._files: list[Path] = []

    def measured(self, report: Report, versus: str) -> dict[str, float]:
        """The hub's CPU milliseconds of each step."""
        ready = self.ready
        who = ready.hub.user(TENANT, ready.login(self.rep), "rep")
        if ready.hub.process is None:
            ready.hub.start()
        self._laptops = Laptops(ready, who)
        self._laptops.sync(self._laptops.new())  # what a hub does once is not a rep's
        self._files = [self._laptops.new() for _ in range(self.runs)]
        steps = {"first": self._syncs()}
        self._syncs()  # presents the page's cursor: that is remembered
        steps["empty"] = self._syncs()
        steps["touched"] = self._touched()
        report.add("growth.records", steps["first"][0].received, "records", versus)
        for name, syncs in steps.items():
            report.add(f"growth.{name}.wall", median([each.milliseconds for each in syncs]), "ms", versus)
            report.add(f"growth.{name}.server_cpu", median([each.server_ms for each in syncs]), "ms", versus)
        return {name: median([each.server_ms for each in syncs]) for name, syncs in steps.items()}

    def _syncs(self) -> list[Sync]:
        return [self._laptops.sync(each) for each in self._files]

    def _touched(self) -> list[Sync]:
        """One record of the scope has changed: the scope is evaluated, one record is sent."""
        ready, syncs = self.ready, []
        deal = next(key for entity, key in sorted(ready.plain.held(self.rep, ready.today)) if entity == "Deal")
        for number, file in enumerate(self._files):
            change = Change("Deal", deal, {"nextStep": f"Step {time.time_ns()} {number}"})
            ready.plain.apply([change])
            write(ready, [change])
            syncs.append(self._laptops.sync(file))
            check_laptop("the laptop that a change was for", file, ready.plain.held(self.rep, ready.today))
        return syncs

    def writes(self, report: Report, versus: str, number: int) -> float:
        """CPU milliseconds that writing one record costs, among the customers that devices carry."""
        ready, rates, costs = self.ready, [], []
        ids = ready.plain.ids("Customer")[:_WRITES]
        for run in range(self.runs):
            texts = [f"+33 {number}{run:02d}{place:06d}" for place in range(len(ids))]
            changes = [Change("Customer", each, {"phone": text}) for each, text in zip(ids, texts, strict=True)]
            ready.plain.apply(changes)
            used = time.process_time()
            rates.append(len(changes) / write(ready, changes))
            costs.append((time.process_time() - used) * 1000 / len(changes))
        report.add("growth.write.rate", median(rates), "records/s", versus)
        report.add("growth.write.cpu", median(costs), "ms/record", versus)
        return median(costs)

"""The driver: carries out what the session machine orders, between the file and the hub.

Belongs here: one command, its durable effect, its event. May not know: which command comes next (`kernel.session`),
HTTP, how the report is shown. Every effect is one local transaction; a kill between two of them costs one page or push.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from saddlebag.kernel import limits
from saddlebag.kernel import manifest as manifests
from saddlebag.kernel import session_events as events
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.nodes import damaged
from saddlebag.kernel.session import Session
from saddlebag_client import describe, outbox, rows, settle, stage
from saddlebag_client.hub import PAGE_BYTES, SMALL_PAGE_BYTES, HubCalls
from saddlebag_client.local import LocalFile
from saddlebag_client.messages import Eviction
from saddlebag_client.metered import Meter
from saddlebag_client.outbox import Operation
from saddlebag_client.settle import Result
from saddlebag_client.transfers import Moved, Transfers

PUSH_BYTES = 1024 * 1024
"""Characters of operations in one push."""

PAGE_WISE = "page_wise"
"""The setting of the file that lets each page be seen as it comes."""


@dataclass(slots=True)
class Step:
    """One exchange as it went: bytes over the wire, seconds, records moved."""

    name: str
    records: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    requests: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """What a sync did."""

    sent: list[tuple[Operation, Result]] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    removed: list[tuple[Eviction, str]] = field(default_factory=list)
    healed: int = 0
    body_bytes: int = 0
    """Bytes of the last page's envelope before compression."""
    steps: list[Step] = field(default_factory=list)
    attachments: Moved = field(default_factory=Moved)

    @property
    def total(self) -> Step:
        """All steps in one."""
        whole = Step("total")
        for each in self.steps:
            whole.records += each.records
            whole.bytes_up += each.bytes_up
            whole.bytes_down += each.bytes_down
            whole.requests += each.requests
            whole.seconds += each.seconds
        return whole


class Driver:
    """One sync of one file. `clock` gives seconds that only ever grow, `progress` takes a sentence for a person."""

    def __init__(
        self,
        file: LocalFile,
        hub: HubCalls,
        clock: Callable[[], float],
        progress: Callable[[str], None],
        this: tuple[str, str, str],
    ) -> None:
        self._file = file
        self._hub = hub
        self._clock = clock
        self._progress = progress
        self._this = this
        self.report = Report()

    def run(self) -> Report:
        """Sync until hub and file agree; raises the error that ended it, with everything so far in `report`."""
        machine = Session(self._file.need("cursor"), self._file.need("incarnation"))
        command = machine.receive(events.Begun())
        while not machine.over:
            command = machine.receive(self._carry_out(command))
        if isinstance(command, events.Stop):
            raise command.error
        return self.report

    def transfer(self) -> None:
        """Move the contents of attachments, after the records; raises NO_CONNECTION with what moved in `report`."""
        meter, step, started = self._hub.transport.meter, Step("transfer"), self._clock()
        before = Meter(meter.up, meter.down, meter.requests)
        transfers = Transfers(self._file, self._hub, self._progress)
        self.report.attachments = transfers.moved
        try:
            transfers.run()
        finally:
            self._measure(step, before, started)

    def _carry_out(self, command: events.Command) -> events.Event:
        meter = self._hub.transport.meter
        before, started = Meter(meter.up, meter.down, meter.requests), self._clock()
        step = Step(type(command).__name__.lower())
        try:
            return self._do(command, step)
        except SaddlebagError as error:
            return events.Refused(error)
        finally:
            self._measure(step, before, started)

    def _measure(self, step: Step, before: Meter, started: float) -> None:
        meter = self._hub.transport.meter
        step.bytes_up, step.bytes_down = meter.up - before.up, meter.down - before.down
        step.requests, step.seconds = meter.requests - before.requests, self._clock() - started
        if step.requests:
            self.report.steps.append(step)

    def _do(self, command: events.Command, step: Step) -> events.Event:
        match command:
            case events.Push(incarnation):
                return self._push(incarnation, step)
            case events.Pull(cursor):
                return self._pull(cursor, step)
            case events.Compare():
                return events.Compared(rows.digest(self._file))
            case events.Register():
                return self._register()
            case events.Reconcile(incarnation, wanted):
                return self._reconcile(incarnation, wanted)
            case _:
                raise ValueError(f"a session that is over was driven on: {command}")

    def _push(self, incarnation: int, step: Step) -> events.Event:
        batch = outbox.take_batch(self._file, limits.PUSH_OPERATIONS, PUSH_BYTES)
        if not batch:
            return events.Pushed(more=False)
        self._progress(f"Sending {len(batch)} changes")
        step.records = len(batch)
        acknowledged = outbox.acknowledged(self._file)
        results = self._hub.push(self._file.need("device"), incarnation, batch, acknowledged)
        settled = settle.store(self._file, batch, results)
        self.report.sent += settled
        if len(settled) < len(batch):
            raise damaged("The hub answered fewer changes than were sent.")
        return events.Pushed(more=bool(outbox.operations(self._file, outbox.UNSENT, outbox.SENT)))

    def _pull(self, cursor: str, step: Step) -> events.Event:
        if self._file.get("compare_first"):
            return events.Distrusted()
        page_wise = bool(self._file.get(PAGE_WISE))
        page = self._hub.pull(cursor, SMALL_PAGE_BYTES if page_wise else PAGE_BYTES)
        if page.distrusted:
            return events.Distrusted()
        if page.more and page.cursor == cursor:
            raise damaged("The hub announced more but gave no new cursor.")
        labels = describe.labels(self._file)
        removed = [(each, labels(each.entity, each.id)) for each in page.evictions]
        with self._file.transaction() as db:
            stage.take(db, page, at_once=not page_wise)
            self._file.put(cursor=page.cursor)
        self.report.removed += removed
        self.report.received.update([*(each.entity for each in page.records), *(each for each, _ in page.patches)])
        self.report.body_bytes = page.body_bytes
        step.records = len(page.records) + len(page.patches) + len(removed)
        if step.records:
            self._progress(f"Received {self.report.received.total()} records")
        return events.PageStored(page.cursor, page.more, None if page.more else page.digest)

    def _register(self) -> events.Event:
        name, platform, version = self._this
        found = self._hub.register(name, platform, version, self._file.need("device"))
        with self._file.transaction():
            self._file.put(cursor=found.cursor, incarnation=found.incarnation)
            if found.key:
                self._file.put(device_key=found.key)
        return events.Registered(found.cursor, found.incarnation)

    def _reconcile(self, incarnation: int, wanted: tuple[int, ...]) -> events.Event:
        self._progress("Comparing with the hub")
        held = list(rows.manifest(self._file))
        sums = manifests.pack_sums(manifests.shard_sums(held))
        keys = manifests.pack(manifests.in_shards(held, wanted)) if wanted else None
        healing = self._hub.reconcile(self._file.need("device"), incarnation, sums, keys)
        cursor = healing.cursor or self._file.need("cursor")
        with self._file.transaction():
            self._file.put(cursor=cursor, incarnation=healing.incarnation)
            if not healing.wanted:
                self._file.put(compare_first=None)
        self.report.healed += 1
        return events.Reconciled(cursor, healing.incarnation, healing.wanted)

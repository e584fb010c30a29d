"""A laptop of the random histories: what it went through, and how it synchronises, judged at each step.

Belongs here: pushes, pulls, whole syncs and healing of one device, with the properties of each. May not know: which
history is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import sync_properties as properties
from model_device import Laptop
from office import Office
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import (
    DEVICE_DISABLED,
    INVALID_CREDENTIALS,
    OPERATION_MISMATCH,
    SCOPE_CAPPED,
    SaddlebagError,
)
from saddlebag.kernel.ops import OpResult
from saddlebag.sync import engine
from scope_oracle import Key, Oracle
from sync_properties import Broken, Doubt, Property, Sent, holds
from wire_device import WireLaptop
from wire_hub import CALM, Lost, Weather, WireHub

_REFUSALS = (DEVICE_DISABLED, INVALID_CREDENTIALS)
LOST_ANSWER = Weather(lost="answer")


@dataclass(eq=False)
class Device(WireLaptop):
    """A device of one rep of an office."""

    office: Office | None = None
    out: dict[Key, int] = field(default_factory=dict)
    """Since when what it holds is out of its scope, as far as pulls said so."""
    doubt: Doubt = field(default_factory=Doubt)
    disturbed: bool = False
    """Whether something worse than a lost message has happened to it since its last whole sync."""
    restored: bool = False
    """Whether it ever became its older self: its numbers may come again long after."""
    groups: list[list[int]] = field(default_factory=list)
    """Sequences of the operations that are to be done all or none."""
    budget: int | None = None
    sent: Sent | None = None

    @classmethod
    def made(cls, hub: WireHub, office: Office, who: str) -> Device:
        """A new one; it looks at all that it is sent."""
        device = cls(office.world, who, hub=hub, office=office)
        device.register()
        device.watch = device._judge
        return device

    @property
    def at(self) -> Office:
        """Its tenant."""
        assert self.office is not None
        return self.office

    @property
    def active(self) -> bool:
        """Whether it has its rights."""
        return self.at.active(self.who, self.device)

    @property
    def oracle(self) -> Oracle:
        """What it may hold."""
        return self.at.oracle(self.who, self.device)

    def one(self, entity: str, which: int) -> str:
        """One of the records of the entity that it holds, "" where there is none."""
        ids = sorted(self.ids(entity))
        return ids[which % len(ids)] if ids else ""

    def expected(self) -> dict[Key, str]:
        """What it should hold after a whole sync."""
        scope, oracle = self.at.scope(self.who), self.oracle
        stays = oracle.staying(scope, self.out)
        # What the hub knew only by the device's word does not stay; which records those are, only the hub can tell.
        return oracle.expected(scope, stays & self.rows.keys() if self.doubt.healed else stays)

    def _judge(self, answer: engine.Answer) -> None:
        properties.page(self, answer, self.oracle, self.budget, self.doubt)
        holds(Property.CONVERGENCE, self.merges or not answer.patches, "a client that merges nothing got patches")
        if self.sent is not None:
            self.sent.puts += properties.keys(answer)
            self.sent.evicts += [(each.entity, each.id) for each in answer.evicts]

    # Pushing.

    def bring_home(self, weather: Weather = CALM, most: int | None = None) -> list[OpResult]:
        """Push; no result where a message was lost, or where it may not."""
        if not self.active:
            self._refused_push()
            return []
        sent = self.first(most)
        try:
            results = self._sent(weather, most)
        except SaddlebagError as problem:
            reused = problem.kind is OPERATION_MISMATCH and self.restored
            holds(Property.EXACTLY_ONCE, reused, f"an operation sent again was refused: {problem!r}")
            self.list_all()
            results = self._sent(CALM, most)
        if results:
            properties.losing_values(self.world, self, sent, results)
            properties.groups(self, self.groups)
        return results

    def _sent(self, weather: Weather, most: int | None) -> list[OpResult]:
        self.weather = weather
        try:
            return self.push(most=most)
        except Lost:
            return []
        finally:
            self.weather = CALM

    def _refused_push(self) -> None:
        before = self.at.sequence
        try:
            results: Any = self.push()
        except SaddlebagError as problem:
            holds(Property.NO_LEAK, problem.kind in _REFUSALS, f"a device without rights was told {problem!r}")
            results = []
        holds(Property.NO_LEAK, not results and self.at.sequence == before, f"it pushed: {results}")

    # Pulling.

    def fetch(self, budget: int | None = None, weather: Weather = CALM) -> engine.Answer | None:
        """One page; None where a message was lost or a cap bites."""
        scope, oracle = self.at.scope(self.who), self.oracle
        capped = oracle.capped(scope, self.at.scope_name(self.who))
        out = oracle.out(scope, self.rows, self.out)
        self.budget, self.weather = budget, weather
        try:
            answer = self.pull(max_bytes=budget)
        except Lost:
            if weather.lost != "request" and (not weather.dies or weather.after) and not capped:
                self.out = out
            return None
        except SaddlebagError as problem:
            self._check_refusal(problem, capped)
            return None
        finally:
            self.weather = CALM
        holds(Property.BOUNDS, answer.reconcile or not capped, f"beyond a cap: {capped}")
        if not answer.reconcile:
            self.out = out
        return answer

    def _check_refusal(self, problem: SaddlebagError, capped: list[tuple[str, int, int]]) -> None:
        if problem.kind in _REFUSALS and not self.active:
            return
        holds(Property.CLOCKS, problem.kind is SCOPE_CAPPED, f"a pull with its own cursor: {problem!r}")
        told = (problem.rule, problem.count, problem.limit)
        holds(Property.BOUNDS, told in capped, f"a cap of {told} instead of {capped}")

    def list_all(self) -> None:
        """Tell the hub what it really holds."""
        self.doubt.healed = True
        self.heal()

    def synced(self, budget: int | None = None) -> None:
        """Push, pull until complete, compare, heal: at most three rounds."""
        self.bring_home()
        if not self.active:
            self._emptied(budget)
            return
        sent = self.sent = Sent(dict(self.rows))
        for _ in range(3):
            answer = self._to_the_end(budget)
            if answer is None:
                self.sent = None
                return
            if not answer.reconcile and answer.digest == Digest.of(each.hash for each in self.held()):
                break
            holds(Property.RESUME, self.disturbed, f"lost messages alone need healing: {answer.digest}")
            self.list_all()
            # What was changed in a torn row was sent in vain.
            sent = self.sent = Sent(dict(self.rows))
        else:
            raise Broken(Property.CONVERGENCE, "hub and device do not agree")
        self.sent, self.disturbed = None, False
        properties.whole_sync(self, answer, self.expected(), sent, self.doubt)
        self.doubt = replace(self.doubt, forgotten=frozenset())

    def _to_the_end(self, budget: int | None) -> engine.Answer | None:
        for _ in range(200):
            answer = self.fetch(budget)
            if answer is None or not answer.more:
                return answer
        raise Broken(Property.BOUNDS, "the pages do not end")

    def _emptied(self, budget: int | None) -> None:
        """Without rights it is told to drop what it holds, and then nothing any more."""
        for _ in range(200):
            answer = self.fetch(budget)
            if answer is None:
                break
            holds(Property.NO_LEAK, not properties.keys(answer), "a device without rights gets records")
            if answer.reconcile:
                holds(Property.RESUME, self.disturbed, "lost messages alone need healing")
                self.list_all()
        else:
            raise Broken(Property.BOUNDS, "the pages do not end")
        holds(
            Property.PROMPT_LEAVE, not self.rows or self.disturbed or self.doubt.healed, f"it keeps {self.rows.keys()}"
        )

    # Faults.

    def losing(self, work: Callable[[], object]) -> None:
        """Do what a lost message may cut off."""
        with suppress(Lost):
            work()
        self.weather = CALM

    def forgets(self, keys: Iterable[Key]) -> None:
        """The hub has lost these records' entries in what it knows of the device."""
        self.disturbed = True
        self.doubt = replace(self.doubt, forgotten=self.doubt.forgotten | frozenset(keys))

    def becomes(self, image: Laptop) -> None:
        """It is its older self again, but for its key: that is told anew at the next log-in."""
        older = image.image()
        self.disturbed = self.restored = True
        self.device, self.incarnation, self.cursor = older.device, older.incarnation, older.cursor
        self.rows, self.outbox, self.results = older.rows, older.outbox, older.results
        self.made_before(older)

    def made_before(self, older: Laptop) -> None:
        """Only what the older self has made is known; the rest is lost with the disk."""
        self.made, self.sequence = older.made, older.sequence
        known = {each.sequence for each in self.outbox} | self.results.keys()
        self.groups = [each for each in self.groups if known.issuperset(each)]

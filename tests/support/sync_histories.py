"""Random histories of offices, their reps' laptops and the wire between them, for Hypothesis to make up and shrink.

Two tenants share one hub and even the ids of records and devices; laptops know of it by messages alone. Each thing that
an office, a rep, a clock, a disk, a stranger, a network or a dying process does is an event. What must hold are the ten
properties of `sync_properties`: of every page, of every push, of every complete sync, and of all laptops at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

import sync_properties as properties
from model_device import Laptop
from office import BODY, REPS, Office
from random_steps import Some, Steps, event
from records_world import create, delete, settled, update
from saddlebag.kernel import canon
from saddlebag.kernel.cursor import read_cursor, write_cursor
from saddlebag.kernel.errors import INVALID_CURSOR, SESSION_EXPIRED, UNKNOWN_DEVICE, SaddlebagError
from saddlebag.kernel.manifest import Held, pack, unpack
from saddlebag.kernel.ops import FieldEdit, Operation, OpKind, OpResult, OpStatus
from saddlebag.store.sql import SqlStore
from saddlebag.store.tables import ManifestSlot, PendingPage
from saddlebag.sync import holding
from scope_oracle import ScopeSet
from sync_devices import LOST_ANSWER, Device
from sync_properties import Broken, Property, holds
from wire_hub import CALM, Weather, WireHub

RULE_SETS = (
    "closing+pinned-deals+pinned-customers",
    "closing+overdue",
    "overdue",
    "closing",
    "pinned-customers+overdue",
    "closing-short+pinned-deals",
    "closing-short+overdue-short",
)
STEPS = ("minutes 1", "hours 5", "hours 14", "days 1", "days 8", "minutes -90", "days -2", "days 400")
WEATHERS = {
    "calm": CALM,
    "request lost": Weather(lost="request"),
    "answer lost": LOST_ANSWER,
    "sent twice": Weather(lost="twice"),
    "killed before": Weather(dies=1),
    "killed after": Weather(dies=1, after=True),
}
"""What may happen to an exchange."""

who = which = range(10_000)
weather = ("calm", *WEATHERS)
LETTER = re.compile(r">[a-zA-Z](?=[^<]*</(?!id>|version>))")
"""The first letter of the first text of a row that is not its key."""

EDITED = {"title": "latest-edit", "probability": "latest-edit", "nextStep": "device-wins", "notes": "append"}
"""Fields of a deal that both sides edit, and the policy that each declares."""

_numbers = count()


def _hostile_push(**changed: Any) -> Callable[[Device], list[OpResult]]:
    """An operation with one thing wrong with it."""

    def push(laptop: Device) -> list[OpResult]:
        laptop.sequence += 1
        good: dict[str, Any] = {
            "sequence": laptop.sequence,
            "kind": OpKind.UPDATE,
            "entity": "Deal",
            "id": "none",
            "edited_at": "2026-03-02T12:00:00Z",
            "base_version": 1,
            "fields": (FieldEdit("title", (), ("x",)),),
        }
        return laptop._push([Operation(**{**good, **changed})])

    return push


def _hostile_heal(sums: bytes, keys: bytes | None) -> Callable[[Device], list[OpResult]]:
    """Sums or entries that are none."""

    def heal(laptop: Device) -> list[OpResult]:
        laptop._reconcile(sums, keys)
        raise Broken(Property.BOUNDS, "a hostile reconciliation was taken")

    return heal


HOSTILE: dict[str, Callable[[Device], list[OpResult]]] = {
    "unknown entity": _hostile_push(entity="Nothing"),
    "unknown record": _hostile_push(),
    "bad id": _hostile_push(id="../x"),
    "unknown field": _hostile_push(fields=(FieldEdit("nothing", (), ("x",)),)),
    "bad number": _hostile_push(fields=(FieldEdit("probability", (), ("1e9",)),)),
    "two values": _hostile_push(fields=(FieldEdit("title", (), ("x", "y")),)),
    "bad time": _hostile_push(edited_at="yesterday"),
    "short sums": _hostile_heal(b"x" * 2047, None),
    "keys of no sums": _hostile_heal(b"\0" * 2047 + b"\1", pack([Held("Deal", "d-sam", 1, 99)])),
    "no keys at all": _hostile_heal(b"\0" * 2047 + b"\1", b"\1\377\377"),
}
"""What a broken or malicious device may send; each is refused and changes no record."""


class Histories(Steps):
    """Two offices, two reps in each, five laptops."""

    def __init__(self, hub: WireHub, offices: Sequence[Office]) -> None:
        super().__init__()
        self.hub = hub
        self.offices = offices
        self.words: dict[tuple[int, int, str], tuple[str, str]] = {}
        self.images: dict[int, Laptop] = {}
        self.patch = pytest.MonkeyPatch()

    def close(self) -> None:
        self.patch.undo()

    @classmethod
    def of(cls, store: SqlStore) -> Histories:
        """A history with two tenants that the store does not have yet."""
        number = next(_numbers)
        return cls(
            WireHub.of(store), [Office(settled(store, f"{mark}-{number}"), mark) for mark in ("amber", "basalt")]
        )

    def begin(self) -> None:
        # Else only a device with hundreds of records has a manifest of several parts.
        for name, number in (("_AIM", 8), ("_MOST", 16), ("_LEAST", 2)):
            self.patch.setattr(holding, name, number)
        self.hub.marks = {each.world.tenant: each.mark.encode() for each in self.offices}
        for office in self.offices:
            office.settle()
        amber, basalt = self.offices
        crew = ((amber, "rita"), (amber, "rita"), (amber, "sam"), (basalt, "rita"), (basalt, "sam"))
        self.laptops = [Device.made(self.hub, office, rep) for office, rep in crew]
        self.laptops[2].merges = False  # a client of before there were patches
        for laptop in self.laptops[1:4]:
            laptop.synced(properties.LEAST_PAGE)
        self.after_event()

    # The offices.

    @event(at=which, which=which, day=range(-9, 13))
    def move_a_deal(self, at: int, which: int, day: int) -> None:
        office = self._office(at)
        close = office.world.now.date() + timedelta(days=day)
        office.change("Deal", office.some("Deal", which), closeDate=close)

    @event(at=which, which=which, rep=REPS)
    def reassign_a_deal(self, at: int, which: int, rep: str) -> None:
        office = self._office(at)
        office.change("Deal", office.some("Deal", which), owner=rep)

    @event(at=which, which=which, rep=REPS, territory=("north-1", "south", "north"))
    def reassign_a_customer(self, at: int, which: int, rep: str, territory: str) -> None:
        office = self._office(at)
        office.change("Customer", office.some("Customer", which), owner=rep, territory=territory)

    @event(at=which, rep=REPS, territory=("north-1", "south", "north"))
    def reassign_a_worker(self, at: int, rep: str, territory: str) -> None:
        """What her territory shows her comes and goes with it."""
        self._office(at).change("User", rep, territory=territory)

    @event(at=which, which=which, stage=("prospect", "propose", "won", "lost"))
    def move_a_stage(self, at: int, which: int, stage: str) -> None:
        office = self._office(at)
        office.change("Deal", office.some("Deal", which), stage=stage)

    @event(who=who, which=which, field=("nextStep", "probability", "notes"), lose=(False, True))
    def office_clears_a_field(self, who: int, which: int, field: str, lose: bool) -> None:
        """A device that held a value holds none then, as it holds any other change."""
        laptop = self._laptop(who)
        record = laptop.one("Deal", which)
        laptop.at.change("Deal", record, **{field: _value(field, laptop.at)})
        laptop.synced()
        laptop.at.change("Deal", record, **{field: None})
        if lose:
            laptop.fetch(weather=LOST_ANSWER)
        laptop.synced()

    @event(at=which, which=which)
    def office_writes_a_note(self, at: int, which: int) -> None:
        office = self._office(at)
        office.note(office.some("Customer", which))

    @event(at=which, which=which, entity=("Activity", "Contact", "Deal"))
    def office_makes_a_record(self, at: int, which: int, entity: str) -> None:
        office = self._office(at)
        more = {"owner": REPS[which % 2]} if entity == "Deal" else {}
        office.make(entity, office.new_id(), customer=office.some("Customer", which), **more)

    @event(at=which, which=which, product=("p1", "p2"))
    def office_makes_a_line(self, at: int, which: int, product: str) -> None:
        office = self._office(at)
        deal = office.some("Deal", which)
        if deal:
            office.make("DealLine", office.new_id(), deal=deal, product=product)

    @event(who=who, which=which, what=("edit", "delete", "late", "give away"), lose=(False, True))
    def office_touches_what_a_device_holds(self, who: int, which: int, what: str, lose: bool) -> None:
        """The page that says so may be lost; in any case the next sync brings it."""
        laptop = self._laptop(who)
        entity = "Contact" if what == "delete" else "Deal"
        record = laptop.one(entity, which)
        if not record:
            return
        late = laptop.world.now.date() + timedelta(days=60)
        change = {
            "edit": update(entity, record, title=laptop.at.word()),
            "late": update(entity, record, closeDate=late),
            "delete": delete(entity, record),
            "give away": update(entity, record, owner="sam" if laptop.who == "rita" else "rita"),
        }[what]
        laptop.world.apply("adam", change)
        if lose:
            laptop.fetch(weather=LOST_ANSWER)
        laptop.synced()

    @event(at=which, which=which, entity=("Deal", "DealLine", "Contact", "Activity"))
    def office_deletes(self, at: int, which: int, entity: str) -> None:
        office = self._office(at)
        office.drop(entity, office.some(entity, which))

    @event(at=which, which=which, loser=which, entity=("Contact", "Customer", "Deal"))
    def office_merges(self, at: int, which: int, loser: int, entity: str) -> None:
        """What one record was becomes part of another, with all that refers to it."""
        office = self._office(at)
        office.merge(entity, office.some(entity, which), office.some(entity, loser))

    @event(
        at=which,
        name=("default", "default", "default", "role:rep", "user:rita"),
        rules=RULE_SETS,
        grace=(0, 0, 24, 60),
        caps=("", "", "", "all", "roots"),
    )
    def office_changes_the_scope(self, at: int, name: str, rules: str, grace: int, caps: str) -> None:
        scope = ScopeSet(rules, grace, 22 if caps == "all" else 0, 2 if caps == "roots" else 0)
        self._office(at).set_scope(name, scope)

    @event(who=who, rules=RULE_SETS[:2], of=("all", "roots"), below=(1, 2))
    def a_cap_bites(self, who: int, rules: str, of: str, below: int) -> None:
        """A pull names rule, count and limit, and gives nothing; without the cap it goes on where it was."""
        laptop = self._laptop(who)
        office, scope = laptop.at, ScopeSet(rules)
        oracle = laptop.oracle
        held = len(oracle.carried(scope)) if of == "all" else len(oracle.deals(0, 6))
        if held > below and laptop.active:
            most = held - below
            capped = replace(scope, cap=most if of == "all" else 0, roots=most if of == "roots" else 0)
            office.set_scope(f"user:{laptop.who}", capped)
            before = dict(laptop.rows)
            laptop.synced()
            holds(Property.BOUNDS, laptop.rows == before, "a capped scope changed what is held")
            office.set_scope(f"user:{laptop.who}", None)
        laptop.synced()

    @event(who=who, which=which, rules=RULE_SETS[-2:], pinned=(False, True))
    def some_fields_are_carried(self, who: int, which: int, rules: str, pinned: bool) -> None:
        """What several rules claim carries what any of them does; what none carries is not sent when it changes."""
        laptop = self._laptop(who)
        office, name = laptop.at, f"user:{laptop.who}"
        office.set_scope(name, ScopeSet(rules))
        laptop.synced()
        deal = laptop.one("Deal", which)
        office.pin(laptop.who, "Deal", deal, pinned)
        office.change("Deal", deal, amount=office.number(), nextStep=office.word())
        office.change("Customer", laptop.one("Customer", which), number=office.word(), phone=office.word())
        laptop.synced()
        office.set_scope(name, None)

    @event(at=which, name=("role:rep", "user:rita", "default"))
    def office_unsets_a_scope(self, at: int, name: str) -> None:
        self._office(at).set_scope(name, None)

    @event(at=which, which=which, rep=REPS, entity=("Deal", "Customer"), on=(False, True))
    def pin(self, at: int, which: int, rep: str, entity: str, on: bool) -> None:
        office = self._office(at)
        office.pin(rep, entity, office.some(entity, which), on)

    @event(at=which, step=STEPS)
    def time_passes(self, at: int, step: str) -> None:
        """Also back: clocks are set."""
        unit, number = step.split()
        self._office(at).world.tick(**{unit: int(number)})

    @event(
        who=who,
        grace=(24, 60),
        rules=RULE_SETS[:2],
        steps=Some((5, 14, 20, 30, 40)),
        lose=Some((0, 1, 2, 3)),
        away=(False, False, True),
    )
    def what_has_left_stays_for_a_while(
        self, who: int, grace: int, rules: str, steps: list[int], lose: list[int], away: bool
    ) -> None:
        """Exactly as long as it may, whatever is asked for and lost meanwhile, and however small the pages are; what
        is given `away` and not hers to see does not stay.
        """
        laptop = self._laptop(who)
        laptop.at.set_scope("default", ScopeSet(rules, grace))
        laptop.synced()
        for deal in sorted(laptop.ids("Deal")):
            laptop.at.change("Deal", deal, closeDate=laptop.world.now.date() + timedelta(days=90))
        for number, hours in enumerate(steps[:1] if away else steps):
            laptop.fetch(properties.LEAST_PAGE, LOST_ANSWER if number in lose else CALM)
            laptop.world.tick(hours=hours)
        if away:
            laptop.at.give_all(laptop.who, "sam" if laptop.who == "rita" else "rita")
        if lose:
            laptop.fetch(properties.LEAST_PAGE, LOST_ANSWER)
        laptop.synced(properties.LEAST_PAGE)

    # The field.

    @event(who=who, which=which)
    def rep_writes_a_note(self, who: int, which: int) -> None:
        laptop = self._laptop(who)
        record = laptop.one("Customer", which)
        if record:
            word, notes = laptop.at.word(), str(laptop.texts("Customer", record).get("notes", ""))
            edit = laptop.edit("Customer", record, notes=f"{notes}\n{word}".strip())
            self.words[id(laptop), edit.sequence, word] = ("Customer", record)

    @event(who=who, which=which, heal=(False, True), more=(False, True), weather=("answer lost", "killed after"))
    def an_answer_is_lost_after_a_note(self, who: int, which: int, heal: bool, more: bool, weather: str) -> None:
        """The device knows no result, and may even begin a new incarnation before it asks again.

        Meanwhile the office writes to the same field, and the rep may add to what she sends.
        """
        self.rep_writes_a_note(who=who, which=which)
        laptop = self._laptop(who)
        record = laptop.one("Customer", which)
        laptop.bring_home(WEATHERS[weather])
        if record:
            laptop.at.note(record)
        if more:
            self.rep_logs_a_visit(who=who, which=which)
        if heal and laptop.active:
            laptop.list_all()
        laptop.bring_home()

    @event(who=who, which=which)
    def a_days_work_is_lost_with_the_disk(self, who: int, which: int) -> None:
        """The restored device gives the numbers of lost operations to new ones."""
        laptop = self._laptop(who)
        image = laptop.image()
        self.rep_writes_a_note(who=who, which=which)
        laptop.bring_home()
        self._becomes(laptop, image)
        self.rep_writes_a_note(who=who, which=which + 1)
        laptop.bring_home()

    @event(who=who, which=which)
    def rep_makes_a_mistake(self, who: int, which: int) -> None:
        """What follows on the same record waits until the mistake is mended."""
        laptop = self._laptop(who)
        record = laptop.one("Contact", which)
        if record:
            edits = [laptop.edit("Contact", record, customer="no-such"), laptop.edit("Contact", record, title="x")]
            laptop.bring_home()
            if laptop.active:
                results = [laptop.results[each.sequence] for each in edits]
                assert [each.status for each in results] in ([OpStatus.REJECTED] * 2, [OpStatus.GONE] * 2)
                assert results[1].status is OpStatus.GONE or results[1].retryable

    @event(who=who, which=which, stage=("propose", "won", "lost", "prospect"))
    def rep_moves_a_stage(self, who: int, which: int, stage: str) -> None:
        laptop = self._laptop(who)
        record = laptop.one("Deal", which)
        if record:
            laptop.edit("Deal", record, stage=stage)

    @event(who=who, which=which)
    def rep_logs_a_visit(self, who: int, which: int) -> None:
        laptop = self._laptop(who)
        record = laptop.one("Customer", which)
        if record:
            self._makes(laptop, "Activity", None, customer=record, kind="visit", subject=laptop.at.word(), body=BODY)

    @event(who=who, which=which, day=range(-2, 9), group=(False, True), spoil=("", "", "line", "visit"))
    def rep_wins_a_customer_offline(self, who: int, which: int, day: int, group: bool, spoil: str) -> None:
        """Records that refer to one another, made where no hub is; all or none of them, where she says so."""
        laptop = self._laptop(who)
        at, word = laptop.at, laptop.at.word()
        close = str(laptop.world.now.date() + timedelta(days=day))
        label = at.new_id() if group else None
        first = laptop.sequence + 1
        customer = self._makes(laptop, "Customer", label, name=word, owner=laptop.who)
        contact = self._makes(laptop, "Contact", label, customer=customer, lastName=word)
        deal = {"customer": customer, "owner": laptop.who, "title": word, "stage": "qualify", "closeDate": close}
        made = self._makes(laptop, "Deal", label, **deal)
        product = "no-such" if spoil == "line" else "p1"
        self._makes(laptop, "DealLine", label, deal=made, product=product, quantity="2")
        visit = {"customer": customer, "deal": made, "contact": contact, "subject": word, "kind": "visit"}
        self._makes(laptop, "Activity", label, **{**visit, "kind": "nothing" if spoil == "visit" else "visit"})
        if group:
            laptop.groups.append(list(range(first, laptop.sequence + 1)))

    def _makes(self, laptop: Device, entity: str, group: str | None, **texts: str) -> str:
        record = laptop.at.new_id()
        edit = laptop.create(entity, record, group=group, **texts)
        self.words[id(laptop), edit.sequence, ""] = (entity, record)
        return record

    @event(
        who=who,
        which=which,
        mine=tuple(EDITED),
        others=Some(tuple(EDITED)),
        first=(False, True),
        clock=(0, -7200, 90_000),
    )
    def both_edit_a_deal(self, who: int, which: int, mine: str, others: list[str], first: bool, clock: int) -> None:
        """`first` tells whether the rep's edit is older; her clock may be wrong by `clock` seconds."""
        laptop = self._laptop(who)
        laptop.synced()
        record, world = laptop.one("Deal", which), laptop.world
        if not record or not laptop.active:
            return
        office = {name: _value(name, laptop.at) for name in others}
        laptop.clock_error, written = clock, str(_value(mine, laptop.at))
        if not first and office:
            world.write("adam", update("Deal", record, **office))
        edited_at = min(world.tick() + timedelta(seconds=clock), world.now + timedelta(days=9))
        edit = laptop.edit("Deal", record, **{mine: written})
        if first and office:
            world.write("adam", update("Deal", record, **office))
        changed_at = world.stored("Deal", record).modified_at
        world.tick()
        laptop.bring_home()
        result, newer = laptop.results[edit.sequence], min(edited_at, world.now) >= changed_at
        _judge_two_edits(laptop.at, result, record, mine, written, office, newer)

    @event(who=who, which=which, kind=("update", "delete"))
    def one_deletes_what_the_other_edits(self, who: int, which: int, kind: str) -> None:
        """The deletion wins, and exactly what was typed meanwhile is kept."""
        laptop = self._laptop(who)
        laptop.synced()
        customer, world, record = laptop.one("Customer", which), laptop.world, laptop.at.new_id()
        if not customer:
            return
        world.write("adam", create("Activity", record, customer=customer, kind="visit", subject=laptop.at.mark))
        laptop.synced()
        if ("Activity", record) not in laptop.rows:  # a cap bites, or the customer only stays by grace
            return
        word = laptop.at.word()
        before = laptop.at.conflicts("Activity", record)
        if kind == "delete":
            world.write("adam", update("Activity", record, body=word))
            edit, expected = laptop.remove("Activity", record), ("body", None, word)
        else:
            edit, expected = laptop.edit("Activity", record, body=word), ("body", word, None)
            world.write("adam", delete("Activity", record))
        laptop.bring_home()
        result, kept = laptop.results[edit.sequence], laptop.at.conflicts("Activity", record) - before
        if result.status is not OpStatus.REJECTED:
            holds(Property.POLICIES, kept == {expected}, f"{result}: kept {kept} instead of {expected}")

    @event(who=who, which=which)
    def rep_discards_what_was_rejected(self, who: int, which: int) -> None:
        laptop = self._laptop(who)
        rejected = sorted(
            sequence
            for sequence, result in laptop.results.items()
            if result.status is OpStatus.REJECTED and not result.retryable
        )
        if rejected:
            laptop.discard(rejected[which % len(rejected)])

    @event(who=who, which=which)
    def rep_deletes(self, who: int, which: int) -> None:
        laptop = self._laptop(who)
        record = laptop.one("Activity", which)
        if record:
            laptop.remove("Activity", record)

    # The network, the disk, the hub's process and its memory.

    @event(who=who, weather=weather, most=(None, 1, 2))
    def push(self, who: int, weather: str, most: int | None) -> None:
        """Operations come in other batches when they are sent again."""
        self._laptop(who).bring_home(WEATHERS[weather], most)

    @event(who=who, weather=weather, budget=(4096, 4096, None))
    def pull(self, who: int, weather: str, budget: int | None) -> None:
        self._laptop(who).fetch(budget, WEATHERS[weather])

    @event(who=who, budget=(4096, None))
    def sync(self, who: int, budget: int | None) -> None:
        self._laptop(who).synced(budget)

    @event(who=who, which=which, changes=(False, True), late_wins=(False, True))
    def answers_change_places(self, who: int, which: int, changes: bool, late_wins: bool) -> None:
        """Of two answers to one cursor the device takes the first that arrives, which may be the older one."""
        laptop = self._laptop(who)
        laptop.synced()
        deal = laptop.one("Deal", which)
        laptop.at.change("Deal", deal, title=laptop.at.word())
        before = laptop.image()
        older = laptop.fetch()
        taken = laptop.image()
        laptop.rows, laptop.cursor = before.rows, before.cursor
        if changes:
            laptop.at.change("Deal", deal, title=laptop.at.word())
        newer = laptop.fetch()
        if late_wins and older is not None:
            laptop.disturbed |= newer is None or newer.cursor != older.cursor
            laptop.rows, laptop.cursor = taken.rows, taken.cursor
        laptop.synced()

    @event(who=who)
    def back_up(self, who: int) -> None:
        laptop = self._laptop(who)
        self.images[id(laptop)] = laptop.image()

    @event(who=who)
    def restore_an_image(self, who: int) -> None:
        laptop = self._laptop(who)
        if id(laptop) in self.images:
            self._becomes(laptop, self.images[id(laptop)])

    @event(who=who, which=which)
    def flip_a_bit(self, who: int, which: int) -> None:
        laptop = self._laptop(who)
        if laptop.rows:
            laptop.disturbed = True
            key = sorted(laptop.rows)[which % len(laptop.rows)]
            laptop.rows[key] = LETTER.sub(">y", laptop.rows[key], count=1)

    @event(who=who)
    def the_hub_forgets(self, who: int) -> None:
        laptop = self._laptop(who)
        laptop.disturbed = True

        def forget(tx: Any) -> None:
            tx.rows.delete(ManifestSlot, device=laptop.device)
            tx.rows.delete(PendingPage, device=laptop.device)

        laptop.world.run(forget)

    @event(who=who, which=which)
    def the_hub_loses_a_part_of_a_manifest(self, who: int, which: int) -> None:
        """What was in it comes again, and nothing else does."""
        laptop = self._laptop(who)
        slots = [
            row
            for row in laptop.world.run(lambda tx: tx.rows.select(ManifestSlot, device=laptop.device))
            if row.slot > 0
        ]
        if len(slots) > 1:
            lost = slots[which % len(slots)]
            laptop.world.run(lambda tx: tx.rows.delete(ManifestSlot, device=laptop.device, slot=lost.slot))
            laptop.forgets((each.entity, each.id) for each in unpack(lost.entries[holding._HEAD.size :]))

    @event()
    def the_hub_restarts(self) -> None:
        self.hub.restart()

    @event(who=who, weather=("killed before", "killed after", "answer lost"))
    def healing_is_cut_off(self, who: int, weather: str) -> None:
        laptop = self._laptop(who)
        laptop.disturbed = laptop.doubt.healed = True
        if laptop.active:
            laptop.weather = WEATHERS[weather]
            laptop.losing(laptop.heal)

    @event(who=who, on=(False, True))
    def a_device_is_disabled(self, who: int, on: bool) -> None:
        """It drops what it holds and is refused; enabled again it gets what it should hold."""
        laptop = self._laptop(who)
        laptop.at.enable(laptop.device, on)
        laptop.synced(properties.LEAST_PAGE)

    @event(at=which, rep=REPS, on=(False, True, True))
    def a_rep_is_dismissed(self, at: int, rep: str, on: bool) -> None:
        self._office(at).employ(rep, on)

    @event(who=who)
    def register_again(self, who: int) -> None:
        laptop = self._laptop(who)
        if laptop.active:
            laptop.register()
            laptop.disturbed = True

    @event(who=who, which=which, change=("day", "scope", "pin", "territory"))
    def what_is_no_write_of_a_record_changes(self, who: int, which: int, change: str) -> None:
        """A hub that goes by its counter alone would take this for nothing new."""
        laptop = self._laptop(who)
        if change == "pin":
            laptop.at.set_scope(f"user:{laptop.who}", ScopeSet())
            laptop.at.pin(laptop.who, "Customer", "", False)
            pinned = laptop.at.new_id()
            laptop.world.write("adam", create("Customer", pinned, name=laptop.at.mark, owner=laptop.who))
        if change == "territory":
            laptop.at.set_scope(f"user:{laptop.who}", ScopeSet("pinned-customers+overdue"))
            laptop.at.pin(laptop.who, "Customer", "c-north", True)
            laptop.at.change("User", laptop.who, territory="north-1")
        laptop.synced()
        if change == "day":
            laptop.world.tick(days=1 + which % 3)
        elif change == "territory":
            laptop.at.change("User", laptop.who, territory="south")
        elif change == "pin":
            laptop.at.pin(laptop.who, "Customer", pinned, True)
            laptop.synced()
            laptop.at.pin(laptop.who, "Customer", "", False)
        else:
            laptop.at.set_scope(f"user:{laptop.who}", ScopeSet(RULE_SETS[which % len(RULE_SETS)]))
        laptop.synced()

    # Strangers.

    @event(who=who)
    def a_device_claims_what_it_never_held(self, who: int) -> None:
        """A forged row is healed away without a word on what became of its record."""
        laptop = self._laptop(who)
        oracle = laptop.oracle
        unseen = [
            key
            for name in ("Deal", "Contact")
            for key in sorted((name, each) for each in oracle.records[name])
            if not oracle.visible(key) and key not in laptop.rows
        ]
        if not unseen or not laptop.active:
            return
        laptop.synced()
        if oracle.capped(laptop.at.scope(laptop.who), ""):
            return
        (entity, record), *_ = unseen
        laptop.rows[entity, record] = f"<id>{record}</id><version>1</version>"
        laptop.disturbed = True
        laptop.list_all()
        laptop.evicted = []
        laptop.synced()
        left = laptop.left().get((entity, record))
        holds(Property.NO_LEAK, left is properties.Reason.LEFT_SCOPE, f"a forged claim was told {left}")

    @event(who=who, other=who, how=("foreign", "twin", "twin", "tampered", "renamed", "cut"), at=which)
    def a_stranger_presents_a_cursor(self, who: int, other: int, how: str, at: int) -> None:
        """Of another device or tenant, or none: always the same words."""
        laptop, victim = self._laptop(who), self._laptop(other)
        if how == "twin":
            laptop, victim = self._twins()
        foreign = how in ("foreign", "twin")
        if not laptop.active or (foreign and victim is laptop):
            return
        own = laptop.cursor
        laptop.cursor = _spoilt(victim.cursor if foreign else own, how, at, laptop.world.tenant)
        if laptop.cursor == own:
            return
        told = self._refusal(laptop.call, "sync", "Pull", laptop.pull_members(None))
        laptop.cursor = own
        same = SaddlebagError(INVALID_CURSOR)
        holds(Property.NO_LEAK, (told.kind, str(told)) == (same.kind, str(same)), f"{how}: {told!r}")

    @event(who=who, other=who, how=("token", "device", "rows"))
    def a_stranger_speaks_for_another(self, who: int, other: int, how: str) -> None:
        """A session of one tenant is none in another; a device of somebody else is as unknown as one that is none."""
        laptop, victim = self._laptop(who), self._laptop(other)
        if not (laptop.active and victim.active):
            return
        if how == "token":
            if laptop.at is not victim.at:
                victim.log_in()
                told = self._refusal(laptop.call, "sync", "Pull", laptop.pull_members(None), victim.token)
                holds(Property.NO_LEAK, told.kind is SESSION_EXPIRED, f"a foreign session: {told!r}")
            return
        answers = []
        laptop.log_in()
        for device in (victim.device, "no-such"):
            if victim.at is laptop.at and victim.device != laptop.device:
                own, laptop.device = laptop.device, device
                members = [*laptop._who(), *([("shards", canon.write_binary(bytes(2048)))] if how == "rows" else [])]
                told = self._refusal(
                    laptop.call, "sync", "Reconcile" if how == "rows" else "Push", members, laptop.token
                )
                laptop.device = own
                holds(Property.NO_LEAK, told.kind is UNKNOWN_DEVICE, f"a foreign device: {told!r}")
                answers.append(str(told))
        holds(Property.NO_LEAK, len(set(answers)) < 2, f"told apart: {answers}")

    @event(who=who, entity=("Deal", "Customer", "Contact"))
    def a_stranger_asks_why(self, who: int, entity: str) -> None:
        """What she may not see is explained like what does not exist, in her tenant or in another."""
        laptop = self._laptop(who)
        if not laptop.active:
            return
        oracle, (other,) = laptop.oracle, [each for each in self.offices if each is not laptop.at]
        unseen = [each for each in sorted(oracle.records[entity]) if not oracle.visible((entity, each))]
        foreign = [each for each in sorted(other.records[entity]) if each not in oracle.records[entity]]
        told = []
        for record in (*unseen[:1], *foreign[:1], "no-such"):
            laptop.call("sync", "ExplainScope", [("entity", entity), ("id", record)])
            told.append(laptop.raw)
        holds(Property.NO_LEAK, all(each == told[-1] for each in told), f"told {told}")

    @event(who=who, which=which, budget=(4096, None))
    def another_tenants_volume_changes_nothing(self, who: int, which: int, budget: int | None) -> None:
        """The answer to the same question is the same, byte for byte, whatever the neighbours do meanwhile."""
        laptop = self._laptop(who)
        (other,) = [each for each in self.offices if each is not laptop.at]
        if laptop.fetch(budget, LOST_ANSWER) is None and not laptop.active:
            return
        told = []
        for _ in range(2):
            told.append(self._told(laptop.call, "sync", "Pull", laptop.pull_members(budget)))
            other.note(other.some("Customer", which))
            other.make("Contact", other.new_id(), customer=other.some("Customer", which))
            other.change("Deal", "d-rita", title=other.word(), closeDate=other.world.now.date())
            for neighbour in self.laptops:
                if neighbour.at is other:
                    neighbour.synced()
        holds(Property.NO_LEAK, told[0] == told[1], f"another tenant changed an answer: {told}")

    @event(who=who, how=tuple(sorted(HOSTILE)))
    def a_hostile_message_comes(self, who: int, how: str) -> None:
        laptop = self._laptop(who)
        before = laptop.at.records
        try:
            results = HOSTILE[how](laptop)
        except SaddlebagError:
            results = []
        refused = all(each.status is OpStatus.REJECTED and each.code for each in results)
        holds(Property.BOUNDS, refused and laptop.at.records == before, f"{how}: {results}")

    # What must hold.

    def after_event(self) -> None:
        holds(Property.NO_LEAK, not self.hub.leaks, self.hub.leaks[:1])

    def agree(self) -> None:
        """Peace: everybody has her rights, no cap bites, and all laptops come to hold what they should."""
        for office in self.offices:
            for device in sorted(office.disabled):
                office.enable(device, True)
            for rep in sorted(office.dismissed):
                office.employ(rep, True)
            for name, scope in office.scopes.items():
                office.set_scope(name, scope.uncapped())
        for laptop in self.laptops:
            laptop.synced()
        for office in self.offices:
            here = [each for each in self.laptops if each.at is office]
            mine = {id(each) for each in here}
            properties.words(office.world, here, {key: told for key, told in self.words.items() if key[0] in mine})
        self.after_event()

    # Helpers.

    def _laptop(self, who: int) -> Device:
        return self.laptops[who % len(self.laptops)]

    def _office(self, at: int) -> Office:
        return self.offices[at % len(self.offices)]

    def _refusal(self, work: Callable[..., object], *given: object) -> SaddlebagError:
        told = self._told(work, *given)
        if isinstance(told, SaddlebagError):
            return told
        raise Broken(Property.NO_LEAK, f"a stranger was answered: {told}")

    def _twins(self) -> tuple[Device, Device]:
        """Two devices of two tenants that bear one id."""
        there = {each.device: each for each in self.laptops if each.at is self.offices[1]}
        return next((each, there[each.device]) for each in self.laptops if each.device in there)

    def _told(self, work: Callable[..., Any], *given: object) -> object:
        """An answer as it came, or the error: equal where the caller cannot tell two apart."""
        try:
            return work(*given).root
        except SaddlebagError as problem:
            return problem

    def _becomes(self, laptop: Device, image: Laptop) -> None:
        """The laptop becomes its older self; words of operations that it no longer knows of are not asked for."""
        laptop.becomes(image)
        kept = {each.sequence for each in laptop.outbox} | laptop.results.keys()
        for key in [key for key in self.words if key[0] == id(laptop) and key[1] not in kept]:
            del self.words[key]


def _value(name: str, office: Office) -> str | int:
    return office.number() % 101 if name == "probability" else office.word()


def _spoilt(text: str, how: str, at: int, tenant: str) -> str:
    if how == "tampered":
        place = at % len(text)
        return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    if how == "cut":
        return text[: 1 + at % (len(text) - 1)]
    if how == "renamed":
        secret = b"s" * 32
        return write_cursor(read_cursor(text, tenant, secret), "other", secret)
    return text


def _judge_two_edits(
    office: Office, result: OpResult, record: str, mine: str, written: str, others: dict[str, Any], newer: bool
) -> None:
    if result.status is OpStatus.REJECTED:
        return
    values = office.world.stored("Deal", record).values
    for name in others.keys() - {mine}:
        holds(Property.POLICIES, values[name] == others[name], f"{name}: {values[name]!r}, office {others}")
    if mine in others:
        properties.same_field(EDITED[mine], written, str(others[mine]), str(values[mine]), result, newer)
    else:
        fact = (result.status, str(values[mine])) == (OpStatus.APPLIED, written)
        holds(Property.POLICIES, fact, f"disjoint edits: {result}, {values[mine]!r}")

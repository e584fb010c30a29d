"""Random histories of an office, its reps' laptops and the network between them, for Hypothesis to make up and shrink.

Each thing that an office, a rep, a clock, a disk, a stranger or a network does is a rule. What must hold are the ten
properties of `sync_properties`: of every page, of every push, of every complete sync, and of all laptops at the end.
Two laptops are served from what the hub remembers (the fast path), and are judged like the third.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import sync_properties as properties
from model_device import Laptop, Lost
from records_world import World, create, delete, update
from saddlebag.kernel.cursor import read_cursor, write_cursor
from saddlebag.kernel.errors import INVALID_CURSOR, OPERATION_MISMATCH, SaddlebagError
from saddlebag.kernel.manifest import Held, pack
from saddlebag.kernel.ops import FieldEdit, Operation, OpKind, OpResult, OpStatus
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Conflict, ManifestSlot, PendingPage, Pin, ScopeRuleRow
from saddlebag.sync import engine
from saddlebag.sync.defaults import CLOSING, OVERDUE, PINNED_CUSTOMERS, PINNED_DEALS
from saddlebag.sync.rules import write_scope
from saddlebag.sync.scope import Scope
from scope_oracle import Oracle
from sync_properties import Broken, Property, Sent, holds

REPS = ("rita", "sam")
RULES = {each.name: each for each in (CLOSING, OVERDUE, PINNED_DEALS, PINNED_CUSTOMERS)}
RULE_SETS = (
    "closing+pinned-deals+pinned-customers",
    "closing+overdue",
    "overdue",
    "closing",
    "pinned-customers+overdue",
)
BODY = "x" * 1500
"""Long enough that a few records fill the smallest page."""

STEPS = ({"minutes": 1}, {"hours": 5}, {"hours": 14}, {"days": 1}, {"days": 8}, {"minutes": -90})

pick = st.integers(0, 10_000)
days = st.integers(-9, 12)
lost = st.sampled_from(("no", "no", "request", "answer"))

LETTER = re.compile(r">[a-zA-Z](?=[^<]*</(?!id>|version>))")
"""The first letter of the first text of a row that is not its key."""

EDITED = {"title": "latest-edit", "probability": "latest-edit", "nextStep": "device-wins", "notes": "append"}
"""Fields of a deal that both sides edit, and the policy that each declares."""


def _value(name: str, number: int) -> str | int:
    return number % 101 if name == "probability" else f"{name} {number}."


def _hostile_push(**changed: Any) -> Callable[[Histories, Laptop], list[OpResult]]:
    """An operation with one thing wrong with it."""

    def push(self: Histories, laptop: Laptop) -> list[OpResult]:
        good: dict[str, Any] = {
            "sequence": laptop.sequence,
            "kind": OpKind.UPDATE,
            "entity": "Deal",
            "id": "none",
            "edited_at": "2026-03-02T12:00:00Z",
            "base_version": 1,
            "fields": (FieldEdit("title", (), ("x",)),),
        }
        sent = [Operation(**{**good, **changed})]
        return self.world.run(
            lambda tx: engine.push(
                tx, laptop.principal, laptop.device, laptop.incarnation, sent, self.world.now, self.world.new_id
            )
        )

    return push


def _hostile_heal(sums: bytes, keys: bytes | None) -> Callable[[Histories, Laptop], list[OpResult]]:
    """Sums or entries that are none."""

    def heal(self: Histories, laptop: Laptop) -> list[OpResult]:
        def work(tx: Transaction) -> None:
            engine.reconcile(tx, laptop.principal, laptop.device, laptop.incarnation, sums, keys, self.world.now)

        self.world.run(work)
        raise Broken(Property.BOUNDS, "a hostile reconciliation was taken")

    return heal


HOSTILE: dict[str, Callable[[Histories, Laptop], list[OpResult]]] = {
    "unknown entity": _hostile_push(entity="Nothing"),
    "unknown record": _hostile_push(),
    "bad id": _hostile_push(id="../x"),
    "unknown field": _hostile_push(fields=(FieldEdit("nothing", (), ("x",)),)),
    "bad number": _hostile_push(fields=(FieldEdit("probability", (), ("1e9",)),)),
    "two values": _hostile_push(fields=(FieldEdit("title", (), ("x", "y")),)),
    "bad time": _hostile_push(edited_at="yesterday"),
    "forbidden character": _hostile_push(fields=(FieldEdit("title", (), ("\x00",)),)),
    "short sums": _hostile_heal(b"x" * 2047, None),
    "keys of no sums": _hostile_heal(b"\0" * 2047 + b"\1", pack([Held("Deal", "d-sam", 1, 99)])),
    "no keys at all": _hostile_heal(b"\0" * 2047 + b"\1", b"\1\377\377"),
}
"""What a broken or malicious device may send; each is refused and changes no record."""


class Histories(RuleBasedStateMachine):
    """One office, two reps, three laptops."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.words: dict[tuple[int, int, str], tuple[str, str]] = {}
        self.images: dict[int, Laptop] = {}
        self.count = 0
        self.rules = RULE_SETS[0]
        self.disturbed: set[int] = set()
        self.doubted: set[int] = set()
        self.restored: set[int] = set()
        self.sent: Sent | None = None
        self.budget: int | None = None

    @initialize()
    def begin(self) -> None:
        for number, owner in enumerate(REPS):
            for name, day in (("soon", number), ("late", -3 - number)):
                close = self.world.now.date() + timedelta(days=day)
                self.world.write(
                    "adam",
                    create(
                        "Deal",
                        f"d-{name}-{number}",
                        customer=("c-rita", "c-sam")[number],
                        owner=owner,
                        title="x",
                        closeDate=close,
                    ),
                )
            for age in (10, 364, 365, 366, 367):
                self._bill(f"i-{number}-{age}", ("c-rita", "c-sam"), number, age)
        self.laptops = [Laptop.registered(self.world, who) for who in ("rita", "rita", "sam")]
        memory = engine.memory()
        for laptop in self.laptops[:2]:
            laptop.memory = memory
        for laptop in self.laptops:
            laptop.watch = self._watcher(laptop)
        for laptop in self.laptops[1:]:
            self._sync(laptop, properties.LEAST_PAGE)

    def _bill(self, invoice: str, customers: tuple[str, str], number: int, age: int) -> None:
        """An invoice of one customer with a line, paid in halves by this customer and by the other."""
        day = self.world.now.date() - timedelta(days=age)
        self.world.write(
            "inga",
            create(
                "Invoice",
                invoice,
                number=invoice,
                customer=customers[number],
                status="posted",
                issuedOn=day,
                total=Decimal(2),
                balance=Decimal(0),
                currency="EUR",
            ),
            create("InvoiceLine", f"{invoice}-l", invoice=invoice, product="p1"),
            *(
                create(
                    "Payment",
                    f"{invoice}-{payer}",
                    customer=payer,
                    invoice=invoice,
                    paidOn=day,
                    amount=Decimal(1),
                    currency="EUR",
                )
                for payer in customers
            ),
        )

    # The office.

    @rule(which=pick, day=days)
    def move_a_deal(self, which: int, day: int) -> None:
        self._office("Deal", which, closeDate=self.world.now.date() + timedelta(days=day))

    @rule(which=pick, who=st.sampled_from(REPS))
    def reassign_a_deal(self, which: int, who: str) -> None:
        self._office("Deal", which, owner=who)

    @rule(which=pick, who=st.sampled_from(REPS), territory=st.sampled_from(("north-1", "south", "north")))
    def reassign_a_customer(self, which: int, who: str, territory: str) -> None:
        self._office("Customer", which, owner=who, territory=territory)

    @rule(which=pick, stage=st.sampled_from(("prospect", "propose", "won", "lost")))
    def move_a_stage(self, which: int, stage: str) -> None:
        self._office("Deal", which, stage=stage)

    @rule(which=pick)
    def office_writes_a_note(self, which: int) -> None:
        self._note(self._some(self.world, "Customer", which))

    def _note(self, record: str) -> None:
        notes = str(self.world.stored("Customer", record).values.get("notes") or "")
        self.world.apply("adam", update("Customer", record, notes=f"{notes}\noffice {self._number()}".strip()))

    @rule(which=pick, entity=st.sampled_from(("Activity", "Contact", "Deal")))
    def office_makes_a_record(self, which: int, entity: str) -> None:
        customer = self._some(self.world, "Customer", which)
        values: dict[str, Any] = {
            "Activity": {"kind": "note", "subject": "x", "body": BODY},
            "Contact": {"lastName": "x", "notes": BODY},
            "Deal": {"title": "x", "owner": REPS[which % 2], "closeDate": self.world.now.date()},
        }[entity]
        self.world.apply("adam", create(entity, f"o-{self._number()}", customer=customer, **values))

    @rule(which=pick, product=st.sampled_from(("p1", "p2")))
    def office_makes_a_line(self, which: int, product: str) -> None:
        deal = self._some(self.world, "Deal", which)
        if deal:
            line = create("DealLine", f"o-{self._number()}", deal=deal, product=product, quantity=Decimal(1))
            self.world.apply("adam", line)

    @rule(who=pick, which=pick, what=st.sampled_from(("edit", "delete", "late", "give away")), lose=st.booleans())
    def office_touches_what_a_device_holds(self, who: int, which: int, what: str, lose: bool) -> None:
        """The page that says so may be lost; in any case the next sync brings it."""
        entity = "Contact" if what == "delete" else "Deal"
        laptop, record = self._held(who, entity, which)
        if not record:
            return
        late = self.world.now.date() + timedelta(days=60)
        change = {
            "edit": update(entity, record, title=f"x {self._number()}"),
            "late": update(entity, record, closeDate=late),
            "delete": delete(entity, record),
            "give away": update(entity, record, owner="sam" if laptop.who == "rita" else "rita"),
        }[what]
        self.world.apply("adam", change)
        if lose:
            self._quietly(lambda: self._pull(laptop, None, lose_answer=True))
        self._sync(laptop, None)

    @rule(which=pick, entity=st.sampled_from(("Deal", "DealLine", "Contact", "Activity")))
    def office_deletes(self, which: int, entity: str) -> None:
        record = self._some(self.world, entity, which)
        if record:
            self.world.apply("adam", delete(entity, record))

    @rule(names=st.sampled_from(RULE_SETS))
    def office_changes_the_scope(self, names: str) -> None:
        self.rules = names
        scope = Scope("default", self._number(), tuple(RULES[name] for name in names.split("+")))
        row = ScopeRuleRow("default", scope.version, write_scope(scope, BUILTIN))
        self.world.run(lambda tx: tx.rows.put(row))

    @rule(which=pick, who=st.sampled_from(REPS), entity=st.sampled_from(("Deal", "Customer")), on=st.booleans())
    def pin(self, which: int, who: str, entity: str, on: bool) -> None:
        record = self._some(self.world, entity, which)
        if on and record:
            self.world.run(lambda tx: tx.rows.put(Pin(who, entity, record)))
        else:
            self.world.run(lambda tx: tx.rows.delete(Pin, user=who, entity=entity))

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: dict[str, int]) -> None:
        self.world.tick(**step)

    # The field.

    @rule(who=pick, which=pick)
    def rep_writes_a_note(self, who: int, which: int) -> None:
        laptop, record = self._held(who, "Customer", which)
        if record:
            word = f"word-{self._number()}."
            edit = laptop.edit("Customer", record, notes=f"{_field(laptop, record, 'notes')}\n{word}".strip())
            self.words[id(laptop), edit.sequence, word] = ("Customer", record)

    @rule(who=pick, which=pick, heal=st.booleans(), more=st.booleans())
    def an_answer_is_lost_after_a_note(self, who: int, which: int, heal: bool, more: bool) -> None:
        """The device knows no result, and may even begin a new incarnation before it asks again.

        Meanwhile the office writes to the same field, and the rep may add to what she sends.
        """
        self.rep_writes_a_note(who, which)
        laptop, record = self._held(who, "Customer", which)
        self._push(laptop, lose_answer=True)
        if record:
            self._note(record)
        if more:
            self.rep_logs_a_visit(who, which)
        if heal:
            self._heal(laptop)
        self._push(laptop, lose_answer=False)

    @rule(who=pick, which=pick)
    def a_days_work_is_lost_with_the_disk(self, who: int, which: int) -> None:
        """The restored device gives the numbers of lost operations to new ones."""
        laptop = self.laptops[who % 3]
        image = laptop.image()
        self.rep_writes_a_note(who, which)
        self._push(laptop, lose_answer=False)
        self._inherit(laptop, image)
        self.rep_writes_a_note(who, which + 1)
        self._push(laptop, lose_answer=False)

    @rule(who=pick, which=pick)
    def rep_makes_a_mistake(self, who: int, which: int) -> None:
        """What follows on the same record waits until the mistake is mended."""
        laptop, record = self._held(who, "Contact", which)
        if record:
            edits = [laptop.edit("Contact", record, customer="no-such"), laptop.edit("Contact", record, title="x")]
            self._push(laptop, lose_answer=False)
            results = [laptop.results[each.sequence] for each in edits]
            assert [each.status for each in results] in ([OpStatus.REJECTED] * 2, [OpStatus.GONE] * 2)
            assert results[1].status is OpStatus.GONE or results[1].retryable

    @rule(who=pick, which=pick, stage=st.sampled_from(("propose", "won", "lost", "prospect")))
    def rep_moves_a_stage(self, who: int, which: int, stage: str) -> None:
        laptop, record = self._held(who, "Deal", which)
        if record:
            laptop.edit("Deal", record, stage=stage)

    @rule(who=pick, which=pick)
    def rep_logs_a_visit(self, who: int, which: int) -> None:
        laptop, record = self._held(who, "Customer", which)
        if record:
            number = self._number()
            word = f"word-{number}."
            edit = laptop.create("Activity", f"a-{number}", customer=record, kind="visit", subject=word, body=BODY)
            self.words[id(laptop), edit.sequence, word] = ("Activity", f"a-{number}")

    @rule(
        who=pick,
        which=pick,
        mine=st.sampled_from(sorted(EDITED)),
        others=st.sets(st.sampled_from(sorted(EDITED))),
        first=st.booleans(),
        clock=st.sampled_from((0, -7200, 90_000)),
    )
    def both_edit_a_deal(self, who: int, which: int, mine: str, others: set[str], first: bool, clock: int) -> None:
        """`first` tells whether the rep's edit is older; her clock may be wrong by `clock` seconds."""
        laptop, record = self._settled(who, "Deal", which)
        if not record:
            return
        office = {name: _value(name, self._number()) for name in others}
        laptop.clock_error, written = clock, str(_value(mine, self._number()))
        if not first and office:
            self.world.write("adam", update("Deal", record, **office))
        edited_at = min(self.world.tick() + timedelta(seconds=clock), self.world.now + timedelta(days=9))
        edit = laptop.edit("Deal", record, **{mine: written})
        if first and office:
            self.world.write("adam", update("Deal", record, **office))
        changed_at = self.world.stored("Deal", record).modified_at
        self.world.tick()
        self._push(laptop, lose_answer=False)
        self._judge_two_edits(
            laptop.results[edit.sequence], record, mine, written, office, min(edited_at, self.world.now) >= changed_at
        )

    def _judge_two_edits(
        self, result: OpResult, record: str, mine: str, written: str, office: dict[str, Any], newer: bool
    ) -> None:
        if result.status is OpStatus.REJECTED:
            return
        values = self.world.stored("Deal", record).values
        for name in office.keys() - {mine}:
            holds(Property.POLICIES, values[name] == office[name], f"{name}: {values[name]!r}, office {office}")
        if mine in office:
            properties.same_field(EDITED[mine], written, str(office[mine]), str(values[mine]), result, newer)
        else:
            fact = (result.status, str(values[mine])) == (OpStatus.APPLIED, written)
            holds(Property.POLICIES, fact, f"disjoint edits: {result}, {values[mine]!r}")

    @rule(who=pick, which=pick, kind=st.sampled_from(("update", "delete")))
    def one_deletes_what_the_other_edits(self, who: int, which: int, kind: str) -> None:
        """The deletion wins, and exactly what was typed meanwhile is kept."""
        laptop = self.laptops[who % 3]
        self._sync(laptop, None)
        customers = sorted(laptop.ids("Customer"))
        if not customers:
            return
        record = f"v-{self._number()}"
        visit = create("Activity", record, customer=customers[which % len(customers)], kind="visit", subject="x")
        self.world.write("adam", visit)
        self._sync(laptop, None)
        word = f"typed {self._number()}"
        before = self._conflicts("Activity", record)
        if kind == "delete":
            self.world.write("adam", update("Activity", record, body=word))
            edit, expected = laptop.remove("Activity", record), ("body", None, word)
        else:
            edit, expected = laptop.edit("Activity", record, body=word), ("body", word, None)
            self.world.write("adam", delete("Activity", record))
        self._push(laptop, lose_answer=False)
        result, kept = laptop.results[edit.sequence], self._conflicts("Activity", record) - before
        if result.status is not OpStatus.REJECTED:
            holds(Property.POLICIES, kept == {expected}, f"{result}: kept {kept} instead of {expected}")

    def _conflicts(self, entity: str, record: str) -> set[tuple[str, str | None, str | None]]:
        rows = self.world.run(lambda tx: tx.rows.select(Conflict, entity=entity, record=record), read_only=True)
        return {(each.field, each.mine, each.theirs) for each in rows}

    def _settled(self, who: int, entity: str, which: int) -> tuple[Laptop, str]:
        """A laptop after a sync, and one of its records."""
        self._sync(self.laptops[who % 3], None)
        return self._held(who, entity, which)

    @rule(who=pick, which=pick)
    def rep_discards_what_was_rejected(self, who: int, which: int) -> None:
        laptop = self.laptops[who % 3]
        rejected = sorted(
            sequence
            for sequence, result in laptop.results.items()
            if result.status is OpStatus.REJECTED and not result.retryable
        )
        if rejected:
            laptop.discard(rejected[which % len(rejected)])

    @rule(who=pick, which=pick)
    def rep_deletes(self, who: int, which: int) -> None:
        laptop, record = self._held(who, "Activity", which)
        if record:
            laptop.remove("Activity", record)

    # The network, the disk, the hub's memory.

    @rule(who=pick, lose=lost, most=st.sampled_from((None, 1, 2)))
    def push(self, who: int, lose: str, most: int | None) -> None:
        """Operations come in other groups when they are sent again."""
        if lose != "request":
            self._push(self.laptops[who % 3], lose == "answer", most)

    @rule(who=pick, lose=lost, budget=st.sampled_from((4096, 4096, None)))
    def pull(self, who: int, lose: str, budget: int | None) -> None:
        laptop = self.laptops[who % 3]
        if lose != "request":
            self._quietly(lambda: self._pull(laptop, budget, lose == "answer"))

    @rule(who=pick)
    def back_up(self, who: int) -> None:
        self.images[who % 3] = self.laptops[who % 3].image()

    @precondition(lambda self: self.images)
    @rule(who=pick)
    def restore_an_image(self, who: int) -> None:
        image = self.images.get(who % 3)
        if image:
            self._inherit(self.laptops[who % 3], image)

    @rule(who=pick, which=pick)
    def flip_a_bit(self, who: int, which: int) -> None:
        rows = self.laptops[who % 3].rows
        self.disturbed.add(id(self.laptops[who % 3]))
        if rows:
            key = sorted(rows)[which % len(rows)]
            rows[key] = LETTER.sub(">y", rows[key], count=1)

    @rule(who=pick)
    def the_hub_forgets(self, who: int) -> None:
        device = self.laptops[who % 3].device
        self.disturbed.add(id(self.laptops[who % 3]))

        def forget(tx: Any) -> None:
            tx.rows.delete(ManifestSlot, device=device)
            tx.rows.delete(PendingPage, device=device)

        self.world.run(forget)

    @rule(who=pick)
    def a_device_claims_what_it_never_held(self, who: int) -> None:
        """A forged row is healed away without a word on what became of its record."""
        laptop = self.laptops[who % 3]
        oracle = Oracle(self.world, laptop.who)
        unseen = [
            key
            for name in ("Deal", "Contact")
            for key in sorted((name, each) for each in oracle.records[name])
            if not oracle.visible(key) and key not in laptop.rows
        ]
        for key in unseen[:1]:
            self._sync(laptop, None)
            laptop.rows[key] = f"<id>{key[1]}</id><version>1</version>"
            self._heal(laptop)
            laptop.evicted = []
            self._sync(laptop, None)
            left = laptop.left().get(key)
            holds(Property.NO_LEAK, left is properties.Reason.LEFT_SCOPE, f"a forged claim was told {left}")

    @rule(who=pick, how=st.sampled_from(("foreign", "foreign", "tampered", "tenant", "cut")), at=pick)
    def a_stranger_presents_a_cursor(self, who: int, how: str, at: int) -> None:
        laptop, other = self.laptops[who % 3], self.laptops[(who + 1) % 3]
        text = laptop.cursor
        principal = laptop.principal
        if how == "tampered":
            place = at % len(text)
            text = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        elif how == "cut":
            text = text[: at % len(text)]
        elif how == "tenant":
            secret = b"s" * 32
            text = write_cursor(read_cursor(text, self.world.tenant, secret), "other", secret)
        else:
            principal = self.world.principal("sam" if laptop.who == "rita" else "rita")
        try:
            answer = engine.pull(self.world.run, principal, text, self.world.now, None, other.memory)
        except SaddlebagError as problem:
            same = SaddlebagError(INVALID_CURSOR)
            holds(Property.NO_LEAK, (problem.kind, str(problem)) == (same.kind, str(same)), f"{how}: {problem}")
        else:
            raise Broken(Property.NO_LEAK, f"a cursor that is {how} was answered: {answer}")

    @rule(who=pick, which=pick)
    def a_stranger_asks_why(self, who: int, which: int) -> None:
        """What she may not see is explained like what does not exist."""
        laptop = self.laptops[who % 3]
        oracle = Oracle(self.world, laptop.who)
        unseen = [each for each in sorted(oracle.records["Deal"]) if not oracle.visible(("Deal", each))]
        told = [
            self.world.run(lambda tx, key=key: engine.explain(tx, laptop.principal, "Deal", key, self.world.now))
            for key in (*unseen[:1], "no-such")
        ]
        holds(Property.NO_LEAK, all(each == told[0] for each in told), f"told {told}")

    @rule(who=pick, how=st.sampled_from(sorted(HOSTILE)))
    def a_hostile_message_comes(self, who: int, how: str) -> None:
        laptop = self.laptops[who % 3]
        before = Oracle(self.world, "rita").records
        laptop.sequence += 1
        try:
            results = HOSTILE[how](self, laptop)
        except SaddlebagError:
            results = []
        refused = all(each.status is OpStatus.REJECTED and each.code for each in results)
        holds(Property.BOUNDS, refused and Oracle(self.world, "rita").records == before, f"{how}: {results}")

    @rule(who=pick)
    def register_again(self, who: int) -> None:
        self.laptops[who % 3].register()
        self.disturbed.add(id(self.laptops[who % 3]))

    @rule(who=pick, budget=st.sampled_from((4096, None)))
    def sync(self, who: int, budget: int | None) -> None:
        self._sync(self.laptops[who % 3], budget)

    @rule(who=pick, which=pick, change=st.sampled_from(("day", "scope", "pin")))
    def what_is_no_write_of_a_record_changes(self, who: int, which: int, change: str) -> None:
        """A hub that goes by its counter alone would take this for nothing new."""
        laptop = self.laptops[who % 3]
        self._sync(laptop, None)
        if change == "day":
            self.time_passes({"days": 1 + which % 3})
        elif change == "scope":
            self.office_changes_the_scope(RULE_SETS[which % len(RULE_SETS)])
        else:
            self.pin(which, laptop.who, "Customer", which % 3 > 0)
        self._sync(laptop, None)

    # What must hold.

    def teardown(self) -> None:
        if not hasattr(self, "laptops"):
            return
        for laptop in self.laptops:
            self._sync(laptop, None)
        properties.words(self.world, self.laptops, self.words)

    def _sync(self, laptop: Laptop, budget: int | None) -> None:
        """Push, pull until complete, compare, heal: at most three rounds."""
        self._push(laptop, lose_answer=False)
        sent = self.sent = Sent(dict(laptop.rows))
        for _ in range(3):
            answer = self._pull_all(laptop, budget)
            if not answer.reconcile and answer.digest is not None and answer.digest.count == len(laptop.rows):
                hashes = sum(each.hash for each in laptop.held()) % 2**64
                if hashes == answer.digest.sum:
                    break
            holds(Property.RESUME, id(laptop) in self.disturbed, f"lost messages alone need healing: {answer.digest}")
            self._heal(laptop)
        else:
            raise Broken(Property.CONVERGENCE, "hub and device do not agree")
        self.sent = None
        self.disturbed.discard(id(laptop))
        properties.whole_sync(laptop, answer, Oracle(self.world, laptop.who).expected(self.rules), sent)

    def _heal(self, laptop: Laptop) -> None:
        self.doubted.add(id(laptop))
        laptop.heal()

    def _pull_all(self, laptop: Laptop, budget: int | None) -> engine.Answer:
        for _ in range(200):
            answer = self._pull(laptop, budget, lose_answer=False)
            if not answer.more:
                return answer
        raise Broken(Property.BOUNDS, "the pages do not end")

    def _pull(self, laptop: Laptop, budget: int | None, lose_answer: bool) -> engine.Answer:
        self.budget = budget
        try:
            return laptop.pull(max_bytes=budget, lose_answer=lose_answer)
        except SaddlebagError as problem:
            raise Broken(Property.CLOCKS, f"a pull with its own cursor: {problem!r}") from problem

    def _watcher(self, laptop: Laptop) -> Callable[[engine.Answer], None]:
        def watch(answer: engine.Answer) -> None:
            doubted = id(laptop) in self.doubted | self.disturbed
            properties.page(laptop, answer, Oracle(self.world, laptop.who), self.budget, doubted)
            if self.sent is not None:
                self.sent.puts += properties.keys(answer)
                self.sent.evicts += [(each.entity, each.id) for each in answer.evicts]

        return watch

    def _push(self, laptop: Laptop, lose_answer: bool, most: int | None = None) -> None:
        sent: list[Operation] = laptop.outbox[:most]

        def push() -> None:
            properties.losing_values(self.world, laptop, sent, laptop.push(lose_answer=lose_answer, most=most))

        try:
            self._quietly(push)
        except SaddlebagError as problem:
            reused = problem.kind is OPERATION_MISMATCH and id(laptop) in self.restored
            holds(Property.EXACTLY_ONCE, reused, f"an operation sent again was refused: {problem!r}")
            self._heal(laptop)
            self._quietly(push)

    # Helpers.

    def _number(self) -> int:
        self.count += 1
        return self.count

    def _quietly(self, work: Any) -> None:
        try:
            work()
        except Lost:
            return

    def _office(self, entity: str, which: int, **values: Any) -> None:
        record = self._some(self.world, entity, which)
        if record:
            self.world.apply("adam", update(entity, record, **values))

    def _some(self, world: World, entity: str, which: int) -> str:
        ids = sorted(Oracle(world, "rita").records[entity])
        return ids[which % len(ids)] if ids else ""

    def _held(self, who: int, entity: str, which: int) -> tuple[Laptop, str]:
        laptop = self.laptops[who % 3]
        ids = sorted(laptop.ids(entity))
        return laptop, ids[which % len(ids)] if ids else ""

    def _inherit(self, laptop: Laptop, image: Laptop) -> None:
        """The laptop becomes its older self; words of operations that it no longer knows of are not asked for."""
        self.disturbed.add(id(laptop))
        self.restored.add(id(laptop))  # for good: its numbers may come again long after a sync
        kept = {each.sequence for each in image.outbox} | image.results.keys()
        for key in [key for key in self.words if key[0] == id(laptop) and key[1] not in kept]:
            del self.words[key]
        older = image.image()
        laptop.device, laptop.incarnation, laptop.cursor = older.device, older.incarnation, older.cursor
        laptop.rows, laptop.outbox, laptop.results = older.rows, older.outbox, older.results
        laptop.made, laptop.sequence = older.made, older.sequence


def _field(laptop: Laptop, record: str, name: str) -> str:
    texts = laptop.texts("Customer", record)
    return str(texts.get(name, ""))

"""One tenant of the random histories: its people, its rules, its records, and what of them each device should hold.

Belongs here: what the office does, by values. May not know: devices' messages, which history is played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from records_world import World, create, delete, merge, update
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import Conflict, Pin
from saddlebag.sync import administration, fleet
from saddlebag.sync.defaults import CLOSING, OVERDUE, PINNED_CUSTOMERS, PINNED_DEALS
from saddlebag.sync.rules import write_scope
from saddlebag.sync.scope import Rule, Scope
from scope_oracle import FIELDS, SHORT, Oracle, Records, ScopeSet, read_records

REPS = ("rita", "sam")
BODY = "x" * 1500
"""Long enough that a few records fill the smallest page."""

_RULES = {each.name: each for each in (CLOSING, OVERDUE, PINNED_DEALS, PINNED_CUSTOMERS)}


def _rule(name: str, cap: int) -> Rule:
    plain = _RULES[name.removesuffix(SHORT)]
    hops = tuple(replace(each, fields=FIELDS.get((name, each.entity), ())) for each in plain.hops)
    return replace(plain, name=name, cap=cap, hops=hops, fields=FIELDS.get((name, plain.entity), ()))


class Office:
    """A tenant. `mark` is a word that all it writes holds, and nothing of another tenant does."""

    def __init__(self, world: World, mark: str) -> None:
        self.world = world
        self.mark = mark
        self.scopes: dict[str, ScopeSet] = {}
        self.disabled: set[str] = set()
        """Devices that were disabled."""
        self.dismissed: set[str] = set()
        """Users who have lost their rights."""
        self._count = 0
        self._read: tuple[int, Records] = (-1, {})

    def settle(self) -> None:
        """Deals that close about now, and bills around the end of the year that devices carry."""
        for number, owner in enumerate(REPS):
            customer = f"c-{owner}"
            self.world.write("adam", update("Customer", customer, notes=f"{self.mark}."))
            for name, day in (("soon", number), ("late", -3 - number)):
                self.make("Deal", f"d-{name}-{number}", customer=customer, owner=owner, days=day)
            for person in range(3):
                self.make("Contact", f"k-{number}-{person}", customer=customer)
            for age in (364, 366):
                self._bill(f"i-{number}-{age}", customer, age)

    def _bill(self, invoice: str, customer: str, age: int) -> None:
        """An invoice of one customer with a line, paid in halves by both."""
        day = self.world.now.date() - timedelta(days=age)
        money = {"currency": "EUR", "customer": customer}
        bill = {"number": invoice, "status": "posted", "issuedOn": day, "total": Decimal(2), "balance": Decimal(0)}
        half = {"invoice": invoice, "paidOn": day, "amount": Decimal(1), "currency": "EUR"}
        self.world.write(
            "inga",
            create("Invoice", invoice, **bill, **money),
            create("InvoiceLine", f"{invoice}-l", invoice=invoice, product="p1"),
            *(create("Payment", f"{invoice}-{who}", customer=f"c-{who}", **half) for who in REPS),
        )

    # What there is.

    def number(self) -> int:
        """A number never given before."""
        self._count += 1
        return self._count

    def word(self) -> str:
        """A word never written before."""
        return f"{self.mark}-{self.number()}."

    def new_id(self) -> str:
        """An id never used before, of this tenant alone."""
        return f"o-{self.mark}-{self.number()}"

    @property
    def sequence(self) -> int:
        """How many writes of records there were."""
        return self.world.run(lambda tx: tx.sequence(), read_only=True)

    @property
    def records(self) -> Records:
        """All live records; read once for each state of the tenant."""
        sequence = self.sequence
        if self._read[0] != sequence:
            self._read = sequence, read_records(self.world)
        return self._read[1]

    def some(self, entity: str, which: int) -> str:
        """One of the records of the entity, "" where there is none."""
        ids = sorted(self.records[entity])
        return ids[which % len(ids)] if ids else ""

    def active(self, who: str, device: str) -> bool:
        """Whether a device of this user has its rights."""
        return who not in self.dismissed and device not in self.disabled

    def oracle(self, who: str, device: str = "") -> Oracle:
        """What this user may see and should hold."""
        return Oracle(self.world, who, self.records, revoked=not self.active(who, device))

    def scope(self, who: str) -> ScopeSet:
        """The rules that count for this user: hers, else her role's, else everybody's."""
        set_for = (self.scopes.get(name) for name in (f"user:{who}", "role:rep", "default"))
        return next((each for each in set_for if each is not None), ScopeSet())

    def scope_name(self, who: str) -> str:
        """The name that faults use for those rules."""
        return next((name for name in (f"user:{who}", "role:rep") if name in self.scopes), "default")

    def conflicts(self, entity: str, record: str) -> set[tuple[str, str | None, str | None]]:
        """Field, mine and theirs of what was set aside."""
        rows = self.world.run(lambda tx: tx.rows.select(Conflict, entity=entity, record=record), read_only=True)
        return {(each.field, each.mine, each.theirs) for each in rows}

    # What it does.

    def change(self, entity: str, record: str, **values: Any) -> None:
        """An edit, refused or not."""
        if record:
            self.world.apply("adam", update(entity, record, **values))

    def make(self, entity: str, record: str, *, days: int = 0, **values: Any) -> None:
        """A new record; a deal closes `days` from today."""
        given: Mapping[str, Any] = {
            "Activity": {"kind": "note", "subject": self.mark, "body": BODY},
            "Contact": {"lastName": self.mark, "notes": BODY},
            "Deal": {"title": self.mark, "closeDate": self.world.now.date() + timedelta(days=days)},
            "DealLine": {"quantity": Decimal(1)},
        }[entity]
        self.world.apply("adam", create(entity, record, **given, **values))

    def give_all(self, who: str, other: str) -> None:
        """All that one rep has becomes another's, and what her territory shows her nobody's."""
        for entity in ("Deal", "Customer"):
            hers = [each for each, record in self.records[entity].items() if record.values.get("owner") == who]
            self.world.apply("adam", *(update(entity, each, owner=other) for each in sorted(hers)))
        self.change("User", who, territory=None)

    def drop(self, entity: str, record: str) -> None:
        """A deletion, refused or not."""
        if record:
            self.world.apply("adam", delete(entity, record))

    def merge(self, entity: str, master: str, loser: str) -> None:
        """Two records that are one, refused or not; those that other events name stay."""
        if master != loser and master and self.mark in loser:
            self.world.apply("adam", merge(entity, master, loser))

    def note(self, record: str) -> None:
        """A word more in a customer's notes."""
        notes = str(self.world.stored("Customer", record).values.get("notes") or "")
        self.change("Customer", record, notes=f"{notes}\n{self.word()}".strip())

    def set_scope(self, name: str, scope: ScopeSet | None) -> None:
        """Rules for everybody, a role or a user; None unsets them."""
        adam = self.world.principal("adam")
        version = self.world.run(lambda tx: administration.version_of(tx, name), read_only=True)
        if scope is not None:
            made = Scope(name, 0, tuple(_rule(each, scope.roots) for each in scope.names), scope.cap, scope.grace)
            text = write_scope(made, BUILTIN)
            self.world.run(lambda tx: administration.save(tx, adam, name, text, version))
            self.scopes[name] = scope
        elif version:
            self.world.run(lambda tx: administration.delete(tx, adam, name, version))
            del self.scopes[name]

    def pin(self, who: str, entity: str, record: str, on: bool) -> None:
        """Pin a record, seen or not, or let all of the entity go."""
        if on and record:
            self.world.run(lambda tx: tx.rows.put(Pin(who, entity, record)))
        else:
            self.world.run(lambda tx: tx.rows.delete(Pin, user=who, entity=entity))

    def enable(self, device: str, enabled: bool) -> None:
        """Disable or enable a device."""
        adam = self.world.principal("adam")
        self.world.run(lambda tx: fleet.set_enabled(tx, adam, device, enabled=enabled))
        self.disabled = self.disabled - {device} if enabled else self.disabled | {device}

    def employ(self, who: str, active: bool) -> None:
        """Dismiss a user or take her on again."""
        self.world.write("adam", update("User", who, active=active))
        self.dismissed = self.dismissed - {who} if active else self.dismissed | {who}

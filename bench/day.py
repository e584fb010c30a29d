"""A day's work on the plain tables: the churn of the whole organisation, and 100 edits of one rep on the road.

Belongs here: what changes, drawn from a seed. May not know: who applies it. The same changes go to the hub, to every
peer, and to the plain tables that judge them.

Churn: one record in a hundred of every entity that grows (80 % updated, 15 % new, 5 % deleted; products, stock and
customers only updated; 30 % of the open deals among them move their day, 10 % are won or lost), one customer in a
thousand given to another rep with her open deals; and for the standard rep always: a tenth of her customers given away,
as many taken over, one deal lost, one contact deleted, up to ten updates in her scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from bench.plain import CLOSING, OPEN, Change, Plain, Texts, bound
from bench.workload import phrase

_UPDATED, _NEW = 0.8, 0.15
_ONLY_UPDATED = ("Product", "StockLevel", "Customer")
_CHURNED = ("Product", "StockLevel", "Customer", "Contact", "Deal", "DealLine", "Activity", "Invoice")
_STAGES = ", ".join(f"'{each}'" for each in OPEN)
EDITS = 100
_DEAL_EDITS, _CONTACT_EDITS = 60, 20


class Day:
    """The changes of a day, each applied to the plain tables as it is made: later ones see what came before."""

    def __init__(self, plain: Plain, rep: str, today: date, seed: str) -> None:
        self.plain, self.rep, self.today = plain, rep, today
        self.draw = Random(f"{seed}/day")
        self.changes: list[Change] = []
        self.customers = plain.ids("Customer")

    def churn(self) -> list[Change]:
        """All changes, in their order."""
        mine = self._closing_customers(self.rep)
        for entity in _CHURNED:
            self._churn(entity)
        reps = self.plain.ids("User")
        for customer in self.draw.sample(self.customers, max(1, len(self.customers) // 1000)):
            self._reassign(customer, self.draw.choice(reps))
        self._around(mine, [each for each in reps if each != self.rep])
        return self.changes

    def _note(self, change: Change) -> None:
        self.plain.apply([change])
        self.changes.append(change)

    def _update(self, entity: str, record: str, **texts: str | None) -> None:
        self._note(Change(entity, record, texts))

    def _churn(self, entity: str) -> None:
        ids = self.plain.ids(entity)
        count = round(len(ids) * 0.01)
        updated = count if entity in _ONLY_UPDATED else round(count * _UPDATED)
        new = 0 if entity in _ONLY_UPDATED else round(count * _NEW)
        picked = self.draw.sample(ids, max(count - new, 0))
        for record in picked[:updated]:
            self._touch(entity, record)
        for record in picked[updated:]:
            self._delete(entity, record)
        for number in range(new):
            self._insert(entity, f"{ids[0][0]}9{number:06d}")

    def _touch(self, entity: str, record: str) -> None:
        before = self.plain.record(entity, record)
        if before is not None:
            self._update(entity, record, **self._edit(entity, before))

    def _edit(self, entity: str, before: Texts) -> dict[str, str | None]:
        draw = self.draw
        match entity:
            case "Product":
                return {"listPrice": _money(draw, 500, 400_000)}
            case "StockLevel":
                return {"onHand": str(draw.randint(0, 400)), "reserved": "0"}
            case "Customer":
                return {"phone": _phone(draw), "creditLimit": str(draw.randint(1, 80) * 2500)}
            case "Contact":
                return {"mobile": _phone(draw)}
            case "Deal":
                return self._edit_deal(before)
            case "DealLine":
                return {"quantity": str(draw.randint(1, 200))}
            case "Activity":
                return {"body": phrase(self.draw, 6, 18)}
            case "Invoice":
                return {"status": "paid", "balance": "0", "paidOn": str(self.today)}
            case _:
                raise ValueError(entity)

    def _edit_deal(self, before: Texts) -> dict[str, str | None]:
        texts: dict[str, str | None] = {
            "amount": _money(self.draw, 50_000, 9_000_000),
            "nextStep": phrase(self.draw, 3, 8),
        }
        chance = self.draw.random()
        if before["stage"] in OPEN:
            if chance < 0.3:
                texts["closeDate"] = str(self.today + timedelta(days=self.draw.randint(0, 60)))
            elif chance < 0.4:
                texts["stage"] = self.draw.choice(("won", "lost"))
        return texts

    def _delete(self, entity: str, record: str) -> None:
        if entity == "Deal":
            for line in self.plain.ids("DealLine", "deal = ?", (record,)):
                self._note(Change("DealLine", line, {}, gone=True))
        if self.plain.record(entity, record) is not None:
            self._note(Change(entity, record, {}, gone=True))

    def _insert(self, entity: str, record: str) -> None:
        """A new record like one that is there: its own values where an entity needs them apart."""
        model = self.plain.record(entity, self.draw.choice(self._like(entity)))
        assert model is not None
        texts: dict[str, str | None] = {**model, **self._edit(entity, model)}
        del texts["id"]
        if "number" in texts:
            texts["number"] = f"N{record}"
        self._note(Change(entity, record, texts, new=True))

    def _like(self, entity: str) -> list[str]:
        """The records of the entity that some customer has."""
        while True:
            customer = self.draw.choice(self.customers)
            if found := self.plain.ids(entity, "customer = ?", (customer,)):
                return found

    def _closing_customers(self, rep: str) -> list[str]:
        """Customers of the rep's own that her closing deals are with."""
        values = bound(rep, self.today)
        return self.plain.ids("Customer", f"owner = :rep AND id IN (SELECT customer FROM Deal WHERE {CLOSING})", values)

    def _reassign(self, customer: str, rep: str) -> None:
        before = self.plain.record("Customer", customer)
        assert before is not None
        self._update("Customer", customer, owner=rep)
        mine = f"customer = ? AND owner = ? AND stage IN ({_STAGES})"
        for deal in self.plain.ids("Deal", mine, (customer, before["owner"])):
            self._update("Deal", deal, owner=rep)

    def _around(self, mine: list[str], others: list[str]) -> None:
        """What always happens to the standard rep."""
        draw = self.draw
        leaving = draw.sample(mine, min(len(mine), max(1, len(mine) // 10)))
        for customer in leaving:
            self._reassign(customer, draw.choice(others))
        for _ in range(max(2, len(mine) // 10)):
            if coming := self._closing_customers(draw.choice(others)):
                self._reassign(draw.choice(coming), self.rep)
        staying = [each for each in mine if each not in leaving]
        self._lose_and_delete(staying)
        for customer in staying[1:6]:
            self._touch("Customer", customer)
            for contact in self.plain.ids("Contact", "customer = ?", (customer,))[:1]:
                self._touch("Contact", contact)

    def _lose_and_delete(self, staying: list[str]) -> None:
        values = {**bound(self.rep, self.today), "customer": staying[0] if staying else ""}
        for deal in self.plain.ids("Deal", f"{CLOSING} AND customer = :customer", values)[:1]:
            self._update("Deal", deal, stage="lost")
        for contact in self.plain.ids("Contact", "customer = ?", (staying[-1] if staying else "",))[:1]:
            self._note(Change("Contact", contact, {}, gone=True))


def edits(plain: Plain, rep: str, today: date, number: int) -> Iterator[Change]:
    """100 edits that the rep made on the road: up to 60 of her deals, up to 20 contacts, the rest new activities.

    `number` makes those of each laptop different from those of any other.
    """
    draw = Random(f"{number}/edits")
    held = sorted(plain.held(rep, today))
    deals = [each for entity, each in held if entity == "Deal"]
    hers = [each for each in deals if (plain.record("Deal", each) or {}).get("owner") == rep]
    contacts = [each for entity, each in held if entity == "Contact"]
    customers = [each for entity, each in held if entity == "Customer"]
    made = 0
    for deal in hers[:_DEAL_EDITS]:
        step = phrase(draw, 3, 8)
        yield Change("Deal", deal, {"amount": _money(draw, 50_000, 9_000_000), "nextStep": f"{step} {number}"})
        made += 1
    for contact in contacts[:_CONTACT_EDITS]:
        yield Change("Contact", contact, {"mobile": _phone(draw)})
        made += 1
    for place in range(EDITS - made):
        texts = {"customer": draw.choice(customers), "kind": "call", "subject": phrase(draw, 4, 4)}
        body = phrase(draw, 6, 18)
        yield Change("Activity", f"A8{number:02d}{place:04d}", {**texts, "owner": rep, "body": body}, new=True)


def beside(plain: Plain, rep: str, today: date, number: int) -> list[Change]:
    """What another rep does to ten deals of her own; none of it is in the rep's scope."""
    reps = plain.ids("User")
    other = reps[(reps.index(rep) + 1) % len(reps)]
    hers = {record for entity, record in plain.held(rep, today) if entity == "Deal"}
    deals = [each for each in plain.ids("Deal", CLOSING, bound(other, today)) if each not in hers]
    day = str(today + timedelta(days=1 + number % 5))
    return [Change("Deal", each, {"closeDate": day}) for each in deals[:10]]


def _money(draw: Random, least: int, most: int) -> str:
    cents = draw.randint(least, most)
    return f"{cents // 100}.{cents % 100:02d}"


def _phone(draw: Random) -> str:
    return f"+{draw.randint(30, 49)} {draw.randint(10**8, 10**9 - 1)}"

"""The standard workload: a made-up sales organisation of any size, the same for the same seed and day.

Belongs here: records as values, in the shapes of the built-in entities, and a day's churn on them. May not know:
stores, clocks, the demonstration's data.

Proportions for each customer: 1.25 contacts, 2 deals (two in five open, closing from 14 days ago to 60 ahead, one in
twenty owned by another rep than its customer), 1.25 lines a deal, 1 activity, 1.5 invoices over 24 months. Beside that
200 reps, 2,000 products and 4 warehouses that stock each of them. Every entity draws from a source of its own, so that
one more field in one of them changes nothing in the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Values = dict[str, Any]
Rows = Iterator[tuple[str, Values]]

OPEN = ("prospect", "qualify", "propose", "negotiate")
WINDOW_DAYS = 7
_CENT = Decimal("0.01")
_TOWNS = (
    ("Lyon", "69002", "FR"), ("Köln", "50667", "DE"), ("Gdańsk", "80-831", "PL"), ("Århus", "8000", "DK"),
    ("Torino", "10121", "IT"), ("Málaga", "29015", "ES"), ("Gent", "9000", "BE"), ("Linz", "4020", "AT"),
)  # fmt: skip
_FIRST = ("Ana", "Björn", "Chloé", "Dmitri", "Elif", "Fionn", "Grace", "Håkon", "Inès", "Jörg", "Katarzyna", "Luís")
_LAST = ("Meyer", "Novák", "Olsen", "Pérez", "Quist", "Rossi", "Şahin", "Thoma", "Ulmer", "Vasseur", "Wójcik", "Young")
_TRADES = ("Pumps", "Bakery", "Logistics", "Optics", "Timber", "Dairy", "Printing", "Valves", "Textiles", "Ceramics")
_STEPS = ("Send the offer", "Call back", "Show the samples", "Ask for the decision", "Visit with the engineer")
_BODIES = (
    "They want delivery in two parts and a price that holds until summer.",
    "The old supplier was late twice; the plant manager would like to see ours at work.",
    "Budget is there. The decision is made by the board, on the second Tuesday.",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each; the rest follows from the customers."""

    customers: int = 10_000
    reps: int = 200
    products: int = 2_000
    warehouses: int = 4

    @property
    def territories(self) -> int:
        """One for ten reps."""
        return max(1, self.reps // 10)


@dataclass
class _Known:
    """What later entities need of earlier ones, and what a rep's scope is counted from."""

    owners: list[int] = field(default_factory=list)
    near: list[int] = field(default_factory=list)
    deals: list[tuple[int, int, bool, bool]] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)


class Workload:
    """All records of one organisation. `records` must be run through, in its order, before `focus_rep` is asked."""

    def __init__(self, sizes: Sizes, today: date, seed: int = 1) -> None:
        self.sizes = sizes
        self.today = today
        self.seed = seed
        self._known = _Known()

    def records(self) -> Iterator[tuple[str, Rows]]:
        """(entity, its records), each entity after those that it refers to."""
        yield "Territory", self._territories()
        yield "User", self._users()
        yield "Product", self._products()
        yield "Warehouse", self._warehouses()
        yield "StockLevel", self._stock()
        yield "Customer", self._customers()
        yield "Contact", self._contacts()
        yield "Deal", self._deals()
        yield "DealLine", self._lines()
        yield "Activity", self._activities()
        yield "Invoice", self._invoices()

    def focus_rep(self) -> str:
        """The rep whose scope has the median number of records of all reps."""
        counts = sorted((count, rep) for rep, count in enumerate(self.scope_counts()))
        return rep_id(counts[len(counts) // 2][1])

    def scope_counts(self) -> list[int]:
        """Records in the scope of each rep, by number, without the warehouses, which all share."""
        known = self._known
        customers: list[set[int]] = [set() for _ in range(self.sizes.reps)]
        products: list[set[int]] = [set() for _ in range(self.sizes.reps)]
        counts = [0] * self.sizes.reps
        for customer, owner, _, near in known.deals:
            if near:
                customers[owner].add(customer)
                counts[owner] += 1
        for deal, product in known.lines:
            _, owner, _, near = known.deals[deal]
            if near:
                products[owner].add(product)
                counts[owner] += 1
        for rep in range(self.sizes.reps):
            counts[rep] += sum(1 + known.near[each] for each in customers[rep])
            counts[rep] += len(products[rep]) * (1 + self.sizes.warehouses)
        return counts

    def churn(self, focus: str) -> list[tuple[str, str, Values | None]]:
        """A day's changes as (entity, id, changed values or None for a delete).

        One open deal and one customer in a hundred; and for the focus rep always: a tenth of the customers in her scope
        given away with their closing deals and as many taken from another rep, one deal lost, ten updated.
        """
        draw = Random(f"{self.seed}/churn")
        rep = int(focus[1:])
        changes: dict[tuple[str, str], Values | None] = {}
        for number in draw.sample(range(len(self._known.deals)), max(1, len(self._known.deals) // 100)):
            if self._known.deals[number][2]:
                change: Values = {"nextStep": draw.choice(_STEPS)}
                if draw.random() < 0.3:
                    change["closeDate"] = self.today + timedelta(days=draw.randint(-14, 60))
                changes["Deal", f"D{number:07d}"] = change
        for number in draw.sample(range(self.sizes.customers), max(1, self.sizes.customers // 100)):
            changes["Customer", f"C{number:07d}"] = {"phone": f"+33 {draw.randint(10**8, 10**9 - 1)}"}
        changes |= self._focus_changes(rep)
        return [(entity, record, values) for (entity, record), values in changes.items()]

    def beside(self, focus: str, number: int) -> list[tuple[str, str, Values | None]]:
        """What another rep does to deals of her own; none of it is in the focus rep's scope."""
        other = (int(focus[1:]) + 1) % self.sizes.reps
        day = self.today + timedelta(days=1 + number % 5)
        return [("Deal", f"D{each:07d}", {"closeDate": day}) for each in self._closing(other)[:10]]

    def _focus_changes(self, rep: int) -> dict[tuple[str, str], Values | None]:
        """What always happens to the focus rep: customers leave and arrive, deals are lost and updated."""
        changes: dict[tuple[str, str], Values | None] = {}
        other = (rep + 1) % self.sizes.reps
        mine, theirs = self._closing(rep), self._closing(other)
        for number in mine[:10]:
            changes["Deal", f"D{number:07d}"] = {"nextStep": "Bring the contract"}
        if len(mine) > 1:
            changes["Deal", f"D{mine[1]:07d}"] = {"stage": "lost", "lossReason": "Price"}
        for deals, owner in ((mine[2:], other), (theirs, rep)):
            customers = list(dict.fromkeys(self._known.deals[number][0] for number in deals))
            moved = set(customers[: max(1, len(customers) // 10)])
            for customer in sorted(moved):
                changes["Customer", f"C{customer:07d}"] = {"owner": rep_id(owner)}
            for number in deals:
                if self._known.deals[number][0] in moved:
                    changes["Deal", f"D{number:07d}"] = {"owner": rep_id(owner)}
        return changes

    def _closing(self, rep: int) -> list[int]:
        return [number for number, (_, owner, _, near) in enumerate(self._known.deals) if owner == rep and near]

    def _draw(self, entity: str) -> Random:
        return Random(f"{self.seed}/{entity}")

    def _territories(self) -> Rows:
        for number in range(self.sizes.territories):
            yield f"T{number:07d}", {"code": f"T{number:03d}", "name": f"Area {number}"}

    def _users(self) -> Rows:
        draw = self._draw("User")
        for number in range(self.sizes.reps):
            name = f"{draw.choice(_FIRST)} {draw.choice(_LAST)}"
            login = f"rep{number:03d}"
            values = {"name": name, "login": login, "role": "rep", "active": True, "email": f"{login}@load.example"}
            yield rep_id(number), {**values, "territory": f"T{number % self.sizes.territories:07d}"}

    def _products(self) -> Rows:
        draw = self._draw("Product")
        for number in range(self.sizes.products):
            trade = draw.choice(_TRADES)
            yield (
                f"P{number:07d}",
                {
                    "sku": f"{trade[:3].upper()}-{number:05d}",
                    "name": f"{trade} part {number}",
                    "family": trade,
                    "unit": "pc",
                    "listPrice": Decimal(draw.randint(500, 400_000)).scaleb(-2),
                    "currency": "EUR",
                    "active": True,
                },
            )

    def _warehouses(self) -> Rows:
        for number in range(self.sizes.warehouses):
            town, _, country = _TOWNS[number % len(_TOWNS)]
            yield f"W{number:07d}", {"code": f"W{number}", "name": f"{town} depot", "city": town, "country": country}

    def _stock(self) -> Rows:
        draw = self._draw("StockLevel")
        for number in range(self.sizes.products * self.sizes.warehouses):
            product, warehouse = divmod(number, self.sizes.warehouses)
            hand = Decimal(draw.randint(0, 400))
            held = Decimal(draw.randint(0, int(hand) // 2))
            values: Values = {"product": f"P{product:07d}", "warehouse": f"W{warehouse:07d}", "onHand": hand}
            values |= {"reserved": held, "available": hand - held}
            if hand < 20:
                values["nextDelivery"] = self.today + timedelta(days=draw.randint(1, 40))
            yield f"S{number:07d}", values

    def _customers(self) -> Rows:
        draw = self._draw("Customer")
        for number in range(self.sizes.customers):
            owner = draw.randrange(self.sizes.reps)
            self._known.owners.append(owner)
            self._known.near.append(0)
            town, code, country = draw.choice(_TOWNS)
            trade = draw.choice(_TRADES)
            yield (
                f"C{number:07d}",
                {
                    "number": f"{100_000 + number}",
                    "name": f"{draw.choice(_LAST)} {trade} {number % 977}",
                    "kind": "company",
                    "status": "active",
                    "owner": rep_id(owner),
                    "territory": f"T{owner % self.sizes.territories:07d}",
                    "segments": tuple(sorted(draw.sample(("key", "growth", "service"), draw.randint(0, 2)))),
                    "industry": trade,
                    "phone": f"+{draw.randint(30, 49)} {draw.randint(10**8, 10**9 - 1)}",
                    "website": f"https://www.c{number}.example",
                    "street": f"{draw.choice(_LAST)}straße {draw.randint(1, 199)}",
                    "postcode": code,
                    "city": town,
                    "country": country,
                    "currency": "EUR",
                    "creditLimit": Decimal(draw.randrange(5, 200) * 1000),
                    "creditStanding": "good",
                    "notes": draw.choice(_BODIES) if number % 3 == 0 else None,
                },
            )

    def _contacts(self) -> Rows:
        draw = self._draw("Contact")
        number = 0
        for customer in range(self.sizes.customers):
            for first in range(draw.choices((1, 2, 3), (80, 15, 5))[0]):
                given, family = draw.choice(_FIRST), draw.choice(_LAST)
                self._known.near[customer] += 1
                values: Values = {"customer": f"C{customer:07d}", "firstName": given, "lastName": family}
                values |= {"title": "Purchasing", "email": f"k{number}@c{customer}.example", "primary": first == 0}
                yield f"K{number:07d}", {**values, "mobile": f"+33 6{draw.randint(10**7, 10**8 - 1)}"}
                number += 1

    def _deals(self) -> Rows:
        draw = self._draw("Deal")
        for number in range(self.sizes.customers * 2):
            customer = draw.randrange(self.sizes.customers)
            owner = self._known.owners[customer] if draw.random() > 0.05 else draw.randrange(self.sizes.reps)
            is_open = draw.random() < 0.4
            days = draw.randint(-14, 60) if is_open else -draw.randint(1, 700)
            self._known.deals.append((customer, owner, is_open, is_open and 0 <= days < WINDOW_DAYS))
            yield (
                f"D{number:07d}",
                {
                    "number": f"D{number:07d}",
                    "customer": f"C{customer:07d}",
                    "owner": rep_id(owner),
                    "title": f"{draw.choice(_TRADES)} supply {number % 389}",
                    "stage": draw.choice(OPEN) if is_open else draw.choice(("won", "lost")),
                    "amount": _money(draw, 7_000),
                    "currency": "EUR",
                    "probability": draw.randrange(10, 95, 5) if is_open else 100,
                    "closeDate": self.today + timedelta(days=days),
                    "nextStep": draw.choice(_STEPS) if is_open else None,
                },
            )

    def _lines(self) -> Rows:
        draw = self._draw("DealLine")
        number = 0
        for deal, (customer, *_) in enumerate(self._known.deals):
            for position in range(draw.choices((1, 2, 3), (80, 15, 5))[0]):
                product = draw.randrange(self.sizes.products)
                self._known.lines.append((deal, product))
                values: Values = {"deal": f"D{deal:07d}", "customer": f"C{customer:07d}", "product": f"P{product:07d}"}
                values |= {"position": position + 1, "quantity": Decimal(draw.randint(1, 60))}
                yield f"L{number:07d}", {**values, "unitPrice": Decimal(draw.randint(500, 400_000)).scaleb(-2)}
                number += 1

    def _activities(self) -> Rows:
        draw = self._draw("Activity")
        for number in range(self.sizes.customers):
            customer = draw.randrange(self.sizes.customers)
            self._known.near[customer] += 1
            day = self.today - timedelta(days=draw.randint(0, 300))
            yield (
                f"A{number:07d}",
                {
                    "customer": f"C{customer:07d}",
                    "owner": rep_id(self._known.owners[customer]),
                    "kind": draw.choice(("visit", "call", "note")),
                    "subject": draw.choice(_STEPS),
                    "body": draw.choice(_BODIES),
                    "startsAt": datetime.combine(day, time(draw.randint(8, 17)), UTC),
                    "done": True,
                },
            )

    def _invoices(self) -> Rows:
        draw = self._draw("Invoice")
        for number in range(self.sizes.customers * 3 // 2):
            customer = draw.randrange(self.sizes.customers)
            age = draw.randrange(730)
            self._known.near[customer] += age <= 365
            issued = self.today - timedelta(days=age)
            net, paid = _money(draw, 900), age > 30 and draw.random() < 0.9
            tax = (net / 5).quantize(_CENT)
            values: Values = {"number": f"N{number:07d}", "customer": f"C{customer:07d}", "kind": "invoice"}
            values |= {"status": "paid" if paid else "posted", "issuedOn": issued, "dueOn": issued + timedelta(days=30)}
            values |= {"net": net, "tax": tax, "total": net + tax, "balance": Decimal("0.00") if paid else net + tax}
            yield (
                f"I{number:07d}",
                {**values, "currency": "EUR", "paidOn": issued + timedelta(days=25) if paid else None},
            )


def rep_id(number: int) -> str:
    """The id of the rep of this number."""
    return f"R{number:07d}"


def _money(draw: Random, middle: int) -> Decimal:
    return Decimal(draw.lognormvariate(0, 0.9) * middle).quantize(_CENT)

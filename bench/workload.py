"""The standard workload: a made-up sales organisation of any size, the same for the same seed.

Belongs here: records as values, in the shapes of the built-in entities. May not know: stores, clocks, what is measured,
the demonstration's data.

At 100,000 customers there are 937,276 records beside the 20 territories and 4 warehouses that our schema needs: 200
reps, 2,000 products stocked in each warehouse, and for each customer about 1.25 contacts, 2 deals (0 to 4; two in five
open, closing from 14 days ago to 60 ahead, one in twenty owned by another rep than its customer), 1.25 lines a deal, 1
activity, 1.5 invoices over 24 months. Every entity draws from a source of its own, so that one more field in one of
them changes nothing in the others.

The workload has a day of its own, `TODAY`, on which the measured hub lives too (`bench.clock`): figures of two runs are
about the same records. `SEED` was picked of many because its median rep has the 569 records of the standard rep,
`DAY_SEED` because the day then brings her about 50 records, takes about 71 and changes 14, and the next day moves about
96 in and 82 out.
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
TODAY = date(2026, 3, 2)
SEED = 37
DAY_SEED = "37/1"
_PER_CUSTOMER = {"Contact": 1.2492, "Deal": 2.01046, "DealLine": 2.51251, "Activity": 1.00116, "Invoice": 1.49743}
_ONE_OR_TWO = (1, 1, 1, 2)
_CENT = Decimal("0.01")
_TOWNS = (
    ("Lyon", "69002", "FR"), ("Köln", "50667", "DE"), ("Gdańsk", "80-831", "PL"), ("Århus", "8000", "DK"),
    ("Torino", "10121", "IT"), ("Málaga", "29015", "ES"), ("Gent", "9000", "BE"), ("Linz", "4020", "AT"),
)  # fmt: skip
_FIRST = ("Ana", "Björn", "Chloé", "Dmitri", "Elif", "Fionn", "Grace", "Håkon", "Inès", "Jörg", "Katarzyna", "Luís")
_LAST = ("Meyer", "Novák", "Olsen", "Pérez", "Quist", "Rossi", "Şahin", "Thoma", "Ulmer", "Vasseur", "Wójcik", "Young")
_TRADES = ("Pumps", "Bakery", "Logistics", "Optics", "Timber", "Dairy", "Printing", "Valves", "Textiles", "Ceramics")
_STEPS = ("Send the offer", "Call back", "Show the samples", "Ask for the decision", "Visit with the engineer")
_TITLES = ("Purchasing", "Plant manager", "Finance", "Managing director", "Works engineer", "Stores")
_WORDS = (
    *(
        "tender",
        "samples",
        "noon",
        "buyer",
        "asks",
        "two",
        "lots",
        "crane",
        "site",
        "rebate",
        "signed",
        "later",
        "than",
    ),
    *("planned", "cooling", "unit", "hums", "fitter", "booked", "query", "open", "gasket", "wants", "blue", "housing"),
    *(
        "freight",
        "paid",
        "half",
        "upfront",
        "spring",
        "order",
        "moved",
        "to",
        "hall",
        "three",
        "belt",
        "slips",
        "again",
    ),
    *("rival", "undercut", "by", "five", "percent", "board", "meets", "Tuesday", "ask", "Ida", "for", "drawing", "rev"),
    *("pallet", "height", "limit", "ramp", "closed", "deliver", "east", "gate", "before", "seven", "spare", "valve"),
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
    """What later entities need of earlier ones, by number."""

    owners: list[int] = field(default_factory=list)
    customers_of_deals: list[int] = field(default_factory=list)


class Workload:
    """All records of one organisation."""

    def __init__(self, sizes: Sizes, today: date = TODAY, seed: int = SEED) -> None:
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
        yield "Customer", self.customers()
        yield "Contact", self._contacts()
        yield "Deal", self._deals()
        yield "DealLine", self._lines()
        yield "Activity", self._activities()
        yield "Invoice", self._invoices()

    def _counts(self, entity: str, draw: Random, parents: int, choices: tuple[int, ...]) -> list[int]:
        """How many each parent has: drawn from the choices, then put right until the sum is the entity's share."""
        counts = draw.choices(choices, k=parents)
        missing = round(self.sizes.customers * _PER_CUSTOMER[entity]) - sum(counts)
        step = 1 if missing > 0 else -1
        while missing:
            place = draw.randrange(parents)
            if min(choices) <= counts[place] + step <= max(choices):
                counts[place] += step
                missing -= step
        return counts

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

    def customers(self) -> Rows:
        """The customers alone."""
        draw, words = self._draw("Customer"), self._draw("Customer/words")
        for number in range(self.sizes.customers):
            owner = draw.randrange(self.sizes.reps)
            self._known.owners.append(owner)
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
                    "region": draw.choice(("North", "Centre", "South")) if number % 3 == 0 else None,
                    "notes": phrase(words, 4, 14),
                },
            )

    def _contacts(self) -> Rows:
        draw = self._draw("Contact")
        number = 0
        for customer, count in enumerate(self._counts("Contact", draw, self.sizes.customers, _ONE_OR_TWO)):
            for first in range(count):
                given, family = draw.choice(_FIRST), draw.choice(_LAST)
                values: Values = {"customer": f"C{customer:07d}", "firstName": given, "lastName": family}
                values |= {
                    "title": draw.choice(_TITLES),
                    "email": f"k{number}@c{customer}.example",
                    "primary": first == 0,
                }
                values["phone"] = f"+{draw.randint(30, 49)} {draw.randint(10**8, 10**9 - 1)}"
                yield f"K{number:07d}", {**values, "mobile": f"+33 6{draw.randint(10**7, 10**8 - 1)}"}
                number += 1

    def _deals(self) -> Rows:
        draw, words = self._draw("Deal"), self._draw("Deal/words")
        counts = self._counts("Deal", draw, self.sizes.customers, (0, 1, 2, 2, 3, 4))
        self._known.customers_of_deals = [each for each, count in enumerate(counts) for _ in range(count)]
        for number, customer in enumerate(self._known.customers_of_deals):
            owner = self._known.owners[customer] if draw.random() > 0.05 else draw.randrange(self.sizes.reps)
            is_open = draw.random() < 0.4
            days = draw.randint(-14, 60) if is_open else -draw.randint(1, 700)
            yield (
                f"D{number:07d}",
                {
                    "number": f"D{number:07d}",
                    "customer": f"C{customer:07d}",
                    "owner": rep_id(owner),
                    "title": f"{draw.choice(_TRADES)} {phrase(words, 2, 4)}",
                    "stage": draw.choice(OPEN) if is_open else draw.choice(("won", "lost")),
                    "amount": _money(draw, 7_000),
                    "currency": "EUR",
                    "probability": draw.randrange(10, 95, 5) if is_open else 100,
                    "closeDate": self.today + timedelta(days=days),
                    "nextStep": f"{draw.choice(_STEPS)}: {phrase(words, 1, 5)}" if is_open else phrase(words, 3, 8),
                },
            )

    def _lines(self) -> Rows:
        draw = self._draw("DealLine")
        number = 0
        customers = self._known.customers_of_deals
        for deal, count in enumerate(self._counts("DealLine", draw, len(customers), _ONE_OR_TWO)):
            customer = customers[deal]
            for position in range(count):
                product = draw.randrange(self.sizes.products)
                values: Values = {"deal": f"D{deal:07d}", "customer": f"C{customer:07d}", "product": f"P{product:07d}"}
                values |= {"position": position + 1, "quantity": Decimal(draw.randint(1, 60))}
                yield f"L{number:07d}", {**values, "unitPrice": Decimal(draw.randint(500, 400_000)).scaleb(-2)}
                number += 1

    def _activities(self) -> Rows:
        draw = self._draw("Activity")
        counts = self._counts("Activity", draw, self.sizes.customers, (0, 1, 1, 2))
        for number, customer in enumerate(each for each, count in enumerate(counts) for _ in range(count)):
            day = self.today - timedelta(days=draw.randint(0, 300))
            yield (
                f"A{number:07d}",
                {
                    "customer": f"C{customer:07d}",
                    "owner": rep_id(self._known.owners[customer]),
                    "kind": draw.choice(("visit", "call", "note")),
                    "subject": draw.choice(_STEPS),
                    "body": phrase(draw, 6, 18),
                    "startsAt": datetime.combine(day, time(draw.randint(8, 17)), UTC),
                    "done": True,
                },
            )

    def _invoices(self) -> Rows:
        draw = self._draw("Invoice")
        counts = self._counts("Invoice", draw, self.sizes.customers, (0, 1, 2, 3))
        for number, customer in enumerate(each for each, count in enumerate(counts) for _ in range(count)):
            age = draw.randrange(730)
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


def phrase(draw: Random, least: int, most: int) -> str:
    """Some words: text that no compressor finds twice."""
    return " ".join(draw.choices(_WORDS, k=draw.randint(least, most)))


def rep_id(number: int) -> str:
    """The id of the rep of this number."""
    return f"R{number:07d}"


def _money(draw: Random, middle: int) -> Decimal:
    return Decimal(draw.lognormvariate(0, 0.9) * middle).quantize(_CENT)

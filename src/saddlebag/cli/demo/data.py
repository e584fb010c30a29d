"""A made-up sales organisation: deterministic, with the distributions that real ones show.

Belongs here: values of records, made from a seeded source and a day that is called today. May not know: the store,
clocks.

What is realistic: customers' turnover is long-tailed (a few buy most), amounts are log-normal, two deals in five
are open
and close between two weeks ago and two months ahead, invoices spread over 24 months, nine in ten old ones are paid,
one deal in twenty belongs to another rep than its customer, unicode is everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

from saddlebag.cli.demo import words
from saddlebag.model.builtin import CLOSED_STAGES, OPEN_STAGES
from saddlebag.model.fields import Value

Record = tuple[str, dict[str, Value]]
_CENT = Decimal("0.01")
_INVOICE_DAYS = 730
_OPEN_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each."""

    reps: int = 20
    customers: int = 2_000
    deals: int = 5_000
    invoices: int = 20_000
    products: int = 300


class Organisation:
    """All records of one made-up organisation; the same seed, day and sizes give the same records."""

    def __init__(self, seed: int, today: date, sizes: Sizes) -> None:
        self._random = Random(seed)
        self._today = today
        self._sizes = sizes
        self._customers: list[tuple[str, str, tuple[str, ...]]] = []
        self._deals: list[tuple[str, str, str, bool]] = []
        self._weights: list[float] = []
        self._prices: list[Decimal] = []

    def records(self) -> Iterator[tuple[str, Iterator[Record]]]:
        """(entity, its records), each entity after those that it refers to; to be consumed in order."""
        yield "Territory", self._territories()
        yield "User", self._users()
        yield "Product", self._products()
        yield "Warehouse", self._warehouses()
        yield "StockLevel", self._stock()
        yield "Customer", self._make_customers()
        yield "Contact", self._contacts()
        yield "Deal", self._make_deals()
        yield "DealLine", self._lines()
        yield "Activity", self._activities()
        invoices = list(self._invoices())
        yield "Invoice", iter(invoices)
        yield "InvoiceLine", self._invoice_lines(invoices)
        yield "Payment", self._payments(invoices)

    def _territories(self) -> Iterator[Record]:
        yield "T00", {"code": "EU", "name": "Europe"}
        for number in range(1, 5):
            yield f"T{number:02d}", {"code": f"EU{number}", "name": f"Europe {number}", "parent": "T00"}

    def _users(self) -> Iterator[Record]:
        for number in range(self._sizes.reps):
            name = self._person()
            yield (
                rep_id(number),
                {
                    "name": " ".join(name),
                    "login": f"rep{number:02d}",
                    "role": "rep",
                    "active": True,
                    "email": f"rep{number:02d}@demo.example",
                    "territory": f"T{1 + number % 4:02d}",
                },
            )

    def _person(self) -> tuple[str, str]:
        return self._random.choice(words.FIRST_NAMES), self._random.choice(words.LAST_NAMES)

    def _amount(self, middle: float, spread: float = 0.9) -> Decimal:
        return Decimal(self._random.lognormvariate(0, spread) * middle).quantize(_CENT)

    def _products(self) -> Iterator[Record]:
        kinds = [(family, kind) for family, kinds in words.PRODUCT_FAMILIES.items() for kind in kinds]
        for number in range(self._sizes.products):
            family, kind = kinds[number % len(kinds)]
            price = max(self._amount(180), Decimal("4.50"))
            self._prices.append(price)
            yield (
                f"P{number:05d}",
                {
                    "sku": f"{family[:3].upper()}-{1000 + number}",
                    "name": f"{kind.capitalize()} {100 + number}",
                    "family": family,
                    "unit": "day" if family == "Service" else "pc",
                    "listPrice": price,
                    "currency": "EUR",
                    "active": number % 37 != 0,
                    "description": f"{kind.capitalize()}, series {number % 9 + 1}.",
                },
            )

    def _warehouses(self) -> Iterator[Record]:
        for number, (code, name, city, country) in enumerate(words.WAREHOUSES):
            yield f"W{number}", {"code": code, "name": name, "city": city, "country": country}

    def _stock(self) -> Iterator[Record]:
        for number in range(self._sizes.products):
            for place in range(len(words.WAREHOUSES)):
                on_hand = Decimal(int(self._random.paretovariate(1.1) * 4) if self._random.random() > 0.15 else 0)
                reserved = Decimal(self._random.randint(0, int(on_hand) // 3))
                values: dict[str, Value] = {
                    "product": f"P{number:05d}",
                    "warehouse": f"W{place}",
                    "onHand": on_hand,
                    "reserved": reserved,
                    "available": on_hand - reserved,
                }
                if on_hand < 5:
                    values["nextDelivery"] = self._today + timedelta(days=self._random.randint(2, 45))
                yield f"S{number:05d}-{place}", values

    def _make_customers(self) -> Iterator[Record]:
        for number in range(self._sizes.customers):
            place = self._random.choice(words.PLACES)
            industry, trades = self._random.choice(list(words.COMPANY_TRADES.items()))
            stem, trade = self._random.choice(words.COMPANY_STEMS), self._random.choice(trades)
            owner = self._random.randrange(self._sizes.reps)
            self._customers.append((f"C{number:06d}", rep_id(owner), place))
            self._weights.append(self._random.paretovariate(1.2))
            street = f"{self._random.choice(words.STREETS)} {self._random.randint(1, 180)}"
            yield (
                f"C{number:06d}",
                {
                    "number": f"{10_000 + number}",
                    "name": f"{stem} {trade} {place[3]}",
                    "kind": "company",
                    "status": "active",
                    "owner": rep_id(owner),
                    "territory": f"T{1 + owner % 4:02d}",
                    "industry": industry,
                    "segments": tuple(
                        sorted(self._random.sample(("key", "growth", "service", "export"), self._random.randint(0, 2)))
                    ),
                    "email": f"office@{stem.lower()}-{number}.example",
                    "phone": f"{place[4]} {self._random.randint(100000, 999999)}",
                    "street": street,
                    "postcode": place[2],
                    "city": place[1],
                    "country": place[0],
                    "currency": place[5],
                    "creditLimit": Decimal(self._random.choice((5, 10, 25, 50, 100)) * 1000),
                    "creditStanding": self._random.choices(("good", "watch", "blocked"), (90, 8, 2))[0],
                    "taxNumber": f"{place[0]}{self._random.randint(10**8, 10**9 - 1)}",
                },
            )

    def _contacts(self) -> Iterator[Record]:
        number = 0
        for customer, _, place in self._customers:
            for first in range(self._random.choices((1, 2, 3), (80, 15, 5))[0]):
                given, family = self._person()
                yield (
                    f"K{number:06d}",
                    {
                        "customer": customer,
                        "firstName": given,
                        "lastName": family,
                        "title": self._random.choice(words.TITLES),
                        "email": f"contact{number}@{customer.lower()}.example",
                        "primary": first == 0,
                        "mobile": f"{place[4]} {self._random.randint(1000000, 9999999)}",
                    },
                )
                number += 1

    def _make_deals(self) -> Iterator[Record]:
        cumulative = list(accumulate(self._weights))
        for number in range(self._sizes.deals):
            customer, owner, place = self._random.choices(self._customers, cum_weights=cumulative)[0]
            if self._random.random() < 0.05:
                owner = rep_id(self._random.randrange(self._sizes.reps))
            is_open = self._random.random() < _OPEN_SHARE
            stage = self._random.choice(OPEN_STAGES) if is_open else self._random.choices(CLOSED_STAGES, (55, 45))[0]
            days = self._random.randint(-14, 60) if is_open else -self._random.randint(1, 700)
            family = self._random.choice(list(words.PRODUCT_FAMILIES))
            self._deals.append((f"D{number:06d}", customer, owner, is_open))
            yield (
                f"D{number:06d}",
                {
                    "number": f"D-{number:06d}",
                    "customer": customer,
                    "owner": owner,
                    "currency": place[5],
                    "stage": stage,
                    "title": self._random.choice(words.DEAL_SUBJECTS).format(family.lower()),
                    "amount": self._amount(6500),
                    "probability": {
                        "prospect": 10,
                        "qualify": 30,
                        "propose": 50,
                        "negotiate": 75,
                        "won": 100,
                        "lost": 0,
                    }[stage],
                    "closeDate": self._today + timedelta(days=days),
                    "nextStep": self._random.choice(words.NEXT_STEPS) if is_open else None,
                    "lossReason": self._random.choice(("Price", "Delivery time", "No budget"))
                    if stage == "lost"
                    else None,
                },
            )

    def _lines(self) -> Iterator[Record]:
        number = 0
        for deal, customer, _, _ in self._deals:
            for position in range(self._random.choices((1, 2, 3, 4), (70, 18, 8, 4))[0]):
                product = self._random.randrange(self._sizes.products)
                yield (
                    f"L{number:06d}",
                    {
                        "deal": deal,
                        "customer": customer,
                        "product": f"P{product:05d}",
                        "position": position + 1,
                        "quantity": Decimal(self._random.randint(1, 40)),
                        "unitPrice": self._prices[product],
                        "discount": Decimal(self._random.choice((0, 0, 0, 5, 10))),
                    },
                )
                number += 1

    def _activities(self) -> Iterator[Record]:
        for number in range(self._sizes.customers * 3 // 2):
            deal, customer, owner, _ = self._random.choice(self._deals)
            kind = self._random.choice(list(words.ACTIVITY_SUBJECTS))
            day = self._today - timedelta(days=int(self._random.expovariate(1 / 90)))
            values: dict[str, Value] = {
                "customer": customer,
                "deal": deal,
                "owner": owner,
                "kind": kind,
                "done": kind != "task",
                "subject": self._random.choice(words.ACTIVITY_SUBJECTS[kind]),
                "startsAt": datetime.combine(
                    day, time(self._random.randint(8, 17), self._random.choice((0, 15, 30, 45))), UTC
                ),
            }
            if kind == "task":
                values["dueOn"] = self._today + timedelta(days=self._random.randint(-5, 20))
            if kind in ("visit", "note"):
                values["body"] = (
                    f"{self._random.choice(words.NEXT_STEPS)}. {self._random.choice(words.TITLES)} was present."
                )
            yield f"A{number:06d}", values

    def _invoices(self) -> Iterator[Record]:
        cumulative = list(accumulate(self._weights))
        for number in range(self._sizes.invoices):
            customer, _, place = self._random.choices(self._customers, cum_weights=cumulative)[0]
            issued = self._today - timedelta(days=self._random.randrange(_INVOICE_DAYS))
            due = issued + timedelta(days=30)
            net = self._amount(900)
            tax = (net * Decimal("0.20")).quantize(_CENT)
            paid = due < self._today and self._random.random() < 0.9
            yield (
                f"I{number:06d}",
                {
                    "number": f"INV-{number:06d}",
                    "customer": customer,
                    "kind": "invoice",
                    "status": "paid" if paid else "posted",
                    "issuedOn": issued,
                    "dueOn": due,
                    "net": net,
                    "tax": tax,
                    "total": net + tax,
                    "currency": place[5],
                    "paidOn": min(due + timedelta(days=self._random.randint(-20, 25)), self._today) if paid else None,
                    "balance": Decimal("0.00") if paid else net + tax,
                },
            )

    def _invoice_lines(self, invoices: list[Record]) -> Iterator[Record]:
        for number, (invoice, values) in enumerate(invoices):
            product = self._random.randrange(self._sizes.products)
            quantity = self._random.randint(1, 20)
            net = values["net"]
            assert isinstance(net, Decimal)
            yield (
                f"J{number:06d}",
                {
                    "invoice": invoice,
                    "customer": values["customer"],
                    "product": f"P{product:05d}",
                    "position": 1,
                    "description": "As delivered",
                    "quantity": Decimal(quantity),
                    "amount": net,
                    "unitPrice": (net / quantity).quantize(Decimal("0.0001")),
                },
            )

    def _payments(self, invoices: list[Record]) -> Iterator[Record]:
        for number, (invoice, values) in enumerate(invoices):
            if values["paidOn"] is not None:
                yield (
                    f"Z{number:06d}",
                    {
                        "number": f"PAY-{number:06d}",
                        "customer": values["customer"],
                        "invoice": invoice,
                        "paidOn": values["paidOn"],
                        "amount": values["total"],
                        "currency": values["currency"],
                        "method": "transfer",
                    },
                )


def rep_id(number: int) -> str:
    """The id of the rep of this number."""
    return f"R{number:02d}"

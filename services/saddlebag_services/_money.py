"""What a customer owes, by currency: balances and ages of open bills.

Belongs here: sums over invoices as the ERP states them. May not know: who asks (the caller has shown that she sees the
customer). The sign of a credit note is the ERP's; cancelled bills count nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from saddlebag.contract.spec import Member, Scalar, Struct
from saddlebag.kernel.errors import NOT_FOUND, SaddlebagError
from saddlebag.model.condition import Compare, Condition, Missing, Op, both, either, eq
from saddlebag.records.call import Call
from saddlebag.store.base import Rendering, Transaction

_CURRENCY = Member("currency", Scalar.TOKEN, "Currency of the amounts as an ISO 4217 code.", required=True, length=3)

BALANCE = Struct(
    "Balance",
    "What a customer owes in one currency.",
    (
        _CURRENCY,
        Member("balance", Scalar.DECIMAL, "Open amount of all bills.", required=True),
        Member("overdue", Scalar.DECIMAL, "Open amount of bills whose due day has passed.", required=True),
    ),
)

BUCKETS: Final = (
    ("current", None, 0, "Open amount that is not yet due."),
    ("days1To30", 1, 30, "Open amount due for 1 to 30 days."),
    ("days31To60", 31, 60, "Open amount due for 31 to 60 days."),
    ("days61To90", 61, 90, "Open amount due for 61 to 90 days."),
    ("over90", 91, None, "Open amount due for more than 90 days."),
)
"""Name, first and last day overdue, and meaning of each age."""

AGING = Struct(
    "Aging",
    "The ages of what a customer owes in one currency.",
    (
        _CURRENCY,
        *(Member(name, Scalar.DECIMAL, doc, required=True) for name, _, _, doc in BUCKETS),
        Member("total", Scalar.DECIMAL, "Open amount of all ages.", required=True),
    ),
)

_ZERO = Decimal("0.00")


def seen_customer(call: Call, tx: Transaction, customer: str) -> Rendering:
    """The customer, if the caller sees it; raises NOT_FOUND."""
    found = call.records(tx).renderings("Customer", eq("id", customer))
    if not found:
        raise SaddlebagError(NOT_FOUND, entity="Customer", record_id=customer)
    return found[0]


def balances(tx: Transaction, customer: str, day: date) -> list[dict[str, Any]]:
    """The members of Balance for each currency with bills, as of `day`."""
    overdue = _sums(tx, customer, Compare("dueOn", Op.LT, day))
    return [
        {"currency": currency, "balance": amount, "overdue": overdue.get(currency, _ZERO)}
        for currency, amount in sorted(_sums(tx, customer).items())
    ]


def aging(tx: Transaction, customer: str, day: date) -> list[dict[str, Any]]:
    """The members of Aging for each currency with bills, as of `day`."""
    sums = {name: _sums(tx, customer, _aged(day, first, last)) for name, first, last, _ in BUCKETS}
    currencies = sorted({currency for each in sums.values() for currency in each})
    return [
        {
            "currency": currency,
            **{name: each.get(currency, _ZERO) for name, each in sums.items()},
            "total": sum((each.get(currency, _ZERO) for each in sums.values()), _ZERO),
        }
        for currency in currencies
    ]


def _aged(day: date, first: int | None, last: int | None) -> Condition:
    """What holds of bills that are `first` to `last` days overdue; one without due day is never overdue."""
    since = [] if last is None else [Compare("dueOn", Op.GE, day - timedelta(days=last))]
    if first is None:
        return either(Missing("dueOn"), *since)
    return both(Compare("dueOn", Op.LE, day - timedelta(days=first)), *since)


def _sums(tx: Transaction, customer: str, *where: Condition) -> Mapping[str, Decimal]:
    counted = both(eq("customer", customer), Compare("status", Op.NE, "cancelled"), *where)
    return tx.total("Invoice", "balance", counted, "currency")

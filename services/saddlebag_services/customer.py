"""The customer service: customers, their contacts, and all that is known of one of them in one call.

Belongs here: which operations there are, and the composition of the whole view. May not know: SOAP, SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from saddlebag.contract.spec import Member, Operation, RecordOf, Scalar, Service, ServiceFactory
from saddlebag.kernel import limits
from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.model.builtin import CLOSED_STAGES
from saddlebag.model.condition import Compare, Missing, Not, Op, both, either, eq
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.store.base import Order, Transaction
from saddlebag_services import _money
from saddlebag_services._calendar import months_before, today
from saddlebag_services._records import operations, records_member

ACTIVITIES: Final = 10
"""Last activities in the whole view where the caller asks for no number."""
MONTHS: Final = 12
"""Months of invoices in the whole view."""


def build(schema: Schema) -> Service:
    """The customer service of a schema."""
    return Service(
        "customer",
        "Customers, their contacts, and the whole view of one customer.",
        (
            *operations(schema.entity("Customer")),
            *operations(schema.entity("Contact")),
            _whole_view(schema),
        ),
    )


def _whole_view(schema: Schema) -> Operation:
    bound = limits.RECORDS_PER_CALL
    return Operation(
        "GetCustomer360",
        f"One customer with contacts, open deals, last activities, invoices of {MONTHS} months and what it owes: of "
        f"each kind at most {bound} records.",
        (
            Member("id", Scalar.ID, "Identifier of the customer.", required=True),
            Member("activities", Scalar.INT, f"Activities wanted: 0 to {bound}; {ACTIVITIES} where left out."),
        ),
        (
            Member("customer", RecordOf("Customer"), "The customer.", required=True),
            records_member(schema.entity("Contact"), "Its contacts."),
            records_member(schema.entity("Deal"), "Its open deals, the next to close first."),
            records_member(schema.entity("Activity"), "Its last activities, the newest first."),
            records_member(schema.entity("Invoice"), "Its invoices, the newest first."),
            Member("balance", _money.BALANCE, "What it owes, by currency.", many=True),
        ),
        _get_customer_360,
    )


def _get_customer_360(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    customer, last = request["id"], request.get("activities")
    last = ACTIVITIES if last is None else last
    if not 0 <= last <= limits.RECORDS_PER_CALL:
        raise SaddlebagError(INVALID_VALUE, field="activities", count=last, limit=limits.RECORDS_PER_CALL)
    return call.run(lambda tx: _view(call, tx, customer, last), read_only=True)


def _view(call: Call, tx: Transaction, customer: str, last: int) -> Mapping[str, Any]:
    """Whoever sees a customer sees what leads to it: the checked customer bounds each part."""
    head, records = _money.seen_customer(call, tx, customer), call.records(tx)
    mine, day, bound = eq("customer", customer), today(call.tenant, call.now), limits.RECORDS_PER_CALL
    still_open = either(Missing("stage"), Not(Compare("stage", Op.IN, CLOSED_STAGES)))
    recent = Compare("issuedOn", Op.GE, months_before(day, MONTHS))
    newest = [Order("startsAt", True)]
    return {
        "customer": head,
        "contact": records.renderings("Contact", mine, [Order("lastName")], bound),
        "deal": records.renderings("Deal", both(mine, still_open), [Order("closeDate")], bound),
        "activity": records.renderings("Activity", mine, newest, last) if last else [],
        "invoice": records.renderings("Invoice", both(mine, recent), [Order("issuedOn", True)], bound),
        "balance": _money.balances(tx, customer, day),
    }


SERVICE: ServiceFactory = build
"""What the entry point names."""

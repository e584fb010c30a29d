"""The billing service: bills and payments as the ERP states them, and what customers owe.

Belongs here: which operations there are, and the history of one customer. May not know: SOAP, SQL, any ERP.
People read; enterprise systems with an integration account write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddlebag.contract.spec import Member, Operation, RecordOf, Scalar, Service, ServiceFactory, Struct
from saddlebag.model.condition import Compare, Condition, Op, both, eq
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.records.query import Search, search
from saddlebag.store.base import Order, StoredRecord, Transaction
from saddlebag_services import _money
from saddlebag_services._calendar import today
from saddlebag_services._records import LIMIT, LOCATOR, MORE, NEXT, operations, records_member

_CUSTOMER = Member("customer", Scalar.ID, "Identifier of the customer.", required=True)


def build(schema: Schema) -> Service:
    """The billing service of a schema."""
    invoice, line, payment = (schema.entity(each) for each in ("Invoice", "InvoiceLine", "Payment"))
    bill = Struct(
        "Bill",
        "One invoice with its lines and the payments for it.",
        (
            Member("invoice", RecordOf("Invoice"), "The invoice.", required=True),
            records_member(line, "Its lines, in their order."),
            records_member(payment, "Payments for it, the oldest first."),
        ),
    )
    return Service(
        "billing",
        "Invoices, payments and what customers owe.",
        (
            Operation(
                "GetBillingHistory",
                "A customer's invoices with lines and payments, the newest first, page by page.",
                (
                    _CUSTOMER,
                    Member("since", Scalar.DATE, "First day of issue; left out for no bound."),
                    Member("until", Scalar.DATE, "Last day of issue; left out for no bound."),
                    LIMIT,
                    LOCATOR,
                ),
                (Member("bill", bill, "The bills of the page.", many=True), NEXT, MORE),
                _history,
            ),
            Operation(
                "GetAging",
                "What a customer owes by currency and by days overdue.",
                (_CUSTOMER, Member("asOf", Scalar.DATE, "Day that ages count to; today where it is left out.")),
                (Member("aging", _money.AGING, "The ages, one for each currency.", many=True),),
                _aging,
            ),
            *operations(invoice),
            *operations(line),
            *operations(payment),
        ),
    )


def _history(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return call.run(lambda tx: _bills(call, tx, request), read_only=True)


def _bills(call: Call, tx: Transaction, request: Mapping[str, Any]) -> Mapping[str, Any]:
    customer = request["customer"]
    _money.seen_customer(call, tx, customer)
    asked = Search(
        "Invoice",
        orders=[{"field": "issuedOn", "descending": True}],
        limit=request.get("limit"),
        locator=request.get("locator"),
        scope=both(eq("customer", customer), *_period(request)),
    )
    page = search(tx, call.records(tx), call.who(), asked)
    ids = [each.id for each in page.records]
    lines = _by_invoice(call, tx, "InvoiceLine", ids, "position")
    payments = _by_invoice(call, tx, "Payment", ids, "paidOn")
    bills = [
        {"invoice": each, "invoiceLine": lines.get(each.id, []), "payment": payments.get(each.id, [])}
        for each in page.records
    ]
    return {"bill": bills, "locator": page.locator, "more": page.locator is not None}


def _period(request: Mapping[str, Any]) -> list[Condition]:
    bounds: list[Condition] = []
    if request.get("since") is not None:
        bounds.append(Compare("issuedOn", Op.GE, request["since"]))
    if request.get("until") is not None:
        bounds.append(Compare("issuedOn", Op.LE, request["until"]))
    return bounds


def _by_invoice(
    call: Call, tx: Transaction, entity: str, invoices: Sequence[str], order: str
) -> dict[str, list[StoredRecord]]:
    """The records that belong to each invoice, with one statement for all of them."""
    grouped: dict[str, list[StoredRecord]] = {}
    if invoices:
        for each in call.records(tx).search(entity, Compare("invoice", Op.IN, tuple(invoices)), [Order(order)]):
            grouped.setdefault(str(each.values["invoice"]), []).append(each)
    return grouped


def _aging(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    customer, day = request["customer"], request.get("asOf") or today(call.tenant, call.now)

    def work(tx: Transaction) -> Mapping[str, Any]:
        _money.seen_customer(call, tx, customer)
        return {"aging": _money.aging(tx, customer, day)}

    return call.run(work, read_only=True)


SERVICE: ServiceFactory = build
"""What the entry point names."""

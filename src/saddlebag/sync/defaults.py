"""The scope of a tenant that has set none: what closes this week, and what is needed to close it.

Belongs here: rules as values. May not know: devices.

A week is seven calendar days in the tenant's time zone, today being the first: today <= closeDate < today + 7 days. A
deal whose day has passed leaves, as a window that never lets go would grow for ever. Who must still close it pins it,
or moves its closeDate, or the tenant adds the rule `OVERDUE`, which keeps open deals for thirty days after their day.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from saddlebag.model.builtin import OPEN_STAGES
from saddlebag.model.condition import And, Compare, Op, Param, eq
from saddlebag.model.entities import Schema
from saddlebag.sync.scope import Hop, Rule, Scope

_MY_OPEN_DEALS: Final = (eq("owner", Param("me")), Compare("stage", Op.IN, OPEN_STAGES))
_ISSUED_LAST_YEAR: Final = Compare("issuedOn", Op.GE, Param("today-12m"))


def _around_customers(start: str) -> tuple[Hop, ...]:
    """What goes with a customer: people, activities, a year of bills, what was paid on them, and what is attached to
    each of them.
    """
    return (
        Hop("contacts", start, "Contact", "customer", backward=True),
        Hop("activities", start, "Activity", "customer", backward=True),
        Hop("invoices", start, "Invoice", "customer", backward=True, where=_ISSUED_LAST_YEAR),
        Hop("invoice-lines", "invoices", "InvoiceLine", "invoice", backward=True),
        Hop("payments", "invoices", "Payment", "invoice", backward=True),
        _attachments("customer", start),
        _attachments("contact", "contacts"),
        _attachments("activity", "activities"),
        _attachments("invoice", "invoices"),
        _attachments("invoice-line", "invoice-lines"),
        _attachments("payment", "payments"),
    )


def _around_deals(start: str) -> tuple[Hop, ...]:
    """What goes with a deal: its customer and lines, what is attached to them, the products, their stock and where it
    is.
    """
    return (
        Hop("customers", start, "Customer", "customer"),
        *_around_customers("customers"),
        Hop("lines", start, "DealLine", "deal", backward=True),
        Hop("products", "lines", "Product", "product"),
        Hop("stock", "products", "StockLevel", "product", backward=True),
        Hop("warehouses", "stock", "Warehouse", "warehouse"),
        _attachments("deal", start),
        _attachments("line", "lines"),
    )


def _attachments(of: str, start: str) -> Hop:
    """The step to what is attached to the records of another; all of a scope's are one question to the store."""
    return Hop(f"{of}-attachments", start, "Attachment", "record", backward=True, about="entity")


CLOSING: Final = Rule(
    "closing",
    "My open deals that close within seven days, and what is needed to close them.",
    "Deal",
    And((*_MY_OPEN_DEALS, Compare("closeDate", Op.GE, Param("today")), Compare("closeDate", Op.LT, Param("today+7d")))),
    _around_deals(""),
)

OVERDUE: Final = replace(
    CLOSING,
    name="overdue",
    doc="My open deals whose day has passed within thirty days, and what is needed to close them.",
    where=And(
        (*_MY_OPEN_DEALS, Compare("closeDate", Op.LT, Param("today")), Compare("closeDate", Op.GE, Param("today-30d")))
    ),
)

PINNED_DEALS: Final = Rule(
    "pinned-deals",
    "Deals that I pinned, and what goes with them.",
    "Deal",
    Compare("id", Op.IN, Param("pins")),
    _around_deals(""),
)

PINNED_CUSTOMERS: Final = Rule(
    "pinned-customers",
    "Customers that I pinned, and what goes with them.",
    "Customer",
    Compare("id", Op.IN, Param("pins")),
    _around_customers(""),
)

DEFAULT: Final = Scope("default", 0, (CLOSING, PINNED_DEALS, PINNED_CUSTOMERS))
"""The scope of a tenant that has set none; its version is 0."""


def default_for(schema: Schema) -> Scope:
    """The default scope as far as the schema has its entities."""
    if all(schema.has(name) for name in ("Deal", "Customer")):
        return DEFAULT
    return replace(DEFAULT, rules=())

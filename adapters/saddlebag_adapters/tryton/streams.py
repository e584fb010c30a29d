"""The streams: models, fields and change feeds behind each, and the default mapping.

Belongs here: declarations only. May not know: HTTP.

A stream's rows are those of its `model` that meet `domain`. `sources` are the models whose stamps tell of a change,
each with the field that leads to the row: a new telephone number changes the party it belongs to, though the party's
own stamp stands still. Fields that the series in hand lacks are left out (`saddlebag_adapters.tryton.shape`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from saddlebag.bridge.port import Feed, Item, Stream
from saddlebag_adapters.tryton import rows

ISSUED = ["posted", "paid", "cancelled"]
"""States of an invoice that a customer has seen."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model whose stamps tell of changes; `leads_to` is the field that holds the id (or ids) of the stream's rows."""

    model: str
    leads_to: str = "id"


@dataclass(frozen=True, slots=True)
class Root:
    """Where a stream's rows are read. `by` is the field by which a row is found from an item's id."""

    model: str
    fields: tuple[str, ...]
    items: Callable[[rows.Row], list[Item]]
    sources: tuple[Source, ...]
    domain: tuple[Any, ...] = ()
    by: str = "id"
    parties: bool = field(default=False)
    """Whether the company itself and its employees are left out."""


_STAMPS = ("create_date", "write_date")
_MECHANISMS = tuple(f"contact_mechanisms.{name}" for name in ("type", "value", "name"))
_LINES = tuple(
    f"{lines}.{name}"
    for lines in ("payment_lines", "reconciliation_lines")
    for name in (
        "date",
        "credit",
        "debit",
        "amount_second_currency",
        "second_currency.code",
        "move.number",
        "move.origin",
        "move.journal.code",
        "move.journal.type",
        "reconciliation.lines.move.origin",
    )
)
_INVOICES = (["type", "=", "out"], ["state", "in", ISSUED], ["number", "!=", None])

ROOTS: dict[str, Root] = {
    "customers": Root(
        "party.party",
        (
            "code",
            "name",
            "active",
            "tax_identifier.code",
            "lang.code",
            "categories.name",
            *_MECHANISMS,
            *(
                f"addresses.{name}"
                for name in (
                    "street",
                    "postal_code",
                    "zip",
                    "city",
                    "subdivision.name",
                    "country.code",
                    "invoice",
                    "delivery",
                )
            ),
            "credit_limit_amount",
            *_STAMPS,
        ),
        rows.customers,
        (
            Source("party.party"),
            Source("party.address", "party"),
            Source("party.contact_mechanism", "party"),
            Source("party.identifier", "party"),
        ),
        parties=True,
    ),
    "contacts": Root(
        "party.party",
        _MECHANISMS,
        rows.contacts,
        (Source("party.party"), Source("party.contact_mechanism", "party")),
        by="contact_mechanisms",
        parties=True,
    ),
    "deals": Root(
        "sale.opportunity",
        (
            "number",
            "party",
            "description",
            "reference",
            "state",
            "amount",
            "currency.code",
            "comment",
            "employee.party.name",
            "employee.party.email",
            "start_date",
            "end_date",
            "conversion_probability",
            "lost_reason",
            *_STAMPS,
        ),
        rows.deals,
        (Source("sale.opportunity"),),
        domain=(["party", "!=", None],),
    ),
    "products": Root(
        "product.product",
        (
            "code",
            "name",
            "rec_name",
            "template.active",
            "template.categories.name",
            "template.account_category.name",
            "default_uom.symbol",
            "list_price",
            "list_price_used",
            "active",
            "salable",
            "description",
            *_STAMPS,
        ),
        rows.products,
        (Source("product.product"), Source("product.template", "products")),
    ),
    "warehouses": Root(
        "stock.location",
        ("code", "name", "active", "address.city", "address.country.code", *_STAMPS),
        rows.warehouses,
        (Source("stock.location"),),
        domain=(["type", "=", "warehouse"],),
    ),
    "invoices": Root(
        "account.invoice",
        (
            "number",
            "party",
            "state",
            "invoice_date",
            "payment_term_date",
            "reconciled",
            "untaxed_amount",
            "tax_amount",
            "total_amount",
            "amount_to_pay",
            "currency.code",
            "reference",
            "payment_lines.date",
            "reconciliation_lines.date",
            "lines_to_pay.maturity_date",
            "lines_to_pay.reconciliation",
            *_STAMPS,
        ),
        rows.invoices,
        (Source("account.invoice"),),
        domain=_INVOICES,
    ),
    "invoice_lines": Root(
        "account.invoice",
        tuple(
            f"lines.{name}"
            for name in (
                "type",
                "sequence",
                "product.rec_name",
                "description",
                "quantity",
                "unit.symbol",
                "uom.symbol",
                "unit_price",
                "amount",
            )
        ),
        rows.invoice_lines,
        (Source("account.invoice"),),
        domain=_INVOICES,
        by="lines",
    ),
    "payments": Root(
        "account.invoice",
        ("party", "state", "currency.code", *_LINES),
        rows.payments,
        (Source("account.invoice"),),
        domain=_INVOICES,
        by="payment_lines",
    ),
}
"""Streams that are read by stamps; `stock` is computed by Tryton and read whole."""


def _stream(name: str, entity: str, doc: str, fields: str, feed: Feed = Feed.STAMP) -> Stream:
    return Stream(name, entity, doc, feed, tuple(fields.split(" ")))


STREAMS = (
    _stream(
        "products", "Product", "Product variants.", "id code name category unit list_price currency active description"
    ),
    _stream("warehouses", "Warehouse", "Locations of type warehouse.", "id code name active city country"),
    _stream(
        "stock",
        "StockLevel",
        "Quantities of goods in each warehouse, as of today.",
        "product warehouse on_hand available reserved",
        Feed.SCAN,
    ),
    _stream(
        "customers",
        "Customer",
        "Parties, but for the company itself and its employees.",
        "code name active tax_identifier language categories addresses contact_mechanisms credit_limit",
    ),
    _stream(
        "contacts",
        "Contact",
        "Persons named on a party's contact mechanisms.",
        "party name first_name last_name email phone mobile",
    ),
    _stream(
        "deals",
        "Deal",
        "Sale opportunities of a party.",
        "number party description reference state amount currency comment employee start_date end_date"
        " probability lost_reason",
    ),
    _stream(
        "invoices",
        "Invoice",
        "Customers' invoices that were posted, paid or cancelled.",
        "number party kind state invoice_date due_date paid_on untaxed_amount tax_amount total_amount"
        " amount_to_pay currency reference",
    ),
    _stream(
        "invoice_lines",
        "InvoiceLine",
        "Positions of these invoices.",
        "invoice product position description quantity unit unit_price amount",
    ),
    _stream(
        "payments", "Payment", "Bookings that pay these invoices.", "number party invoice date amount currency journal"
    ),
)
"""In the order that references want: what is referred to comes first."""

MAPPING: dict[str, Any] = {
    "products": {
        "match": ["sku"],
        "fields": {
            "sku": {"from": ["code", "id"]},
            "name": {"from": "name", "clip": True},
            "family": {"from": "category", "clip": True},
            "unit": {"from": "unit", "clip": True},
            "listPrice": {"from": "list_price", "round": True},
            "currency": "currency",
            "active": "active",
            "description": {"from": "description", "clip": True},
        },
    },
    "warehouses": {
        "match": ["code"],
        "fields": {"code": {"from": ["code", "id"]}, "name": "name", "city": "city", "country": "country"},
    },
    "stock": {
        "fields": {
            "product": {"from": "product", "binding": True},
            "warehouse": {"from": "warehouse", "binding": True},
            "onHand": {"from": "on_hand", "round": True},
            "available": {"from": "available", "round": True},
            "reserved": {"from": "reserved", "round": True},
        },
    },
    "customers": {
        "match": ["number", "taxNumber"],
        "fields": {
            "number": "code",
            "name": {"from": ["name", "code"], "clip": True},
            "kind": {"value": "company", "once": True},
            "status": {"from": "active", "codes": {"true": "active", "false": "dormant"}},
            "segments": "categories",
            "email": "contact_mechanisms[type=email].value",
            "phone": {"from": ["contact_mechanisms[type=phone].value", "contact_mechanisms[type=mobile].value"]},
            "website": "contact_mechanisms[type=website].value",
            "street": {"from": "addresses[0].street", "lines": ", ", "clip": True},
            "postcode": "addresses[0].postal_code",
            "city": "addresses[0].city",
            "region": "addresses[0].region",
            "country": "addresses[0].country",
            "billingStreet": {"from": "addresses[invoice=true].street", "lines": ", ", "clip": True},
            "billingPostcode": "addresses[invoice=true].postal_code",
            "billingCity": "addresses[invoice=true].city",
            "billingCountry": "addresses[invoice=true].country",
            "taxNumber": "tax_identifier",
            "creditLimit": {"from": "credit_limit", "round": True},
        },
    },
    "contacts": {
        "fields": {
            "customer": {"from": "party", "binding": True},
            "firstName": {"from": "first_name", "clip": True},
            "lastName": {"from": "last_name", "clip": True},
            "email": "email",
            "phone": "phone",
            "mobile": "mobile",
        },
    },
    "deals": {
        "match": ["number"],
        "fields": {
            "number": "number",
            "customer": {"from": "party", "binding": True},
            "owner": {"from": "employee.email", "match": "email", "leave": True},
            "title": {"from": ["description", "reference", "number"], "clip": True},
            "stage": {
                "from": "state",
                "codes": {
                    "lead": "prospect",
                    "opportunity": "qualify",
                    "converted": "propose",
                    "won": "won",
                    "lost": "lost",
                    "cancelled": "lost",
                },
            },
            "amount": {"from": "amount", "round": True},
            "currency": "currency",
            "probability": {"from": "probability", "factor": 100, "round": True},
            "closeDate": "end_date",
            "notes": "comment",
            "lossReason": {"from": "lost_reason", "lines": " ", "clip": True},
        },
    },
    "invoices": {
        "match": ["number"],
        "fields": {
            "number": "number",
            "customer": {"from": "party", "binding": True},
            "kind": {"from": "kind", "codes": {"invoice": "invoice", "credit_note": "creditNote"}},
            "status": "state",
            "issuedOn": "invoice_date",
            "dueOn": "due_date",
            "paidOn": "paid_on",
            "net": {"from": "untaxed_amount", "round": True},
            "tax": {"from": "tax_amount", "round": True},
            "total": {"from": "total_amount", "round": True},
            "balance": {"from": "amount_to_pay", "round": True},
            "currency": "currency",
        },
    },
    "invoice_lines": {
        "fields": {
            "invoice": {"from": "invoice", "binding": True},
            "product": {"from": "product", "binding": True, "leave": True},
            "position": "position",
            "description": {"from": "description", "lines": " ", "clip": True},
            "quantity": {"from": "quantity", "round": True},
            "unitPrice": {"from": "unit_price", "round": True},
            "amount": {"from": "amount", "round": True},
        },
    },
    "payments": {
        "fields": {
            "number": "number",
            "customer": {"from": "party", "binding": True},
            "invoice": {"from": "invoice", "binding": True},
            "paidOn": "date",
            "amount": {"from": "amount", "round": True},
            "currency": "currency",
            "method": {"from": "journal", "codes": {"CASH": "cash"}, "default": "other"},
        },
    },
}
"""The default mapping; a tenant lays its own changes over it."""

"""The layout of the files: which columns each may have, and the entity and mapping of each.

Belongs here: declarations only. Columns are named after the fields they fill, with two differences: `id` is the
exporting system's own key, and a column that refers to another file's row holds that row's `id`.
"""

from __future__ import annotations

from typing import Any

from saddlebag.bridge.port import Feed, Stream

_REFERENCES = frozenset({"customer", "product", "warehouse", "invoice"})


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_COLUMNS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "customers": (
        "Customer",
        "Companies and persons that buy.",
        _words("number taxNumber"),
        _words(
            "number name kind status segments industry email phone website street postcode city region country"
            " currency creditLimit creditStanding taxNumber"
        ),
    ),
    "contacts": (
        "Contact",
        "Persons at customers.",
        (),
        _words("customer firstName lastName title email phone mobile"),
    ),
    "products": (
        "Product",
        "What is sold.",
        _words("sku"),
        _words("sku name family unit listPrice currency active description"),
    ),
    "warehouses": ("Warehouse", "Places that hold stock.", _words("code"), _words("code name city country")),
    "stock": (
        "StockLevel",
        "How much of a product a warehouse holds.",
        (),
        _words("product warehouse onHand reserved available nextDelivery"),
    ),
    "invoices": (
        "Invoice",
        "Bills as they were issued.",
        _words("number"),
        _words("number customer kind status issuedOn dueOn paidOn net tax total balance currency"),
    ),
    "invoice_lines": (
        "InvoiceLine",
        "Positions of bills.",
        (),
        _words("invoice product position description quantity unitPrice amount"),
    ),
    "payments": (
        "Payment",
        "Money that came in.",
        (),
        _words("number customer invoice paidOn amount currency method"),
    ),
}
"""By stream: the entity, what it holds, the fields a record is recognised by, and the columns."""


def _rule(column: str) -> object:
    return {"from": column, "binding": True} if column in _REFERENCES else column


STREAMS = tuple(Stream(name, entity, doc, Feed.SCAN, columns) for name, (entity, doc, _, columns) in _COLUMNS.items())
"""A file is read as a whole each time it has changed; a row that is no longer there is gone."""

MAPPING: dict[str, Any] = {
    name: {"match": list(match), "fields": {column: _rule(column) for column in columns}}
    for name, (_, _, match, columns) in _COLUMNS.items()
}
"""Each column fills the field of its name."""

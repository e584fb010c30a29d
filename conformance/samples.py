"""Sample records: one full record of each entity, with values that are easily damaged on the way.

Belongs here: values by field name, references by entity. May not know: how records are sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

TEXT = "Łódź & Söhne «Ö» 日本 <1> \U0001f6b2"
LINES = "first line\n  second line, indented\n\nfourth"
HERE = timezone(timedelta(hours=-3, minutes=-30))
"""An offset that a careless parser reads an hour wrong (V1)."""

Reference = Callable[[str], str]
Make = Callable[[str, Reference], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """How an entity is exercised: its names, its key, a text field to change and one to clear, a full record."""

    plural: str
    element: str
    key: str
    text: str
    clear: str
    make: Make


def _territory(mark: str, _ref: Reference) -> dict[str, Any]:
    return {"code": f"T{mark}", "name": TEXT}


def _partner(mark: str, _ref: Reference) -> dict[str, Any]:
    return {"number": f"P{mark}", "name": TEXT, "kind": "agent", "email": "a@b.example", "country": "PL"}


def _customer(mark: str, _ref: Reference) -> dict[str, Any]:
    return {
        "number": f"N{mark}",
        "name": TEXT,
        "kind": "person",
        "status": "active",
        "segments": ["key", "växt"],
        "email": "x@example.com",
        "street": "  two leading spaces",
        "city": "İstanbul",
        "country": "TR",
        "creditLimit": Decimal("12345.60"),
        "creditStanding": "watch",
        "notes": LINES,
        "taxNumber": "TR1",
    }


def _contact(_mark: str, ref: Reference) -> dict[str, Any]:
    return {"customer": ref("Customer"), "firstName": "Zoë", "lastName": TEXT, "primary": True, "notes": LINES}


def _deal(mark: str, ref: Reference) -> dict[str, Any]:
    return {
        "number": f"D{mark}",
        "customer": ref("Customer"),
        "title": TEXT,
        "stage": "qualify",
        "amount": Decimal("99999999999999.99"),
        "currency": "EUR",
        "probability": 0,
        "closeDate": date(2031, 2, 28),
        "nextStep": "call",
        "notes": LINES,
    }


def _line(_mark: str, ref: Reference) -> dict[str, Any]:
    quantity, price = Decimal("0.125"), Decimal("1234.5678")
    return {"deal": ref("Deal"), "product": ref("Product"), "position": 1, "quantity": quantity, "unitPrice": price}


def _activity(_mark: str, ref: Reference) -> dict[str, Any]:
    return {
        "customer": ref("Customer"),
        "kind": "visit",
        "subject": TEXT,
        "body": LINES,
        "startsAt": datetime(2026, 3, 29, 1, 30, 15, tzinfo=HERE),
        "dueOn": date(2026, 12, 31),
        "done": False,
        "outcome": "noAnswer",
    }


def _product(mark: str, _ref: Reference) -> dict[str, Any]:
    price = Decimal("0.0001")
    return {"sku": f"S{mark}", "name": TEXT, "family": "f", "unit": "pc", "listPrice": price, "currency": "EUR"}


def _warehouse(mark: str, _ref: Reference) -> dict[str, Any]:
    return {"code": f"W{mark}", "name": TEXT, "city": "Århus", "country": "DK"}


def _stock(_mark: str, ref: Reference) -> dict[str, Any]:
    numbers = {"onHand": Decimal("10.500"), "reserved": Decimal("-1.250"), "available": Decimal("9.25")}
    where = {"product": ref("Product"), "warehouse": ref("Warehouse")}
    return {**where, **numbers, "nextDelivery": date(2027, 1, 1)}


def _invoice(mark: str, ref: Reference) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {
        "number": f"I{mark}",
        "customer": ref("Customer"),
        "kind": "invoice",
        "status": "posted",
        "issuedOn": today - timedelta(days=50),
        "dueOn": today - timedelta(days=20),
        "net": Decimal("100.10"),
        "tax": Decimal("20.02"),
        "total": Decimal("120.12"),
        "balance": Decimal("120.12"),
        "currency": "EUR",
    }


def _invoice_line(_mark: str, ref: Reference) -> dict[str, Any]:
    amounts = {"quantity": Decimal("2"), "unitPrice": Decimal("50.0500"), "amount": Decimal("100.10")}
    return {"invoice": ref("Invoice"), "product": ref("Product"), "position": 1, "description": TEXT, **amounts}


def _payment(mark: str, ref: Reference) -> dict[str, Any]:
    paid = {"paidOn": date(2026, 1, 31), "amount": Decimal("20.12"), "currency": "EUR", "method": "directDebit"}
    return {"number": f"Z{mark}", "customer": ref("Customer"), **paid}


CONTENT = "a photo, as it were: Ö\r\n\0".encode() * 40_000
"""The content of every sample attachment: more than one piece of an upload."""


def _attachment(_mark: str, ref: Reference) -> dict[str, Any]:
    digest = hashlib.sha256(CONTENT).hexdigest()
    whose = {"entity": "Customer", "record": ref("Customer")}
    return {
        **whose,
        "name": TEXT,
        "mediaType": "image/jpeg",
        "size": len(CONTENT),
        "sha256": digest,
        "policy": "always",
    }


def _user(mark: str, _ref: Reference) -> dict[str, Any]:
    return {"name": TEXT, "email": "u@example.com", "login": f"u{mark}", "role": "rep", "active": True}


SAMPLES: Mapping[str, Sample] = {
    "Territory": Sample("Territories", "territory", "code", "name", "", _territory),
    "User": Sample("Users", "user", "login", "name", "email", _user),
    "Partner": Sample("Partners", "partner", "number", "name", "email", _partner),
    "Product": Sample("Products", "product", "sku", "name", "family", _product),
    "Warehouse": Sample("Warehouses", "warehouse", "code", "name", "city", _warehouse),
    "Customer": Sample("Customers", "customer", "number", "name", "email", _customer),
    "Contact": Sample("Contacts", "contact", "", "lastName", "firstName", _contact),
    "Deal": Sample("Deals", "deal", "number", "title", "nextStep", _deal),
    "DealLine": Sample("DealLines", "dealLine", "", "", "unitPrice", _line),
    "Activity": Sample("Activities", "activity", "", "subject", "body", _activity),
    "Invoice": Sample("Invoices", "invoice", "number", "", "dueOn", _invoice),
    "InvoiceLine": Sample("InvoiceLines", "invoiceLine", "", "description", "unitPrice", _invoice_line),
    "Payment": Sample("Payments", "payment", "", "number", "method", _payment),
    "Attachment": Sample("Attachments", "attachment", "", "name", "", _attachment),
    "StockLevel": Sample("StockLevels", "stockLevel", "", "", "nextDelivery", _stock),
}
"""Every entity that a service may offer, by name."""

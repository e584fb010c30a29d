"""A small business as CSV files in a folder, which can change as a real export does."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlebag_adapters.documents import ADAPTER

HOSTILE = 'Søn & "Daughter" <b>Ltd</b>, 株式会社'

FILES: dict[str, list[dict[str, str]]] = {
    "customers": [
        {"id": "c1", "number": "1001", "name": HOSTILE, "kind": "company", "segments": "gold;export", "city": "Aarhus"},
        {"id": "c2", "number": "1002", "name": "Plain Ltd", "kind": "company", "creditLimit": "2500.00"},
        {"id": "c3", "number": "1003", "name": "Spare Ltd", "kind": "company"},
    ],
    "contacts": [{"id": "p1", "customer": "c1", "firstName": "Ann", "lastName": "Bo", "email": "ann@example.com"}],
    "products": [{"id": "a", "sku": "W-1", "name": "Widget", "unit": "pcs", "listPrice": "10.5", "currency": "EUR"}],
    "warehouses": [{"id": "w", "code": "MAIN", "name": "Main warehouse", "city": "Aarhus"}],
    "stock": [{"id": "a-w", "product": "a", "warehouse": "w", "onHand": "100", "reserved": "0.5", "available": "99.5"}],
    "invoices": [
        {
            "id": "i1",
            "number": "INV-1",
            "customer": "c1",
            "status": "posted",
            "issuedOn": "2026-11-02",
            "dueOn": "2026-12-02",
            "net": "25.68",
            "tax": "5.14",
            "total": "30.82",
            "balance": "30.82",
            "currency": "EUR",
        },
    ],
    "invoice_lines": [
        {
            "id": "l1",
            "invoice": "i1",
            "product": "a",
            "position": "1",
            "quantity": "2",
            "unitPrice": "12.84",
            "amount": "25.68",
        },
    ],
    "payments": [
        {"id": "y1", "customer": "c1", "invoice": "i1", "paidOn": "2026-11-20", "amount": "10.00", "currency": "EUR"},
    ],
}


class CsvWorld:
    """The files of `FILES` in a folder, and ways to change them."""

    adapter = ADAPTER
    hostile = HOSTILE

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = {name: [dict(row) for row in rows] for name, rows in FILES.items()}
        for name in self.tables:
            self.export(name)

    def export(self, name: str) -> None:
        """Write a table's file as it is now."""
        rows = self.tables[name]
        columns = list(dict.fromkeys(["id", *(column for row in rows for column in row)]))
        with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def settings(self) -> Mapping[str, Any]:
        return {"folder": str(self.folder)}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {"folder": str(self.folder / "not-there")}

    def unreachable_settings(self) -> Mapping[str, Any] | None:
        return None

    def change(self) -> tuple[str, str]:
        self.tables["customers"][2]["name"] = "Spare & Sons Ltd"
        self.export("customers")
        return "customers", "c3"

    def remove(self) -> tuple[str, str]:
        del self.tables["customers"][2]
        self.export("customers")
        return "customers", "c3"

"""Rows of Tryton models as items: what each stream asks for, and how an answer becomes plain data.

Belongs here: pure functions from rows to items. May not know: how rows are read.

`search_read` answers a dotted field under its first part with a dot: "currency.code" comes as {"currency.": {"id": 1,
"code": "EUR"}}. `tidy` drops the dot, so that a row is an ordinary tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from saddlebag.bridge.plain import Plain
from saddlebag.bridge.port import Item

Row = Mapping[str, Any]


def tidy(value: Any) -> Any:
    """The row without the dots; a nested table replaces the bare id."""
    if isinstance(value, list):
        return [tidy(each) for each in value]
    if not isinstance(value, dict):
        return value
    bare = {name: tidy(each) for name, each in value.items() if not name.endswith(".")}
    return bare | {name[:-1]: tidy(each) for name, each in value.items() if name.endswith(".")}


def version_of(row: Row) -> str:
    """The row's stamp as text."""
    stamp = row.get("write_date") or row.get("create_date")
    return stamp.isoformat() if stamp is not None else ""


def _get(row: Row | None, *names: str) -> Any:
    """What is found down these names, None where there is nothing."""
    value: Any = row
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _id(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, Mapping) else value
    return None if found is None else str(found)


def customers(row: Row) -> list[Item]:
    """A party; mechanisms that carry a person's name come after the party's own."""
    mechanisms = sorted(row["contact_mechanisms"], key=lambda each: bool(each.get("name")))
    data: dict[str, Plain] = {
        "code": row["code"],
        "name": row["name"],
        "active": bool(row["active"]),
        "tax_identifier": _get(row, "tax_identifier", "code"),
        "language": _get(row, "lang", "code"),
        "categories": [each["name"] for each in row.get("categories", ())],
        "addresses": [_address(each) for each in row["addresses"]],
        "contact_mechanisms": [{name: each.get(name) for name in ("type", "value", "name")} for each in mechanisms],
        "credit_limit": row.get("credit_limit_amount"),
    }
    return [Item(str(row["id"]), data, version_of(row))]


def _address(row: Row) -> dict[str, Plain]:
    return {
        "street": row.get("street"),
        "postal_code": row.get("postal_code") or row.get("zip"),
        "city": row.get("city"),
        "region": _get(row, "subdivision", "name"),
        "country": _get(row, "country", "code"),
        "invoice": bool(row.get("invoice")),
        "delivery": bool(row.get("delivery")),
    }


def contacts(row: Row) -> list[Item]:
    """The persons at a party: its mechanisms by the name that they carry.

    Tryton's small modules have no persons at a company; people write the person's name on her telephone number or
    address. A person's external id is the lowest id of the mechanisms that carry her name.
    """
    persons: dict[str, list[Row]] = {}
    for mechanism in sorted(row["contact_mechanisms"], key=lambda each: int(each["id"])):
        name = (mechanism.get("name") or "").strip()
        if name:
            persons.setdefault(name, []).append(mechanism)
    return [_contact(row, name, mechanisms) for name, mechanisms in persons.items()]


def _contact(row: Row, name: str, mechanisms: list[Row]) -> Item:
    first, _, last = name.rpartition(" ")
    data: dict[str, Plain] = {"party": str(row["id"]), "name": name, "first_name": first.strip(), "last_name": last}
    for kind in ("email", "phone", "mobile"):
        data[kind] = next((each["value"] for each in mechanisms if each["type"] == kind), None)
    return Item(str(mechanisms[0]["id"]), data)


def deals(row: Row) -> list[Item]:
    """An opportunity."""
    data: dict[str, Plain] = {
        "number": row["number"],
        "party": _id(row["party"]),
        "description": row["description"],
        "reference": row.get("reference"),
        "state": row["state"],
        "amount": row["amount"],
        "currency": _get(row, "currency", "code"),
        "comment": row["comment"],
        "employee": {
            "id": _id(row.get("employee")),
            "name": _get(row, "employee", "party", "name"),
            "email": _get(row, "employee", "party", "email"),
        },
        "start_date": row["start_date"],
        "end_date": row["end_date"],
        "probability": row.get("conversion_probability"),
        "lost_reason": row.get("lost_reason"),
    }
    return [Item(str(row["id"]), data, version_of(row))]


def invoices(row: Row) -> list[Item]:
    """A customer's invoice; it is due with the earliest instalment still open, or else with the last."""
    data: dict[str, Plain] = {
        "number": row["number"],
        "party": _id(row["party"]),
        "kind": "credit_note" if row["total_amount"] < 0 else "invoice",
        "state": row["state"],
        "invoice_date": row["invoice_date"],
        "due_date": _due(row.get("lines_to_pay", ())) or row.get("payment_term_date"),
        "paid_on": _paid_on(row),
        "untaxed_amount": row["untaxed_amount"],
        "tax_amount": row["tax_amount"],
        "total_amount": row["total_amount"],
        "amount_to_pay": row["amount_to_pay"] if row["state"] != "cancelled" else Decimal(0),
        "currency": _get(row, "currency", "code"),
        "reference": row.get("reference"),
    }
    return [Item(str(row["id"]), data, version_of(row))]


def _paid_on(row: Row) -> Any:
    """The day of the last payment of an invoice that is paid in full.

    `reconciled` itself is no such day: in 6.0 it tells only whether, in 8.2 it is the latest day of maturity.
    """
    if not row.get("reconciled"):
        return None
    days = [each["date"] for each in (*row.get("reconciliation_lines", ()), *row["payment_lines"])]
    told = row["reconciled"] if row["reconciled"] is not True else None
    return max(days, default=told)


def _due(lines: Iterable[Row]) -> Any:
    dated = [each for each in lines if each.get("maturity_date")]
    still_open = [each["maturity_date"] for each in dated if not each.get("reconciliation")]
    return min(still_open) if still_open else max((each["maturity_date"] for each in dated), default=None)


def invoice_lines(row: Row) -> list[Item]:
    """The positions of an invoice that carry an amount, numbered as they stand."""
    lines = [each for each in row["lines"] if each["type"] == "line"]
    lines.sort(key=lambda each: (each["sequence"] is None, each["sequence"] or 0, int(each["id"])))
    return [_invoice_line(row, number, line) for number, line in enumerate(lines, 1)]


def _invoice_line(row: Row, number: int, line: Row) -> Item:
    data: dict[str, Plain] = {
        "invoice": str(row["id"]),
        "product": _id(line["product"]),
        "position": number,
        "description": line["description"] or _get(line, "product", "rec_name"),
        "quantity": line["quantity"],
        "unit": _get(line, "unit", "symbol") or _get(line, "uom", "symbol"),
        "unit_price": line["unit_price"],
        "amount": line["amount"],
    }
    return Item(str(line["id"]), data)


def payments(row: Row) -> list[Item]:
    """The bookings that pay an invoice: its payment lines, and what a statement reconciled it with.

    Reconciled lines that come from another invoice (a credit note set off) or from a write-off are no payments. A line
    that pays several invoices at once is the customer's, of no one invoice.
    """
    if row["state"] == "cancelled":
        return []
    own = {int(each["id"]) for each in row["payment_lines"]}
    lines = {int(each["id"]): each for each in (*row.get("reconciliation_lines", ()), *row["payment_lines"])}
    return [_payment(row, line) for number, line in sorted(lines.items()) if number in own or not _is_set_off(line)]


def _is_set_off(line: Row) -> bool:
    origin = str(_get(line, "move", "origin") or "")
    return origin.startswith("account.invoice,") or _get(line, "move", "journal", "type") == "write-off"


def _payment(row: Row, line: Row) -> Item:
    reconciled = _get(line, "reconciliation", "lines") or ()
    paid = {str(_get(each, "move", "origin")) for each in reconciled} - {"None"}
    several = len({origin for origin in paid if origin.startswith("account.invoice,")}) > 1
    amount = line["credit"] - line["debit"]
    second = line.get("amount_second_currency")
    foreign = _get(line, "second_currency", "code")
    if second is not None and foreign is not None and foreign == _get(row, "currency", "code"):
        amount = abs(second).copy_sign(amount)
    data: dict[str, Plain] = {
        "number": _get(line, "move", "number"),
        "party": _id(row["party"]),
        "invoice": None if several else str(row["id"]),
        "date": line["date"],
        "amount": amount,
        "currency": _get(row, "currency", "code"),
        "journal": _get(line, "move", "journal", "code"),
    }
    return Item(str(line["id"]), data)


def products(row: Row) -> list[Item]:
    """A product variant; what it does not say itself its template says."""
    template = row["template"]
    categories = [each["name"] for each in template.get("categories", ())]
    data: dict[str, Plain] = {
        "id": str(row["id"]),
        "code": row["code"],
        "name": row.get("name") or row["rec_name"],
        "category": categories[0] if categories else _get(template, "account_category", "name"),
        "unit": _get(row, "default_uom", "symbol"),
        "list_price": row.get("list_price_used") if row.get("list_price_used") is not None else row.get("list_price"),
        "currency": row.get("company_currency"),
        "active": bool(row["active"]) and bool(template["active"]) and bool(row.get("salable", True)),
        "description": row["description"],
    }
    return [Item(str(row["id"]), data, version_of(row))]


def warehouses(row: Row) -> list[Item]:
    """A location of type warehouse."""
    data: dict[str, Plain] = {
        "id": str(row["id"]),
        "code": row["code"],
        "name": row["name"],
        "active": bool(row["active"]),
        "city": _get(row, "address", "city"),
        "country": _get(row, "address", "country", "code"),
    }
    return [Item(str(row["id"]), data, version_of(row))]


def stock(product: int, warehouse: int, on_hand: Decimal, promised: Decimal) -> Item:
    """What a warehouse holds of a product, and what of it is free."""
    data: dict[str, Plain] = {
        "product": str(product),
        "warehouse": str(warehouse),
        "on_hand": on_hand,
        "available": on_hand - promised,
        "reserved": promised,
    }
    return Item(f"{product}.{warehouse}", data)

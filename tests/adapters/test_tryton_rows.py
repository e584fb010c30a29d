"""What a row of Tryton becomes, for the cases that a small real database does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from saddlebag.bridge import mapping, plain
from saddlebag.model.builtin import BUILTIN
from saddlebag_adapters.tryton import ADAPTER, rows

TODAY = date(2026, 11, 21)

INVOICE: dict[str, Any] = {
    "id": 7,
    "number": "INV-7",
    "party": {"id": 3},
    "state": "posted",
    "invoice_date": TODAY,
    "reconciled": None,
    "untaxed_amount": Decimal("25.68"),
    "tax_amount": Decimal("5.14"),
    "total_amount": Decimal("30.82"),
    "amount_to_pay": Decimal("30.82"),
    "currency": {"id": 1, "code": "EUR"},
    "payment_lines": [],
    "reconciliation_lines": [],
    "lines_to_pay": [],
    "lines": [],
}


def line(number: int, credit: str, **more: Any) -> dict[str, Any]:
    booked = {"number": f"M{number}", "origin": None, "journal": {"code": "BANK", "type": "cash"}}
    return {"id": number, "date": TODAY, "credit": Decimal(credit), "debit": Decimal(0), "move": booked, **more}


def paid(*origins: str) -> dict[str, Any]:
    return {"lines": [{"id": n, "move": {"origin": origin}} for n, origin in enumerate(origins)]}


def data(items: list[Any]) -> Mapping[str, Any]:
    (item,) = items
    assert item.data is not None
    return dict(item.data)


def values(stream: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = mapping.load(ADAPTER.mapping, ADAPTER.streams, BUILTIN, ADAPTER.hygiene)[stream]
    return mapping.apply(rules, given).values


def test_nested_answers_replace_bare_ids() -> None:
    row = {"currency": 1, "currency.": {"id": 1, "code": "EUR"}, "lines.": [{"unit.": {"symbol": "u"}}]}
    assert rows.tidy(row) == {"currency": {"id": 1, "code": "EUR"}, "lines": [{"unit": {"symbol": "u"}}]}


def test_an_invoice_is_due_with_the_first_instalment_still_open() -> None:
    days = [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
    parts = [{"maturity_date": day, "reconciliation": None} for day in days]
    assert data(rows.invoices({**INVOICE, "lines_to_pay": parts}))["due_date"] == days[0]
    parts[0]["reconciliation"] = 5
    assert data(rows.invoices({**INVOICE, "lines_to_pay": parts}))["due_date"] == days[1]
    for part in parts:
        part["reconciliation"] = 5
    assert data(rows.invoices({**INVOICE, "lines_to_pay": parts}))["due_date"] == days[2]


def test_an_invoice_was_paid_on_the_day_of_its_last_payment() -> None:
    """Whatever the system says of the reconciliation: one series tells only whether, another the day of maturity."""
    for told in (True, date(2027, 5, 5)):
        lines = [line(1, "10"), line(2, "20.82", date=date(2026, 12, 3))]
        row = {**INVOICE, "reconciled": told, "payment_lines": lines[:1], "reconciliation_lines": lines}
        assert data(rows.invoices(row))["paid_on"] == date(2026, 12, 3)
    assert data(rows.invoices({**INVOICE, "reconciled": TODAY}))["paid_on"] == TODAY
    assert data(rows.invoices({**INVOICE, "reconciled": False}))["paid_on"] is None


def test_a_cancelled_invoice_owes_nothing_and_a_negative_one_is_a_credit_note() -> None:
    assert data(rows.invoices({**INVOICE, "state": "cancelled"}))["amount_to_pay"] == 0
    assert data(rows.invoices({**INVOICE, "total_amount": Decimal("-1")}))["kind"] == "credit_note"


def test_what_a_statement_reconciled_is_a_payment_and_what_was_set_off_is_none() -> None:
    credit_note = line(2, "5")
    credit_note["move"]["origin"] = "account.invoice,9"
    write_off = line(3, "0.01")
    write_off["move"]["journal"] = {"code": "EXC", "type": "write-off"}
    row = {**INVOICE, "reconciliation_lines": [line(1, "25.81"), credit_note, write_off]}
    assert [each.external_id for each in rows.payments(row)] == ["1"]


def test_a_payment_line_of_the_invoice_counts_whatever_its_move_came_from() -> None:
    own = line(4, "30.82", reconciliation=paid("account.invoice,7", "account.invoice,7"))
    own["move"]["origin"] = "account.invoice,7"
    row = {**INVOICE, "payment_lines": [own], "reconciliation_lines": [own]}
    assert data(rows.payments(row)) == {
        "number": "M4",
        "party": "3",
        "invoice": "7",
        "date": TODAY,
        "amount": Decimal("30.82"),
        "currency": "EUR",
        "journal": "BANK",
    }


def test_a_payment_of_several_invoices_is_the_same_whichever_it_is_read_from() -> None:
    shared = line(5, "100", reconciliation=paid("account.invoice,7", "account.invoice,8"))
    first = rows.payments({**INVOICE, "reconciliation_lines": [shared]})
    second = rows.payments({**INVOICE, "id": 8, "reconciliation_lines": [shared]})
    assert plain.digest(first[0].data) == plain.digest(second[0].data)
    assert data(first)["invoice"] is None


def test_a_payment_in_the_invoices_own_currency_has_the_amount_in_it() -> None:
    foreign = line(6, "90", amount_second_currency=Decimal("-100"), second_currency={"code": "USD"})
    row = {**INVOICE, "currency": {"code": "USD"}, "payment_lines": [foreign]}
    assert data(rows.payments(row))["amount"] == Decimal("100")


def test_positions_are_numbered_as_they_stand_and_titles_left_out() -> None:
    part = {"product": None, "description": "d", "quantity": Decimal(1), "unit_price": Decimal(1), "amount": Decimal(1)}
    lines = [
        {**part, "id": 1, "type": "line", "sequence": None},
        {**part, "id": 2, "type": "title", "sequence": 1},
        {**part, "id": 3, "type": "line", "sequence": 2},
        {**part, "id": 4, "type": "line", "sequence": 1},
    ]
    items = rows.invoice_lines({**INVOICE, "lines": lines})
    assert [(each.external_id, dict(each.data or {})["position"]) for each in items] == [("4", 1), ("3", 2), ("1", 3)]


def test_persons_are_the_names_on_mechanisms() -> None:
    mechanisms = [
        {"id": 9, "type": "email", "value": "info@e.org", "name": None},
        {"id": 8, "type": "phone", "value": "8", "name": "Ann Bech"},
        {"id": 5, "type": "email", "value": "ann@e.org", "name": " Ann Bech "},
        {"id": 7, "type": "mobile", "value": "7", "name": "Cher"},
    ]
    first, second = rows.contacts({"id": 3, "contact_mechanisms": mechanisms})
    assert (first.external_id, second.external_id) == ("5", "7")
    assert values("contacts", dict(first.data or {})) == {
        "customer": None,
        "firstName": "Ann",
        "lastName": "Bech",
        "email": "ann@e.org",
        "phone": "8",
        "mobile": None,
    }
    assert values("contacts", dict(second.data or {}))["lastName"] == "Cher"


def test_a_partys_own_address_comes_before_a_persons() -> None:
    mechanisms = [
        {"id": 1, "type": "email", "value": "ann@e.org", "name": "Ann"},
        {"id": 2, "type": "email", "value": "info@e.org", "name": None},
    ]
    party = {
        "id": 3,
        "code": "3",
        "name": "P",
        "active": 1,
        "addresses": [],
        "contact_mechanisms": mechanisms,
        "write_date": None,
        "create_date": datetime(2026, 1, 1, tzinfo=UTC),
    }
    (item,) = rows.customers(party)
    assert values("customers", dict(item.data or {}))["email"] == "info@e.org"
    assert item.version == "2026-01-01T00:00:00+00:00"


def test_a_float_sum_of_quantities_is_rounded_to_the_fields_scale() -> None:
    item = rows.stock(1, 5, Decimal("0.30000000000000004"), Decimal("0.1"))
    made = values("stock", dict(item.data or {}))
    assert (made["onHand"], made["reserved"], made["available"]) == (Decimal("0.3"), Decimal("0.1"), Decimal("0.2"))


@pytest.mark.parametrize(("active", "salable", "wanted"), [(1, True, True), (1, False, False), (0, True, False)])
def test_a_product_is_sold_while_it_and_its_template_are_active(active: int, salable: bool, wanted: bool) -> None:
    row = {
        "id": 1,
        "code": None,
        "rec_name": "W",
        "template": {"active": 1},
        "active": active,
        "salable": salable,
        "description": None,
    }
    made = values("products", data(rows.products(row)))
    assert (made["sku"], made["name"], made["active"]) == ("1", "W", wanted)

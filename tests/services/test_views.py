"""The services that put records together: the whole view of a customer, billing, stock."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from records_world import create, update
from saddlebag.contract.spec import RecordInput
from saddlebag.kernel import errors
from saddlebag.records.base import Write


def invoice(number: int, issued: date, due: date | None, balance: str, **more: Any) -> Write:
    values: dict[str, Any] = {
        "number": f"R{number}",
        "customer": "c-rita",
        "status": "posted",
        "issuedOn": issued,
        "dueOn": due,
        "total": Decimal(100),
        "balance": Decimal(balance),
        "currency": "EUR",
        **more,
    }
    return create("Invoice", f"i{number}", **values)


@pytest.fixture
def bills(desk: Any) -> Any:
    """Bills of c-rita as of 2 March 2026: two currencies, every age, one cancelled, one beyond twelve months."""
    desk.world.write(
        "inga",
        invoice(1, date(2026, 2, 20), date(2026, 3, 20), "10.00"),
        invoice(2, date(2026, 1, 20), date(2026, 2, 28), "20.00"),
        invoice(3, date(2025, 12, 20), date(2026, 1, 20), "30.00"),
        invoice(4, date(2025, 11, 20), date(2025, 12, 20), "40.00"),
        invoice(5, date(2025, 6, 1), date(2025, 7, 1), "50.00"),
        invoice(6, date(2024, 1, 1), None, "5.00"),
        invoice(7, date(2026, 1, 1), date(2026, 1, 31), "7.50", currency="USD"),
        invoice(8, date(2026, 1, 1), date(2026, 1, 31), "999.00", status="cancelled"),
        create("InvoiceLine", "n2", invoice="i2", position=2, amount=Decimal(60)),
        create("InvoiceLine", "n1", invoice="i2", position=1, amount=Decimal(40)),
        create(
            "Payment",
            "y1",
            invoice="i2",
            customer="c-rita",
            paidOn=date(2026, 2, 1),
            amount=Decimal(80),
            currency="EUR",
        ),
    )
    return desk


def ids(records: Any) -> list[str]:
    return [each.id for each in records]


def test_the_whole_view_holds_all_of_one_customer(bills: Any) -> None:
    bills.world.write(
        "rita",
        create("Deal", "d-won", customer="c-rita", title="Won", stage="won"),
        *(create("Activity", f"a{n:02d}", customer="c-rita", kind="note", subject=f"Note {n}") for n in range(12)),
    )
    view = bills.ask("rita", "customer.GetCustomer360", {"id": "c-rita"})
    assert view["customer"].id == "c-rita"
    assert ids(view["contact"]) == ["k-rita"]
    assert ids(view["deal"]) == ["d-rita"]
    assert len(view["activity"]) == 10
    assert ids(view["invoice"])[:2] == ["i1", "i2"]
    assert "i6" not in ids(view["invoice"])
    assert view["balance"] == [
        {"currency": "EUR", "balance": Decimal("155.00"), "overdue": Decimal("140.00")},
        {"currency": "USD", "balance": Decimal("7.50"), "overdue": Decimal("7.50")},
    ]
    assert bills.ask("rita", "customer.GetCustomer360", {"id": "c-rita", "activities": 0})["activity"] == []


def test_the_whole_view_costs_a_few_statements(bills: Any) -> None:
    with bills.world.statements() as seen:
        bills.ask("rita", "customer.GetCustomer360", {"id": "c-rita"})
    assert len([each for each in seen if each.startswith("SELECT")]) <= 9


@pytest.mark.parametrize("name", ["customer.GetCustomer360", "billing.GetBillingHistory", "billing.GetAging"])
def test_a_customer_that_she_does_not_see_is_not_found(desk: Any, name: str) -> None:
    member = "id" if name.startswith("customer") else "customer"
    for customer in ("c-sam", "c-none"):
        fault = desk.refusal("rita", name, {member: customer})
        assert (fault.kind, fault.message) == (errors.NOT_FOUND, errors.NOT_FOUND.cause)


def test_billing_history_pages_bills_with_their_lines_and_payments(bills: Any) -> None:
    first = bills.ask("rita", "billing.GetBillingHistory", {"customer": "c-rita", "limit": 2})
    assert ids(each["invoice"] for each in first["bill"]) == ["i1", "i2"]
    assert ids(first["bill"][1]["invoiceLine"]) == ["n1", "n2"]
    assert ids(first["bill"][1]["payment"]) == ["y1"]
    assert first["more"]
    rest = bills.ask(
        "rita", "billing.GetBillingHistory", {"customer": "c-rita", "limit": 50, "locator": first["locator"]}
    )
    assert len(rest["bill"]) == 6
    period = {"customer": "c-rita", "since": date(2025, 12, 1), "until": date(2025, 12, 31)}
    assert ids(each["invoice"] for each in bills.ask("rita", "billing.GetBillingHistory", period)["bill"]) == ["i3"]
    other = {"customer": "c-north", "limit": 50, "locator": first["locator"]}
    assert bills.refusal("rita", "billing.GetBillingHistory", other).kind is errors.INVALID_LOCATOR


def test_debts_are_sorted_by_age_and_currency(bills: Any) -> None:
    aging = bills.ask("rita", "billing.GetAging", {"customer": "c-rita"})["aging"]
    euro, dollar = ({name: str(value) for name, value in each.items()} for each in aging)
    assert euro == {
        "currency": "EUR",
        "current": "15.00",
        "days1To30": "20.00",
        "days31To60": "30.00",
        "days61To90": "40.00",
        "over90": "50.00",
        "total": "155.00",
    }
    assert (dollar["days1To30"], dollar["total"]) == ("7.50", "7.50")
    later = bills.ask("rita", "billing.GetAging", {"customer": "c-rita", "asOf": date(2027, 1, 1)})["aging"][0]
    assert str(later["over90"]) == "150.00"


def test_only_an_integration_account_pushes_billing(desk: Any) -> None:
    bill = RecordInput(
        "Invoice",
        None,
        None,
        {
            "number": "R1",
            "customer": "c-rita",
            "status": "posted",
            "issuedOn": date(2026, 1, 1),
            "total": Decimal(1),
            "balance": Decimal(1),
            "currency": "EUR",
        },
    )
    request = {"keyField": "number", "invoice": [bill]}
    refused = desk.ask("rita", "billing.UpsertInvoices", request)["result"][0]
    assert refused["error"]["name"] == "NotAllowed"
    made = desk.ask("inga", "billing.UpsertInvoices", request)["result"][0]
    again = desk.ask("inga", "billing.UpsertInvoices", request)["result"][0]
    assert (made["status"], again["status"], again["id"]) == ("created", "unchanged", made["id"])
    assert ids(desk.ask("rita", "billing.GetInvoices", {"id": [made["id"]]})["invoice"]) == [made["id"]]
    assert ids(desk.ask("sam", "billing.GetInvoices", {"id": [made["id"]]})["invoice"]) == []


def test_stock_is_told_by_product_and_warehouse(desk: Any) -> None:
    answer = desk.ask("rita", "inventory.GetStock", {"product": ["p1", "p9"], "sku": ["SKU-2", "SKU-9"]})
    assert answer["missing"] == ["p9", "SKU-9"]
    stock = {each["product"]: each for each in answer["stock"]}
    assert (stock["p1"]["onHand"], stock["p1"]["available"]) == (Decimal(6), Decimal(5))
    assert sorted(ids(stock["p1"]["stockLevel"])) == ["s1", "s2"]
    assert (stock["p2"]["sku"], stock["p2"]["onHand"], stock["p2"]["stockLevel"]) == ("SKU-2", Decimal(0), [])
    one = desk.ask("rita", "inventory.GetStock", {"product": ["p1"], "warehouse": "w2"})["stock"][0]
    assert (ids(one["stockLevel"]), one["onHand"]) == (["s2"], Decimal(1))


def test_stock_is_pushed_by_the_enterprise_only(desk: Any) -> None:
    level = {"stockLevel": [RecordInput("StockLevel", "s1", None, {"onHand": Decimal(9)})]}
    assert desk.ask("mona", "inventory.UpsertStockLevels", level)["result"][0]["error"]["name"] == "NotAllowed"
    assert desk.ask("inga", "inventory.UpsertStockLevels", level)["result"][0]["status"] == "updated"


def test_a_customer_without_bills_owes_nothing(desk: Any) -> None:
    desk.world.write("rita", update("Customer", "c-rita", phone="1"))
    assert desk.ask("rita", "billing.GetAging", {"customer": "c-rita"})["aging"] == []
    assert desk.ask("rita", "customer.GetCustomer360", {"id": "c-rita"})["balance"] == []

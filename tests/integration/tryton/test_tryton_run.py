"""Real records of a real Tryton arrive in the hub with the right values, once, and leave when they are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from saddlebag.bridge.runs import DONE, STOPPED, Options, run_system
from saddlebag.bridge.testing import SYSTEM, Ticker, by_external_id, system_of
from saddlebag.model.condition import ALWAYS
from saddlebag.records.base import Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Store, StoredRecord
from saddlebag.store.tables import AdapterRun, Conflict
from tryton_world import HOSTILE, TrytonWorld

pytestmark = pytest.mark.heavy

TENANT = "kit"


def run(world: TrytonWorld, store: Store, *streams: str, **options: bool) -> dict[str, AdapterRun]:
    system = system_of(world.adapter, world.settings(), world.now)
    rows = run_system(Ticker(world.now()).means(store), system, streams, Options(**options))
    return {row.stream: row for row in rows}


def held(store: Store, entity: str) -> list[StoredRecord]:
    return store.run(TENANT, lambda tx: tx.find(entity, ALWAYS), read_only=True)


def one(store: Store, entity: str, **values: object) -> Mapping[str, Any]:
    found = [each for each in held(store, entity) if values.items() <= dict(each.values).items()]
    assert len(found) == 1
    return {**found[0].values, "id": found[0].id}


def test_customers_come_with_address_persons_and_tax_number(world: TrytonWorld, store: Store) -> None:
    run(world, store, "customers", "contacts")
    customer = one(store, "Customer", name=HOSTILE)
    assert customer["email"] == "info0@example.com"
    assert customer["street"] == "0 Main Street, Building B"
    assert (customer["postcode"], customer["city"]) == ("8000", "Aarhus")
    assert customer["taxNumber"] == "DK13585628"
    assert customer["status"] == "active"
    person = one(store, "Contact", lastName="Bech")
    assert (person["firstName"], person["customer"]) == ("Ann", customer["id"])
    assert person["phone"] is not None
    assert person["email"] is not None
    names = {each.values["name"] for each in held(store, "Customer")}
    assert not names & {"Our Own Company", "Sally Seller"}


def test_products_and_stock_come_exactly(world: TrytonWorld, store: Store) -> None:
    run(world, store, "products", "warehouses", "stock")
    widget = one(store, "Product", sku="W001")
    assert (widget["name"], widget["listPrice"], widget["currency"]) == ("Widget", Decimal("10.5000"), "EUR")
    assert one(store, "Product", sku="W002")["listPrice"] == Decimal("20.1234")
    assert one(store, "Product", name="Nameless")["sku"].isdigit()
    level = one(store, "StockLevel", product=widget["id"])
    assert [level[name] for name in ("onHand", "reserved", "available")] == [
        Decimal("100.500"),
        Decimal("2.250"),
        Decimal("98.250"),
    ]
    assert [each.values["code"] for each in held(store, "Warehouse")] == ["WH"]


def test_invoices_lines_and_payments_make_a_billing_history(world: TrytonWorld, store: Store) -> None:
    rows = run(world, store)
    assert {row.outcome for row in rows.values()} == {DONE}
    customer = one(store, "Customer", name=HOSTILE)["id"]
    invoices = [each for each in held(store, "Invoice") if each.values["customer"] == customer]
    by_balance = {each.values["balance"]: each for each in invoices}
    assert sorted(by_balance) == [Decimal("34.47"), Decimal("44.47")]
    part = by_balance[Decimal("34.47")]
    assert (part.values["net"], part.values["tax"], part.values["total"]) == (
        Decimal("37.06"),
        Decimal("7.41"),
        Decimal("44.47"),
    )
    assert part.values["status"] == "posted"
    assert part.values["dueOn"] == part.values["issuedOn"] + timedelta(days=30)
    payment = one(store, "Payment", invoice=part.id)
    assert (payment["amount"], payment["paidOn"], payment["currency"]) == (
        Decimal("10.00"),
        part.values["issuedOn"],
        "EUR",
    )
    lines = [each.values for each in held(store, "InvoiceLine") if each.values["invoice"] == part.id]
    assert sorted((each["position"], each["quantity"], each["unitPrice"]) for each in lines) == [
        (1, Decimal("3.000"), Decimal("12.3400")),
        (2, Decimal("3.000"), Decimal("0.0150")),
    ]
    assert {each["customer"] for each in lines} == {customer}


def test_paid_credited_and_cancelled_invoices_are_told_apart(world: TrytonWorld, store: Store) -> None:
    run(world, store)
    paid = one(store, "Invoice", status="paid")
    assert (paid["balance"], paid["paidOn"]) == (Decimal("0.00"), paid["issuedOn"])
    assert one(store, "Payment", invoice=paid["id"])["amount"] == paid["total"]
    credit = one(store, "Invoice", kind="creditNote")
    assert credit["total"] < 0
    assert one(store, "Invoice", status="cancelled")["balance"] == 0


def test_opportunities_come_as_deals_of_the_seller(world: TrytonWorld, store: Store) -> None:
    values = {"name": "Sally", "login": "sally", "role": "rep", "email": "sally@example.com"}

    def add(tx: Any) -> None:
        admin = Principal(TENANT, "setup", Role.SYSTEM)
        (outcome,) = Records(tx, admin, now=world.now(), new_id=lambda: "u-sally").apply(
            [Write(Verb.CREATE, "User", id="u-sally", values=values)]
        )
        assert outcome.ok

    store.run(TENANT, add)
    run(world, store)
    deals = {each.values["title"]: each.values for each in held(store, "Deal")}
    assert {title.removeprefix("Deal in "): values["stage"] for title, values in deals.items()} == {
        "lead": "prospect",
        "opportunity": "qualify",
        "converted": "propose",
        "lost": "lost",
        "cancelled": "lost",
    }
    lead = deals["Deal in lead"]
    assert (lead["owner"], lead["amount"], lead["probability"]) == ("u-sally", Decimal("1000.00"), 50)
    assert lead["notes"] == "First line\nSecond & <last>"


def test_a_telephone_number_changes_its_party(world: TrytonWorld, store: Store) -> None:
    """The party's own stamp stands still when one of its mechanisms is written."""
    run(world, store)
    party = world.party("Plain Ltd")
    (mechanism,) = world.call(
        "party.contact_mechanism.search", [["party", "=", party], ["type", "=", "email"], ["name", "=", None]]
    )
    address = f"new{mechanism}-{world.now().timestamp():.0f}@example.com"
    world.call("party.contact_mechanism.write", [mechanism], {"value": address})
    rows = run(world, store)
    assert rows["customers"].updated == 1
    assert one(store, "Customer", name="Plain Ltd")["email"] == address


def test_a_bulk_write_of_one_stamp_is_read_whole(world: TrytonWorld, store: Store) -> None:
    """250 rows of one transaction share a stamp: more than two pages of them."""
    names = [{"name": f"Bulk {world.now().isoformat()} {number}"} for number in range(250)]
    made = world.call("party.party.create", names)
    try:
        run(world, store, "customers")
        assert {str(each) for each in made} <= by_external_id(store, "Customer").keys()
        rows = run(world, store, "customers")
        assert (rows["customers"].created, rows["customers"].updated) == (0, 0)
    finally:
        world.call("party.party.delete", made)


def test_many_deletions_stop_and_ask(world: TrytonWorld, store: Store) -> None:
    made = world.call("party.party.create", [{"name": f"Brief {number}"} for number in range(20)])
    run(world, store, "customers")
    world.call("party.party.delete", made)
    stopped = run(world, store, "customers", reconcile=True)["customers"]
    assert (stopped.outcome, stopped.deleted) == (STOPPED, 0)
    assert str(made[0]) in by_external_id(store, "Customer")
    done = run(world, store, "customers", reconcile=True, allow_deletions=True)["customers"]
    assert (done.outcome, done.deleted) == (DONE, 20)
    assert str(made[0]) not in by_external_id(store, "Customer")


def test_what_the_hub_masters_is_not_written_over(world: TrytonWorld, store: Store) -> None:
    """A name that both sides changed stays the hub's and is kept as a conflict; the next run does not turn it again."""
    run(world, store, "customers")
    party = world.spare()
    record = by_external_id(store, "Customer")[str(party)]

    def rename(tx: Any) -> None:
        Records(tx, Principal(TENANT, "boss", Role.SYSTEM), now=world.now(), new_id=lambda: "x").apply(
            [Write(Verb.UPDATE, "Customer", id=record.id, values={"name": "Named in the hub"})]
        )

    store.run(TENANT, rename)
    world.call("party.party.write", [party], {"name": f"Spare named in Tryton {world.now().isoformat()}"})
    for _ in range(2):
        run(world, store, "customers")
        assert by_external_id(store, "Customer")[str(party)].values["name"] == "Named in the hub"
    kept = store.run(TENANT, lambda tx: tx.rows.select(Conflict, record=record.id))
    assert [(each.field, each.won, each.theirs) for each in kept] == [("name", "theirs", "Named in the hub")]


def test_a_system_of_another_mapping_brings_what_that_maps(world: TrytonWorld, store: Store) -> None:
    """A tenant's change of the mapping is applied to records that did not change themselves."""
    run(world, store, "customers")
    system = system_of(world.adapter, world.settings(), world.now)
    rules = system.mappings["customers"]
    without = replace(rules, rules=tuple(each for each in rules.rules if each.field.name != "status"))
    changed = replace(system, mappings={**system.mappings, "customers": without})
    (row,) = run_system(Ticker(world.now()).means(store), changed, ["customers"], Options(from_start=True))
    assert (row.outcome, row.updated, row.failed) == (DONE, 0, 0)
    assert row.system == SYSTEM

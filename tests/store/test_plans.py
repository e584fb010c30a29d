"""No condition of a scope or a visibility rule reads a whole tenant, on either database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from saddlebag.model.condition import ALWAYS, And, Compare, Condition, Op, Or, Within, eq
from saddlebag.store.base import ChangeKind, RecordWrite, Transaction
from saddlebag.store.plan import explain, whole_tenant_reads
from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import Desk, record_of

OPEN_DEALS = And(
    (
        eq("owner", "u1"),
        Compare("stage", Op.IN, ("prospect", "propose")),
        Compare("closeDate", Op.LE, date(2026, 3, 9)),
    )
)
MY_CUSTOMERS = Or(
    (
        eq("owner", "u1"),
        Compare("territory", Op.IN, ("t1", "t2")),
        Within("id", "Deal", eq("owner", "u1"), select="customer"),
    )
)
SCOPES: dict[str, tuple[str, Condition]] = {
    "my open deals": ("Deal", OPEN_DEALS),
    "the customers of my open deals": ("Customer", Within("id", "Deal", OPEN_DEALS, select="customer")),
    "the contacts of those customers": (
        "Contact",
        Within("customer", "Customer", Within("id", "Deal", OPEN_DEALS, select="customer")),
    ),
    "twelve months of their invoices": (
        "Invoice",
        And(
            (
                Within("customer", "Deal", OPEN_DEALS, select="customer"),
                Compare("issuedOn", Op.GE, date(2025, 3, 2)),
            )
        ),
    ),
    "the products on those deals": (
        "Product",
        Within("id", "DealLine", Within("deal", "Deal", OPEN_DEALS), select="product"),
    ),
    "the stock of those products": (
        "StockLevel",
        Within("product", "DealLine", Within("deal", "Deal", OPEN_DEALS), select="product"),
    ),
    "the customers I may see": ("Customer", MY_CUSTOMERS),
    "the activities of the customers I may see": ("Activity", Within("customer", "Customer", MY_CUSTOMERS)),
    "a deal by number": ("Deal", eq("number", "D-77")),
    "some customers by id": ("Customer", Compare("id", Op.IN, ("c1", "c2"))),
}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def filled(request: pytest.FixtureRequest) -> Desk:
    """A tenant large enough for an index to be worth its while."""
    store: SqlStore = request.getfixturevalue("sqlite_store" if request.param == "sqlite" else "postgres_store")
    desk = Desk(store)
    desk.run(_fill)
    if store.dialect == "postgresql":
        with store.connection() as connection:
            connection.execute(text("ANALYZE"))
    return desk


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_is_walked_along_indexes(filled: Desk, name: str) -> None:
    entity, condition = SCOPES[name]
    assert isinstance(filled.store, SqlStore)
    plan = explain(filled.store, filled.tenant, entity, condition)
    assert plan
    assert not whole_tenant_reads(plan), plan


def test_for_a_few_records_visibility_is_looked_up_and_not_gathered(filled: Desk) -> None:
    assert isinstance(filled.store, SqlStore)
    few = And((Compare("id", Op.IN, ("a1", "a2")), Within("customer", "Customer", MY_CUSTOMERS)))
    plan = explain(filled.store, filled.tenant, "Activity", few)
    if filled.store.dialect == "sqlite":
        assert any("CORRELATED" in step for step in plan), plan
    assert not any("Append" in step for step in plan), plan


def test_a_whole_tenant_read_is_noticed(filled: Desk) -> None:
    assert isinstance(filled.store, SqlStore)
    for condition in (ALWAYS, Compare("name", Op.CONTAINS, "x")):
        plan = explain(filled.store, filled.tenant, "Customer", condition)
        assert whole_tenant_reads(plan), plan


def _fill(tx: Transaction) -> None:
    for entity, size in {"Customer": 3000, "Deal": 3000, "Contact": 3000, "Invoice": 4000, "DealLine": 4000}.items():
        _write(tx, entity, size)
    for entity in ("Product", "StockLevel", "Activity"):
        _write(tx, entity, 3000)


def _write(tx: Transaction, entity: str, size: int) -> None:
    first = tx.allocate(size)
    writes = []
    for each in range(size):
        values = {
            "owner": f"u{each % 50}",
            "territory": f"t{each % 100}",
            "customer": f"c{each % 1500}",
            "deal": f"d{each % 1500}",
            "product": f"p{each % 1500}",
            "number": f"{entity[0]}-{each}",
            "stage": "prospect",
            "closeDate": date(2026, 1 + each % 12, 1),
            "issuedOn": date(2026, 1 + each % 12, 1),
            "total": Decimal(each),
        }
        known = {name: value for name, value in values.items() if tx.schema.entity(entity).has(name)}
        record = record_of(entity, f"{entity[0].lower()}{each}", first + each, known)
        writes.append(RecordWrite(record, ChangeKind.CREATE, ()))
    tx.write(writes)

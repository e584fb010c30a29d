"""No claim of a scope reads a whole tenant, on either database, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from records_world import PRINCIPALS, START
from saddlebag.model.condition import And, Compare, Op, Or, Param, eq
from saddlebag.records.bulk import load
from saddlebag.store.base import Stamp, Tenant
from saddlebag.store.plan import explain, whole_tenant_reads
from saddlebag.store.sql import SqlStore
from saddlebag.sync.defaults import CLOSING, DEFAULT, OVERDUE
from saddlebag.sync.scope import Circumstances, Hop, Rule, stage_claims
from saddlebag.sync.stages import staged
from saddlebag.sync.target import visibility

PLANNED = "planned"
"""A tenant of its own, large enough for an index to be worth its while."""
TEAM = Compare("owner", Op.IN, Param("team"))
MINE = And((eq("owner", Param("me")), Compare("closeDate", Op.GE, Param("today"))))
SEVERAL_ROOTS = (
    Rule("team", "", "Deal", TEAM, (Hop("customers", "", "Customer", "customer"),)),
    Rule("several", "", "Deal", Or((MINE, TEAM, Compare("id", Op.IN, Param("pins")))), CLOSING.hops[:3]),
)
SCOPE = replace(DEFAULT, rules=(*DEFAULT.rules, OVERDUE, *SEVERAL_ROOTS))
SIZE = 3000

RECORDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "Territory": lambda n: {"code": f"T{n}", "name": "x"},
    "User": lambda n: {"name": "x", "login": f"l{n}", "role": "rep", "territory": f"r{n}"},
    "Product": lambda n: {"sku": f"S{n}", "name": "x"},
    "Warehouse": lambda n: {"code": f"W{n}", "name": "x"},
    "StockLevel": lambda n: {"product": f"r{n // 3}", "warehouse": f"r{n % 50}"},
    "Customer": lambda n: {"name": "x", "owner": f"u{n % 60}", "territory": f"r{n % 90}"},
    "Contact": lambda n: {"customer": f"r{n}", "lastName": "x"},
    "Deal": lambda n: {
        "customer": f"r{n // 2}",
        "owner": f"u{n % 60}",
        "title": "x",
        "closeDate": date(2026, 1 + n % 12, 1 + n % 28),
    },
    "DealLine": lambda n: {"deal": f"r{n // 2}", "product": f"r{n % 900}", "quantity": Decimal(1)},
    "Activity": lambda n: {"customer": f"r{n // 2}", "kind": "note", "subject": "x"},
    "Invoice": lambda n: {
        "number": f"I{n}",
        "customer": f"r{n // 3}",
        "status": "posted",
        "issuedOn": date(2025, 1 + n % 12, 1),
        "total": Decimal(1),
        "balance": Decimal(0),
        "currency": "EUR",
    },
    "InvoiceLine": lambda n: {"invoice": f"r{n // 2}", "product": f"r{n % 900}"},
    "Payment": lambda n: {
        "customer": f"r{n // 6}",
        "invoice": f"r{n // 2}",
        "paidOn": date(2026, 1, 1),
        "amount": Decimal(1),
        "currency": "EUR",
    },
    "Attachment": lambda n: {
        "entity": "Customer",
        "record": f"r{n // 2}",
        "name": "x",
        "mediaType": "image/jpeg",
        "size": 1,
        "sha256": "0" * 64,
    },
}


@pytest.fixture(scope="module")
def filled(shared_store: SqlStore) -> SqlStore:
    store = shared_store
    store.create_tenant(Tenant(PLANNED, "Planned", "UTC", b"s" * 32, START))
    for entity, values in RECORDS.items():
        rows = [(f"r{number}", values(number)) for number in range(SIZE)]
        store.run(PLANNED, partial(load, entity=entity, rows=rows, now=START))
    if store.dialect == "postgresql":
        with store.connection() as connection:
            connection.execute(text("ANALYZE"))
    return store


@pytest.mark.parametrize("who", ["rita", "mona", "adam"])
def test_every_stage_is_answered_from_indexes(filled: SqlStore, who: str) -> None:
    principal = replace(PRINCIPALS[who], tenant=PLANNED, user="u7", territories=frozenset({"r1", "r2"}))
    pins = {"Deal": ("r1",), "Customer": ("r1", "r2")}
    known = Circumstances("u7", ("r1", "r2"), pins, START, "UTC")
    guard = visibility(principal, filled.schema)
    rules = [(rule, stage_claims(rule, guard)) for rule in SCOPE.rules]
    ids = tuple(f"r{number}" for number in range(20))
    stages = staged(rules, known, lambda claim, _where: [Stamp(claim.entity, each, 1, 1) for each in ids])
    assert len(stages) == sum(1 + len(rule.hops) for rule in SCOPE.rules)
    guilty = {
        each.claim.label: plan
        for each in stages
        if whole_tenant_reads(plan := explain(filled, PLANNED, each.claim.entity, each.where))
    }
    assert not guilty, "\n".join(line for plan in guilty.values() for line in plan)

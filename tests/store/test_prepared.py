"""Asking SQLite directly means what asking it through SQLAlchemy means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from records_world import START, World, create, opened, settled
from saddlebag.kernel.errors import SCHEMA_OUTDATED, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import ALWAYS, Compare, Op
from saddlebag.store.tables import Device, Session
from saddlebag.store.transaction import SqlTransaction


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        made = settled(store)
        made.write("hub", create("Customer", "tags", name="x", segments=("a,b", 'c"d')))
        made.write(
            "hub", create("Activity", "visit", customer="c-rita", kind="visit", subject="x", done=True, startsAt=START)
        )
        made.run(lambda tx: tx.rows.put(Device("d1", "rita", "n", "p", b"k" * 32, 1, 0, 0, True, START, START)))
        made.run(lambda tx: tx.rows.put(Session(b"t", "rita", "", START, START)))
        yield made


def everything(tx: SqlTransaction) -> list[Any]:
    """Every kind of answer that goes the direct way."""
    asked: list[Any] = []
    for entity in BUILTIN.entities:
        name = entity.name
        asked += [tx.find(name, ALWAYS), tx.stamps(name, ALWAYS, limit=2), tx.renderings(name, ALWAYS)]
        ids = [each.id for each in tx.stamps(name, ALWAYS)]
        asked += [tx.get(name, ids, deleted=True), tx.renderings_of(name, ids)]
    asked.append(tx.find("Deal", Compare("closeDate", Op.GE, START.date())))
    asked.append(tx.find("Product", Compare("sku", Op.IN, ("SKU-1", "SKU-2")), limit=1))
    asked += [tx.rows.select(Device), tx.rows.get(Device, "d1"), tx.rows.get(Device, "none")]
    return [*asked, tx.rows.select(Session, before={"expires_at": START.replace(year=2030)}, limit=5)]


def test_both_ways_give_equal_answers(world: World) -> None:
    def work(tx: SqlTransaction) -> tuple[list[Any], list[Any], int]:
        sent: list[str] = []

        def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
            sent.append(statement)

        direct = everything(tx)
        event.listen(tx.connection, "before_cursor_execute", note)
        return direct, everything(tx), len(sent)

    direct, through, statements = world.store.run(world.tenant, work, read_only=True)
    assert direct == through
    assert [type(each) for each in direct] == [type(each) for each in through]
    assert statements > 4 * len(BUILTIN.entities)  # who listens hears every statement


def test_what_the_driver_refuses_is_a_typed_error(world: World) -> None:
    def work(tx: SqlTransaction) -> None:
        tx.rows.get(Device, "d1")
        tx.connection.exec_driver_sql("DROP TABLE device")
        tx.rows.get(Device, "d1")

    with pytest.raises(SaddlebagError) as caught:
        world.store.run(world.tenant, work)
    assert caught.value.kind is SCHEMA_OUTDATED
    assert world.store.run(world.tenant, lambda tx: tx.rows.get(Device, "d1")) is not None


def test_a_parameter_that_is_not_given_is_no_null(world: World) -> None:
    def work(tx: SqlTransaction) -> None:
        statement = tx.rows._statements.select(tx.rows._tables.rows[Device], {"device": "d1"}, {}, {}, (), False)
        tx.rows._statements.reader.ask(tx.connection, statement, {"w_tenant": world.tenant})

    with pytest.raises(KeyError):
        world.store.run(world.tenant, work, read_only=True)

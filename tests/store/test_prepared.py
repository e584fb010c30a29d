"""Asking SQLite directly means what asking it through SQLAlchemy means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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


def changes(tx: SqlTransaction) -> list[Any]:
    """Every kind of change that goes the direct way, with what it says and leaves."""
    devices = [Device(f"d{n}", "rita", "n", "p", "k", n, 0, 0, n % 2 == 0, START, START) for n in range(2, 9)]
    tx.rows.put_all(devices)
    tx.rows.put(replace(devices[0], name="renamed", enabled=False))
    tx.rows.put_all([])
    tx.rows.delete_all(devices[1:3])
    told: list[Any] = [tx.rows.delete(Device, device="none"), tx.rows.delete(Device, device="d5", enabled=False)]
    told += [tx.rows.delete(Device, user="rita", incarnation=6), tx.rows.select(Device)]
    tx.rows.delete(Device, user="rita")
    return told


def test_both_ways_change_the_same(world: World) -> None:
    heard: list[str] = []

    def listened(tx: SqlTransaction) -> list[Any]:
        event.listen(tx.connection, "before_cursor_execute", lambda *told: heard.append(told[2]))
        return changes(tx)

    direct = world.run(changes)
    assert world.run(listened) == [*direct[:3], [each for each in direct[3] if each.device != "d1"]]
    assert direct[:3] == [0, 1, 1]
    assert [each.device for each in direct[3]] == ["d1", "d2", "d7", "d8"]
    assert direct[3][1].name == "renamed"
    assert len(heard) > 5


def test_a_reader_keeps_what_it_began_with(world: World) -> None:
    with world.store.begin(world.tenant, read_only=True) as reading:
        before = reading.rows.select(Session)
        world.run(lambda tx: tx.rows.delete(Session, user="rita"))
        assert reading.rows.select(Session) == before
    assert before
    assert world.run(lambda tx: tx.rows.select(Session)) == []

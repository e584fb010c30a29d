"""Runs: what arrives, what is refused, what survives a crash, and what is not done unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from csv_world import CsvWorld
from saddlebag.bridge import letters, mapping, runs
from saddlebag.bridge.port import Batch, Item
from saddlebag.bridge.runs import DONE, FAILED, INTERRUPTED, STOPPED, UNAVAILABLE, Options, StreamRun, run_system
from saddlebag.bridge.testing import SYSTEM, TENANT, Breaking, Ticker, by_external_id, refusal_of, system_of
from saddlebag.kernel.errors import (
    ADAPTER_RECORD,
    ADAPTER_UNAVAILABLE,
    BROKEN_REFERENCE,
    IN_PROGRESS,
    MASS_DELETION,
    SaddlebagError,
)
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import ALWAYS
from saddlebag.records.base import Loser, Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Store, StoredRecord, Transaction
from saddlebag.store.tables import AdapterRun, AdapterState, Binding, Conflict, DeadLetter

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Desk:
    """A store, the CSV system and a clock: what every test here plays with."""

    def __init__(self, world: CsvWorld, store: Store) -> None:
        self.world = world
        self.store = store
        self.ticker = Ticker(START)
        self.means = self.ticker.means(store)
        self.system = system_of(world.adapter, world.settings(), self.ticker.now)

    def run(self, *streams: str, **options: bool) -> dict[str, AdapterRun]:
        return {row.stream: row for row in run_system(self.means, self.system, streams, Options(**options))}

    def letters(self) -> list[DeadLetter]:
        return self.store.run(TENANT, lambda tx: letters.waiting(tx, SYSTEM))

    def rows(self, kind: type[Any], **where: object) -> list[Any]:
        return self.store.run(TENANT, lambda tx: tx.rows.select(kind, **where))

    def customers(self) -> dict[str, StoredRecord]:
        return by_external_id(self.store, "Customer")

    def hub_writes(self, *writes: Write) -> None:
        """Somebody writes in the hub."""

        def work(tx: Transaction) -> None:
            who = Principal(TENANT, "boss", Role.SYSTEM)
            outcomes = Records(tx, who, now=self.ticker.now(), new_id=self.ticker.new_id).apply(writes)
            assert all(each.ok for each in outcomes)

        self.store.run(TENANT, work)

    def remap(self, stream: str, **changes: Any) -> None:
        """Lay a tenant's changes over one stream's mapping."""
        table = mapping.overlay(self.world.adapter.mapping, {stream: changes})
        adapter = self.world.adapter
        loaded = mapping.load(table, adapter.streams, BUILTIN, adapter.hygiene)
        self.system = replace(self.system, mappings=loaded)


@pytest.fixture
def desk(world: CsvWorld, store: Store) -> Desk:
    return Desk(world, store)


# --- what arrives


def test_references_are_found_by_binding_and_derived_fields_filled(desk: Desk) -> None:
    desk.run()
    line = by_external_id(desk.store, "InvoiceLine")["l1"].values
    assert line["invoice"] == by_external_id(desk.store, "Invoice")["i1"].id
    assert line["customer"] == desk.customers()["c1"].id
    assert line["unitPrice"] == Decimal("12.8400")


def test_changes_are_logged_as_the_systems_own(desk: Desk) -> None:
    """The origin keeps the hub from sending a system its own changes."""
    desk.run("customers")
    changes = desk.store.run(TENANT, lambda tx: tx.changes(after=0, limit=10))
    assert {each.origin for each in changes} == {f"system:{SYSTEM}"}


def test_a_duplicate_of_a_record_of_the_hub_is_recognised_by_the_match_rule(desk: Desk) -> None:
    desk.hub_writes(
        Write(Verb.CREATE, "Customer", id="ours", values={"number": "1002", "name": "Plain, as we call it"})
    )
    row = desk.run("customers")["customers"]
    assert (row.created, row.failed) == (2, 0)
    record = desk.customers()["c2"]
    assert (record.id, record.values["name"]) == ("ours", "Plain, as we call it")
    assert record.values["creditLimit"] == Decimal("2500.00")


def test_of_two_records_that_match_none_is_taken(desk: Desk) -> None:
    desk.remap("customers", match=["city"])
    for name in ("one", "two"):
        desk.hub_writes(Write(Verb.CREATE, "Customer", id=name, values={"name": name, "city": "Aarhus"}))
    assert desk.run("customers")["customers"].failed == 1
    (letter,) = desk.letters()
    assert (letter.external_id, letter.code) == ("c1", ADAPTER_RECORD.code)
    assert "city" in letter.reason


def test_one_record_may_be_bound_in_several_systems(desk: Desk) -> None:
    """A deletion in one of them takes only that binding."""
    desk.run("customers")
    other = replace(desk.system, name="other-system")
    (row,) = run_system(desk.means, other, ["customers"])
    assert (row.created, row.unchanged) == (0, 3)
    desk.world.remove()
    (row,) = run_system(desk.means, other, ["customers"])
    assert row.deleted == 1
    assert "c3" in desk.customers()
    assert [each.system for each in desk.rows(Binding, external_id="c3")] == [SYSTEM]


def test_ids_of_merged_records_stand_for_the_one_that_stays(desk: Desk) -> None:
    """What the system says of either reaches it; a deletion of one there takes only that binding."""
    desk.run("customers")
    master, loser = desk.customers()["c2"].id, desk.customers()["c3"].id
    desk.hub_writes(Write(Verb.MERGE, "Customer", id=master, losers=(Loser(loser),)))
    assert {each.record for each in desk.rows(Binding) if each.external_id in ("c2", "c3")} == {master}
    desk.world.tables["customers"][2]["creditLimit"] = "77.00"
    desk.world.export("customers")
    row = desk.run("customers")["customers"]
    assert (row.created, row.updated, row.failed) == (0, 1, 0)
    assert desk.customers()["c2"].values["creditLimit"] == Decimal("77.00")
    desk.world.remove()
    assert desk.run("customers")["customers"].deleted == 1
    assert (desk.customers()["c2"].id, "c3" in desk.customers()) == (master, False)


# --- whose value counts


def test_what_the_erp_masters_is_taken_over_even_if_the_hub_changed_it(desk: Desk) -> None:
    desk.run("customers")
    desk.hub_writes(Write(Verb.UPDATE, "Customer", id=desk.customers()["c2"].id, values={"creditLimit": Decimal(1)}))
    desk.world.tables["customers"][1]["creditLimit"] = "3000.00"
    desk.world.export("customers")
    desk.run("customers")
    assert desk.customers()["c2"].values["creditLimit"] == Decimal("3000.00")


def test_what_the_hub_masters_keeps_the_hubs_value_and_the_other_as_a_conflict(desk: Desk) -> None:
    desk.run("customers")
    record = desk.customers()["c3"].id
    desk.hub_writes(Write(Verb.UPDATE, "Customer", id=record, values={"name": "Hub's name"}))
    desk.world.change()
    desk.run("customers")
    desk.run("customers", from_start=True)
    assert desk.customers()["c3"].values["name"] == "Hub's name"
    (conflict,) = desk.rows(Conflict, record=record)
    assert (conflict.base, conflict.mine, conflict.theirs, conflict.won) == (
        "Spare Ltd",
        "Spare & Sons Ltd",
        "Hub's name",
        "theirs",
    )


def test_a_change_in_the_hub_alone_is_not_undone(desk: Desk) -> None:
    desk.run("customers")
    record = desk.customers()["c3"].id
    desk.hub_writes(Write(Verb.UPDATE, "Customer", id=record, values={"name": "Hub's name"}))
    desk.world.tables["customers"][2]["city"] = "Malmö"
    desk.world.export("customers")
    desk.run("customers")
    values = desk.customers()["c3"].values
    assert (values["name"], values["city"]) == ("Hub's name", "Malmö")
    assert desk.rows(Conflict, record=record) == []


# --- what is refused


def test_one_bad_record_is_a_letter_and_the_others_arrive(desk: Desk) -> None:
    desk.world.tables["products"].append({"id": "b", "sku": "W-2", "name": "Bad", "listPrice": "ten"})
    desk.world.export("products")
    row = desk.run("products")["products"]
    assert (row.outcome, row.created, row.failed) == (DONE, 1, 1)
    (letter,) = desk.letters()
    assert (letter.stream, letter.external_id, letter.code) == ("products", "b", ADAPTER_RECORD.code)
    assert "listPrice" in letter.reason
    assert "ten" not in letter.reason
    item = letters.item_of(letter)
    assert item is not None
    assert item.data is not None
    assert item.data["listPrice"] == "ten"


def test_a_record_that_arrives_in_the_end_takes_its_letter_along(desk: Desk) -> None:
    test_one_bad_record_is_a_letter_and_the_others_arrive(desk)
    desk.world.tables["products"][1]["listPrice"] = "10"
    desk.world.export("products")
    assert desk.run("products")["products"].created == 1
    assert desk.letters() == []


def test_a_line_that_is_no_row_is_a_letter_until_it_is_mended_or_gone(desk: Desk) -> None:
    path = desk.world.folder / "products.csv"
    whole = path.read_text()
    path.write_text(whole + "b,W-2\n")
    row = desk.run("products")["products"]
    assert (row.outcome, row.created, row.failed) == (DONE, 1, 1)
    (letter,) = desk.letters()
    assert letter.external_id == "line 3"
    assert "2 cells" in letter.reason
    path.write_text(whole)
    desk.run("products")
    assert desk.letters() == []


def test_what_the_contract_refuses_is_refused_here(desk: Desk) -> None:
    desk.world.tables["warehouses"].append({"id": "x", "code": "FAR", "name": "Far", "country": "Denmark"})
    desk.world.export("warehouses")
    assert desk.run("warehouses")["warehouses"].failed == 1
    (letter,) = desk.letters()
    assert "country" in letter.reason


def test_a_record_that_came_before_what_it_refers_to_waits_for_it(desk: Desk) -> None:
    assert desk.run("invoices")["invoices"].failed == 1
    (letter,) = desk.letters()
    assert letter.code == BROKEN_REFERENCE.code
    desk.run("customers")
    assert [each.external_id for each in desk.letters()] == ["i1"]
    runs.replay(desk.means, desk.system, [], lambda each: True)
    assert desk.letters() == []
    assert by_external_id(desk.store, "Invoice")["i1"].values["total"] == Decimal("30.82")


def test_a_whole_run_replays_what_only_waited(desk: Desk) -> None:
    desk.run("invoices")
    desk.run()
    assert desk.letters() == []


def test_a_customer_that_others_refer_to_is_not_deleted_and_a_letter_says_so(desk: Desk) -> None:
    desk.run()
    del desk.world.tables["customers"][0]
    desk.world.export("customers")
    row = desk.run("customers")["customers"]
    assert (row.outcome, row.deleted, row.failed) == (DONE, 0, 1)
    assert "c1" in desk.customers()
    assert [each.external_id for each in desk.letters()] == ["c1"]


# --- what is not done unasked


def test_a_sudden_emptiness_does_not_spread(desk: Desk) -> None:
    desk.run("customers")
    desk.world.tables["customers"].clear()
    desk.world.export("customers")
    row = desk.run("customers")["customers"]
    assert (row.outcome, row.deleted) == (STOPPED, 0)
    assert MASS_DELETION.code in row.message
    assert len(desk.customers()) == 3
    row = desk.run("customers", from_start=True, allow_deletions=True)["customers"]
    assert (row.outcome, row.deleted) == (DONE, 3)
    assert desk.customers() == {}


def test_a_file_that_is_not_there_deletes_nothing(desk: Desk) -> None:
    desk.run("customers")
    (desk.world.folder / "customers.csv").unlink()
    assert desk.run("customers")["customers"].outcome == DONE
    assert len(desk.customers()) == 3


def test_a_reconcile_finds_what_the_feed_never_told(desk: Desk) -> None:
    """A record that committed late is there and not known; its stream says that nothing has changed."""
    desk.run("customers")
    desk.store.run(TENANT, lambda tx: tx.rows.delete(Binding, system=SYSTEM, external_id="c3"))
    assert desk.run("customers")["customers"].read == 0
    assert "c3" not in desk.customers()
    assert desk.run("customers", reconcile=True)["customers"].outcome == DONE
    assert "c3" in desk.customers()
    assert len(desk.store.run(TENANT, lambda tx: tx.find("Customer", ALWAYS))) == 3


# --- crashes, retries, rivals


def test_a_crash_within_a_commit_leaves_nothing_behind_and_the_next_run_makes_it_good(desk: Desk) -> None:
    """Changes, bindings, letters and state commit together: at any write the process may end."""
    real = desk.store.run
    for allowed in range(1, 7):
        left = [allowed]

        def dying(tenant: str, work: Callable[[Transaction], Any], left: list[int] = left, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                real(tenant, lambda tx: _die_after(work, tx), **more)
            return real(tenant, work, **more)

        means = replace(desk.means, store=_Through(desk.store, dying))
        with pytest.raises(_Killed):
            run_system(means, desk.system, ["products", "customers"])
        states = {row.stream for row in desk.rows(AdapterState, system=SYSTEM)}
        assert {"customers"} & states == ({"customers"} if desk.customers() else set())
    desk.run("products", "customers")
    assert len(desk.customers()) == 3
    assert len(desk.store.run(TENANT, lambda tx: tx.find("Customer", ALWAYS))) == 3


def test_a_system_that_does_not_answer_is_tried_again_and_then_left_alone(desk: Desk) -> None:
    desk.system = replace(desk.system, connector=_Deaf(desk.system.connector, times=99))
    assert desk.run("customers", "contacts").keys() == {"customers"}
    row = desk.rows(AdapterRun, stream="customers")[0]
    assert row.outcome == UNAVAILABLE
    assert desk.ticker.slept == [0.75, 1.5, 3.0]
    error = refusal_of(lambda: desk.run("customers"))
    assert error is not None
    assert error.kind is ADAPTER_UNAVAILABLE
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 61


def test_a_system_that_answers_again_is_read_on(desk: Desk) -> None:
    desk.system = replace(desk.system, connector=_Deaf(desk.system.connector, times=2))
    assert desk.run("customers")["customers"].created == 3
    assert len(desk.ticker.slept) == 2
    assert desk.rows(AdapterState, stream="") == []


def test_a_break_between_batches_is_recorded_and_made_good(desk: Desk) -> None:
    connector = desk.system.connector
    desk.system = replace(desk.system, connector=Breaking(connector, 0))
    assert desk.run("customers")["customers"].outcome == FAILED
    desk.system = replace(desk.system, connector=connector)
    assert desk.run("customers")["customers"].created == 3


def test_a_later_run_of_a_stream_fences_out_an_older_one(desk: Desk) -> None:
    stream = desk.world.adapter.stream("customers")
    rival = StreamRun(desk.means, desk.system, stream)
    connector = _Meanwhile(desk.system.connector, rival.run)
    slow = StreamRun(desk.means, replace(desk.system, connector=connector), stream).run()
    assert slow.outcome == INTERRUPTED
    assert len(desk.customers()) == 3
    assert IN_PROGRESS.code not in [each.code for each in desk.letters()]


def test_the_same_item_twice_in_a_batch_is_taken_once(desk: Desk) -> None:
    twice = Batch((Item("c9", {"name": "First"}), Item("c9", {"name": "Second"})), "s")
    desk.system = replace(desk.system, connector=_Fixed(desk.system.connector, [twice]))
    row = desk.run("customers")["customers"]
    assert (row.read, row.created) == (1, 1)
    assert desk.customers()["c9"].values["name"] == "Second"


# --- doubles of the outside only: connectors that fail as real ones do


class _Killed(BaseException):
    """The process ends here."""


def _die_after(work: Callable[[Transaction], Any], tx: Transaction) -> None:
    work(tx)
    raise _Killed


class _Through:
    """The real store, but for `run`."""

    def __init__(self, store: Store, run: Callable[..., Any]) -> None:
        self._store = store
        self.run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Around:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Deaf(_Around):
    def __init__(self, inner: Any, times: int) -> None:
        super().__init__(inner)
        self.times = times

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        if self.times:
            self.times -= 1
            raise SaddlebagError(ADAPTER_UNAVAILABLE)
        return self.inner.read(stream, state)


class _Meanwhile(_Around):
    def __init__(self, inner: Any, action: Callable[[], object]) -> None:
        super().__init__(inner)
        self.action = action

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        batches = list(self.inner.read(stream, state))
        self.action()
        return iter(batches)


class _Fixed(_Around):
    def __init__(self, inner: Any, batches: list[Batch]) -> None:
        super().__init__(inner)
        self.batches = batches

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        return iter(self.batches)

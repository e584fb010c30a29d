"""A scope may let records stay a while after they have left it, and bound what all its rules carry together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_device import Laptop, Lost
from records_world import World, create, delete, update
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import INVALID_SCOPE_RULE, SCOPE_CAPPED, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import ManifestSlot, ScopeRuleRow
from saddlebag.sync import engine
from saddlebag.sync.defaults import DEFAULT
from saddlebag.sync.page import Reason
from saddlebag.sync.rules import read_scope, write_scope
from saddlebag.sync.scope import Scope

CUSTOMER = ("Customer", "c-rita")


def set_scope(hub: World, **change: int) -> None:
    scope: Scope = replace(DEFAULT, **change)  # type: ignore[arg-type]
    hub.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 1, write_scope(scope, BUILTIN))))


@pytest.fixture
def patient(hub: World, laptop: Laptop) -> Laptop:
    """Rita's laptop under a scope with a day of grace; all that she carries has just left the scope."""
    laptop.memory = engine.memory()
    set_scope(hub, grace=24)
    hub.write("adam", update("Deal", "d-rita", closeDate=date(2030, 1, 1)))
    return laptop


def slots(hub: World, laptop: Laptop) -> list[int]:
    return [each.slot for each in hub.run(lambda tx: tx.rows.select(ManifestSlot, device=laptop.device))]


def test_what_has_left_stays_for_the_grace_and_then_leaves(hub: World, patient: Laptop) -> None:
    before = set(patient.rows)
    for _ in range(4):
        patient.sync()
        assert patient.rows.keys() == before
        hub.tick(hours=5)
    assert 0 in slots(hub, patient)
    hub.tick(hours=4)
    patient.sync()
    assert not patient.rows
    assert patient.left()[CUSTOMER] is Reason.LEFT_SCOPE
    patient.sync()
    assert slots(hub, patient) == [-1]


@pytest.mark.parametrize("asked", [3, 1])
def test_a_page_that_is_lost_begins_no_new_grace(hub: World, patient: Laptop, asked: int) -> None:
    """When the hours are over, the first answers that say so are lost; a day later everything must be gone."""
    patient.sync()
    hub.tick(hours=25)
    for _ in range(asked):
        with pytest.raises(Lost):
            patient.pull(lose_answer=True)
    patient.sync()
    assert not patient.rows


def test_pages_too_small_for_all_that_leaves_begin_no_new_grace(hub: World, laptop: Laptop) -> None:
    for number in range(60):
        hub.write("adam", create("Contact", f"k-{number}", customer="c-rita", lastName="x"))
    set_scope(hub, grace=24)
    laptop.sync()
    hub.write("adam", update("Deal", "d-rita", closeDate=date(2030, 1, 1)))
    laptop.sync()
    hub.tick(hours=25)
    assert laptop.pull(max_bytes=4096).more
    laptop.sync(max_bytes=4096)
    assert not laptop.rows


def test_what_stays_gets_its_changes_and_is_part_of_the_digest(hub: World, patient: Laptop) -> None:
    patient.sync()
    hub.write("adam", update("Customer", "c-rita", name="Omega"))
    patient.sync()
    assert patient.texts(*CUSTOMER)["name"] == "Omega"
    answer = patient.pull()
    assert answer.digest == Digest.of(each.hash for each in patient.held())


def test_what_comes_back_begins_a_new_grace_when_it_leaves_again(hub: World, patient: Laptop) -> None:
    patient.sync()
    hub.tick(hours=20)
    hub.write("adam", update("Deal", "d-rita", closeDate=hub.now.date()))
    patient.sync()
    assert 0 not in slots(hub, patient)
    hub.write("adam", update("Deal", "d-rita", closeDate=date(2030, 1, 1)))
    patient.sync()
    hub.tick(hours=20)
    patient.sync()
    assert CUSTOMER in patient.rows


def test_what_was_deleted_or_revoked_does_not_stay(hub: World, patient: Laptop) -> None:
    patient.sync()
    hub.write(
        "adam",
        delete("DealLine", "l-rita"),
        update("Deal", "d-rita", owner="sam"),
        update("Customer", "c-rita", owner="sam"),
    )
    patient.sync()
    assert patient.left()["DealLine", "l-rita"] is Reason.DELETED
    assert patient.left()[CUSTOMER] is Reason.REVOKED
    assert {entity for entity, _ in patient.rows} == {"Product", "StockLevel", "Warehouse"}


def test_a_scope_without_grace_lets_go_of_what_stayed(hub: World, patient: Laptop) -> None:
    patient.sync()
    assert patient.rows
    set_scope(hub, grace=0)
    patient.sync()
    patient.sync()
    assert not patient.rows
    assert slots(hub, patient) == [-1]


def test_a_clock_that_is_set_back_does_not_lengthen_the_grace(hub: World, patient: Laptop) -> None:
    patient.sync()
    hub.tick(days=-300)
    hub.write("adam", update("Deal", "d-rita", closeDate=date(2030, 1, 2)))
    patient.sync()
    hub.tick(hours=25)
    patient.sync()
    assert not patient.rows


def test_what_a_device_only_claims_to_hold_does_not_stay(hub: World, patient: Laptop) -> None:
    """The hub lost its manifest: the entries that the device lists are believed only enough to be taken away."""
    hub.run(lambda tx: tx.rows.delete(ManifestSlot, device=patient.device))
    patient.heal()
    patient.sync()
    assert not patient.rows


@pytest.mark.parametrize("cap", [8, 9])
def test_a_cap_over_all_rules_names_the_scope_and_the_count(hub: World, laptop: Laptop, cap: int) -> None:
    laptop.sync()
    assert len(laptop.rows) == 9
    set_scope(hub, cap=cap)
    if cap == 9:
        laptop.pull()
        return
    with pytest.raises(SaddlebagError) as caught:
        laptop.pull()
    problem = caught.value
    assert (problem.kind, problem.rule, problem.count, problem.limit) == (SCOPE_CAPPED, "default", 9, 8)


def test_cap_and_grace_are_written_down_and_read_again() -> None:
    scope = replace(DEFAULT, cap=5, grace=6)
    assert read_scope("default", 0, write_scope(scope, BUILTIN), BUILTIN) == scope


@pytest.mark.parametrize(
    ("name", "value"), [("cap", -1), ("cap", 100_001), ("grace", True), ("grace", "1"), ("grace", 8785)]
)
def test_what_is_no_cap_or_grace_is_refused_by_name(name: str, value: object) -> None:
    text = write_scope(DEFAULT, BUILTIN).replace("{", f'{{"{name}": {value!r},'.replace("'", '"').lower(), 1)
    with pytest.raises(SaddlebagError) as caught:
        read_scope("default", 0, text, BUILTIN)
    assert (caught.value.kind, caught.value.field) == (INVALID_SCOPE_RULE, name)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=8))
def test_a_record_stays_exactly_as_long_as_it_may(hub: World, steps: list[tuple[int, bool]]) -> None:
    """Against a model of one number: the hour of the first pull that found the record out of the scope."""
    set_scope(hub, grace=24)
    hub.write("adam", update("Deal", "d-rita", closeDate=hub.now.date()))
    laptop = Laptop.registered(hub, "rita")
    laptop.memory = engine.memory()
    laptop.sync()
    out = None
    for hours, within in steps:
        hub.tick(hours=hours)
        day = hub.now.date() + timedelta(days=1) if within else date(2040, 1, 1)
        hub.write("adam", update("Deal", "d-rita", closeDate=day))
        held = ("Deal", "d-rita") in laptop.rows
        out = None if within else hub.now if out is None else out
        laptop.sync()
        stays = within or (held and out is not None and (hub.now - out).total_seconds() < 24 * 3600)
        assert (("Deal", "d-rita") in laptop.rows) is stays

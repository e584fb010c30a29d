"""Push: each operation takes effect exactly once, conflicts are settled by field, no value is dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_device import Laptop, Lost
from records_world import World, delete, update
from saddlebag.kernel.errors import (
    ALL_OR_NONE,
    BROKEN_REFERENCE,
    EDIT_PARKED,
    OPERATION_MISMATCH,
    RESULT_FORGOTTEN,
    TOO_MANY_RECORDS,
    UNKNOWN_DEVICE,
    SaddlebagError,
)
from saddlebag.kernel.limits import PUSH_OPERATIONS
from saddlebag.kernel.ops import FieldEdit, Operation, OpKind, OpStatus
from saddlebag.store.tables import Conflict, OperationResult, Parked, Settled
from saddlebag.sync import settled
from saddlebag.sync.push import batches, push
from saddlebag.sync.results import read_result, write_result


def changes(hub: World, entity: str, record_id: str) -> int:
    logged = hub.run(lambda tx: tx.changes(after=0, limit=1000, entities=[entity]), read_only=True)
    return len([each for each in logged if each.id == record_id])


def conflicts(hub: World) -> list[Conflict]:
    return hub.run(lambda tx: tx.rows.select(Conflict), read_only=True)


def test_an_edit_is_applied_and_comes_back_as_the_hubs_rendering(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="More pumps")
    laptop.sync()
    assert laptop.results[edit.sequence].status is OpStatus.APPLIED
    assert "<title>More pumps</title>" in laptop.rows["Deal", "d-rita"]
    assert laptop.received == [("Deal", "d-rita")]


def test_a_lost_answer_is_answered_again_and_the_effect_is_once(hub: World, laptop: Laptop) -> None:
    laptop.edit("Customer", "c-rita", notes="called")
    before = changes(hub, "Customer", "c-rita")
    with pytest.raises(Lost):
        laptop.push(lose_answer=True)
    first = hub.stored("Customer", "c-rita").version
    (result,) = laptop.push()
    assert (result.status, result.version) == (OpStatus.APPLIED, first)
    assert changes(hub, "Customer", "c-rita") == before + 1


def test_an_operation_that_was_answered_in_an_earlier_incarnation_is_not_done_twice(hub: World, laptop: Laptop) -> None:
    laptop.edit("Customer", "c-rita", notes="called")
    with pytest.raises(Lost):
        laptop.push(lose_answer=True)
    laptop.heal()
    version = hub.stored("Customer", "c-rita").version
    assert laptop.push()[0].version == version == hub.stored("Customer", "c-rita").version


def test_a_key_with_another_payload_is_a_fault_and_nothing_is_done(hub: World, laptop: Laptop) -> None:
    """A restored image counts from where it was: its new operation meets the key of an old one."""
    old = laptop.image()
    laptop.edit("Deal", "d-rita", title="One")
    laptop.push()
    old.create("Activity", "a1", customer="c-rita", kind="note", subject="x")
    old.create("Activity", "a2", customer="c-rita", kind="note", subject="y")
    with pytest.raises(SaddlebagError) as caught:
        old.push()
    assert caught.value.kind is OPERATION_MISMATCH
    assert not hub.sees("rita", "Activity", "a2")
    old.heal()
    assert [each.status for each in old.push()] == [OpStatus.APPLIED, OpStatus.APPLIED]


def test_one_request_may_not_use_a_key_for_two_payloads(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="One")
    laptop.outbox = [edit, edit]
    assert len(laptop.push()) == 2
    assert changes(hub, "Deal", "d-rita") == 2
    other = laptop.edit("Deal", "d-rita", title="Two")
    laptop.outbox = [other, replace(other, fields=())]
    with pytest.raises(SaddlebagError) as caught:
        laptop.push()
    assert caught.value.kind is OPERATION_MISMATCH


def test_disjoint_edits_never_conflict(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", nextStep="call")
    hub.write("adam", update("Deal", "d-rita", title="Office title"))
    laptop.sync()
    assert laptop.results[edit.sequence].status is OpStatus.APPLIED
    values = hub.stored("Deal", "d-rita").values
    assert (values["title"], values["nextStep"]) == ("Office title", "call")


def test_a_losing_value_can_be_read_back(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="Field title")
    hub.tick(minutes=5)
    hub.write("adam", update("Deal", "d-rita", title="Office title"))
    laptop.sync()
    result = laptop.results[edit.sequence]
    assert result.status is OpStatus.CONFLICT
    (conflict,) = result.conflicts
    assert (conflict.field, conflict.base, conflict.mine, conflict.theirs, conflict.won, conflict.rule) == (
        "title",
        "Pumps",
        "Field title",
        "Office title",
        "theirs",
        "latest-edit",
    )
    (kept,) = conflicts(hub)
    assert (kept.mine, kept.theirs, kept.device, kept.user) == ("Field title", "Office title", laptop.device, "rita")


def test_a_clock_that_runs_ahead_is_not_believed(hub: World, laptop: Laptop) -> None:
    laptop.clock_error = 10 * 365 * 86400
    laptop.edit("Customer", "c-rita", phone="1")
    laptop.sync()
    assert hub.stored("Customer", "c-rita").modified_at == hub.now


def test_both_additions_to_a_text_survive(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Customer", "c-rita", notes="from the field")
    hub.write("adam", update("Customer", "c-rita", notes="from the office"))
    laptop.sync()
    assert laptop.results[edit.sequence].merged == ("notes",)
    assert hub.stored("Customer", "c-rita").values["notes"] == "from the office\n[Rita] from the field"


def test_delete_wins_and_the_edit_survives_as_a_conflict(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Contact", "k-rita", title="Boss")
    hub.write("adam", delete("Contact", "k-rita"))
    laptop.sync()
    assert laptop.results[edit.sequence].status is OpStatus.GONE
    assert [(each.record, each.field, each.mine) for each in conflicts(hub)] == [("k-rita", "title", "Boss")]
    assert ("Contact", "k-rita") not in laptop.rows


def test_records_made_offline_keep_their_ids_and_may_refer_to_one_another(hub: World, laptop: Laptop) -> None:
    laptop.create("Contact", "k-new", customer="c-rita", lastName="New")
    laptop.create("Deal", "d-new", customer="c-rita", owner="rita", title="New", closeDate="2026-03-05")
    laptop.create("DealLine", "l-new", deal="d-new", product="p2", quantity="2")
    laptop.create("Activity", "a-new", customer="c-rita", deal="d-new", contact="k-new", kind="visit", subject="met")
    results = laptop.push()
    assert {each.status for each in results} == {OpStatus.APPLIED}
    laptop.sync()
    assert {("Deal", "d-new"), ("DealLine", "l-new"), ("Product", "p2"), ("Activity", "a-new")} <= laptop.rows.keys()


def test_an_own_push_that_moves_a_record_out_of_scope_is_answered_by_an_evict(hub: World, laptop: Laptop) -> None:
    laptop.edit("Deal", "d-rita", stage="won")
    laptop.sync()
    assert ("Deal", "d-rita") in laptop.left()
    assert not laptop.rows


def test_a_rejected_operation_blocks_only_its_record_until_it_is_mended(hub: World, laptop: Laptop) -> None:
    bad = laptop.edit("Contact", "k-rita", customer="no-such")
    later = laptop.edit("Contact", "k-rita", title="Boss")
    other = laptop.edit("Deal", "d-rita", title="Else")
    laptop.sync()
    assert laptop.results[bad.sequence].code == BROKEN_REFERENCE.code
    assert (laptop.results[later.sequence].code, laptop.results[later.sequence].retryable) == (EDIT_PARKED.code, True)
    assert laptop.results[other.sequence].status is OpStatus.APPLIED
    assert laptop.outbox == [later]
    mended = laptop.edit("Contact", "k-rita", settles=bad.sequence, phone="1")
    laptop.outbox = [mended, later]
    assert [each.status for each in laptop.push()] == [OpStatus.APPLIED, OpStatus.APPLIED]
    values = hub.stored("Contact", "k-rita").values
    assert (values["title"], values["phone"]) == ("Boss", "1")


def test_a_parked_operation_can_be_discarded(hub: World, laptop: Laptop) -> None:
    bad = laptop.edit("Contact", "k-rita", customer="no-such")
    laptop.push()
    laptop.edit("Contact", "k-rita", settles=bad.sequence)
    assert laptop.push()[0].status is OpStatus.APPLIED
    assert not hub.run(lambda tx: tx.rows.select(Parked), read_only=True)


def test_a_mend_that_fails_parks_the_record_under_its_own_number(hub: World, laptop: Laptop) -> None:
    bad = laptop.edit("Contact", "k-rita", customer="no-such")
    worse = laptop.edit("Contact", "k-rita", settles=bad.sequence, customer="none-either")
    laptop.push()
    (parked,) = hub.run(lambda tx: tx.rows.select(Parked), read_only=True)
    assert parked.sequence == worse.sequence


@pytest.mark.parametrize("field", [{"amount": "much"}, {"noSuch": "1"}, {"id": "x"}])
def test_a_text_that_cannot_be_read_rejects_its_operation_only(
    hub: World, laptop: Laptop, field: dict[str, str]
) -> None:
    bad = laptop.edit("Deal", "d-rita", **field)
    good = laptop.edit("Contact", "k-rita", title="Boss")
    laptop.push()
    assert laptop.results[bad.sequence].status is OpStatus.REJECTED
    assert laptop.results[bad.sequence].field == next(iter(field))
    assert laptop.results[good.sequence].status is OpStatus.APPLIED


def test_a_group_is_done_all_or_none(hub: World, laptop: Laptop) -> None:
    laptop.create("Deal", "d-new", group="g", customer="c-rita", owner="rita", title="New", closeDate="2026-03-05")
    laptop.create("DealLine", "l-new", group="g", deal="d-new", product="no-such", quantity="1")
    results = laptop.push()
    assert [each.code for each in results] == [ALL_OR_NONE.code, BROKEN_REFERENCE.code]
    assert not hub.sees("rita", "Deal", "d-new")
    first, second = (each.sequence for each in results)
    deal = laptop.create("Deal", "d-new", group="h", customer="c-rita", owner="rita", title="New")
    line = laptop.create("DealLine", "l-new", group="h", deal="d-new", product="p1", quantity="1")
    laptop.outbox = [replace(deal, settles=first), replace(line, settles=second)]
    assert {each.status for each in laptop.push()} == {OpStatus.APPLIED}


def test_a_parked_record_holds_its_whole_group_back_for_another_time(hub: World, laptop: Laptop) -> None:
    bad = laptop.edit("Contact", "k-rita", customer="no-such")
    laptop.push()
    laptop.edit("Deal", "d-rita", group="g", title="Else")
    laptop.edit("Contact", "k-rita", group="g", title="Boss")
    assert {(each.code, each.retryable) for each in laptop.push()} == {(EDIT_PARKED.code, True)}
    laptop.outbox = [laptop.edit("Contact", "k-rita", settles=bad.sequence), *laptop.outbox[:2]]
    assert {each.status for each in laptop.push()} == {OpStatus.APPLIED}


def test_what_a_rep_may_not_write_is_rejected_and_another_reps_record_is_unknown(hub: World, laptop: Laptop) -> None:
    credit = laptop.edit("Customer", "c-rita", creditLimit="1000000")
    laptop.outbox.append(
        Operation(
            90, OpKind.UPDATE, "Deal", "d-sam", "2026-03-02T09:00:00Z", 1, fields=(FieldEdit("title", (), ("Mine",)),)
        )
    )
    laptop.outbox.append(
        Operation(
            91, OpKind.UPDATE, "Deal", "no-such", "2026-03-02T09:00:00Z", 1, fields=(FieldEdit("title", (), ("Mine",)),)
        )
    )
    laptop.push()
    assert laptop.results[credit.sequence].field == "creditLimit"
    foreign, none = laptop.results[90], laptop.results[91]
    assert (foreign.status, foreign.code, foreign.message) == (none.status, none.code, none.message)
    assert foreign.status is OpStatus.REJECTED


def test_effect_and_result_commit_together(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="One")
    laptop.push()
    rows = hub.run(lambda tx: tx.rows.select(OperationResult, device=laptop.device), read_only=True)
    assert [(row.sequence, read_result(row.sequence, row.result)) for row in rows] == [
        (edit.sequence, laptop.results[edit.sequence])
    ]
    assert write_result(laptop.results[edit.sequence]) == rows[0].result


def test_too_many_operations_and_a_foreign_device_are_refused(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="One")
    laptop.outbox = [edit] * (PUSH_OPERATIONS + 1)
    with pytest.raises(SaddlebagError) as caught:
        laptop.push()
    assert caught.value.kind is TOO_MANY_RECORDS
    laptop.outbox, laptop.who = [edit], "sam"
    with pytest.raises(SaddlebagError) as caught:
        laptop.push()
    assert caught.value.kind is UNKNOWN_DEVICE


def test_a_hundred_edits_cost_few_statements(hub: World, laptop: Laptop) -> None:
    for number in range(100):
        laptop.create("Activity", f"a{number}", customer="c-rita", kind="note", subject="x")
    with hub.statements() as seen:
        laptop.push()
    assert len(seen) < 40


def operation(sequence: int, record: str, group: str | None = None) -> Operation:
    return Operation(sequence, OpKind.UPDATE, "Deal", record, "2026-03-02T09:00:00Z", group=group)


def test_operations_are_batched_up_to_a_record_that_comes_again_and_by_group() -> None:
    listed = [
        operation(1, "a"),
        operation(2, "b"),
        operation(3, "a"),
        operation(4, "c", "g"),
        operation(5, "b"),
        operation(6, "d", "g"),
    ]
    assert [[each.sequence for each in batch] for batch in batches(listed)] == [[1, 2], [3], [4, 6], [5]]


def results(hub: World, laptop: Laptop) -> list[int]:
    """The sequences whose results are kept."""
    rows = hub.run(lambda tx: tx.rows.select(OperationResult, device=laptop.device), read_only=True)
    return [each.sequence for each in rows]


def test_a_result_that_the_device_has_stored_is_let_go_of_with_the_next_push(hub: World, laptop: Laptop) -> None:
    first = laptop.edit("Deal", "d-rita", title="One")
    laptop.push()
    assert results(hub, laptop) == [first.sequence]
    second = laptop.edit("Deal", "d-rita", title="Two")
    laptop.push()
    assert results(hub, laptop) == [second.sequence]


def test_a_result_whose_answer_was_lost_is_kept(hub: World, laptop: Laptop) -> None:
    laptop.edit("Deal", "d-rita", title="One")
    with pytest.raises(Lost):
        laptop.push(lose_answer=True)
    laptop.edit("Customer", "c-rita", notes="two")
    with pytest.raises(Lost):
        laptop.push(lose_answer=True)
    assert results(hub, laptop) == [1, 2]
    assert [each.code for each in laptop.push()] == [None, None]


def test_a_device_that_claims_too_much_loses_no_result_that_it_asks_for(hub: World, laptop: Laptop) -> None:
    edit = laptop.edit("Deal", "d-rita", title="One")
    for _ in range(2):
        (result,) = hub.run(
            lambda tx: push(tx, laptop.principal, laptop.device, 1, [edit], hub.now, hub.new_id, acknowledged=2**62)
        )
        assert (result.status, result.code) == (OpStatus.APPLIED, None)


def test_a_restored_device_that_repeats_what_is_forgotten_is_told_so_and_nothing_is_done(
    hub: World, laptop: Laptop
) -> None:
    laptop.edit("Customer", "c-rita", notes="called")
    image = laptop.image()
    laptop.push()
    laptop.edit("Deal", "d-rita", title="Two")
    laptop.push()
    before = changes(hub, "Customer", "c-rita")
    for healed in (False, True):
        restored = image.image()
        if healed:
            restored.heal()
        (result,) = restored.push()
        assert (result.status, result.code, result.retryable) == (OpStatus.APPLIED, RESULT_FORGOTTEN.code, False)
    assert changes(hub, "Customer", "c-rita") == before


def test_a_number_that_a_restored_device_uses_anew_is_a_mismatch_and_then_done_once(hub: World, laptop: Laptop) -> None:
    image = laptop.image()
    laptop.edit("Customer", "c-rita", notes="called")
    laptop.push()
    laptop.edit("Deal", "d-rita", title="Two")
    laptop.push()
    image.edit("Customer", "c-rita", notes="written")
    with pytest.raises(SaddlebagError) as caught:
        image.push()
    assert caught.value.kind is OPERATION_MISMATCH
    image.heal()
    before = changes(hub, "Customer", "c-rita")
    for _ in range(2):
        kept = list(image.outbox)
        (result,) = image.push()
        assert result.status in (OpStatus.APPLIED, OpStatus.MERGED)
        image.outbox = kept
    assert changes(hub, "Customer", "c-rita") == before + 1


def test_the_result_that_a_parked_record_waits_for_is_kept(hub: World, laptop: Laptop) -> None:
    wrong = laptop.edit("Contact", "k-rita", customer="no-such")
    laptop.push()
    laptop.edit("Deal", "d-rita", title="Two")
    laptop.push()
    assert wrong.sequence in results(hub, laptop)
    laptop.discard(wrong.sequence)
    laptop.push()
    laptop.edit("Deal", "d-rita", title="Three")
    laptop.push()
    assert wrong.sequence not in results(hub, laptop)


def test_results_are_let_go_of_in_bounded_steps_whatever_has_gathered(
    hub: World, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "RESULTS_FORGOTTEN", 3)
    for number in range(1020, 1030):
        laptop.sequence = number
        laptop.edit("Deal", "d-rita", title=f"Pumps {number}")
    with pytest.raises(Lost):
        laptop.push(lose_answer=True)
    laptop.push()
    for left in (7, 5, 3):
        laptop.edit("Deal", "d-rita", title=f"left {left}")
        laptop.push()
        assert len(results(hub, laptop)) == left + 1
    parts = hub.run(lambda tx: tx.rows.select(Settled, device=laptop.device), read_only=True)
    assert [each.part for each in parts] == [0, 1]


@given(st.dictionaries(st.integers(0, 1023), st.tuples(st.integers(0, 4), st.binary(min_size=16, max_size=16))))
def test_what_is_left_of_results_is_packed_without_loss(entries: dict[int, tuple[int, bytes]]) -> None:
    assert settled._unpacked(settled._packed(entries)) == entries
    assert len(settled._packed(entries)) == 19 * len(entries)

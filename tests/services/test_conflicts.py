"""Values that lost, read back and decided over SOAP: everybody her own, a manager those of what she sees."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from records_world import delete, update
from saddlebag.kernel import errors
from saddlebag.records.base import Status, Verb, Write


def lose(desk: Any, field: str = "amount", mine: Any = Decimal(100), theirs: Any = Decimal(900)) -> str:
    """An edit of rita's that an earlier one of the hub's has overtaken; the conflict's id."""
    world = desk.world
    before = world.stored("Deal", "d-rita")
    edited_at = world.now - timedelta(hours=1)
    world.write("hub", update("Deal", "d-rita", **{field: theirs}))
    write = Write(
        Verb.UPDATE,
        "Deal",
        "d-rita",
        values={field: mine},
        base_version=before.version,
        old={field: before.values.get(field)},
        edited_at=edited_at,
    )
    assert world.write("rita", write)[0].status is Status.CONFLICT
    return str(desk.ask("rita", "conflict.ListConflicts")["conflict"][-1]["conflict"])


def amount(desk: Any) -> Any:
    return desk.world.stored("Deal", "d-rita").values["amount"]


def take(conflict: str, which: str, *value: str, **more: Any) -> dict[str, Any]:
    return {"conflict": conflict, "take": which, "value": list(value), **more}


def test_a_losing_value_can_be_read_back(desk: Any) -> None:
    conflict = lose(desk)
    (told,) = desk.ask("rita", "conflict.ListConflicts")["conflict"]
    assert (told["conflict"], told["entity"], told["id"], told["field"]) == (conflict, "Deal", "d-rita", "amount")
    assert (told["base"], told["mine"], told["theirs"], told["won"]) == ("1000.00", "100.00", "900.00", "theirs")
    assert told["user"] == "rita"


@pytest.mark.parametrize(
    ("which", "value", "stands"),
    [("mine", (), "100"), ("theirs", (), "900"), ("value", ("555.5",), "555.5")],
)
def test_a_decision_sets_the_value_and_closes_the_conflict(desk: Any, which: str, value: Any, stands: str) -> None:
    conflict = lose(desk)
    result = desk.ask("rita", "conflict.ResolveConflict", take(conflict, which, *value))["result"]
    assert result["success"]
    assert amount(desk) == Decimal(stands)
    assert desk.ask("rita", "conflict.ListConflicts")["conflict"] == []
    (kept,) = desk.ask("rita", "conflict.ListConflicts", {"resolved": True})["conflict"]
    assert kept["resolvedAt"] == desk.world.now - timedelta(seconds=2)


def test_a_field_can_be_cleared(desk: Any) -> None:
    conflict = lose(desk, "lossReason", "mine", "theirs")
    assert desk.ask("rita", "conflict.ResolveConflict", take(conflict, "value"))["result"]["success"]
    assert desk.world.stored("Deal", "d-rita").values["lossReason"] is None


def test_a_decision_repeated_is_none_and_another_one_comes_too_late(desk: Any) -> None:
    conflict = lose(desk)
    desk.ask("rita", "conflict.ResolveConflict", take(conflict, "mine"))
    again = desk.ask("rita", "conflict.ResolveConflict", take(conflict, "mine"))["result"]
    assert (again["success"], again["status"]) == (True, "unchanged")
    refusal = desk.refusal("rita", "conflict.ResolveConflict", take(conflict, "theirs"))
    assert refusal.kind is errors.STALE_VERSION
    assert amount(desk) == Decimal(100)


def test_a_decision_may_insist_on_the_version_it_was_made_on(desk: Any) -> None:
    conflict = lose(desk)
    version = desk.world.stored("Deal", "d-rita").version
    desk.world.write("hub", update("Deal", "d-rita", title="Moved on"))
    result = desk.ask("rita", "conflict.ResolveConflict", take(conflict, "mine", version=version))["result"]
    assert result["error"]["code"] == errors.STALE_VERSION.code
    assert len(desk.ask("rita", "conflict.ListConflicts")["conflict"]) == 1


def test_a_refused_write_leaves_the_conflict_open(desk: Any) -> None:
    conflict = lose(desk, "title", "mine", "theirs")
    result = desk.ask("rita", "conflict.ResolveConflict", take(conflict, "value"))["result"]
    assert result["error"]["code"] == errors.REQUIRED_FIELD.code
    assert len(desk.ask("rita", "conflict.ListConflicts")["conflict"]) == 1


def test_a_value_that_the_field_cannot_have_is_refused(desk: Any) -> None:
    conflict = lose(desk)
    for value in (["-1"], ["1", "2"]):
        refusal = desk.refusal("rita", "conflict.ResolveConflict", take(conflict, "value", *value))
        assert (refusal.kind, refusal.field) == (errors.INVALID_VALUE, "amount")
    assert desk.refusal("rita", "conflict.ResolveConflict", take(conflict, "mine", "1")).field == "value"


def test_a_manager_sees_and_decides_what_concerns_her_records_only(desk: Any) -> None:
    desk.world.write("hub", update("Customer", "c-rita", territory="north-1"))
    conflict = lose(desk)
    of = {"entity": "Deal", "id": "d-rita"}
    assert [each["conflict"] for each in desk.ask("mona", "conflict.ListConflicts", of)["conflict"]] == [conflict]
    assert desk.ask("mona", "conflict.ListConflicts")["conflict"] == []
    assert desk.ask("mona", "conflict.ResolveConflict", take(conflict, "value", "7"))["result"]["success"]
    assert amount(desk) == Decimal(7)
    other = {"entity": "Deal", "id": "d-sam"}
    assert desk.refusal("mona", "conflict.ListConflicts", other).kind is errors.NOT_FOUND


def test_who_may_not_see_a_conflict_is_told_what_everybody_is_told_of_none(desk: Any) -> None:
    conflict = lose(desk)
    for who, name in (("sam", conflict), ("mona", conflict), ("rita", "no-such-conflict")):
        assert desk.refusal(who, "conflict.ResolveConflict", take(name, "mine")).kind is errors.NOT_FOUND
    assert desk.refusal("sam", "conflict.ListConflicts", {"entity": "Deal", "id": "d-rita"}).kind is errors.NOT_FOUND
    assert desk.ask("sam", "conflict.ListConflicts")["conflict"] == []


def test_of_a_record_that_she_may_no_longer_see_her_own_value_is_left(desk: Any) -> None:
    conflict = lose(desk)
    desk.world.write("hub", update("Customer", "c-rita", owner="sam"), update("Deal", "d-rita", owner="sam"))
    (told,) = desk.ask("rita", "conflict.ListConflicts")["conflict"]
    assert (told["mine"], told["theirs"], told["base"]) == ("100.00", None, None)
    assert desk.refusal("rita", "conflict.ResolveConflict", take(conflict, "mine")).kind is errors.NOT_FOUND


def test_an_edit_of_a_deleted_record_survives_until_its_writer_lets_go(desk: Any) -> None:
    world = desk.world
    version = world.stored("Deal", "d-rita").version
    world.write("hub", delete("Deal", "d-rita"))
    edit = Write(
        Verb.UPDATE,
        "Deal",
        "d-rita",
        values={"nextStep": "Call"},
        base_version=version,
        edited_at=world.now,
    )
    assert world.apply("rita", edit)[0].status is Status.GONE
    (told,) = desk.ask("rita", "conflict.ListConflicts")["conflict"]
    assert (told["mine"], told["theirs"], told["rule"]) == ("Call", None, "delete-wins")
    mine = take(told["conflict"], "mine")
    assert desk.refusal("rita", "conflict.ResolveConflict", mine).kind is errors.NOT_FOUND
    assert desk.ask("rita", "conflict.ResolveConflict", take(told["conflict"], "theirs"))["result"]["success"]
    assert desk.ask("rita", "conflict.ListConflicts")["conflict"] == []


def test_conflicts_come_page_by_page(desk: Any) -> None:
    made = [lose(desk, theirs=Decimal(900 + number)) for number in range(5)]
    found, locator = [], None
    while True:
        page = desk.ask("rita", "conflict.ListConflicts", {"limit": 2, "locator": locator})
        found += [each["conflict"] for each in page["conflict"]]
        locator = page["locator"]
        assert page["more"] is (locator is not None)
        if locator is None:
            break
    assert sorted(found) == sorted(set(made))
    first = desk.ask("rita", "conflict.ListConflicts", {"limit": 2})["locator"]
    assert desk.refusal("sam", "conflict.ListConflicts", {"locator": first}).kind is errors.INVALID_LOCATOR


def test_a_call_repeated_with_its_key_gets_the_first_answer(desk: Any) -> None:
    conflict = lose(desk)
    first = desk.ask("rita", "conflict.ResolveConflict", take(conflict, "mine"), idempotency_key="k")
    desk.world.write("hub", update("Deal", "d-rita", amount=Decimal(5)))
    assert desk.ask("rita", "conflict.ResolveConflict", take(conflict, "mine"), idempotency_key="k") == first
    assert amount(desk) == Decimal(5)

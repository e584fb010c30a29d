"""Deciding conflicts, deleting, and groups that the hub takes whole or not at all: the laptop against the real hub."""

from __future__ import annotations

from typing import Any

import pytest

from real_office import office, rita, stored
from records_world import update
from saddlebag.kernel import errors
from saddlebag.store.tables import Conflict

__all__ = ["office", "rita"]


def lose(office: Any, rita: Any, **theirs: Any) -> int:
    """An edit of rita's that loses against a later one of the office; the conflict's number on her laptop."""
    rita.good("edit", "deal", "d-1", "amount=100", "nextStep=Mine")
    office.tick(minutes=5)
    office.write("hub", update("Deal", "d-1", amount=900, **theirs))
    assert rita.good("sync")["sent"][0]["status"] == "conflict"
    (conflict,) = rita.good("conflicts")
    return int(conflict["id"])


def amount(office: Any, rita: Any) -> tuple[str, str]:
    """What the hub holds, and what the laptop shows."""
    return str(office.stored("Deal", "d-1").values["amount"]), rita.good("show", "deal", "d-1")["fields"]["amount"]


@pytest.mark.parametrize(("said", "stands"), [("mine", "100.00"), ("theirs", "900.00"), ("amount=450", "450.00")])
def test_a_decision_stands_on_both_sides_after_the_next_sync(office, rita, said, stands):
    number = lose(office, rita)
    rita.good("resolve", str(number), said)
    assert rita.good("conflicts") == []
    rita.good("sync")
    assert amount(office, rita) == (stands, stands)
    assert rita.held() == stored(office, rita)


def test_without_a_connection_nothing_is_decided(office, rita):
    number = lose(office, rita)
    rita.hub.weather = lambda: "request lost"
    code, data, _ = rita.run("resolve", str(number), "mine")
    assert (code, data["error"]["code"]) == (3, errors.NO_CONNECTION.code)
    assert [each["id"] for each in rita.good("conflicts")] == [number]


def test_a_decision_whose_answer_was_lost_is_said_again(office, rita):
    number = lose(office, rita)
    coming = iter(["calm", "answer lost"])
    rita.hub.weather = lambda: next(coming, "calm")
    assert rita.run("resolve", str(number), "mine")[0] == 3
    rita.good("resolve", str(number), "mine")
    rita.good("sync")
    assert amount(office, rita) == ("100.00", "100.00")


def test_each_field_of_a_conflict_wants_a_decision(office, rita):
    number = lose(office, rita)
    code, data, text = rita.run("resolve", str(number), "title=x")
    assert (code, data["error"]["code"]) == (1, errors.INVALID_VALUE.code)
    assert "amount" in text
    assert rita.run("resolve", str(number), "mine", "theirs")[0] == 1


def test_what_the_hub_refuses_stays_open(office, rita):
    number = lose(office, rita)
    office.write("hub", update("Deal", "d-1", owner="sam"), update("Customer", "c-rita", owner="sam"))
    code, data, _ = rita.run("resolve", str(number), "mine")
    assert (code, data["error"]["code"]) == (1, errors.NOT_ALLOWED.code)
    assert [each["id"] for each in rita.good("conflicts")] == [number]


def offer(rita: Any, *more: str) -> Any:
    """A deal with two lines, made offline."""
    return rita.good(
        "new",
        "deal",
        "title=Offer",
        "customer=c-rita",
        "closeDate=2026-03-05",
        *more,
        "--with",
        "dealline",
        "product=p-1",
        "quantity=2",
        "--with",
        "dealline",
        "product=p-2",
        "quantity=1",
    )


def test_a_deal_and_its_lines_come_home_together(office, rita):
    made = offer(rita)
    assert [each["status"] for each in rita.good("sync")["sent"]] == ["applied"] * 3
    assert {str(office.stored("DealLine", each).values["deal"]) for each in made["parts"]} == {made["id"]}
    assert rita.held() == stored(office, rita)


def test_of_a_group_that_is_refused_nothing_is_written_and_all_of_it_is_mended_together(office, rita):
    made = offer(rita, "partner=nobody")
    sent = rita.good("sync")["sent"]
    assert [(each["status"], each["code"]) for each in sent] == [("rejected", errors.BROKEN_REFERENCE.code)] * 3
    with pytest.raises(KeyError):
        office.stored("Deal", made["id"])
    first = rita.good("conflicts")[0]["id"]
    rita.good("conflicts", "--retry", str(first), "partner=")
    assert [each["status"] for each in rita.good("sync")["sent"]] == ["applied"] * 3
    assert rita.good("conflicts") == []
    assert rita.held() == stored(office, rita)


def test_a_refused_group_is_put_away_whole(office, rita):
    offer(rita, "partner=nobody")
    rita.good("sync")
    rita.good("conflicts", "--discard", str(rita.good("conflicts")[1]["id"]))
    assert rita.good("conflicts") == []
    rita.good("sync")
    assert rita.good("status")["parked"] == 0
    assert rita.held() == stored(office, rita)


def test_a_record_belongs_only_to_what_it_can_belong_to(rita):
    code, data, _ = rita.run("new", "deal", "title=x", "customer=c-rita", "--with", "product", "name=y")
    assert (code, data["error"]["code"]) == (1, errors.INVALID_VALUE.code)
    assert rita.good("status")["unsent"] == 0


def test_a_deletion_hides_the_record_at_once_and_takes_it_from_the_hub_with_the_next_sync(office, rita):
    rita.good("edit", "contact", "k-1", "title=Never sent")
    rita.good("delete", "contact", "k-1")
    assert [each["id"] for each in rita.good("list", "contact")["records"]] == ["k-rita"]
    told = rita.good("sync")
    assert [(each["entity"], each["status"]) for each in told["sent"]] == [("Contact", "applied")]
    assert office.stored("Contact", "k-1").deleted
    assert ("Contact", "k-1") not in rita.held()
    assert rita.held() == stored(office, rita)


def test_a_record_whose_deletion_was_refused_is_there_again(office, rita):
    rita.good("delete", "customer", "c-rita")
    (result,) = rita.good("sync")["sent"]
    assert result["status"] == "rejected"
    assert rita.good("show", "customer", "c-rita")["id"] == "c-rita"
    (parked,) = rita.good("conflicts")
    rita.good("conflicts", "--discard", str(parked["id"]))
    rita.good("edit", "customer", "c-rita", "industry=Mining")
    assert {each["status"] for each in rita.good("sync")["sent"]} == {"applied"}


def test_a_deletion_takes_the_place_of_a_refused_edit(office, rita):
    rita.good("edit", "contact", "k-1", "lastName=Kaufmann")
    office.write("hub", update("Contact", "k-1", title="Dr."))
    rita.good("edit", "deal", "d-1", "partner=nobody")
    rita.good("sync")
    rita.good("delete", "deal", "d-1")
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] == ["applied"]
    assert office.stored("Deal", "d-1").deleted
    assert rita.good("conflicts") == []


def test_what_was_made_here_and_never_sent_is_forgotten(office, rita):
    visit = rita.good("log", "visit", "c-rita", "Nothing happened")["id"]
    assert rita.good("delete", "activity", visit)["sequence"] == 0
    assert rita.good("sync")["sent"] == []
    assert rita.good("list", "activity")["records"] == []


def test_a_whole_that_others_name_is_not_forgotten_before_them(rita):
    made = offer(rita)
    code, data, _ = rita.run("delete", "deal", made["id"])
    assert (code, data["error"]["code"]) == (1, errors.STILL_REFERENCED.code)
    for line in made["parts"]:
        rita.good("delete", "dealline", line)
    rita.good("delete", "deal", made["id"])
    assert rita.good("status")["unsent"] == 0


def test_a_deletion_that_meets_a_later_edit_keeps_what_went_with_it(office, rita):
    rita.good("delete", "contact", "k-1")
    office.write("hub", update("Contact", "k-1", title="Director"))
    assert [each["status"] for each in rita.good("sync")["sent"]] == ["applied"]
    kept = office.run(lambda tx: tx.rows.select(Conflict, record="k-1"), read_only=True)
    assert [(each.field, each.theirs, each.won) for each in kept] == [("title", "Director", "mine")]

"""Scopes kept by a tenant's own people, estimated before they are saved, and pins, over SOAP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from records_world import create, delete, update
from saddlebag.kernel import errors
from saddlebag.sync import administration

MINE = {
    "name": "mine",
    "entity": "Deal",
    "where": {"field": "owner", "op": "eq", "value": {"param": "me"}},
    "hops": [{"name": "lines", "entity": "DealLine", "by": "deal", "backward": True, "cap": 1}],
}
TEAM = {"name": "team", "entity": "Deal", "where": {"field": "owner", "op": "in", "value": {"param": "team"}}}


def rules(*listed: Any) -> str:
    return json.dumps({"rules": listed or [MINE]})


def save(desk: Any, who: str, name: str, version: int = 0, text: str = "") -> Any:
    return desk.ask(who, "scope.SaveScope", {"name": name, "version": version, "rules": text or rules()})["version"]


def claims(desk: Any, who: str = "rita") -> dict[tuple[str, str | None], int]:
    told = desk.ask(who, "metadata.DescribeScope")
    return {(each["rule"], each["name"]): each["count"] for each in told["claim"]}


def test_a_saved_scope_is_what_the_devices_get(desk: Any) -> None:
    assert save(desk, "adam", "role:rep") == 1
    assert claims(desk) == {("mine", ""): 1, ("mine", "lines"): 1}
    assert save(desk, "adam", "role:rep", 1, rules(TEAM)) == 2
    (kept,) = desk.ask("adam", "scope.GetScope", {"name": "role:rep"})["scope"]
    assert (kept["version"], json.loads(kept["rules"])["rules"][0]["name"]) == (2, "team")
    desk.ask("adam", "scope.DeleteScope", {"name": "role:rep", "version": 2})
    assert ("closing", "") in claims(desk)


def test_a_worker_is_told_what_is_carried_how_much_and_how_long(desk: Any) -> None:
    carried = {**MINE, "fields": ["title"], "cap": 7}
    save(desk, "adam", "role:rep", text=json.dumps({"cap": 50, "grace": 12, "rules": [carried]}))
    told = desk.ask("rita", "metadata.DescribeScope")
    assert (told["cap"], told["grace"]) == (50, 12)
    first = told["claim"][0]
    assert (first["cap"], first["carried"]) == (7, ["title"])


def test_the_default_can_be_read_before_anybody_has_set_one(desk: Any) -> None:
    (kept,) = desk.ask("adam", "scope.GetScope")["scope"]
    assert (kept["name"], kept["version"]) == ("default", 0)
    assert save(desk, "adam", "default", 0, kept["rules"]) == 1


@pytest.mark.parametrize("version", [0, 2, -1])
def test_a_scope_that_another_has_changed_is_not_overwritten(desk: Any, version: int) -> None:
    save(desk, "adam", "default")
    request = {"name": "default", "version": version, "rules": rules(TEAM)}
    assert desk.refusal("adam", "scope.SaveScope", request).kind is errors.STALE_VERSION
    if version:
        request = {"name": "default", "version": version}
        assert desk.refusal("adam", "scope.DeleteScope", request).kind is errors.STALE_VERSION
    assert desk.ask("adam", "scope.GetScope", {"name": "default"})["scope"][0]["version"] == 1


def test_rules_that_do_not_fit_are_refused_by_rule_and_field_and_nothing_is_kept(desk: Any) -> None:
    wrong = rules({**MINE, "where": {"field": "colour", "op": "eq", "value": "red"}})
    for name, request in (
        ("SaveScope", {"name": "default", "version": 0, "rules": wrong}),
        ("EstimateScope", {"user": "rita", "rules": wrong}),
    ):
        problem = desk.refusal("adam", f"scope.{name}", request)
        assert (problem.kind, problem.rule, problem.field) == (errors.INVALID_SCOPE_RULE, "mine", "colour")
    assert desk.refusal("adam", "scope.GetScope", {"name": "role:rep"}).kind is errors.NOT_FOUND
    assert desk.ask("adam", "scope.GetScope", {"name": "default"})["scope"][0]["version"] == 0


@pytest.mark.parametrize("name", ["", "rep", "role:system", "role:", "user:", "user:nobody", "default:x"])
def test_a_scope_of_nobody_is_refused(desk: Any, name: str) -> None:
    problem = desk.refusal("adam", "scope.SaveScope", {"name": name, "version": 0, "rules": rules()})
    assert (problem.kind, problem.field) == (errors.INVALID_VALUE, "name")


@pytest.mark.parametrize(
    ("who", "name"),
    [("rita", "user:rita"), ("inga", "default"), ("mona", "default"), ("mona", "role:rep"), ("mona", "user:sam")],
)
def test_who_may_not_set_a_scope_is_refused(desk: Any, who: str, name: str) -> None:
    request = {"name": name, "version": 0, "rules": rules()}
    assert desk.refusal(who, "scope.SaveScope", request).kind is errors.NOT_ALLOWED
    assert desk.refusal(who, "scope.DeleteScope", request).kind is errors.NOT_ALLOWED
    assert desk.refusal(who, "scope.GetScope", {"name": name}).kind is errors.NOT_ALLOWED


def test_a_manager_sets_and_sees_the_scopes_of_her_people_alone(desk: Any) -> None:
    save(desk, "adam", "user:sam")
    save(desk, "mona", "user:rita")
    assert [each["name"] for each in desk.ask("mona", "scope.GetScope")["scope"]] == ["user:rita"]
    assert desk.refusal("mona", "scope.EstimateScope", {"user": "sam"}).kind is errors.NOT_ALLOWED
    assert desk.refusal("rita", "scope.GetScope").kind is errors.NOT_ALLOWED


def test_a_scope_of_a_user_who_has_gone_can_still_be_removed(desk: Any) -> None:
    desk.world.write("adam", create("User", "ugo", name="Ugo", login="ugo", role="rep"))
    save(desk, "adam", "user:ugo")
    desk.world.write("adam", delete("User", "ugo"))
    desk.ask("adam", "scope.DeleteScope", {"name": "user:ugo", "version": 1})
    assert [each["name"] for each in desk.ask("adam", "scope.GetScope")["scope"]] == ["default"]


def test_rules_are_weighed_before_they_are_saved(desk: Any) -> None:
    """Two rules that claim one record weigh it twice step by step, and once in all."""
    desk.world.write("rita", create("DealLine", "l-2", deal="d-rita", product="p2", quantity=1))
    told = desk.ask("adam", "scope.EstimateScope", {"user": "rita", "rules": rules(MINE, TEAM)})
    counted = [(each["rule"], each["hop"], each["records"], each["capped"]) for each in told["step"]]
    assert counted == [("mine", None, 1, None), ("mine", "lines", 2, True), ("team", None, 1, None)]
    fragments = [
        len(desk.world.stored(entity, each).fragment)
        for entity, each in (("Deal", "d-rita"), ("DealLine", "l-rita"), ("DealLine", "l-2"))
    ]
    assert (told["records"], told["bytes"]) == (3, sum(fragments))
    assert claims(desk)["closing", ""] == 1


def test_a_disabled_user_has_no_estimate(desk: Any) -> None:
    desk.world.write("adam", update("User", "sam", active=False))
    assert desk.refusal("adam", "scope.EstimateScope", {"user": "sam"}).field == "user"


def test_the_team_is_that_of_the_users_territories(desk: Any) -> None:
    save(desk, "adam", "default", 0, rules(TEAM))
    desk.world.write("adam", update("Customer", "c-rita", territory="north-1"))
    assert claims(desk, "mona") == {("team", ""): 1}
    assert claims(desk, "sam") == {("team", ""): 1}
    desk.world.write("adam", update("User", "rita", territory=None))
    assert claims(desk, "mona") == {("team", ""): 0}


def test_a_pinned_record_comes_along_until_it_is_let_go(desk: Any) -> None:
    for _ in range(2):
        desk.ask("rita", "scope.PinRecord", {"entity": "Customer", "id": "c-north"})
    assert desk.ask("rita", "scope.ListPins")["pin"] == [{"entity": "Customer", "id": "c-north"}]
    assert desk.ask("rita", "sync.ExplainScope", {"entity": "Customer", "id": "c-north"})["inScope"]
    assert desk.ask("sam", "scope.ListPins")["pin"] == []
    for _ in range(2):
        desk.ask("rita", "scope.UnpinRecord", {"entity": "Customer", "id": "c-north"})
    assert not desk.ask("rita", "sync.ExplainScope", {"entity": "Customer", "id": "c-north"})["inScope"]


@pytest.mark.parametrize("record", ["c-sam", "nothing"])
def test_what_she_may_not_see_cannot_be_pinned_nor_told_from_nothing(desk: Any, record: str) -> None:
    problem = desk.refusal("rita", "scope.PinRecord", {"entity": "Customer", "id": record})
    assert problem.kind is errors.NOT_FOUND
    assert record not in problem.message


def test_pins_are_bounded(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "PINS", 1)
    desk.ask("rita", "scope.PinRecord", {"entity": "Customer", "id": "c-rita"})
    desk.ask("rita", "scope.PinRecord", {"entity": "Customer", "id": "c-rita"})
    problem = desk.refusal("rita", "scope.PinRecord", {"entity": "Customer", "id": "c-north"})
    assert (problem.kind, problem.count, problem.limit) == (errors.TOO_MANY_RECORDS, 2, 1)

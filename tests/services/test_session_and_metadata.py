"""Log-in as a service, descriptions, and the change log within visibility."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from records_world import START, create, delete, update
from saddlebag.kernel import errors, limits
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import access
from saddlebag.security.tokens import token_hash
from saddlebag.store.tables import Device


@pytest.fixture
def office(desk: Any) -> Any:
    """The organisation, with a password for rita."""
    world = desk.world
    world.run(lambda tx: access.set_password(tx, "rita", "rita", "right", world.now, lambda: "salt"))
    return desk


def test_log_in_and_out(office: Any) -> None:
    granted = office.ask(None, "session.Login", {"user": "rita", "password": "right"})
    assert (granted["userId"], granted["name"], granted["role"]) == ("rita", "Rita", "rep")
    principal, _ = office.world.run(lambda tx: access.authenticate(tx, granted["token"], None, office.world.now))
    told = office.ask(principal, "session.GetUserInfo")
    assert (told["territory"], told["tenant"], told["timeZone"]) == (["north-1"], office.world.tenant, "Europe/Berlin")
    office.ask(principal, "session.Logout", session_token=granted["token"])
    with pytest.raises(errors.SaddlebagError, match="SessionExpired"):
        office.world.run(lambda tx: access.authenticate(tx, granted["token"], None, office.world.now))


@pytest.mark.parametrize(
    "request_", [("Login", {"user": "rita", "password": "right"}), ("LoginDevice", {"device": "d", "deviceKey": "key"})]
)
def test_a_session_lasts_as_long_as_the_operator_says(office: Any, request_: tuple[str, dict[str, Any]]) -> None:
    device = Device("d", "rita", "Laptop", "linux", token_hash("key"), 1, 0, 0, True, START, START)
    office.world.run(lambda tx: tx.rows.put(device))
    office.session_seconds = 60
    granted = office.ask(None, f"session.{request_[0]}", request_[1])
    assert granted["expiresAt"] == office.world.now + timedelta(seconds=60)


def test_a_failure_is_counted_although_the_call_faults(office: Any) -> None:
    faults = [
        office.refusal(None, "session.Login", {"user": user, "password": "wrong"})
        for user in ("rita", "nobody")
        for _ in range(limits.LOGIN_FAILURES + 1)
    ]
    kinds = [each.kind for each in faults]
    expected = [errors.INVALID_CREDENTIALS] * limits.LOGIN_FAILURES + [errors.TOO_MANY_ATTEMPTS]
    assert kinds == expected * 2
    assert faults[0].message == faults[limits.LOGIN_FAILURES + 1].message
    assert 0 < (faults[limits.LOGIN_FAILURES].retry_after or 0) <= limits.LOGIN_WINDOW_SECONDS


def test_a_device_logs_in_with_its_key(office: Any) -> None:
    device = Device("dev", "rita", "Laptop", "linux", token_hash("key"), 1, 0, 0, True, START, START)
    office.world.run(lambda tx: tx.rows.put(device))
    granted = office.ask(None, "session.LoginDevice", {"device": "dev", "deviceKey": "key"})
    principal, _ = office.world.run(lambda tx: access.authenticate(tx, granted["token"], None, office.world.now))
    assert office.ask(principal, "session.GetUserInfo")["device"] == "dev"
    fault = office.refusal(None, "session.LoginDevice", {"device": "dev", "deviceKey": "no"})
    assert fault.kind is errors.INVALID_CREDENTIALS


def test_the_time_needs_no_session(desk: Any) -> None:
    answer = desk.ask(None, "session.GetServerTime")
    assert answer["time"] == desk.world.now


def test_entities_are_described_from_their_declaration(desk: Any) -> None:
    described = {each["name"]: each for each in desk.ask("adam", "metadata.DescribeEntities")["entity"]}
    assert list(described) == [each.name for each in BUILTIN.entities]
    for entity in BUILTIN.entities:
        fields = described[entity.name]["field"]
        assert [each["name"] for each in fields] == [each.name for each in entity.fields]
        assert [each["policy"] for each in fields] == [str(each.policy) for each in entity.fields]
    stage = next(each for each in described["Deal"]["field"] if each["name"] == "stage")
    assert stage["value"] == ["prospect", "qualify", "propose", "negotiate", "won", "lost"]
    assert stage["transition"][0]["state"] == "prospect"
    assert stage["default"] == "prospect"
    assert described["DealLine"]["partOf"] == "deal"


def test_private_fields_are_not_described_to_who_may_not_read_them(desk: Any) -> None:
    (user,) = desk.ask("rita", "metadata.DescribeEntities", {"entity": ["User"]})["entity"]
    assert [each["name"] for each in user["field"]] == ["name", "email", "phone"]
    assert user["key"] == []
    unknown = desk.refusal("rita", "metadata.DescribeEntities", {"entity": ["Unicorn"]})
    assert unknown.kind is errors.UNKNOWN_ENTITY


def test_the_scope_is_described_with_its_counts(desk: Any) -> None:
    scope = desk.ask("rita", "metadata.DescribeScope")
    assert {each["entity"] for each in scope["claim"]} >= {"Deal", "Customer", "Contact"}
    assert any(each["entity"] == "Deal" and each["count"] == 1 for each in scope["claim"])


def changes(desk: Any, who: str, **request: Any) -> list[tuple[str, str, str]]:
    answer = desk.ask(who, "metadata.GetChanges", {"after": 0, "limit": 200, **request})
    return [(each["entity"], each["id"], each["kind"]) for each in answer["change"]]


def test_the_log_tells_each_caller_of_what_she_sees(desk: Any) -> None:
    start = desk.ask("adam", "metadata.GetChanges", {"after": 0, "limit": 200})["last"]
    desk.world.write("sam", update("Deal", "d-sam", title="x"))
    desk.world.write("rita", update("Deal", "d-rita", title="x"), delete("DealLine", "l-rita"))
    assert changes(desk, "rita", after=start) == [("DealLine", "l-rita", "delete"), ("Deal", "d-rita", "update")]
    assert changes(desk, "sam", after=start) == [("Deal", "d-sam", "update")]
    assert len(changes(desk, "inga", after=start)) == 3
    assert changes(desk, "inga", after=start, entity=["DealLine"]) == [("DealLine", "l-rita", "delete")]


def test_the_log_is_read_in_pages_without_gap(desk: Any) -> None:
    whole, found, after = changes(desk, "rita"), [], 0
    while True:
        answer = desk.ask("rita", "metadata.GetChanges", {"after": after, "limit": 3})
        found += [(each["entity"], each["id"], each["kind"]) for each in answer["change"]]
        after = answer["last"]
        if not answer["more"]:
            break
    assert found == whole


def test_a_change_of_private_fields_is_no_news_to_others(desk: Any) -> None:
    start = desk.ask("adam", "metadata.GetChanges", {"after": 0, "limit": 200})["last"]
    desk.world.write("adam", update("User", "sam", territory="north"))
    assert changes(desk, "rita", after=start) == []
    assert changes(desk, "inga", after=start) == [("User", "sam", "update")]


def test_updated_and_deleted_records_of_a_period_come_in_pages(desk: Any) -> None:
    since = desk.world.tick()
    desk.world.write("rita", *(create("Contact", f"p{n}", customer="c-rita", lastName="x") for n in range(5)))
    desk.world.write("sam", create("Contact", "q1", customer="c-sam", lastName="x"))
    desk.world.write("rita", delete("Contact", "p3"))
    desk.world.tick(minutes=2)
    period = {"entity": "Contact", "since": since, "until": desk.world.now + timedelta(days=1), "limit": 2}
    found, locator = [], None
    while True:
        answer = desk.ask("rita", "metadata.GetUpdated", {**period, "locator": locator})
        found += [each["id"] for each in answer["record"]]
        assert answer["coveredUntil"] < desk.world.now
        locator = answer["locator"]
        if not answer["more"]:
            break
        desk.world.tick(minutes=1)
    assert found == ["p0", "p1", "p2", "p4"]
    gone = desk.ask("rita", "metadata.GetDeleted", period)
    assert [each["id"] for each in gone["record"]] == ["p3"]
    assert desk.ask("sam", "metadata.GetDeleted", period)["record"] == []
    first = desk.ask("rita", "metadata.GetUpdated", period)["locator"]
    assert desk.refusal("rita", "metadata.GetDeleted", {**period, "locator": first}).kind is errors.INVALID_LOCATOR
    backwards = {**period, "until": since - timedelta(days=1)}
    assert desk.refusal("rita", "metadata.GetUpdated", backwards).kind is errors.INVALID_VALUE

"""What integrators expect of every entity and every write: keys, echoes, old ids, locators, nulls, the tenant."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

import pytest

from records_world import create, delete, merge, undelete, update
from saddlebag.contract.language import LANGUAGES
from saddlebag.contract.spec import DuplicateAction, Operation, RecordInput
from saddlebag.kernel import errors, limits
from saddlebag.model.builtin import BUILTIN

OPERATIONS: dict[str, Operation] = {
    f"{service.name}.{operation.name}": operation
    for entry in entry_points(group="saddlebag.services")
    for service in [entry.load()(BUILTIN)]
    for operation in service.operations
}
READS = ("Get", "Search", "List", "Describe", "Explain", "Estimate")
OWN_RULES = {
    # Sessions and keys are secrets that no kept answer may hold; sync has sequences of its own for exactly once.
    "session.Login",
    "session.LoginDevice",
    "session.Logout",
    "session.KeepAlive",
    "device.LeaseKey",
    # Its content is proved by the hash that its attachment announces, and streamed past everything that keeps answers.
    "attachment.PutContent",
}


def test_every_write_takes_the_headers_of_writes() -> None:
    silent = {
        name
        for name, each in OPERATIONS.items()
        if not each.writes and not each.name.startswith(READS) and not name.startswith("sync.")
    }
    assert silent <= OWN_RULES


def test_every_entity_that_is_written_has_every_write() -> None:
    for entity in BUILTIN.entities:
        names = {each.name for each in OPERATIONS.values()}
        wanted = ["Create", "Update", "Upsert", "Delete", "Undelete", *(["Merge"] if entity.merges else [])]
        missing = [verb for verb in wanted if f"{verb}{entity.plural}" not in names]
        assert missing == ([] if entity.name != "User" else wanted), entity.name


@pytest.fixture
def merged(desk: Any) -> Any:
    """Contact k-two is merged into k-rita."""
    desk.world.write("rita", create("Contact", "k-two", customer="c-rita", lastName="Abel", phone="1"))
    request = {"merge": [{"id": "k-rita", "loser": [{"id": "k-two"}]}, {"id": "k-rita", "loser": [{"id": "none"}]}]}
    answer = desk.ask("rita", "customer.MergeContacts", request, idempotency_key="m1")
    assert [(each["id"], each["status"]) for each in answer["result"]] == [("k-rita", "merged"), ("k-rita", "rejected")]
    assert desk.ask("rita", "customer.MergeContacts", request, idempotency_key="m1") == answer
    return desk


def test_an_old_id_leads_to_the_record_that_it_was_merged_into(merged: Any) -> None:
    answer = merged.ask("rita", "customer.GetContacts", {"id": ["k-two", "k-rita"]})
    assert (answer["missing"], answer["merged"]) == (["k-two"], [{"id": "k-two", "into": "k-rita"}])
    assert merged.ask("sam", "customer.GetContacts", {"id": ["k-two"]})["merged"] == []
    change = {"contact": [RecordInput("Contact", "k-two", None, {"phone": "2"})]}
    (result,) = merged.ask("rita", "customer.UpdateContacts", change)["result"]
    assert (result["status"], result["error"]["name"], result["mergedInto"]) == ("gone", "MergedAway", "k-rita")


def test_the_log_and_the_deletions_of_a_period_tell_of_a_merge(merged: Any) -> None:
    log = merged.ask("rita", "metadata.GetChanges", {"after": 0, "limit": 200, "entity": ["Contact"]})["change"]
    assert [each["mergedInto"] for each in log if each["kind"] == "delete"] == ["k-rita"]
    assert {each["mergedInto"] for each in log if each["kind"] != "delete"} == {None}
    since = merged.world.now - timedelta(hours=1)
    merged.world.tick(minutes=5)
    period = {"entity": "Contact", "since": since, "until": merged.world.now}
    (gone,) = merged.ask("rita", "metadata.GetDeleted", period)["record"]
    assert (gone["id"], gone["mergedInto"]) == ("k-two", "k-rita")


def test_losers_of_one_call_are_bounded_as_records_are(desk: Any) -> None:
    losers = [{"id": f"l{number}"} for number in range(limits.RECORDS_PER_CALL // 2 + 1)]
    request = {"merge": [{"id": "k-rita", "loser": losers}, {"id": "k-sam", "loser": losers}]}
    assert desk.refusal("inga", "customer.MergeContacts", request).kind is errors.TOO_MANY_RECORDS


def test_if_version_asks_for_the_versions_of_master_and_losers(desk: Any) -> None:
    desk.world.write("rita", create("Contact", "k-two", customer="c-rita", lastName="Abel"))
    versions = {each: desk.world.stored("Contact", each).version for each in ("k-rita", "k-two")}
    master, loser = ({"id": each, "version": versions[each]} for each in ("k-rita", "k-two"))
    for request in ({**master, "loser": [{"id": "k-two"}]}, {"id": "k-rita", "loser": [loser]}):
        (result,) = desk.ask("rita", "customer.MergeContacts", {"merge": [request]}, if_version=True)["result"]
        assert result["error"]["name"] == "StaleVersion"
    request = {"merge": [{**master, "loser": [loser]}]}
    assert desk.ask("rita", "customer.MergeContacts", request, if_version=True)["result"][0]["success"]


def test_a_program_that_names_itself_is_told_apart_in_the_log(desk: Any) -> None:
    start = desk.ask("inga", "metadata.GetChanges", {"after": 0, "limit": 200})["last"]
    for client, city in (("erp", "Bonn"), ("", "Ulm"), ("shop", "Trier")):
        record = RecordInput("Customer", "c-rita", None, {"city": city})
        desk.ask("inga", "customer.UpdateCustomers", {"customer": [record]}, client=client)
    log = {"after": start, "limit": 200}
    every = desk.ask("inga", "metadata.GetChanges", log)
    assert [each["origin"] for each in every["change"]] == ["client:erp", None, "client:shop"]
    others = desk.ask("inga", "metadata.GetChanges", {**log, "withoutOrigin": ["client:erp"]})
    assert [each["origin"] for each in others["change"]] == [None, "client:shop"]
    assert others["last"] == every["last"]


def test_an_empty_page_of_others_changes_goes_on(desk: Any) -> None:
    start = desk.ask("inga", "metadata.GetChanges", {"after": 0, "limit": 200})["last"]
    for number in range(3):
        record = RecordInput("Customer", "c-rita", None, {"city": f"Ulm {number}"})
        desk.ask("inga", "customer.UpdateCustomers", {"customer": [record]}, client="erp")
    page = desk.ask("inga", "metadata.GetChanges", {"after": start, "limit": 2, "withoutOrigin": ["client:erp"]})
    assert (page["change"], page["more"]) == ([], True)
    assert page["last"] > start


def test_a_search_goes_on_where_it_ended_whatever_changes_meanwhile(desk: Any) -> None:
    def titles(*numbers: int) -> None:
        desk.world.write(
            "rita",
            *[create("Deal", f"s{n:02d}", customer="c-rita", title=f"T{n:02d}", lossReason="x") for n in numbers],
        )

    titles(2, 4, 6, 8)
    search = {
        "filter": [{"field": "lossReason", "op": "eq", "value": ["x"]}],
        "order": [{"field": "title"}],
        "limit": 2,
    }
    first = desk.ask("rita", "deal.SearchDeals", search)
    titles(1, 5, 9)
    desk.world.write("rita", delete("Deal", "s04"), delete("Deal", "s06"))
    second = desk.ask("rita", "deal.SearchDeals", {**search, "locator": first["locator"]})
    desk.world.write("rita", undelete("Deal", "s06"), update("Deal", "s09", title="T99"))
    third = desk.ask("rita", "deal.SearchDeals", {**search, "locator": second["locator"]})
    pages = [[each.id for each in page["deal"]] for page in (first, second, third)]
    # Each once; what came behind the place is left out, what came before it is found.
    assert pages == [["s02", "s04"], ["s05", "s08"], ["s09"]]


def test_a_period_names_each_record_once_whatever_changes_meanwhile(desk: Any) -> None:
    since = desk.world.tick()
    desk.world.write("rita", *(create("Contact", f"p{n}", customer="c-rita", lastName="x") for n in range(6)))
    desk.world.tick(minutes=2)
    until = desk.world.now
    period = {"entity": "Contact", "since": since, "until": until, "limit": 2}
    first = desk.ask("rita", "metadata.GetUpdated", period)
    covered = first["coveredUntil"]
    desk.world.write(
        "rita", update("Contact", "p0", phone="1"), update("Contact", "p4", phone="1"), delete("Contact", "p5")
    )
    desk.world.tick(minutes=2)
    second = desk.ask("rita", "metadata.GetUpdated", {**period, "locator": first["locator"]})
    assert [[each["id"] for each in page["record"]] for page in (first, second)] == [["p0", "p1"], ["p2", "p3"]]
    assert (second["coveredUntil"], second["more"]) == (covered, False)
    rest = {**period, "since": covered, "until": desk.world.now, "limit": 9}
    assert [each["id"] for each in desk.ask("rita", "metadata.GetUpdated", rest)["record"]] == ["p0", "p4"]
    assert [each["id"] for each in desk.ask("rita", "metadata.GetDeleted", rest)["record"]] == ["p5"]


def test_what_came_back_is_updated_and_no_longer_deleted(desk: Any) -> None:
    since = desk.world.tick()
    desk.world.write("rita", delete("Contact", "k-rita"))
    desk.world.tick(minutes=2)
    desk.world.write("rita", undelete("Contact", "k-rita"))
    desk.world.tick(minutes=2)
    period = {"entity": "Contact", "since": since, "until": desk.world.now}
    assert desk.ask("rita", "metadata.GetDeleted", period)["record"] == []
    assert [each["id"] for each in desk.ask("rita", "metadata.GetUpdated", period)["record"]] == ["k-rita"]


def test_a_duplicate_is_refused_or_allowed_as_the_call_says(desk: Any) -> None:
    rule = {"name": "mail", "entity": "Customer", "term": [{"field": "email", "match": "email"}]}
    saved = desk.ask("adam", "metadata.SaveDuplicateRule", {**rule, "version": 0}, idempotency_key="r1")
    assert saved == {"version": 1, "ready": True}
    assert desk.ask("adam", "metadata.SaveDuplicateRule", {**rule, "version": 0}, idempotency_key="r1") == saved
    assert desk.ask("rita", "metadata.ListDuplicateRules")["rule"] == [{**rule, **saved}]
    desk.world.write("inga", update("Customer", "c-rita", email="a@b.example"))
    new = {"customer": [RecordInput("Customer", None, None, {"name": "x", "email": "A@b.example"})]}
    (refused,) = desk.ask("rita", "customer.CreateCustomers", new)["result"]
    assert (refused["error"]["name"], refused["match"]) == ("DuplicateRecord", [{"rule": "mail", "id": "c-rita"}])
    (allowed,) = desk.ask("rita", "customer.CreateCustomers", new, duplicates=DuplicateAction.ALLOW)["result"]
    assert allowed["success"]
    assert (
        desk.refusal("rita", "metadata.DeleteDuplicateRule", {"name": "mail", "version": 1}).kind is errors.NOT_ALLOWED
    )
    assert desk.ask("adam", "metadata.DeleteDuplicateRule", {"name": "mail", "version": 1}) == {}


def test_other_writes_are_done_once_by_their_key_too(desk: Any) -> None:
    version = desk.ask("adam", "scope.GetScope", {"name": "default"})["scope"][0]
    save = {"name": "role:rep", "version": 0, "rules": version["rules"]}
    first = desk.ask("adam", "scope.SaveScope", save, idempotency_key="s1")
    assert desk.ask("adam", "scope.SaveScope", save, idempotency_key="s1") == first
    assert desk.refusal("adam", "scope.SaveScope", save).kind is errors.STALE_VERSION
    made = desk.ask("rita", "sync.RegisterDevice", {"name": "n", "platform": "p", "clientVersion": "1"})
    disable = {"device": made["device"]}
    told = desk.ask("rita", "device.DisableDevice", disable, idempotency_key="d1")
    assert desk.ask("rita", "device.DisableDevice", disable, idempotency_key="d1") == told
    gone = {"name": "role:rep", "version": first["version"]}
    for _ in range(2):
        assert desk.ask("adam", "scope.DeleteScope", gone, idempotency_key="s2") == {}


def test_a_null_clears_a_member_of_a_message_and_what_is_absent_stays(desk: Any) -> None:
    desk.world.write("rita", update("Deal", "d-rita", lossReason="Old"))
    desk.ask("rita", "deal.MoveDealStage", {"id": "d-rita", "stage": "propose"})
    assert desk.world.stored("Deal", "d-rita").values["lossReason"] == "Old"
    desk.ask("rita", "deal.MoveDealStage", {"id": "d-rita", "stage": "negotiate", "lossReason": None})
    assert desk.world.stored("Deal", "d-rita").values["lossReason"] is None
    move = {"id": "d-rita", "stage": "won"}
    assert desk.ask("rita", "deal.MoveDealStage", move, if_version=True)["result"]["error"]["name"] == "StaleVersion"


def test_the_tenant_is_described_with_its_bounds_and_the_language_of_the_call(desk: Any) -> None:
    told = desk.ask("rita", "metadata.DescribeTenant", language="tlh")
    assert (told["name"], told["title"], told["timeZone"], told["language"]) == (
        desk.world.tenant,
        "Acme",
        "Europe/Berlin",
        "en",
    )
    assert told["languages"] == list(LANGUAGES)
    bounds = {each["name"]: each["value"] for each in told["limit"]}
    assert (bounds["RECORDS_PER_CALL"], bounds["MERGE_REFERENCES"]) == (200, limits.MERGE_REFERENCES)
    last = desk.ask("adam", "metadata.GetChanges", {"after": told["sequence"]})
    assert last["change"] == []


def test_what_can_be_merged_is_described(desk: Any) -> None:
    described = desk.ask("rita", "metadata.DescribeEntities")["entity"]
    assert {each["name"] for each in described if each["merges"]} == {
        each.name for each in BUILTIN.entities if each.merges
    }


def test_a_merged_loser_can_be_brought_back(merged: Any) -> None:
    (result,) = merged.ask("rita", "customer.UndeleteContacts", {"record": [{"id": "k-two"}]})["result"]
    assert result["status"] == "undeleted"
    assert merged.ask("rita", "customer.GetContacts", {"id": ["k-two"]})["missing"] == []
    merged.world.write("rita", merge("Contact", "k-two", "k-rita"))
    assert merged.ask("rita", "customer.GetContacts", {"id": ["k-rita"]})["merged"] == [
        {"id": "k-rita", "into": "k-two"}
    ]

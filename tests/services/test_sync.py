"""The sync service: messages to values and back. What they mean is tested with the engine."""

from __future__ import annotations

from typing import Any

import pytest

from saddlebag.contract.spec import RecordInput
from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.errors import INVALID_CURSOR, SCHEMA_INVALID
from saddlebag.kernel.manifest import Held, in_shards, pack, pack_sums, shard_sums

EMPTY_PULL_BYTES = 400


@pytest.fixture
def device(desk: Any) -> dict[str, Any]:
    """What RegisterDevice answered."""
    answer: dict[str, Any] = desk.ask(
        "rita", "sync.RegisterDevice", {"name": "laptop", "platform": "Linux", "clientVersion": "1.0"}
    )
    return answer


def held(put: dict[str, Any]) -> list[Held]:
    """What a device that applied the page would state to hold."""
    found = []
    for element, records in put.items():
        entity = element[0].upper() + element[1:]
        for each in records:
            version = int(each.fragment.split("<version>")[1].split("<")[0])
            found.append(Held(entity, each.id, version, record_hash(entity, each.id, version, each.fragment)))
    return found


def edit(**members: Any) -> dict[str, Any]:
    """A pushed operation on the deal."""
    base = {"sequence": 1, "kind": "update", "entity": "Deal", "id": "d-rita", "baseVersion": 10**6}
    return {**base, "field": [{"name": "title", "old": ["Pumps"], "new": ["New"]}], **members}


def test_registering_gives_device_key_cursor_and_zone(device: dict[str, Any]) -> None:
    assert (device["incarnation"], device["userId"], device["timeZone"]) == (1, "rita", "Europe/Berlin")
    assert device["deviceKey"].startswith("secret-")


def test_the_key_logs_the_device_in(desk: Any, device: dict[str, Any]) -> None:
    answer = desk.ask(None, "session.LoginDevice", {"device": device["device"], "deviceKey": device["deviceKey"]})
    assert answer["userId"] == "rita"


def test_a_first_pull_brings_records_and_their_digest(desk: Any, device: dict[str, Any]) -> None:
    page = desk.ask("rita", "sync.Pull", {"cursor": device["cursor"]})
    digest = Digest.of(each.hash for each in held(page["put"]))
    assert (page["more"], page["count"], page["sum"]) == (False, digest.count, digest.hex)
    assert sum(each["count"] for each in page["digest"]) == digest.count
    assert list(page["put"]).index("customer") < list(page["put"]).index("deal")


def test_a_pull_with_nothing_new_is_small(desk: Any, device: dict[str, Any]) -> None:
    page = desk.ask("rita", "sync.Pull", {"cursor": device["cursor"]})
    again = desk.ask("rita", "sync.Pull", {"cursor": page["cursor"]})
    assert again["cursor"] == page["cursor"]
    assert len(desk.answers[-1]) <= EMPTY_PULL_BYTES


def test_what_leaves_is_named_with_its_reason(desk: Any, device: dict[str, Any]) -> None:
    page = desk.ask("rita", "sync.Pull", {"cursor": device["cursor"]})
    desk.ask("adam", "deal.MoveDealStage", {"id": "d-rita", "stage": "won"})
    after = desk.ask("rita", "sync.Pull", {"cursor": page["cursor"]})
    assert {"entity": "Deal", "id": "d-rita", "reason": "left-scope"} in after["evict"]
    assert "put" not in after


def test_a_push_is_answered_in_order_and_again(desk: Any, device: dict[str, Any]) -> None:
    operations = [
        edit(editedAt=desk.world.now),
        edit(editedAt=desk.world.now, sequence=2, field=[{"name": "customer", "new": ["no-such"]}]),
        edit(
            editedAt=desk.world.now,
            sequence=3,
            kind="create",
            entity="Activity",
            id="a1",
            baseVersion=None,
            field=[
                {"name": "customer", "new": ["c-rita"]},
                {"name": "kind", "new": ["visit"]},
                {"name": "subject", "new": ["met"]},
            ],
        ),
    ]
    request = {"device": device["device"], "incarnation": 1, "operation": operations}
    first = desk.ask("rita", "sync.Push", request)["result"]
    assert [(each["sequence"], each["status"]) for each in first] == [(1, "applied"), (2, "rejected"), (3, "applied")]
    assert (first[1]["code"], first[1]["field"], first[1]["retryable"]) == ("SB3007", "customer", False)
    assert desk.ask("rita", "sync.Push", request)["result"] == first


def test_a_conflict_shows_both_values(desk: Any, device: dict[str, Any]) -> None:
    version = desk.world.stored("Deal", "d-rita").version
    edited = desk.world.now
    desk.world.tick(minutes=1)
    desk.ask("adam", "deal.UpdateDeals", {"deal": [_record("Deal", "d-rita", title="Office")]})
    operation = edit(editedAt=edited, baseVersion=version)
    request = {"device": device["device"], "incarnation": 1, "operation": [operation]}
    (result,) = desk.ask("rita", "sync.Push", request)["result"]
    assert result["status"] == "conflict"
    assert result["conflict"] == [
        {"field": "title", "base": "Pumps", "mine": "New", "theirs": "Office", "won": "theirs", "rule": "latest-edit"}
    ]


def _record(entity: str, record_id: str, **values: Any) -> Any:
    return RecordInput(entity, record_id, None, values)


def test_reconcile_asks_for_the_differing_parts_and_heals(desk: Any, device: dict[str, Any]) -> None:
    page = desk.ask("rita", "sync.Pull", {"cursor": device["cursor"]})
    rows = held(page["put"])[1:]
    request = {"device": device["device"], "incarnation": 1, "shards": pack_sums(shard_sums(rows))}
    asked = desk.ask("rita", "sync.Reconcile", request)
    assert asked["incarnation"] == 1
    keys = pack(in_shards(rows, asked["shard"]))
    healed = desk.ask("rita", "sync.Reconcile", {**request, "keys": keys})
    assert (healed["incarnation"], healed["shard"]) == (2, [])
    missing = desk.ask("rita", "sync.Pull", {"cursor": healed["cursor"]})
    assert held(missing["put"]) == held(page["put"])[:1]
    distrusted = desk.ask("rita", "sync.Pull", {"cursor": page["cursor"]})
    assert distrusted == {"cursor": page["cursor"], "more": False, "reconcile": True}


def test_bytes_that_are_no_sums_are_refused(desk: Any, device: dict[str, Any]) -> None:
    request = {"device": device["device"], "incarnation": 1, "shards": b"short"}
    assert desk.refusal("rita", "sync.Reconcile", request).kind is SCHEMA_INVALID


def test_a_cursor_of_another_user_is_refused(desk: Any, device: dict[str, Any]) -> None:
    assert desk.refusal("sam", "sync.Pull", {"cursor": device["cursor"]}).kind is INVALID_CURSOR


def test_a_record_is_explained_by_rule_and_steps(desk: Any) -> None:
    told = desk.ask("rita", "sync.ExplainScope", {"entity": "Customer", "id": "c-rita"})
    assert told["inScope"]
    assert told["path"][0]["rule"] == "closing"
    assert told["path"][0]["steps"][0].startswith("Deal d-rita")
    assert not desk.ask("rita", "sync.ExplainScope", {"entity": "Customer", "id": "c-sam"})["inScope"]

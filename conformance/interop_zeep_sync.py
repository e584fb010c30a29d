"""zeep on the sync and conflict services: a foreign program that takes its user's part of the records along.

Belongs here: the exchanges of a device. May not know: how a scope is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from conformance.report import expect, same
from conformance.zeep_client import Zeep, compare

_SUMS = bytes(256 * 8)
"""The shard sums of a device that holds nothing."""


class Device:
    """A registered device of the main user, with a session of its own and one deal in its scope."""

    def __init__(self, z: Zeep) -> None:
        self.z = z
        me = z.call("session", "GetUserInfo").userId
        soon = datetime.now(UTC).date() + timedelta(days=2)
        self.deal, self.values = z.new("Deal", owner=me, closeDate=soon)
        made = z.call("sync", "RegisterDevice", name="zeep", platform="conformance", clientVersion="1")
        self.id, self.incarnation, self.cursor = made.device, made.incarnation, made.cursor
        granted = z.call("session", "LoginDevice", headers={}, device=made.device, deviceKey=made.deviceKey)
        self.headers = {"Session": {"token": granted.token}}
        self.held: dict[tuple[str, str], Any] = {}

    def call(self, name: str, **members: Any) -> Any:
        """Call the sync service in the device's session."""
        return self.z.call("sync", name, headers=self.headers, **members)

    def pull(self) -> Any:
        """Pull until no page is left; the last page. What is held is kept as the pages say."""
        while True:
            page = self.call("Pull", cursor=self.cursor, maxBytes=8192)
            expect(not page.reconcile, "the hub asks a device without fault to reconcile")
            for each in page.evict:
                self.held = {key: value for key, value in self.held.items() if key[1] != each.id}
            for name in page.put or ():
                self.held.update({(name, each.id): each for each in page.put[name] or ()})
            self.cursor = page.cursor
            if not page.more:
                return page

    def push(self, *operations: Mapping[str, Any]) -> list[Any]:
        """Push operations; a result each."""
        results: list[Any] = self.call(
            "Push", device=self.id, incarnation=self.incarnation, operation=[dict(each) for each in operations]
        )
        return results


def register(z: Zeep) -> None:
    """A device, a key that is shown once, a cursor; registered again it is the same device."""
    made = z.call("sync", "RegisterDevice", name="zeep", platform="conformance", clientVersion="1")
    expect(made.deviceKey and made.cursor and made.incarnation >= 1, "no key, cursor or incarnation")
    again = z.call("sync", "RegisterDevice", name="z", platform="c", clientVersion="1", device=made.device)
    same(again.device, made.device, "device")


def pull(z: Zeep) -> None:
    """The deal with its customer, whole; nothing; what changed of it, as a patch; its eviction when it leaves."""
    device = Device(z)
    last = device.pull()
    compare(device.held["deal", device.deal], device.values)
    expect(("customer", device.values["customer"]) in device.held, "the deal's customer did not come")
    same(last.count, len(device.held), "count of all pages")
    empty = device.call("Pull", cursor=device.cursor)
    same((empty.more, empty.evict, bool(empty.put)), (False, [], False), "a pull with nothing new")
    _patched(device)
    z.call("deal", "MoveDealStage", id=device.deal, stage="won")
    page = device.pull()
    gone = {(each.entity, each.id): each.reason for each in page.evict}
    same(gone.get(("Deal", device.deal)), "left-scope", "reason for the deal to leave")
    same(page.count, len(device.held), "count after the eviction")
    fault = z.fault("sync", "Pull", headers=device.headers, cursor=device.cursor[:-4] + "AAAA")
    same(fault["code"], "SB6001", "code of the fault for an altered cursor")


def _patched(device: Device) -> None:
    """A device that merges gets the changed elements and their places; what is lost comes again, then whole or not."""
    device.z.call("deal", "UpsertDeals", deal=[{"id": device.deal, "title": "Pumps «Ö»", "clear": ["notes"]}])
    page = device.call("Pull", cursor=device.cursor, patches=True)
    (patch,) = page.patch
    same((patch.deal.id, patch.deal.title, patch.deal.clear), (device.deal, "Pumps «Ö»", ["notes"]), "the patch")
    expect(patch.at and patch.at.isdigit(), f"the place of one changed element: {patch.at}")
    same(page.put and page.put.deal, None, "the same record whole, beside its patch")
    device.pull()
    same(device.held["deal", device.deal].title, "Pumps «Ö»", "the record whole, for a device that does not merge")


def push(z: Zeep) -> None:
    """An edit takes effect once, however often it is sent; another payload under its key is refused."""
    device = Device(z)
    device.pull()
    base = device.held["deal", device.deal].version
    field = {"name": "nextStep", "old": ["call"], "new": ["visit «Ö»"]}
    operation = {
        "sequence": 1, "kind": "update", "entity": "Deal", "id": device.deal, "baseVersion": base,
        "editedAt": datetime.now(UTC), "field": [field],
    }  # fmt: skip
    (first,) = device.push(operation)
    same(first.status, "applied", f"status ({first.code} {first.message})")
    (second,) = device.push(operation)
    same((second.status, second.version), (first.status, first.version), "the result of the same operation again")
    device.call("Push", device=device.id, incarnation=device.incarnation, acknowledged=1)
    (third,) = device.push(operation)
    same((third.status, third.code), (first.status, "SB6008"), "what is left of a result that the device has stored")
    now = z.read("Deal", device.deal)
    same((now.nextStep, now.version), ("visit «Ö»", first.version), "the deal afterwards")
    other = {**operation, "field": [{**field, "new": ["something else"]}]}
    members = {"device": device.id, "incarnation": device.incarnation, "operation": [other]}
    same(z.fault("sync", "Push", headers=device.headers, **members)["code"], "SB6004", "code of the fault")
    unknown = {**operation, "sequence": 2, "id": "no-such-id", "baseVersion": None}
    (gone,) = device.push(unknown)
    expect(gone.status in ("gone", "rejected"), f"status of an edit of nothing: {gone.status}")


def reconcile(z: Zeep) -> None:
    """A device that holds nothing although the hub thinks otherwise is found out, and gets everything again."""
    device = Device(z)
    device.pull()
    device.pull()  # proves the last page
    asked = device.call("Reconcile", device=device.id, incarnation=device.incarnation, shards=_SUMS)
    expect(asked.shard, "the hub does not notice that the device holds nothing")
    healed = device.call("Reconcile", device=device.id, incarnation=device.incarnation, shards=_SUMS, keys=b"\x01")
    same(healed.shard, [], "shards wanted after the keys were sent")
    held, device.held, device.cursor = set(device.held), {}, healed.cursor
    device.incarnation = healed.incarnation
    device.pull()
    same(set(device.held), held, "records after healing")


def explain(z: Zeep) -> None:
    """Why a record is on the device, and why another is not."""
    device = Device(z)
    told = z.call("sync", "ExplainScope", entity="Customer", id=device.values["customer"])
    expect(told.inScope and told.path and told.path[0].rule, f"not explained: {told}")
    outside, _ = z.new("Customer")
    other = z.call("sync", "ExplainScope", entity="Customer", id=outside)
    same((other.inScope, other.path), (False, []), "a customer outside the scope")


def _conflict(z: Zeep) -> tuple[Device, Any]:
    """A device's edit that lost against the office's newer one: the device, and the conflict as it is listed."""
    device = Device(z)
    device.pull()
    base = device.held["deal", device.deal].version
    edited = datetime.now(UTC)
    z.call("deal", "UpdateDeals", deal=[{"id": device.deal, "amount": Decimal("500.00")}])
    field = {"name": "amount", "old": [str(device.values["amount"])], "new": ["700.00"]}
    operation = {
        "sequence": 1, "kind": "update", "entity": "Deal", "id": device.deal, "baseVersion": base,
        "editedAt": edited - timedelta(minutes=5), "field": [field],
    }  # fmt: skip
    (result,) = device.push(operation)
    same((result.status, [each.field for each in result.conflict]), ("conflict", ["amount"]), "result of the push")
    listed = z.call("conflict", "ListConflicts", entity="Deal", id=device.deal)
    same(len(listed.conflict), 1, "conflicts of the deal")
    return device, listed.conflict[0]


def list_conflicts(z: Zeep) -> None:
    """Both values, which one stands, by which rule, on which device; a page of one goes on with the next."""
    device, found = _conflict(z)
    same((found.mine, found.theirs, found.won), ("700.00", "500.00", "theirs"), "mine, theirs and who won")
    same((found.device, found.resolvedAt, bool(found.rule)), (device.id, None, True), "device, decision and rule")
    _conflict(z)
    seen, locator = [], None
    for _ in range(1000):
        page = z.call("conflict", "ListConflicts", limit=1, locator=locator)
        seen += [each.conflict for each in page.conflict]
        locator = page.locator
        if not page.more:
            break
    expect(found.conflict in seen and len(seen) == len(set(seen)), "the pages leave one out or repeat one")


def resolve_conflict(z: Zeep) -> None:
    """The value that lost is made to stand; the conflict is open no more and says when."""
    device, found = _conflict(z)
    result = z.call("conflict", "ResolveConflict", conflict=found.conflict, take="mine")
    same((result.success, result.id), (True, device.deal), "result")
    same(z.read("Deal", device.deal).amount, Decimal("700.00"), "the amount afterwards")
    same(z.call("conflict", "ListConflicts", entity="Deal", id=device.deal).conflict, [], "open conflicts")
    decided = z.call("conflict", "ListConflicts", entity="Deal", id=device.deal, resolved=True)
    expect(decided.conflict[0].resolvedAt, "no time of the decision")
    fault = z.fault("conflict", "ResolveConflict", conflict="no-such-conflict", take="mine")
    same(fault["code"], "SB3001", "code for a conflict that is not there")


JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {
    ("sync", "RegisterDevice"): register,
    ("sync", "Pull"): pull,
    ("sync", "Push"): push,
    ("sync", "Reconcile"): reconcile,
    ("sync", "ExplainScope"): explain,
    ("conflict", "ListConflicts"): list_conflicts,
    ("conflict", "ResolveConflict"): resolve_conflict,
}

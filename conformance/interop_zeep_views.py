"""zeep on the operations that are not of one entity alone: session, whole views, billing, stock, metadata.

Belongs here: one function for each such operation. May not know: XML.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from conformance.report import expect, same
from conformance.zeep_client import Zeep, compare

JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {}


def judges(service: str, operation: str) -> Callable[[Callable[[Zeep], None]], Callable[[Zeep], None]]:
    """Declare the function that judges an operation."""

    def declare(judge: Callable[[Zeep], None]) -> Callable[[Zeep], None]:
        JUDGES[service, operation] = judge
        return judge

    return declare


@judges("session", "Login")
def login(z: Zeep) -> None:
    """A token that works, an end in the future, who the user is."""
    granted = z.call("session", "Login", headers={}, user=z.target.user, password=z.target.password)
    expect(granted.expiresAt > datetime.now(UTC), "the session has ended already")
    headers = {"Session": {"token": granted.token}}
    same(z.call("session", "GetUserInfo", headers=headers).userId, granted.userId, "userId")
    same(granted.role, "admin", "role, an enumeration")


@judges("session", "Logout")
def logout(z: Zeep) -> None:
    """The session is over; the main one is not."""
    granted = z.call("session", "Login", headers={}, user=z.target.user, password=z.target.password)
    headers = {"Session": {"token": granted.token}}
    z.call("session", "Logout", headers=headers)
    fault = z.fault("session", "GetUserInfo", headers=headers)
    same(fault["code"], "SB2003", "code of the fault afterwards")
    expect(fault["cause"] and fault["cure"] and fault["retry"], "no cause, cure or retry")
    z.call("session", "GetUserInfo")


@judges("session", "KeepAlive")
def keep_alive(z: Zeep) -> None:
    """One-way: nothing comes back, and the session goes on."""
    same(z.call("session", "KeepAlive"), None, "the answer of a one-way call")
    z.call("session", "GetUserInfo")


@judges("session", "GetServerTime")
def server_time(z: Zeep) -> None:
    """A time with a zone, near ours; no session is needed."""
    answer = z.call("session", "GetServerTime", headers={})
    expect(abs(answer.time - datetime.now(UTC)) < timedelta(minutes=5), f"the hub's clock says {answer.time}")


@judges("session", "GetUserInfo")
def user_info(z: Zeep) -> None:
    """Who calls, and an empty list of territories."""
    answer = z.call("session", "GetUserInfo")
    same((answer.tenant, answer.role, answer.territory), (z.target.tenant, "admin", []), "tenant, role, territories")


@judges("session", "LoginDevice")
def login_device(z: Zeep) -> None:
    """A registered device opens a session with its key; with a wrong one it does not."""
    made = z.call("sync", "RegisterDevice", name="zeep", platform="conformance", clientVersion="1")
    granted = z.call("session", "LoginDevice", headers={}, device=made.device, deviceKey=made.deviceKey)
    headers = {"Session": {"token": granted.token}}
    same(z.call("session", "GetUserInfo", headers=headers).device, made.device, "device of the session")
    fault = z.fault("session", "LoginDevice", headers={}, device=made.device, deviceKey="wrong")
    same(fault["code"], "SB2001", "code of the fault for a wrong key")


@judges("customer", "GetCustomer360")
def whole_view(z: Zeep) -> None:
    """A customer with everything that hangs on it, and what it owes."""
    customer, values = z.new("Customer")
    contact, _ = z.new("Contact", customer=customer)
    deal, _ = z.new("Deal", customer=customer)
    z.new("Deal", customer=customer, stage="won")
    activity, _ = z.new("Activity", customer=customer)
    invoice, _ = z.new("Invoice", customer=customer)
    view = z.call("customer", "GetCustomer360", id=customer)
    compare(view.customer, values)
    found = {name: [each.id for each in view[name]] for name in ("contact", "deal", "activity", "invoice")}
    wanted = {"contact": [contact], "deal": [deal], "activity": [activity], "invoice": [invoice]}
    same(found, wanted, "what hangs on the customer")
    (owed,) = view.balance
    same((owed.currency, owed.balance, owed.overdue), ("EUR", Decimal("120.12"), Decimal("120.12")), "balance")
    same(z.fault("customer", "GetCustomer360", id="no-such-id")["code"], "SB3001", "code for an unknown customer")


@judges("deal", "MoveDealStage")
def move(z: Zeep) -> None:
    """A deal moves as its stages allow; a decided deal does not move on."""
    deal, _ = z.new("Deal", stage="negotiate")
    result = z.call("deal", "MoveDealStage", id=deal, stage="lost", lossReason="Price")
    same((result.success, result.status), (True, "updated"), "result")
    now = z.read("Deal", deal)
    same((now.stage, now.lossReason), ("lost", "Price"), "stage and reason")
    refused = z.call("deal", "MoveDealStage", id=deal, stage="prospect")
    same((refused.success, refused.error.code), (False, "SB4004"), "a move that is not allowed")


@judges("billing", "GetBillingHistory")
def history(z: Zeep) -> None:
    """Bills with their lines and payments, the newest first, bounded by days and by page."""
    customer, _ = z.new("Customer")
    today = datetime.now(UTC).date()
    old, _ = z.new("Invoice", customer=customer, issuedOn=today - timedelta(days=90))
    new, values = z.new("Invoice", customer=customer, issuedOn=today)
    line, _ = z.new("InvoiceLine", invoice=new)
    payment, _ = z.new("Payment", customer=customer, invoice=new)
    first = z.call("billing", "GetBillingHistory", customer=customer, limit=1)
    same([each.invoice.id for each in first.bill], [new], "first page")
    compare(first.bill[0].invoice, values)
    parts = ([each.id for each in first.bill[0].invoiceLine], [each.id for each in first.bill[0].payment])
    same(parts, ([line], [payment]), "lines and payments")
    second = z.call("billing", "GetBillingHistory", customer=customer, limit=1, locator=first.locator)
    same(([each.invoice.id for each in second.bill], second.more), ([old], False), "second page")
    bounds = {"since": today - timedelta(days=91), "until": today - timedelta(days=1)}
    bounded = z.call("billing", "GetBillingHistory", customer=customer, **bounds)
    same([each.invoice.id for each in bounded.bill], [old], "bills within two days of issue")


@judges("billing", "GetAging")
def aging(z: Zeep) -> None:
    """Open amounts by age and currency, as of a day; nobody owing is an empty list."""
    customer, _ = z.new("Customer")
    same(z.call("billing", "GetAging", customer=customer), [], "a customer without bills")
    as_of = date(2026, 6, 30)
    for due in (date(2026, 7, 1), date(2026, 6, 29), date(2026, 5, 1), date(2026, 1, 1)):
        z.new("Invoice", customer=customer, dueOn=due)
    (ages,) = z.call("billing", "GetAging", customer=customer, asOf=as_of)
    one, none = Decimal("120.12"), Decimal(0)
    found = (ages.current, ages.days1To30, ages.days31To60, ages.days61To90, ages.over90, ages.total)
    same(found, (one, one, one, none, one, 4 * one), "ages")


@judges("inventory", "GetStock")
def stock(z: Zeep) -> None:
    """Stock by product and warehouse, named by id or stock keeping unit."""
    product, values = z.new("Product")
    levels = {z.new("StockLevel", product=product, warehouse=z.new("Warehouse")[0])[0] for _ in range(2)}
    answer = z.call("inventory", "GetStock", sku=[values["sku"], "no-such-sku"])
    same(answer.missing, ["no-such-sku"], "units that are missing")
    (found,) = answer.stock
    same({each.id for each in found.stockLevel}, levels, "stock by warehouse")
    same((found.onHand, found.available), (Decimal("21.000"), Decimal("18.500")), "sums")
    place = found.stockLevel[0].warehouse
    (there,) = z.call("inventory", "GetStock", product=[product], warehouse=place).stock
    same([each.warehouse for each in there.stockLevel], [place], "the stock of one warehouse")


@judges("metadata", "DescribeEntities")
def entities(z: Zeep) -> None:
    """Every entity with its fields, their types, bounds and policies."""
    answer = z.call("metadata", "DescribeEntities")
    found = {each.name: each for each in (answer if isinstance(answer, list) else answer.entity)}
    expect({"Customer", "Deal", "Invoice"} <= found.keys(), f"entities {sorted(found)}")
    fields = {each.name: each for each in found["Deal"].field}
    same((fields["amount"].digits, fields["amount"].scale), (16, 2), "digits and scale of Deal.amount")
    expect("negotiate" in fields["stage"].value, f"values of Deal.stage: {fields['stage'].value}")


@judges("metadata", "DescribeScope")
def scope(z: Zeep) -> None:
    """The rules of the caller's devices, step by step, with what they hold now."""
    told = z.call("metadata", "DescribeScope")
    steps = {(each.rule, each.name): each for each in told.claim}
    expect(steps and all(each.count >= 0 for each in steps.values()), "no steps, or steps without a count")
    expect({"Deal", "Customer"} <= {each.entity for each in steps.values()}, "neither deals nor customers")


@judges("metadata", "GetChanges")
def changes(z: Zeep) -> None:
    """The log after a number, page by page: what happened to which record, which fields, by whom and by what."""
    record, _ = z.new("Customer")
    start = z.read("Customer", record).version
    headers = z.headers(CallOptions={"client": "conformance"})
    z.call("customer", "UpdateCustomers", headers=headers, customer=[{"id": record, "city": "Żary", "phone": "1"}])
    z.call("customer", "DeleteCustomers", record=[{"id": record}])
    first = z.call("metadata", "GetChanges", after=start, entity=["Customer"], limit=1)
    second = z.call("metadata", "GetChanges", after=first.last, entity=["Customer"], limit=10)
    found = [(each.kind, each.id, sorted(each.field)) for each in (*first.change, *second.change) if each.id == record]
    same(found[0], ("update", record, ["city", "phone"]), "the first entry")
    same(found[1][:2], ("delete", record), "the second entry")
    same([each.origin for each in first.change], ["client:conformance"], "origin of the program's own change")
    own = {"entity": ["Customer"], "limit": 1, "withoutOrigin": ["client:conformance"]}
    same(z.call("metadata", "GetChanges", after=start, **own).change, [], "changes without the program's own")
    same(first.more, True, "more, on the first page")
    last = second.last
    same(z.call("metadata", "GetChanges", after=last, entity=["Customer"]).change, [], "changes after the last")


@judges("metadata", "GetUpdated")
def updated(z: Zeep) -> None:
    """Records written in a period, each once; none of a period before."""
    _in_period(z, "GetUpdated", prepare(z).updated)


@judges("metadata", "GetDeleted")
def deleted(z: Zeep) -> None:
    """Records deleted in a period."""
    _in_period(z, "GetDeleted", prepare(z).deleted)


@dataclass(frozen=True, slots=True)
class Early:
    """One record written and one deleted at the beginning of the run, and the hub's time soon after."""

    updated: str
    deleted: str
    time: datetime


_COVERED_SECONDS = 120
"""How long a period may wait for its last writer: a guard against waiting for ever."""
_EARLY: dict[tuple[str, str], Early] = {}


def prepare(z: Zeep) -> Early:
    """Made once, early: the hub answers for a moment only when no writer can still add to it."""
    key = (z.target.url, z.target.tenant)
    if key not in _EARLY:
        updated, deleted = z.new("Customer")[0], z.new("Customer")[0]
        z.call("customer", "DeleteCustomers", record=[{"id": deleted}])
        now = z.call("session", "GetServerTime", headers={}).time
        # A whole second: one client's clock tells microseconds, another's does not.
        _EARLY[key] = Early(updated, deleted, now.replace(microsecond=0) + timedelta(seconds=1))
    return _EARLY[key]


def _in_period(z: Zeep, operation: str, record: str) -> None:
    until = prepare(z).time
    since, found = until - timedelta(minutes=1), []
    end = time.monotonic() + _COVERED_SECONDS
    while since < until:
        expect(time.monotonic() < end, f"after {_COVERED_SECONDS} seconds the period is covered until {since} only")
        answer = _page(z, operation, since, until, None)
        found += [each.id for each in answer.record]
        while answer.more:
            answer = _page(z, operation, since, until, answer.locator)
            found += [each.id for each in answer.record]
        expect(answer.coveredUntil >= since, "coveredUntil goes backwards")
        since = answer.coveredUntil
        time.sleep(0 if since >= until else 0.5)
    same(found.count(record), 1, "times that the record was named")
    early = _page(z, operation, until - timedelta(days=2), until - timedelta(days=1), None)
    same(early.record, [], "records of a day without any")


def _page(z: Zeep, operation: str, since: datetime, until: datetime, locator: str | None) -> Any:
    period = {"since": since, "until": until, "limit": 200, "locator": locator}
    return z.call("metadata", operation, entity="Customer", **period)


@judges("metadata", "GetFieldVersions")
def field_versions(z: Zeep) -> None:
    """Each field's version is that of the write that changed it last."""
    record, _ = z.new("Customer")
    (result,) = z.call("customer", "UpdateCustomers", customer=[{"id": record, "city": "Żary"}])
    versions = {
        each.field: each.version for each in z.call("metadata", "GetFieldVersions", entity="Customer", id=record)
    }
    same(versions["city"], result.version, "version of the field that was changed")
    expect(versions["name"] < result.version, "a field that was not changed has the version of the change")


@judges("metadata", "DescribeTenant")
def tenant(z: Zeep) -> None:
    """Who the tenant is, where its services are, which bounds calls meet; a language that is not there falls back."""
    told = z.call("metadata", "DescribeTenant", headers=z.headers(Locale={"language": "tlh-x-test"}))
    same((told.name, told.language), (z.target.tenant, told.languages[0]), "name, and the language that stands in")
    there = {each.name: each.address for each in told.service}
    expect(all(each.endswith(f"/{z.target.tenant}/{name}/v1") for name, each in there.items()), f"addresses {there}")
    expect({"customer", "deal", "metadata"} <= there.keys(), f"services {sorted(there)}")
    same({each.name: each.value for each in told.limit}["RECORDS_PER_CALL"], 200, "records in a call")
    after = z.call("metadata", "GetChanges", after=told.sequence, limit=1)
    expect(after.last >= told.sequence, "the log ends before the number that the tenant's description gives")


@judges("metadata", "ListDuplicateRules")
def duplicate_rules(z: Zeep) -> None:
    """A rule that was set, with its fields and how they are compared."""
    with _rule(z) as name:
        rule = next(each for each in z.call("metadata", "ListDuplicateRules") if each.name == name)
        same((rule.entity, rule.ready), ("Partner", True), "entity, and whether it counts")
        wanted = [("email", "email"), ("name", "folded")]
        same([(each.field, each.match) for each in rule.term], wanted, "what it compares")


@judges("metadata", "SaveDuplicateRule")
def set_duplicate_rule(z: Zeep) -> None:
    """A record that is there already is refused with its matches, or allowed; the rule's own faults are typed."""
    mark = secrets.token_hex(6)
    again = {"number": f"D{mark}", "name": f" JÄGER  {mark}", "email": f"{mark.upper()}@B.example"}
    with _rule(z) as name:
        there, _ = z.new("Partner", name=f"Jäger {mark}", email=f"{mark}@b.example")
        (refused,) = z.call("deal", "CreatePartners", partner=[again])
        same((refused.status, refused.error.code), ("rejected", "SB3015"), "a record that is there already")
        same([(each.rule, each.id) for each in refused.match], [(name, there)], "its matches")
        for action, success in (("refuse", False), ("allow", True)):
            headers = z.headers(DuplicateRule={"action": action})
            (result,) = z.call("deal", "UpsertPartners", headers=headers, keyField="number", partner=[again])
            same(result.success, success, f"success of an upsert that says {action}")
        wrong = {"entity": "Partner", "term": [{"field": "nosuchfield", "match": "exact"}], "version": 0}
        fault = z.fault("metadata", "SaveDuplicateRule", name=f"{name}-2", **wrong)
        same((fault["code"], fault["field"]), ("SB3016", "nosuchfield"), "the fault of an unknown field")


@judges("metadata", "DeleteDuplicateRule")
def remove_duplicate_rule(z: Zeep) -> None:
    """The rule is gone, once for a call that is sent again with its key; one that is not there is told."""
    with _rule(z) as name:
        headers = z.headers(IdempotencyKey={"key": f"delete {name}"})
        for _ in range(2):
            z.call("metadata", "DeleteDuplicateRule", headers=headers, name=name, version=1)
        expect(all(each.name != name for each in z.call("metadata", "ListDuplicateRules")), "the rule is still there")
        fault = z.fault("metadata", "DeleteDuplicateRule", name=name, version=1)
        same(fault["code"], "SB3001", "code of the fault")


@contextmanager
def _rule(z: Zeep) -> Iterator[str]:
    """The name of a new rule on partners, which counts until the end; left behind it would fail other checks."""
    name, terms = f"r-{secrets.token_hex(6)}", [("email", "email"), ("name", "folded")]
    rule = {"entity": "Partner", "term": [{"field": field, "match": match} for field, match in terms]}
    saved = z.call("metadata", "SaveDuplicateRule", name=name, version=0, **rule)
    while not saved.ready:
        saved = z.call("metadata", "SaveDuplicateRule", name=name, version=saved.version, **rule)
    try:
        yield name
    finally:
        for each in z.call("metadata", "ListDuplicateRules"):
            if each.name == name:
                z.call("metadata", "DeleteDuplicateRule", name=name, version=each.version)

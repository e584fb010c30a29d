"""`interop/zeep/`: zeep in strict mode calls every operation of every service and compares the decoded values.

Belongs here: what each operation promises to a caller. May not know: XML. An operation that a service publishes and
that no check here calls fails by name. Ids end in `-soap12` where the call goes by the SOAP 1.2 binding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from conformance import (
    interop_zeep_devices,
    interop_zeep_files,
    interop_zeep_scope,
    interop_zeep_sync,
    interop_zeep_views,
)
from conformance.bp import NAMES, services
from conformance.report import Check, Skip, Suite, expect, same
from conformance.samples import SAMPLES, TEXT
from conformance.wire import Target
from conformance.zeep_client import NIL, Zeep, absent, compare, load, shared

SUITE = Suite("interop/zeep")
Judge = Callable[[Zeep, str, str], None]
"""Takes the client, the service and the entity."""

_PLURALS = {sample.plural: entity for entity, sample in SAMPLES.items()}
_SPECIAL = {
    **interop_zeep_views.JUDGES,
    **interop_zeep_sync.JUDGES,
    **interop_zeep_devices.JUDGES,
    **interop_zeep_scope.JUDGES,
    **interop_zeep_files.JUDGES,
}
_CRUD = re.compile(r"(Get|Search|Create|Update|Upsert|Delete|Undelete|Merge)(\w+)")
_REFERRERS = {
    "Territory": ("Customer", "territory"),
    "Partner": ("Deal", "partner"),
    "Product": ("StockLevel", "product"),
    "Warehouse": ("StockLevel", "warehouse"),
    "Customer": ("Contact", "customer"),
    "Contact": ("Activity", "contact"),
    "Deal": ("DealLine", "deal"),
}
"""An entity and field that refers to each entity whose records can be merged."""
_PUBLISHED = Path(__file__).resolve().parents[1] / "wsdl" / "v1"


@SUITE.generated
def operations(target: Target) -> Iterator[Check]:
    """One check for each operation that a WSDL lists, by each binding."""
    interop_zeep_views.prepare(shared(target, "11"))
    for version in ("11", "12"):
        for service in services(target):
            for operation in shared(target, version).operations(service):
                suffix = "" if version == "11" else "-soap12"
                run = partial(_run, judge_of(service, operation), version)
                yield Check(f"interop/zeep/{service}/{operation}{suffix}", run)


@SUITE.generated
def on_disk(_target: Target) -> Iterator[Check]:
    """Every published file loads in strict mode and lists what the hub serves."""
    for name in NAMES:
        yield Check(f"interop/zeep/published/{name}", lambda at, name=name: _published(at, name))


@SUITE.check("published/complete")
def complete(_target: Target) -> None:
    """Every file that is published is of a service that is judged here."""
    unknown = {file.stem for file in _PUBLISHED.glob("*.wsdl")} - set(NAMES)
    expect(not unknown, f"no check knows the services {sorted(unknown)}")


def _published(target: Target, name: str) -> None:
    file = _PUBLISHED / f"{name}.wsdl"
    if not _PUBLISHED.is_dir() or not any(_PUBLISHED.glob("*.wsdl")):
        raise Skip("no published contract beside this folder")
    expect(file.exists(), f"{file.name} is not published")
    client = load(target, str(file))
    (service,) = client.wsdl.services.values()
    for port in service.ports.values():
        same(sorted(port.binding._operations), shared(target, "11").operations(name), f"operations of {port.name}")


def _run(judge: Callable[[Zeep], None], version: str, target: Target) -> None:
    judge(shared(target, version))


def judge_of(service: str, operation: str) -> Callable[[Zeep], None]:
    """What an operation promises, as a function of the client that calls it; zeep or any other."""
    special = _SPECIAL.get((service, operation))
    crud = _CRUD.fullmatch(operation)
    if special is not None:
        return special
    if crud and crud[2] in _PLURALS:
        return partial(_crud, service=service, verb=crud[1], entity=_PLURALS[crud[2]])
    return lambda _z: expect(False, "no check calls this operation")


def _crud(z: Zeep, service: str, verb: str, entity: str) -> None:
    judges = _JUDGES if z.writer(entity) else _KEPT_ELSEWHERE
    judges[verb](z, service, entity)


def _get(z: Zeep, service: str, entity: str) -> None:
    """Full records, in the order asked for, each once; what is missing; fields without value are none."""
    sample = SAMPLES[entity]
    (first, values), (second, _) = z.new(entity), z.new(entity)
    answer = z.call(service, f"Get{sample.plural}", id=[second, "no-such-id", first, second])
    found = answer[sample.element]
    same([each.id for each in found], [second, first], "ids in the order asked for")
    same(answer.missing, ["no-such-id"], "ids that are missing")
    compare(found[1], values)
    expect(found[1].version > 0, "no version")
    expect(found[1].createdAt.tzinfo and found[1].modifiedAt >= found[1].createdAt, "no times")
    none = z.call(service, f"Get{sample.plural}", id=["no-such-id"])
    same(none[sample.element], [], "an empty list")


def _get_kept_elsewhere(z: Zeep, service: str, entity: str) -> None:
    """Records that no operation makes: the caller's own user, and nothing for an id of nothing."""
    sample, mine = SAMPLES[entity], []
    if entity == "User":
        mine = [z.call("session", "GetUserInfo").userId]
    answer = z.call(service, f"Get{sample.plural}", id=[*mine, "no-such-id"])
    same(([each.id for each in answer[sample.element]], answer.missing), (mine, ["no-such-id"]), "found and missing")


def _search_kept_elsewhere(z: Zeep, service: str, entity: str) -> None:
    """The same by a search: the caller's own user by her login; a wrong filter is a typed fault."""
    sample = SAMPLES[entity]
    if entity == "User":
        terms = [{"field": "login", "op": "eq", "value": [z.target.user]}]
        (found,) = z.call(service, "SearchUsers", filter=terms)[sample.element]
        same(found.id, z.call("session", "GetUserInfo").userId, "id of the user found")
    wrong = [{"field": "nosuchfield", "op": "eq", "value": ["x"]}]
    same(z.fault(service, f"Search{sample.plural}", filter=wrong)["code"], "SB3010", "code of the fault")


def _search(z: Zeep, service: str, entity: str) -> None:
    """Filters hold, the order is kept, pages go on where the last one ended; a wrong filter is a typed fault."""
    sample = SAMPLES[entity]
    ids = sorted(z.new(entity)[0] for _ in range(3))
    filters = [{"field": "id", "op": "in", "value": ids}]
    order = [{"field": "id", "descending": True}]
    got, locator = [], None
    for _ in range(3):
        page = z.call(service, f"Search{sample.plural}", filter=filters, order=order, limit=1, locator=locator)
        got += [each.id for each in page[sample.element]]
        locator = page.locator
        same(page.more, locator is not None, "more, as against the locator")
    same((got, locator), (ids[::-1], None), "ids page by page, and no locator at the end")
    empty = z.call(service, f"Search{sample.plural}", filter=[{"field": "id", "op": "eq", "value": ["no-such-id"]}])
    same((empty[sample.element], empty.more), ([], False), "a search that finds nothing")
    wrong = [{"field": "nosuchfield", "op": "eq", "value": ["x"]}]
    fault = z.fault(service, f"Search{sample.plural}", filter=wrong)
    same((fault["code"], fault["field"]), ("SB3010", "nosuchfield"), "the fault of an unknown field")


def _create(z: Zeep, service: str, entity: str) -> None:
    """A record with and one without an id; one that exists is refused, with a typed error and the others' success."""
    sample = SAMPLES[entity]
    known, values = z.new(entity)
    fresh = {**sample.make("x" + known[2:], z.some)}
    results = z.call(service, f"Create{sample.plural}", **{sample.element: [{"id": known, **values}, fresh]})
    same([each.success for each in results], [False, True], "success of each")
    expect(results[0].error.code.startswith("SB3"), f"error {results[0].error.code}")
    same(results[1].status, "created", "status")
    compare(z.read(entity, results[1].id), fresh)
    once, key = {**sample.make("w" + known[2:], z.some)}, {"IdempotencyKey": {"key": f"create {known}"}}
    if sample.clear:
        once[sample.clear] = NIL
    first, again = (
        z.call(service, f"Create{sample.plural}", headers=z.headers(**key), **{sample.element: [once]})
        for _ in range(2)
    )
    same(first[0].id, again[0].id, "the record of a call that is sent again with its key")
    absent(z.read(entity, first[0].id), [sample.clear] if sample.clear else [])


def _update(z: Zeep, service: str, entity: str) -> None:
    """What is sent changes, what is left out stays, xsi:nil and `clear` empty a field."""
    sample = SAMPLES[entity]
    record, values = z.new(entity)
    change = {sample.text: f"{TEXT}!"} if sample.text else {}
    for nothing in ({sample.clear: NIL}, {"clear": [sample.clear]}) if sample.clear else ({},):
        full = {"id": record, **({sample.clear: values[sample.clear]} if sample.clear else {})}
        z.call(service, f"Update{sample.plural}", **{sample.element: [full]})
        update = {"id": record, **change, **nothing}
        (result,) = z.call(service, f"Update{sample.plural}", **{sample.element: [update]})
        same((result.success, result.status, result.id), (True, "updated", record), "result")
        now = z.read(entity, record)
        same(now.version, result.version, "version")
        compare(now, {**{k: v for k, v in values.items() if k not in ("notes", sample.clear)}, **change})
        absent(now, [sample.clear] if sample.clear else [])
    stale = {"id": record, "version": now.version - 1, **change}
    headers = z.headers(IfVersion={"value": True})
    (refused,) = z.call(service, f"Update{sample.plural}", headers=headers, **{sample.element: [stale]})
    same((refused.success, refused.error.code), (False, "SB4001"), "a record that has moved on")
    (gone,) = z.call(service, f"Update{sample.plural}", **{sample.element: [{"id": "no-such-id", **change}]})
    same((gone.success, gone.error.code), (False, "SB3001"), "the result for a record that is not there")


def _upsert(z: Zeep, service: str, entity: str) -> None:
    """Creates, then changes, by id and by key; an invalid value is refused by name."""
    sample = SAMPLES[entity]
    record, values = z.new(entity)
    again = {"id": record, **values}
    (result,) = z.call(service, f"Upsert{sample.plural}", **{sample.element: [again]})
    same((result.success, result.status), (True, "unchanged"), "the same record again")
    if sample.key:
        by_key = {sample.key: values[sample.key], sample.clear or sample.text: values[sample.clear or sample.text]}
        (result,) = z.call(service, f"Upsert{sample.plural}", keyField=sample.key, **{sample.element: [by_key]})
        same((result.success, result.id), (True, record), "the record found by its key")
    if sample.clear:
        for given, wanted in (({}, values[sample.clear]), ({sample.clear: NIL}, None)):
            (result,) = z.call(service, f"Upsert{sample.plural}", **{sample.element: [{"id": record, **given}]})
            same(result.success, True, "success of what is left out, then of xsi:nil")
            compare(z.read(entity, record), {sample.clear: wanted})
    fresh = {"id": f"n{record}", **sample.make("y" + record[2:], z.some)}
    (result,) = z.call(service, f"Upsert{sample.plural}", **{sample.element: [fresh]})
    same((result.success, result.status, result.id), (True, "created", fresh["id"]), "a record that was not there")
    compare(z.read(entity, fresh["id"]), {name: value for name, value in fresh.items() if name != "id"})


def _delete(z: Zeep, service: str, entity: str) -> None:
    """The record is gone; deleting it again, or one that never was, is told; the headers of writes are kept to."""
    sample = SAMPLES[entity]
    record, _ = z.new(entity)
    version = z.read(entity, record).version
    guarded = (
        ("AllOrNone", [{"id": record}, {"id": "no-such-id"}], "SB4003"),
        ("IfVersion", [{"id": record, "version": version - 1}], "SB4001"),
        ("IfVersion", [{"id": record}], "SB4001"),
    )
    for header, refs, code in guarded:
        headers = z.headers(**{header: {"value": True}})
        results = z.call(service, f"Delete{sample.plural}", headers=headers, record=refs)
        same((results[0].success, results[0].error.code), (False, code), f"a record that {header} keeps")
    results = z.call(service, f"Delete{sample.plural}", record=[{"id": record}, {"id": "no-such-id"}])
    same([each.success for each in results], [True, False], "success of each")
    same((results[0].status, results[1].error.code), ("deleted", "SB3001"), "status and error")
    same(z.call(service, f"Get{sample.plural}", id=[record]).missing, [record], "ids that are missing afterwards")


def _undelete(z: Zeep, service: str, entity: str) -> None:
    """The record is back with its values; one that is there is unchanged, one that never was is told."""
    sample = SAMPLES[entity]
    record, values = z.new(entity)
    z.call(service, f"Delete{sample.plural}", record=[{"id": record}])
    for status in ("undeleted", "unchanged"):
        results = z.call(service, f"Undelete{sample.plural}", record=[{"id": record}, {"id": "no-such-id"}])
        same([(each.success, each.status) for each in results], [(True, status), (False, "rejected")], "results")
    same(results[1].error.code, "SB3001", "code for a record that never was")
    compare(z.read(entity, record), values)


def _merge(z: Zeep, service: str, entity: str) -> None:
    """What refers to the loser comes to the master, which takes over what it lacks; the old id leads to it."""
    sample, (child, field) = SAMPLES[entity], _REFERRERS[entity]
    (master, kept), (loser, values) = z.new(entity), z.new(entity)
    cleared = {"clear": [sample.clear]} if sample.clear else {}
    z.call(service, f"Update{sample.plural}", **{sample.element: [{"id": master, **cleared}]})
    referrer, _ = z.new(child, **{field: loser})
    merges = [{"id": master, "loser": [{"id": loser}]}, {"id": master, "loser": [{"id": "no-such-id"}]}]
    key = z.headers(IdempotencyKey={"key": f"merge {master}"})
    for _ in range(2):
        results = z.call(service, f"Merge{sample.plural}", headers=key, merge=merges)
        same([(each.id, each.status) for each in results], [(master, "merged"), (master, "rejected")], "results")
    same(z.read(child, referrer)[field], master, f"{child}.{field}")
    now = z.read(entity, master)
    compare(now, {sample.key: kept[sample.key]} if sample.key else {})
    compare(now, {sample.clear: values[sample.clear]} if sample.clear else {})
    answer = z.call(service, f"Get{sample.plural}", id=[loser])
    same((answer.missing, [(each.id, each.into) for each in answer.merged]), ([loser], [(loser, master)]), "the old id")
    (refused,) = z.call(service, f"Update{sample.plural}", **{sample.element: [{"id": loser}]})
    same((refused.status, refused.error.code, refused.mergedInto), ("gone", "SB3014", master), "a write by the old id")


_JUDGES: dict[str, Judge] = {
    "Get": _get,
    "Search": _search,
    "Create": _create,
    "Update": _update,
    "Upsert": _upsert,
    "Delete": _delete,
    "Undelete": _undelete,
    "Merge": _merge,
}
_KEPT_ELSEWHERE: dict[str, Judge] = {"Get": _get_kept_elsewhere, "Search": _search_kept_elsewhere}

"""The operations that every entity gets, made from its declaration by one function.

Belongs here: reading and writing any entity, a tenant's own included. May not know: which entities a service offers,
SOAP.

    Get<Plural>        ids in, records in the order of the ids, and the ids that are missing
    Search<Plural>     filters, order, limit, locator in; a page of records and the locator of the next
    Create..Undelete   up to 200 records in; one result each, in their order
    Merge<Plural>      masters with the records to merge into them; only of entities that declare `merges`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from saddlebag.contract.common import FILTERS, ORDERS, WRITE_RESULT, record_error
from saddlebag.contract.spec import DuplicateAction, Member, Operation, RecordInput, RecordOf, Scalar, Struct
from saddlebag.kernel import limits
from saddlebag.kernel.errors import TOO_MANY_RECORDS, SaddlebagError
from saddlebag.model.condition import Compare, Op, eq
from saddlebag.model.entities import Entity
from saddlebag.records.base import Loser, Outcome, Verb, Write
from saddlebag.records.call import Call
from saddlebag.records.idempotency import once, payload_hash
from saddlebag.records.query import Search, search
from saddlebag.store.base import Rendering, Transaction

Request = Mapping[str, Any]
Answer = Mapping[str, Any]

READ: Final = ("Get", "Search")
WRITE: Final = ("Create", "Update", "Upsert", "Delete", "Undelete", "Merge")

LIMIT = Member("limit", Scalar.INT, f"Records in the answer: 1 to {limits.RECORDS_PER_CALL}; 100 where it is left out.")
LOCATOR = Member(
    "locator",
    Scalar.STRING,
    "The locator that the page before gave, to go on from there; it survives a restart.",
    length=4000,
)
NEXT = Member("locator", Scalar.STRING, "Where the search goes on; left out on its last page.", length=4000)
MORE = Member("more", Scalar.BOOLEAN, "Whether there are more records.", required=True)
RESULTS = Member("result", WRITE_RESULT, "What came of each record, in the order of the records.", many=True)

RECORD_REF = Struct(
    "RecordRef",
    "Names one record.",
    (
        Member("id", Scalar.ID, "Identifier of the record.", required=True),
        Member("version", Scalar.LONG, "Version that it must still have, when the IfVersion header asks for that."),
    ),
)

MERGED = Struct(
    "MergedRecord",
    "A record that is gone because it was merged into another.",
    (
        Member("id", Scalar.ID, "Identifier of the record that is gone.", required=True),
        Member("into", Scalar.ID, "Identifier of the record that it is part of now.", required=True),
    ),
)
RECORD_MERGE = Struct(
    "RecordMerge",
    "Records that are to become one.",
    (
        Member("id", Scalar.ID, "Identifier of the record that stays.", required=True),
        Member("version", Scalar.LONG, "Version that it must still have, when the IfVersion header asks for that."),
        Member("loser", RECORD_REF, "The records that become part of it, the most trusted first.", True, True),
    ),
)


def records_member(entity: Entity, doc: str, *, required: bool = False, maximum: int = 0) -> Member:
    """A repeating member of whole records, named after the entity."""
    return Member(entity.element, RecordOf(entity.name), doc, required=required, many=True, maximum=maximum)


def ids_member(name: str, doc: str, *, required: bool = False) -> Member:
    """A repeating member of ids, as many as one call takes."""
    return Member(name, Scalar.ID, doc, required=required, many=True, maximum=limits.RECORDS_PER_CALL)


def operations(entity: Entity, verbs: Sequence[str] = (*READ, *WRITE)) -> tuple[Operation, ...]:
    """The operations of an entity; `verbs` are of `READ` and `WRITE`."""
    return tuple(_MAKERS[each](entity) for each in verbs if each != "Merge" or entity.merges)


def check_count(records: Sequence[object], field: str) -> None:
    """Raise TOO_MANY_RECORDS for more records than one call takes, before anything is read or written."""
    if len(records) > limits.RECORDS_PER_CALL:
        limit = limits.RECORDS_PER_CALL
        raise SaddlebagError(TOO_MANY_RECORDS, field=field, count=len(records), limit=limit)


def write(call: Call, operation: str, request: Request, make: Callable[[], Sequence[Write]]) -> list[dict[str, Any]]:
    """Carry out the writes of a call once, however often it is sent; the members of WriteResult for each."""

    def apply(tx: Transaction) -> Answer:
        refuse = call.duplicates is DuplicateAction.REFUSE
        outcomes = call.records(tx).apply(make(), all_or_none=call.all_or_none, refuse_duplicates=refuse)
        return {"result": [write_result(each) for each in outcomes]}

    results: list[dict[str, Any]] = carry_out(call, operation, request, apply)["result"]
    return results


def carry_out(call: Call, operation: str, request: Request, work: Callable[[Transaction], Answer]) -> Answer:
    """The answer of `work`, in a transaction of its own; once for each idempotency key, however often it is sent.

    The answer is of plain JSON values and times.
    """
    principal = call.who()
    payload = b""
    if call.idempotency_key is not None:
        payload = payload_hash(operation, request, call.all_or_none, call.if_version, str(call.duplicates))
    return call.run(lambda tx: once(tx, principal.user, call.idempotency_key, payload, call.now, lambda: work(tx)))


def write_result(outcome: Outcome) -> dict[str, Any]:
    """The members of WriteResult; absent ones are left out."""
    members = {
        "id": outcome.id,
        "success": outcome.ok,
        "status": str(outcome.status),
        "version": outcome.version,
        "error": record_error(outcome.error) if outcome.error else None,
        "mergedInto": outcome.merged_into if outcome.error else None,
        "match": [{"rule": each.rule, "id": each.id} for each in outcome.matches] or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def found_and_missing(ids: Sequence[str], found: Mapping[str, Rendering]) -> tuple[list[Rendering], list[str]]:
    """The records in the order of the ids, each once, and the ids that have none."""
    wanted = list(dict.fromkeys(ids))
    return [found[each] for each in wanted if each in found], [each for each in wanted if each not in found]


def renderings_by_id(call: Call, tx: Transaction, entity: str, ids: Sequence[str]) -> dict[str, Rendering]:
    """Those of the records that the caller sees."""
    if not ids:
        return {}
    where = Compare("id", Op.IN, tuple(dict.fromkeys(ids)))
    return {each.id: each for each in call.records(tx).renderings(entity, where)}


def _get(entity: Entity) -> Operation:
    members = [ids_member("id", "Identifiers of the records.")]
    doc = f"The {entity.plural} with these ids, in that order, and the ids that name none the caller may see."
    if entity.part_of:
        whole = entity.field(entity.part_of).target
        text = f"Instead of ids: the {whole} whose {entity.plural} are wanted."
        members.append(Member(entity.part_of, Scalar.ID, text))

    def handle(call: Call, request: Request) -> Answer:
        ids = list(request.get("id") or ())
        check_count(ids, "id")

        def work(tx: Transaction) -> Answer:
            parts = _parts(call, tx, entity, request)
            found, missing = found_and_missing(ids, renderings_by_id(call, tx, entity.name, ids))
            merged = call.records(tx).merged(entity.name, missing) if missing and entity.merges else {}
            told = [{"id": each, "into": into} for each, into in merged.items()]
            return {entity.element: [*found, *parts], "missing": missing, **({"merged": told} if entity.merges else {})}

        return call.run(work, read_only=True)

    response = (
        records_member(entity, "The records."),
        Member("missing", Scalar.ID, "Ids that name no record that the caller may see.", many=True),
        *([Member("merged", MERGED, "Those of them whose records were merged.", many=True)] if entity.merges else []),
    )
    return Operation(f"Get{entity.plural}", doc, tuple(members), response, handle)


def _parts(call: Call, tx: Transaction, entity: Entity, request: Request) -> list[Rendering]:
    whole = request.get(entity.part_of) if entity.part_of else None
    if whole is None:
        return []
    parts = call.records(tx).renderings(entity.name, eq(entity.part_of, whole), limit=limits.RECORDS_PER_CALL + 1)
    check_count(parts, entity.part_of)
    return parts


def _search(entity: Entity) -> Operation:
    def handle(call: Call, request: Request) -> Answer:
        asked = Search(
            entity.name,
            request.get("filter") or (),
            request.get("order") or (),
            request.get("limit"),
            request.get("locator"),
        )
        page = call.run(lambda tx: search(tx, call.records(tx), call.who(), asked), read_only=True)
        return {entity.element: page.records, "locator": page.locator, "more": page.locator is not None}

    return Operation(
        f"Search{entity.plural}",
        f"The {entity.plural} that meet all filters, page by page, as far as the caller may see them.",
        (FILTERS, ORDERS, LIMIT, LOCATOR),
        (records_member(entity, "The records of the page."), NEXT, MORE),
        handle,
    )


def _create(entity: Entity) -> Operation:
    doc = f"Create {entity.plural}. A record without id gets one; its id is in the result."
    return _writing(
        entity, "Create", doc, lambda call, record, _: Write(Verb.CREATE, entity.name, record.id, values=record.values)
    )


def _update(entity: Entity) -> Operation:
    doc = f"Change {entity.plural}: elements that are left out stay as they are, an empty one is cleared."
    return _writing(
        entity,
        "Update",
        doc,
        lambda call, record, _: Write(
            Verb.UPDATE,
            entity.name,
            record.id,
            values=record.values,
            if_version=_required_version(call, record.version),
        ),
    )


def _upsert(entity: Entity) -> Operation:
    keys = ", ".join(entity.keys) or "none"
    doc = f"Change {entity.plural} that exist and create those that do not, found by id or by a key field ({keys})."
    key_field = Member(
        "keyField", Scalar.TOKEN, f"The key field to find records by, instead of their id. Keys: {keys}.", length=60
    )

    def make(call: Call, record: RecordInput, request: Request) -> Write:
        key = request.get("keyField")
        return Write(
            Verb.UPSERT,
            entity.name,
            None if key else record.id,
            key=(key, record.values.get(key)) if key else None,
            values=record.values,
            if_version=_required_version(call, record.version),
        )

    return _writing(entity, "Upsert", doc, make, key_field)


def _writing(
    entity: Entity, verb: str, doc: str, make: Callable[[Call, RecordInput, Request], Write], *more: Member
) -> Operation:
    name = f"{verb}{entity.plural}"

    def handle(call: Call, request: Request) -> Answer:
        records = list(request.get(entity.element) or ())
        check_count(records, entity.element)
        return {"result": write(call, name, request, lambda: [make(call, each, request) for each in records])}

    given = records_member(entity, "The records.", required=True, maximum=limits.RECORDS_PER_CALL)
    creates = verb != "Update"
    return Operation(name, doc, (*more, given), (RESULTS,), handle, writes=True, creates=creates)


def _delete(entity: Entity) -> Operation:
    doc = f"Delete {entity.plural}. One that other records refer to stays; its own parts go with it."
    return _naming(entity, Verb.DELETE, doc)


def _undelete(entity: Entity) -> Operation:
    doc = f"Bring deleted {entity.plural} back as they were, with the parts that went with them."
    return _naming(entity, Verb.UNDELETE, doc)


def _naming(entity: Entity, verb: Verb, doc: str) -> Operation:
    """An operation that takes no more of a record than its id."""
    name = f"{verb.title()}{entity.plural}"

    def make(call: Call, ref: Request) -> Write:
        return Write(verb, entity.name, ref["id"], if_version=_required_version(call, ref.get("version")))

    def handle(call: Call, request: Request) -> Answer:
        refs = list(request.get("record") or ())
        check_count(refs, "record")
        return {"result": write(call, name, request, lambda: [make(call, each) for each in refs])}

    given = Member("record", RECORD_REF, "The records.", required=True, many=True, maximum=limits.RECORDS_PER_CALL)
    return Operation(name, doc, (given,), (RESULTS,), handle, writes=True)


def _merge(entity: Entity) -> Operation:
    name = f"Merge{entity.plural}"

    def make(call: Call, merge: Request) -> Write:
        losers = [Loser(each["id"], _required_version(call, each.get("version"))) for each in merge.get("loser") or ()]
        version = _required_version(call, merge.get("version"))
        return Write(Verb.MERGE, entity.name, merge["id"], if_version=version, losers=tuple(losers))

    def handle(call: Call, request: Request) -> Answer:
        merges = list(request.get("merge") or ())
        check_count([loser for each in merges for loser in each.get("loser") or ()], "merge")
        check_count(merges, "merge")
        return {"result": write(call, name, request, lambda: [make(call, each) for each in merges])}

    doc = (
        f"Merge {entity.plural}: what refers to a loser, and its ids in other systems, go to the record that stays, "
        "which takes over values that it has not; the loser is deleted."
    )
    given = Member("merge", RECORD_MERGE, "The merges.", required=True, many=True, maximum=limits.RECORDS_PER_CALL)
    return Operation(name, doc, (given,), (RESULTS,), handle, writes=True)


def _required_version(call: Call, version: int | None) -> int | None:
    """The version that the stored record must have; under IfVersion a record sent without one is stale by rule."""
    if not call.if_version:
        return None
    return -1 if version is None else version


_MAKERS: Final[Mapping[str, Callable[[Entity], Operation]]] = {
    "Get": _get,
    "Search": _search,
    "Create": _create,
    "Update": _update,
    "Upsert": _upsert,
    "Delete": _delete,
    "Undelete": _undelete,
    "Merge": _merge,
}

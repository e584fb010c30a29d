"""The sync service: what a laptop client calls to take its part of the records along.

Belongs here: messages to values and back. May not know: how anything is decided (`saddlebag.sync`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from saddlebag.contract.spec import (
    Access,
    Enumeration,
    Member,
    Operation,
    RecordOf,
    Scalar,
    Service,
    ServiceFactory,
    Struct,
)
from saddlebag.kernel import canon, limits, ops
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.patch import Patch
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.store.base import Rendering, Store
from saddlebag.sync import engine
from saddlebag.sync.page import Reason

_DEVICE = Member("device", Scalar.ID, "Identifier of the device, as RegisterDevice gave it.", required=True)
_INCARNATION = Member(
    "incarnation", Scalar.LONG, "Which life of the device this is: it grows each time that it is healed.", required=True
)
_CURSOR = Member(
    "cursor",
    Scalar.TOKEN,
    "Opaque text that says what the device has applied; it never expires.",
    required=True,
    length=160,
)
_ENTITY = Member("entity", Scalar.TOKEN, "Name of the entity.", required=True, length=60)
_ID = Member("id", Scalar.ID, "Identifier of the record.", required=True)
_SUM = Member(
    "sum", Scalar.TOKEN, "Sum modulo 2^64 of the records' 64-bit hashes, as 16 hexadecimal digits.", length=16
)

KIND = Enumeration(
    "OperationKind", tuple(str(each) for each in ops.OpKind), "What an operation of a device does to its record."
)
STATUS = Enumeration(
    "OperationStatus",
    tuple(str(each) for each in ops.OpStatus),
    "What came of an operation: applied as it was, merged without loss, applied in part with a value set aside, "
    "rejected, or too late because the record is gone.",
)
REASON = Enumeration(
    "EvictReason",
    tuple(str(each) for each in Reason),
    "Why a record leaves the device: no rule claims it any more, it was deleted, the user may no longer see it, or it "
    "became part of another record.",
)
EVICT = Struct(
    "Evict",
    "A record that the device must drop.",
    (_ENTITY, _ID, Member("reason", REASON, "Why it leaves.", required=True)),
)
DIGEST = Struct(
    "EntityDigest",
    "What the device should hold of one entity.",
    (_ENTITY, Member("count", Scalar.LONG, "How many records.", required=True), _SUM),
)
EDIT = Struct(
    "FieldEdit",
    "One field as it was when the device's user began, and as she left it, in lexical form; a tag is an element each.",
    (
        Member("name", Scalar.TOKEN, "Name of the field.", required=True, length=60),
        Member("old", Scalar.STRING, "The value before; left out for none.", many=True),
        Member("new", Scalar.STRING, "The value after; left out to clear the field.", many=True),
    ),
)
OPERATION = Struct(
    "PushOperation",
    "One thing that was done on the device. Device, incarnation and sequence are its key: sent again with the same "
    "content it gets the same result and takes effect once.",
    (
        Member("sequence", Scalar.LONG, "Number of the operation on its device.", required=True),
        Member("kind", KIND, "What it does.", required=True),
        _ENTITY,
        _ID,
        Member("baseVersion", Scalar.LONG, "Version of the record that the edit started from."),
        Member("editedAt", Scalar.DATETIME, "When it was done, by the device's clock.", required=True),
        Member("group", Scalar.TOKEN, "Operations of one group are done all or none.", length=limits.KEY_LENGTH),
        Member(
            "settles",
            Scalar.LONG,
            "Sequence of the rejected operation on this record that this one mends; without fields it discards it.",
        ),
        Member("field", EDIT, "The fields that it changes.", many=True),
    ),
)
CONFLICT = Struct(
    "FieldConflict",
    "A field on which the device's edit met a newer value; the value that lost is kept at the hub.",
    (
        Member("field", Scalar.TOKEN, "Name of the field.", required=True, length=60),
        Member("base", Scalar.STRING, "What the edit started from."),
        Member("mine", Scalar.STRING, "What the device wrote."),
        Member("theirs", Scalar.STRING, "What the hub held."),
        Member("won", Scalar.TOKEN, "Whose value stands: mine or theirs.", required=True, length=10),
        Member("rule", Scalar.TOKEN, "The policy that decided.", required=True, length=40),
    ),
)
RESULT = Struct(
    "PushResult",
    "What came of one operation; results stand in the order of the operations.",
    (
        Member("sequence", Scalar.LONG, "Number of the operation.", required=True),
        Member("status", STATUS, "What came of it.", required=True),
        Member("version", Scalar.LONG, "The record's version after it."),
        Member(
            "code", Scalar.TOKEN, "Stable code of the error, where it was refused or its result forgotten.", length=10
        ),
        Member("message", Scalar.STRING, "What was wrong, in one sentence."),
        Member("field", Scalar.TOKEN, "The field concerned.", length=60),
        Member("retryable", Scalar.BOOLEAN, "Whether the same operation may be sent again."),
        Member("merged", Scalar.TOKEN, "Fields in which both sides' changes were combined.", many=True, length=60),
        Member("conflict", CONFLICT, "Fields in which one side's value was set aside.", many=True),
    ),
)
PATH = Struct(
    "ScopePath",
    "One way in which a rule of the scope holds a record.",
    (
        Member("rule", Scalar.TOKEN, "Name of the rule.", required=True, length=60),
        Member("steps", Scalar.STRING, "The way from the rule's root to the record.", many=True),
    ),
)


def build(schema: Schema) -> Service:
    """The sync service over a tenant's schema."""
    return Service(
        "sync",
        "Keeps on a laptop what its user needs, and brings home what she did: register, push, pull until no more "
        "pages come, compare the digest, reconcile where it differs.",
        (
            _register_operation(),
            _pull_operation(schema),
            _push_operation(),
            _reconcile_operation(),
            _explain_operation(),
        ),
    )


SERVICE: ServiceFactory = build

_MEMORIES: WeakKeyDictionary[Store, engine.Memory] = WeakKeyDictionary()
"""What spares a pull with nothing new the evaluation of its scope; of no consequence when it is lost."""


def _register_operation() -> Operation:
    return Operation(
        "RegisterDevice",
        "Registers a device for the calling user, or the same device again.",
        (
            Member("name", Scalar.STRING, "A name that its user knows it by.", required=True, length=120),
            Member("platform", Scalar.STRING, "Operating system and machine.", required=True, length=120),
            Member("clientVersion", Scalar.STRING, "Version of the client program.", required=True, length=40),
            Member("device", Scalar.ID, "The device's identifier, when it was registered before."),
        ),
        (
            _DEVICE,
            Member("deviceKey", Scalar.TOKEN, "Secret with which the device logs in; it is shown once.", required=True),
            _INCARNATION,
            _CURSOR,
            Member("userId", Scalar.ID, "The user whose device it is.", required=True),
            Member("timeZone", Scalar.TOKEN, "Time zone of the tenant's calendar days (IANA name).", required=True),
        ),
        _register,
    )


def _register(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    made = call.run(
        lambda tx: engine.register(
            tx,
            call.who(),
            name=request["name"],
            platform=f"{request['platform']}; client {request['clientVersion']}",
            device=request.get("device"),
            now=call.now,
            new_id=call.hub.new_id,
            new_secret=call.hub.new_secret,
        )
    )
    return {
        "device": made.device,
        "deviceKey": made.key,
        "incarnation": made.incarnation,
        "cursor": made.cursor,
        "userId": made.user,
        "timeZone": made.time_zone,
    }


def _pull_operation(schema: Schema) -> Operation:
    records = tuple(
        Member(each.element, RecordOf(each.name), f"{each.plural} to keep, whole.", many=True)
        for each in schema.ordered
    )
    put = Struct("SyncPut", "Records that the device must keep, those that others refer to first.", records)
    patched = tuple(
        Member(each.element, RecordOf(each.name), f"What changed in a {each.name}.") for each in schema.ordered
    )
    patch = Struct(
        "SyncPatch",
        "What changed in one record since the version that the device holds: its elements take the place of those of "
        "the same name, at the places given; clear names fields without a value now. The result is the record.",
        (
            Member(
                "at",
                Scalar.TOKEN,
                "The places of the changed elements in the new record, ascending; that of its id is 0.",
            ),
            *patched,
        ),
    )
    return Operation(
        "Pull",
        "Gives the next page of what the device must keep and drop. Presenting a page's cursor says that it was "
        "applied; presenting the cursor before it says that it was lost, and it comes again.",
        (
            _CURSOR,
            Member("maxBytes", Scalar.INT, "Bytes of records that the device wants on one page, before compression."),
            Member("patches", Scalar.BOOLEAN, "Whether the device can merge what changed into a record that it holds."),
        ),
        (
            _CURSOR,
            Member("more", Scalar.BOOLEAN, "Whether another page follows.", required=True),
            Member("reconcile", Scalar.BOOLEAN, "True when the device must call Reconcile first; no data then."),
            Member("put", put, "What to keep."),
            Member("patch", patch, "What to change, after what is to keep and to drop.", many=True),
            Member("evict", EVICT, "What to drop, those that refer to others first.", many=True),
            Member("count", Scalar.LONG, "How many records the device holds after the last page."),
            _SUM,
            Member("digest", DIGEST, "The same for each entity, on the last page with news.", many=True),
        ),
        _pull,
        Access.LEAVING,
        one_per_device=True,
    )


def _pull(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    remembered = _MEMORIES.setdefault(call.hub.store, engine.memory())
    answer = engine.pull(
        call.run,
        call.who(),
        request["cursor"],
        call.now,
        request.get("maxBytes"),
        remembered,
        bool(request.get("patches")),
    )
    response: dict[str, Any] = {"cursor": answer.cursor, "more": answer.more}
    if answer.reconcile:
        response["reconcile"] = True
    if answer.puts:
        entities = {name: call.schema.entity(name).element for name in answer.puts}
        response["put"] = {entities[name]: list(records) for name, records in answer.puts.items()}
    if answer.patches:
        response["patch"] = [
            _patch(call.schema.entity(name).element, each) for name, listed in answer.patches.items() for each in listed
        ]
    if answer.evicts:
        response["evict"] = [
            {"entity": each.entity, "id": each.id, "reason": str(each.reason)} for each in answer.evicts
        ]
    if answer.digest is not None:
        response.update(_digest(answer.digest))
        response["digest"] = [{"entity": name, **_digest(each)} for name, each in answer.digests.items()]
    return response


def _patch(element: str, patch: Patch) -> dict[str, Any]:
    return {element: Rendering(patch.id, patch.content, ""), "at": patch.at or None}


def _digest(digest: Digest) -> dict[str, Any]:
    return {"count": digest.count, "sum": digest.hex}


def _push_operation() -> Operation:
    return Operation(
        "Push",
        "Brings home what was done on the device, each operation exactly once, in the device's order.",
        (
            _DEVICE,
            _INCARNATION,
            Member("operation", OPERATION, "What was done, in order.", many=True, maximum=limits.PUSH_OPERATIONS),
            Member(
                "acknowledged",
                Scalar.LONG,
                "Sequence up to which the device has stored every result: of those the hub keeps only that they are "
                "done.",
            ),
        ),
        (Member("result", RESULT, "What came of each operation, in the same order.", many=True),),
        _push,
    )


def _push(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    operations = [_operation(each) for each in request.get("operation") or ()]
    results = call.run(
        lambda tx: engine.push(
            tx,
            call.who(),
            request["device"],
            request["incarnation"],
            operations,
            call.now,
            call.hub.new_id,
            request.get("acknowledged") or 0,
        )
    )
    return {"result": [_result(each) for each in results]}


def _operation(source: Mapping[str, Any]) -> ops.Operation:
    edits = tuple(
        ops.FieldEdit(each["name"], tuple(each.get("old") or ()), tuple(each.get("new") or ()))
        for each in source.get("field") or ()
    )
    return ops.Operation(
        source["sequence"],
        ops.OpKind(source["kind"]),
        source["entity"],
        source["id"],
        canon.write_datetime(source["editedAt"]),
        source.get("baseVersion"),
        source.get("group"),
        source.get("settles"),
        edits,
    )


def _result(result: ops.OpResult) -> dict[str, Any]:
    conflicts = [
        {
            "field": each.field,
            "base": each.base,
            "mine": each.mine,
            "theirs": each.theirs,
            "won": each.won,
            "rule": each.rule,
        }
        for each in result.conflicts
    ]
    return {
        "sequence": result.sequence,
        "status": str(result.status),
        "version": result.version,
        "code": result.code,
        "message": result.message,
        "field": result.field,
        "retryable": result.retryable,
        "merged": list(result.merged),
        "conflict": conflicts,
    }


def _reconcile_operation() -> Operation:
    return Operation(
        "Reconcile",
        "Finds out what the device really holds, by comparing sums and then the keys of the parts that differ. Nothing "
        "is discarded: the next Pull sends the difference.",
        (
            _DEVICE,
            _INCARNATION,
            Member(
                "shards", Scalar.BINARY, "256 sums of 8 bytes, big-endian, over what the device holds.", required=True
            ),
            Member("keys", Scalar.BINARY, "Packed entries of the parts that the hub has asked for."),
        ),
        (
            _INCARNATION,
            _CURSOR,
            Member(
                "shard",
                Scalar.INT,
                "Parts that differ, whose entries the hub wants; none once the device is healed.",
                many=True,
                maximum=limits.SHARDS,
            ),
        ),
        _reconcile,
        Access.LEAVING,
    )


def _reconcile(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    healing = call.run(
        lambda tx: engine.reconcile(
            tx, call.who(), request["device"], request["incarnation"], request["shards"], request.get("keys"), call.now
        )
    )
    return {"incarnation": healing.incarnation, "cursor": healing.cursor, "shard": list(healing.shards)}


def _explain_operation() -> Operation:
    return Operation(
        "ExplainScope",
        "Tells why a record is among what the calling user's devices hold, or why it is not.",
        (_ENTITY, _ID),
        (
            Member("inScope", Scalar.BOOLEAN, "Whether her devices hold it.", required=True),
            Member("path", PATH, "The rules that hold it.", many=True),
            Member("reason", Scalar.STRING, "Why they do not."),
        ),
        _explain,
    )


def _explain(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    told = call.run(
        lambda tx: engine.explain(tx, call.who(), request["entity"], request["id"], call.now), read_only=True
    )
    return {
        "inScope": told.in_scope,
        "path": [{"rule": each.rule, "steps": list(each.steps)} for each in told.paths],
        "reason": told.reason,
    }

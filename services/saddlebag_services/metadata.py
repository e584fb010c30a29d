"""The metadata service: what the tenant's records are, who works with them, what a device carries, what has changed.

Belongs here: messages to values and back. May not know: SOAP, SQL, how a scope is compiled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from saddlebag.contract.codec import codec_for
from saddlebag.contract.spec import Enumeration, Member, Operation, Scalar, Service, ServiceFactory, Struct
from saddlebag.kernel import canon, limits
from saddlebag.kernel.errors import INVALID_LOCATOR, INVALID_VALUE, NOT_FOUND, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records import changes
from saddlebag.records.call import Call
from saddlebag.records.query import page_limit
from saddlebag.security import policy
from saddlebag.security.tokens import open_seal, seal
from saddlebag.store.base import Change, ChangeKind, Transaction
from saddlebag.sync import describe
from saddlebag_services import _duplicates, _tenant
from saddlebag_services._describe import ENTITY, describe_entity
from saddlebag_services._records import LIMIT, LOCATOR, MORE, NEXT, READ, operations

Request = Mapping[str, Any]

_CHANGE_KIND = Enumeration("ChangeKind", tuple(str(each) for each in ChangeKind), "What happened to a record.")
_INTO = Member("mergedInto", Scalar.ID, "The record that it was merged into, where it is gone for that.")
_CHANGE = Struct(
    "RecordChange",
    "One entry of the tenant's change log.",
    (
        Member("sequence", Scalar.LONG, "Its number; numbers grow, with gaps.", required=True),
        Member("entity", Scalar.TOKEN, "Entity of the record.", required=True),
        Member("id", Scalar.ID, "Identifier of the record.", required=True),
        Member("kind", _CHANGE_KIND, "What happened.", required=True),
        Member("field", Scalar.TOKEN, "The fields that changed.", many=True),
        Member("at", Scalar.DATETIME, "When.", required=True),
        Member("by", Scalar.STRING, "The user who did it.", required=True),
        Member(
            "origin",
            Scalar.STRING,
            "Where it came from: client:NAME for a program that names itself in CallOptions, device:ID or system:NAME; "
            "left out for anybody else.",
        ),
        _INTO,
    ),
)
_FIELD_VERSION = Struct(
    "FieldVersion",
    "When a field of a record last changed.",
    (
        Member("field", Scalar.TOKEN, "Name of the field.", required=True),
        Member("version", Scalar.LONG, "The tenant's counter at its last change.", required=True),
    ),
)
_CHANGED = Struct(
    "ChangedRecord",
    "A record that was written in a period.",
    (
        Member("id", Scalar.ID, "Identifier of the record.", required=True),
        Member("at", Scalar.DATETIME, "When it was last written.", required=True),
        _INTO,
    ),
)
_CLAIM = Struct(
    "ScopeClaim",
    "One step of a rule: which records it puts on the device.",
    (
        Member("rule", Scalar.TOKEN, "The rule that the step belongs to.", required=True),
        Member("name", Scalar.TOKEN, "Name of the step.", required=True),
        Member("doc", Scalar.STRING, "What the rule is for; on its first step."),
        Member("entity", Scalar.TOKEN, "Entity of the records.", required=True),
        Member("start", Scalar.TOKEN, "The step that this one goes on from; left out for the first."),
        Member("field", Scalar.TOKEN, "The reference that it follows."),
        Member("backward", Scalar.BOOLEAN, "Whether the reference points to the step it starts from."),
        Member("where", Scalar.STRING, "The condition that the records meet, as JSON; left out for none."),
        Member("cap", Scalar.LONG, "Most records of the step; left out for no bound."),
        Member(
            "carried",
            Scalar.TOKEN,
            "Fields that are carried; none are listed where all are.",
            many=True,
            length=60,
        ),
        Member("count", Scalar.LONG, "Records that it holds now.", required=True),
    ),
)
_ORIGINS = 20
"""Origins that one call may leave out."""
_ENTITY = Member("entity", Scalar.TOKEN, "Name of the entity.", required=True, length=60)
_PERIOD = (
    _ENTITY,
    Member("since", Scalar.DATETIME, "Start of the period, included.", required=True),
    Member("until", Scalar.DATETIME, "End of the period, not included.", required=True),
    LIMIT,
    LOCATOR,
)
_PERIOD_ANSWER = (
    Member("record", _CHANGED, "The records, by id.", many=True),
    Member("coveredUntil", Scalar.DATETIME, "The answer is complete up to here: ask on from it.", required=True),
    NEXT,
    MORE,
)


def build(schema: Schema) -> Service:
    """The metadata service of a schema."""
    return Service(
        "metadata",
        "What the tenant's records are, what a device carries, and what has changed.",
        (
            Operation(
                "DescribeEntities",
                "The entities of the tenant with their fields.",
                (Member("entity", Scalar.TOKEN, "Only these entities; left out for all.", many=True, length=60),),
                (Member("entity", ENTITY, "The entities.", many=True),),
                _describe_entities,
            ),
            Operation(
                "DescribeScope",
                "The rules that decide what the caller's devices carry, and what they hold now.",
                (),
                (
                    Member("name", Scalar.TOKEN, "Name of the scope.", required=True),
                    Member("version", Scalar.LONG, "How often it was edited.", required=True),
                    Member("cap", Scalar.LONG, "Most records of a device; left out for the hub's own bound."),
                    Member("grace", Scalar.LONG, "Hours that a record stays after it has left; left out for none."),
                    Member("claim", _CLAIM, "Its steps, rule by rule.", many=True),
                ),
                _describe_scope,
            ),
            Operation(
                "GetChanges",
                "The tenant's change log after a number, as far as the caller may see the records.",
                (
                    Member("after", Scalar.LONG, "The number to go on after; 0 for the beginning.", required=True),
                    Member("entity", Scalar.TOKEN, "Only these entities; left out for all.", many=True, length=60),
                    LIMIT,
                    Member(
                        "withoutOrigin",
                        Scalar.STRING,
                        "Leave out changes of these origins, such as the caller's own.",
                        many=True,
                        length=limits.KEY_LENGTH,
                        maximum=_ORIGINS,
                    ),
                ),
                (
                    Member("change", _CHANGE, "The entries, in order.", many=True),
                    Member("last", Scalar.LONG, "The number to go on after.", required=True),
                    MORE,
                ),
                _get_changes,
            ),
            Operation(
                "GetFieldVersions",
                "When each field of a record last changed; it decides conflicts with edits of devices.",
                (_ENTITY, Member("id", Scalar.ID, "Identifier of the record.", required=True)),
                (Member("field", _FIELD_VERSION, "The fields that have, or had, a value.", many=True),),
                _get_field_versions,
            ),
            Operation(
                "GetUpdated",
                "Records that were created or changed in a period.",
                _PERIOD,
                _PERIOD_ANSWER,
                lambda call, request: _between(call, request, deleted=False),
            ),
            Operation(
                "GetDeleted",
                "Records that were deleted in a period.",
                _PERIOD,
                _PERIOD_ANSWER,
                lambda call, request: _between(call, request, deleted=True),
            ),
            *_tenant.OPERATIONS,
            *_duplicates.OPERATIONS,
            *operations(schema.entity("User"), READ),
            *operations(schema.entity("Territory")),
        ),
    )


def _describe_entities(call: Call, request: Request) -> Mapping[str, Any]:
    schema, principal = call.schema, call.who()
    names = request.get("entity") or ()
    wanted = [schema.entity(each) for each in dict.fromkeys(names)] if names else list(schema.entities)
    codecs = codec_for(schema)
    return {
        "entity": [describe_entity(each, codecs[each.name], policy.hidden_fields(principal, each)) for each in wanted]
    }


def _describe_scope(call: Call, request: Request) -> Mapping[str, Any]:
    scope = call.run(lambda tx: describe(tx, call.who(), call.now), read_only=True)
    claims = [
        {
            "rule": each.rule,
            "name": each.hop,
            "doc": each.doc or None,
            "entity": each.entity,
            "start": each.start or None,
            "field": each.field or None,
            "backward": each.backward or None,
            "where": json.dumps(each.where) if each.where else None,
            "cap": each.cap or None,
            "carried": list(each.fields),
            "count": each.count,
        }
        for each in scope.claims
    ]
    return {
        "name": scope.name,
        "version": scope.version,
        "cap": scope.cap or None,
        "grace": scope.grace or None,
        "claim": claims,
    }


def _get_changes(call: Call, request: Request) -> Mapping[str, Any]:
    entities = [call.schema.entity(each).name for each in request.get("entity") or ()] or None
    limit = page_limit(request.get("limit"))
    without = frozenset(request.get("withoutOrigin") or ())
    log = call.run(
        lambda tx: changes.changes(tx, call.records(tx), request["after"], limit, entities, without), read_only=True
    )
    told = [_change(each, log.merged.get((each.entity, each.id))) for each in log.changes]
    return {"change": told, "last": log.last, "more": log.more}


def _get_field_versions(call: Call, request: Request) -> Mapping[str, Any]:
    entity, record_id = call.schema.entity(request["entity"]), request["id"]
    hidden = policy.hidden_fields(call.who(), entity)

    def work(tx: Transaction) -> Mapping[str, Any]:
        record = call.records(tx).get(entity.name, [record_id]).get(record_id)
        if record is None:
            raise SaddlebagError(NOT_FOUND, entity=entity.name, record_id=record_id)
        written = [
            each.name
            for each in entity.fields
            if each.name in record.field_versions or record.values.get(each.name) is not None
        ]
        shown = [name for name in written if name not in hidden]
        return {"field": [{"field": name, "version": record.field_version(name)} for name in shown]}

    return call.run(work, read_only=True)


def _change(change: Change, into: str | None) -> Mapping[str, Any]:
    return {
        "sequence": change.sequence,
        "entity": change.entity,
        "id": change.id,
        "kind": str(change.kind),
        "field": list(change.fields),
        "at": change.at,
        "by": change.by,
        "origin": change.origin or None,
        "mergedInto": into if change.kind is ChangeKind.DELETE else None,
    }


def _between(call: Call, request: Request, *, deleted: bool) -> Mapping[str, Any]:
    entity, limit = call.schema.entity(request["entity"]).name, page_limit(request.get("limit"))
    since, until = request["since"], request["until"]
    if until < since:
        raise SaddlebagError(INVALID_VALUE, "The period ends before it starts.", field="until")
    kind, user = "deleted" if deleted else "updated", call.who().user
    purpose = f"{kind} {entity} {since.isoformat()} {until.isoformat()} {user}"
    after, until = _opened(call, purpose, request.get("locator"), until)

    def work(tx: Transaction) -> changes.Period:
        return changes.changed_between(
            tx, call.records(tx), entity, since, until, deleted=deleted, after=after, limit=limit, now=call.now
        )

    period = call.run(work, read_only=True)
    return {
        "record": [{"id": each, "at": at, "mergedInto": period.merged.get(each)} for each, at in period.records],
        "coveredUntil": max(since, period.covered_until),
        "locator": _sealed(call, purpose, period),
        "more": period.after is not None,
    }


def _sealed(call: Call, purpose: str, period: changes.Period) -> str | None:
    """Where the period goes on; its end stays that of the first page, or records changed meanwhile would be lost."""
    if period.after is None:
        return None
    content = json.dumps([period.after, canon.write_datetime(period.covered_until)])
    return seal(call.tenant.secret, purpose, content.encode())


def _opened(call: Call, purpose: str, locator: str | None, until: datetime) -> tuple[str, datetime]:
    if locator is None:
        return "", until
    content = open_seal(call.tenant.secret, purpose, locator)
    if content is None:
        raise SaddlebagError(INVALID_LOCATOR)
    after, covered = json.loads(content)
    return after, canon.read_datetime(covered)


SERVICE: ServiceFactory = build
"""What the entry point names."""

"""The conflict service: values that lost against others', and the decisions on them.

Belongs here: messages to values and back. May not know: who may see what (`saddlebag.records.conflicts`), SOAP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from saddlebag.contract.common import WRITE_RESULT
from saddlebag.contract.spec import Enumeration, Member, Operation, Scalar, Service, ServiceFactory, Struct
from saddlebag.kernel.errors import INVALID_LOCATOR, INVALID_VALUE, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records import conflicts
from saddlebag.records.call import Call
from saddlebag.records.conflicts import Decision, Take
from saddlebag.records.query import page_limit
from saddlebag.security.tokens import open_seal, seal
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Conflict
from saddlebag_services._records import LIMIT, LOCATOR, MORE, NEXT, carry_out, write_result

_PURPOSE = "conflicts"
_CONFLICT = Member("conflict", Scalar.ID, "Identifier of the conflict.", required=True)

TAKE = Enumeration(
    "ConflictTake",
    tuple(str(each) for each in Take),
    "Which value is to stand: that of the user who lost or won with it, the one that she met, or another.",
)
CONFLICT = Struct(
    "Conflict",
    "Two values for one field, of which one stands; texts are lexical forms, the tags of a list one a line.",
    (
        _CONFLICT,
        Member("entity", Scalar.TOKEN, "Name of the entity.", required=True, length=60),
        Member("id", Scalar.ID, "Identifier of the record.", required=True),
        Member("field", Scalar.TOKEN, "Name of the field.", required=True, length=60),
        Member("base", Scalar.STRING, "What the edit started from."),
        Member("mine", Scalar.STRING, "What the user wrote."),
        Member("theirs", Scalar.STRING, "What the hub held; left out where the caller may not see the record."),
        Member("won", Scalar.TOKEN, "Whose value stood then: mine or theirs.", required=True, length=10),
        Member("rule", Scalar.TOKEN, "The policy that decided.", required=True, length=40),
        Member("user", Scalar.ID, "Who wrote it.", required=True),
        Member("device", Scalar.ID, "On which device; left out for none."),
        Member("at", Scalar.DATETIME, "When the two met.", required=True),
        Member("resolvedAt", Scalar.DATETIME, "When somebody decided; left out while nobody has."),
    ),
)


def build(schema: Schema) -> Service:
    """The conflict service; it is the same for every schema."""
    return Service(
        "conflict",
        "Values that lost against another's: reading them back and deciding.",
        (
            Operation(
                "ListConflicts",
                "The caller's conflicts, the oldest first; of one record, a manager's, administrator's or "
                "integration's call gets those of everybody.",
                (
                    Member("entity", Scalar.TOKEN, "Name of the record's entity; with id.", length=60),
                    Member("id", Scalar.ID, "Identifier of the record; with entity."),
                    Member("resolved", Scalar.BOOLEAN, "Whether those that are decided are wanted too."),
                    LIMIT,
                    LOCATOR,
                ),
                (Member("conflict", CONFLICT, "The conflicts of the page.", many=True), NEXT, MORE),
                _list,
            ),
            Operation(
                "ResolveConflict",
                "Lets a value stand, and notes that the conflict is decided. A refused write leaves it open.",
                (
                    _CONFLICT,
                    Member("take", TAKE, "Which value is to stand.", required=True),
                    Member(
                        "value",
                        Scalar.STRING,
                        "Another value, in the lexical form of the field's type; a tag an element each, none to clear.",
                        many=True,
                    ),
                    Member("version", Scalar.LONG, "Version that the record must still have, where that matters."),
                ),
                (Member("result", WRITE_RESULT, "What came of the record.", required=True),),
                _resolve,
                writes=True,
            ),
        ),
    )


def _list(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    principal, limit = call.who(), page_limit(request.get("limit"))
    entity, record, resolved = request.get("entity"), request.get("id"), bool(request.get("resolved"))
    if (entity is None) != (record is None):
        raise SaddlebagError(INVALID_VALUE, "Entity and id are given together.", field="id")
    of = None if entity is None or record is None else (str(entity), str(record))
    search = [principal.user, of, resolved]
    after = _position(call, search, request.get("locator"))
    rows = call.run(
        lambda tx: conflicts.listed(
            tx, call.records(tx), principal, of=of, resolved=resolved, after=after, limit=limit + 1
        ),
        read_only=True,
    )
    more = len(rows) > limit
    locator = _locator(call, search, rows[limit - 1].conflict) if more else None
    return {"conflict": [_members(each) for each in rows[:limit]], "locator": locator, "more": more}


def _members(row: Conflict) -> dict[str, Any]:
    return {
        "conflict": row.conflict,
        "entity": row.entity,
        "id": row.record,
        "field": row.field,
        "base": row.base,
        "mine": row.mine,
        "theirs": row.theirs,
        "won": row.won,
        "rule": row.rule,
        "user": row.user,
        "device": row.device or None,
        "at": row.at,
        "resolvedAt": row.resolved_at,
    }


def _locator(call: Call, search: list[Any], last: str) -> str:
    """The place after `last`; it is bound to the search, so that it cannot be used for another."""
    return seal(call.tenant.secret, _PURPOSE, json.dumps([_plain(search), last]).encode())


def _position(call: Call, search: list[Any], locator: str | None) -> str:
    if locator is None:
        return ""
    content = open_seal(call.tenant.secret, _PURPOSE, locator)
    bound, last = json.loads(content) if content is not None else (None, "")
    if bound != _plain(search):
        raise SaddlebagError(INVALID_LOCATOR)
    return str(last)


def _plain(search: list[Any]) -> list[Any]:
    return [list(each) if isinstance(each, tuple) else each for each in search]


def _resolve(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    principal, version = call.who(), request.get("version")
    decision = Decision(
        request["conflict"],
        Take(request["take"]),
        tuple(request.get("value") or ()),
        -1 if version is None and call.if_version else version,
    )

    def decide(tx: Transaction) -> Mapping[str, Any]:
        return {"result": write_result(conflicts.resolve(tx, call.records(tx), principal, decision, call.now))}

    return carry_out(call, "ResolveConflict", request, decide)


SERVICE: ServiceFactory = build
"""What the entry point names."""

"""The scope service: the rules that decide what devices carry, kept by the tenant's own people.

Belongs here: messages to values and back. May not know: what a rule means (`saddlebag.sync.rules`), who may set which
(`saddlebag.sync.administration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from saddlebag.contract.spec import Member, Operation, Scalar, Service, ServiceFactory, Struct
from saddlebag.kernel import limits
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.security.principal import Principal
from saddlebag.store.base import Transaction
from saddlebag.sync import administration
from saddlebag.sync.administration import Kept, Step
from saddlebag_services._records import carry_out

_NAME = Member(
    "name", Scalar.TOKEN, "Whose scope: default, role: and a role, or user: and a user's id.", required=True, length=60
)
_RULES = Member(
    "rules",
    Scalar.STRING,
    "The rules as JSON, in the language that the manual describes under Scope.",
    required=True,
    length=limits.TEXT_LENGTH,
)
_VERSION = Member(
    "version",
    Scalar.LONG,
    "Version of the scope: it grows by one with each change; 0 for one that is not set.",
    required=True,
)
_ENTITY = Member("entity", Scalar.TOKEN, "Name of the entity.", required=True, length=60)
_ID = Member("id", Scalar.ID, "Identifier of the record.", required=True)
_RECORDS = Member("records", Scalar.LONG, "How many records.", required=True)
_BYTES = Member("bytes", Scalar.LONG, "About how many bytes, before compression.", required=True)

SCOPE = Struct("Scope", "A scope as it is set.", (_NAME, _VERSION, _RULES))
STEP = Struct(
    "ScopeStep",
    "What one step of a rule would put on a device.",
    (
        Member("rule", Scalar.TOKEN, "Name of the rule.", required=True, length=60),
        Member("hop", Scalar.TOKEN, "Name of the hop; left out for the rule's root.", length=60),
        _ENTITY,
        _RECORDS,
        _BYTES,
        Member("cap", Scalar.LONG, "The most records of the step; left out for no bound."),
        Member("capped", Scalar.BOOLEAN, "True where there are more: pulls would be refused."),
    ),
)
PIN = Struct("Pin", "A record that its user wants on her devices whatever the rules say.", (_ENTITY, _ID))


def build(schema: Schema) -> Service:
    """The scope service; it is the same for every schema."""
    return Service(
        "scope",
        "The rules that decide what devices carry, and the records that a user pins.",
        (
            Operation(
                "GetScope",
                "The scopes that the caller may set, as they are; the default one also where none is set.",
                (Member("name", Scalar.TOKEN, "Only this scope; left out for all.", length=60),),
                (Member("scope", SCOPE, "The scopes, by name.", many=True),),
                _get,
            ),
            Operation(
                "SaveScope",
                "Sets a scope, once its rules are found to fit the tenant's records. Devices get the difference at "
                "their next pull.",
                (
                    _NAME,
                    Member("version", Scalar.LONG, "Version to replace; 0 where none is set.", required=True),
                    _RULES,
                ),
                (_VERSION,),
                _save,
                writes=True,
            ),
            Operation(
                "DeleteScope",
                "Unsets a scope: that of the role, or the default one, applies again.",
                (_NAME, _VERSION),
                (),
                _delete,
                writes=True,
            ),
            Operation(
                "EstimateScope",
                "Tells what rules would put on a user's device now, before they are saved.",
                (
                    Member("user", Scalar.ID, "The user's id.", required=True),
                    Member(
                        "rules",
                        Scalar.STRING,
                        "The rules as JSON; left out for the hub's own.",
                        length=limits.TEXT_LENGTH,
                    ),
                ),
                (
                    Member("step", STEP, "Every step, rule by rule.", many=True),
                    _RECORDS,
                    _BYTES,
                    Member(
                        "limit",
                        Scalar.LONG,
                        "The most records that the rules, or else the hub, allow in all.",
                        required=True,
                    ),
                ),
                _estimate,
            ),
            Operation(
                "PinRecord",
                "Keeps a record, and what the rules lead to from it, on the caller's devices.",
                (_ENTITY, _ID),
                (),
                _pin,
                writes=True,
            ),
            Operation("UnpinRecord", "Leaves a record to the rules again.", (_ENTITY, _ID), (), _unpin, writes=True),
            Operation(
                "ListPins", "What the caller has pinned.", (), (Member("pin", PIN, "The records.", many=True),), _pins
            ),
        ),
    )


def _get(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = call.run(lambda tx: administration.listed(tx, call.who(), request.get("name")), read_only=True)
    return {"scope": [_scope(each) for each in kept]}


def _scope(kept: Kept) -> Mapping[str, Any]:
    return {"name": kept.name, "version": kept.version, "rules": kept.rules}


def _save(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        kept = administration.save(tx, call.who(), request["name"], request["rules"], request["version"])
        return {"version": kept.version}

    return carry_out(call, "SaveScope", request, work)


def _delete(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        administration.delete(tx, call.who(), request["name"], request["version"])
        return {}

    return carry_out(call, "DeleteScope", request, work)


def _estimate(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    told = call.run(
        lambda tx: administration.estimate(tx, call.who(), request["user"], request.get("rules"), call.now),
        read_only=True,
    )
    return {
        "step": [_step(each) for each in told.steps],
        "records": told.records,
        "bytes": told.bytes,
        "limit": told.limit,
    }


def _step(step: Step) -> Mapping[str, Any]:
    return {
        "rule": step.rule,
        "hop": step.hop or None,
        "entity": step.entity,
        "records": step.records,
        "bytes": step.bytes,
        "cap": step.cap or None,
        "capped": step.capped or None,
    }


def _pin(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return _pinning(call, "PinRecord", request, administration.pin)


def _unpin(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return _pinning(call, "UnpinRecord", request, administration.unpin)


def _pinning(
    call: Call, operation: str, request: Mapping[str, Any], change: Callable[[Transaction, Principal, str, str], None]
) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        change(tx, call.who(), request["entity"], request["id"])
        return {}

    return carry_out(call, operation, request, work)


def _pins(call: Call, _request: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = call.run(lambda tx: list(administration.pins(tx, call.who())), read_only=True)
    return {"pin": [{"entity": entity, "id": record_id} for entity, record_id in kept]}


SERVICE: ServiceFactory = build
"""What the entry point names."""

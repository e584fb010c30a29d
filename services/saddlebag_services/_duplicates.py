"""The operations on duplicate rules: by what the tenant tells that two records are the same.

Belongs here: messages to values and back. May not know: how records are compared, who may set rules
(`saddlebag.records.duplicate_rules`), SOAP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from saddlebag.contract.spec import Enumeration, Member, Operation, Scalar, Struct
from saddlebag.kernel import limits
from saddlebag.records import duplicate_rules
from saddlebag.records.call import Call
from saddlebag.records.duplicates import How, Rule
from saddlebag.store.base import Transaction
from saddlebag_services._records import carry_out

Request = Mapping[str, Any]

_HOW = Enumeration(
    "DuplicateMatch",
    tuple(str(each) for each in How),
    "How values are compared: as they are, without regard to case and white space, as e-mail addresses, or as "
    "telephone numbers by their last nine digits.",
)
_NAME = Member("name", Scalar.TOKEN, "Name of the rule.", required=True, length=60)
_VERSION = Member("version", Scalar.LONG, "How often the rule was changed.", required=True)
_READY = Member("ready", Scalar.BOOLEAN, "Whether it counts: all records are in its index.", required=True)
_TERM = Struct(
    "DuplicateTerm",
    "A field that a duplicate rule compares.",
    (
        Member("field", Scalar.TOKEN, "Name of the field.", required=True, length=60),
        Member("match", _HOW, "How its values are compared.", required=True),
    ),
)
_ENTITY = Member("entity", Scalar.TOKEN, "Name of the entity.", required=True, length=60)
_TERMS = Member("term", _TERM, "Fields that must all be the same.", True, True, maximum=limits.DUPLICATE_FIELDS)
_RULE = Struct(
    "DuplicateRuleDescription",
    "By what the tenant tells that two records are the same.",
    (_NAME, _ENTITY, _TERMS, _VERSION, _READY),
)


def _list(call: Call, _request: Request) -> Mapping[str, Any]:
    rules = call.run(duplicate_rules.listed, read_only=True)
    return {"rule": [_told(each) for each in rules]}


def _told(rule: Rule) -> Mapping[str, Any]:
    terms = [{"field": each.field, "match": str(each.how)} for each in rule.terms]
    told = {"name": rule.name, "entity": rule.entity, "term": terms}
    return {**told, "version": rule.version, "ready": rule.ready}


def _save(call: Call, request: Request) -> Mapping[str, Any]:
    terms = [(each["field"], each["match"]) for each in request.get("term") or ()]

    def work(tx: Transaction) -> Mapping[str, Any]:
        name, entity, version = request["name"], request["entity"], request["version"]
        rule = duplicate_rules.save(tx, call.who(), name, entity, terms, version)
        return {"version": rule.version, "ready": rule.ready}

    return carry_out(call, "SaveDuplicateRule", request, work)


def _delete(call: Call, request: Request) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        duplicate_rules.delete(tx, call.who(), request["name"], request["version"])
        return {}

    return carry_out(call, "DeleteDuplicateRule", request, work)


OPERATIONS: Final = (
    Operation(
        "ListDuplicateRules",
        "The rules by which creates and upserts are refused for records that are there already.",
        (),
        (Member("rule", _RULE, "The rules, by name.", many=True),),
        _list,
    ),
    Operation(
        "SaveDuplicateRule",
        f"Set a duplicate rule; for administrators. A call prepares {limits.DUPLICATE_STEP} records: repeat it "
        "with the version it gave until the rule is ready.",
        (
            _NAME,
            _ENTITY,
            _TERMS,
            Member("version", Scalar.LONG, "Version to replace, or to go on with; 0 for a new rule.", required=True),
        ),
        (_VERSION, _READY),
        _save,
        writes=True,
    ),
    Operation(
        "DeleteDuplicateRule",
        "Remove a duplicate rule; for administrators.",
        (_NAME, _VERSION),
        (),
        _delete,
        writes=True,
    ),
)
"""What the metadata service offers of them."""

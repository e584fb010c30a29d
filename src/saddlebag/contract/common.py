"""The messages' common parts: headers, faults, per-record results, filters. Every service publishes the same ones.

Belongs here: declarations in the terms of `saddlebag.contract.spec`, and the values that go with them where the mapping
is the contract's own (a fault's detail, a record's error). May not know: services, SOAP versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlebag.contract.spec import DuplicateAction, Enumeration, Member, Scalar, Struct
from saddlebag.kernel import limits
from saddlebag.kernel.errors import Retry, SaddlebagError
from saddlebag.model.condition import Op

_CODE = Member("code", Scalar.TOKEN, "Stable code of the kind of error, for programs.", required=True, length=10)
_NAME = Member("name", Scalar.TOKEN, "Stable name of the kind of error, for people.", required=True, length=60)
_MESSAGE = Member("message", Scalar.STRING, "What went wrong here, in one sentence.", required=True)
_FIELD = Member("field", Scalar.TOKEN, "The field concerned.", length=60)

RETRY = Enumeration(
    "Retry",
    tuple(str(each) for each in Retry),
    "Whether sending the same message again may help: never, after a change, or later as it is.",
)

FAULT_DETAIL = Struct(
    "FaultDetail",
    "What stands in the detail of every fault: which error it is, what caused it and what to do about it.",
    (
        _CODE,
        _NAME,
        _MESSAGE,
        Member("cause", Scalar.STRING, "Why errors of this kind happen.", required=True),
        Member("cure", Scalar.STRING, "What to do about it.", required=True),
        Member("retry", RETRY, "Whether sending the same message again may help.", required=True),
        Member("retryAfter", Scalar.INT, "Seconds to wait before trying again."),
        Member("entity", Scalar.TOKEN, "The entity concerned.", length=60),
        Member("id", Scalar.STRING, "The record concerned.", length=limits.EXTERNAL_ID_LENGTH),
        _FIELD,
        Member("rule", Scalar.STRING, "The rule or bound that was met."),
        Member("count", Scalar.LONG, "How many there were."),
        Member("limit", Scalar.LONG, "How many there may be."),
        Member("requestId", Scalar.TOKEN, "Identifier of the call in the hub's log.", required=True, length=64),
    ),
)

FAULT_ELEMENT = "SaddlebagFault"
"""The element of type FaultDetail inside a fault's detail, in the types namespace."""

RECORD_ERROR = Struct(
    "RecordError",
    "Why one record of a call was not written, while others may have been.",
    (
        _CODE,
        _NAME,
        _MESSAGE,
        _FIELD,
        Member("retry", RETRY, "Whether sending the same record again may help.", required=True),
    ),
)

WRITE_STATUS = Enumeration(
    "WriteStatus",
    ("created", "updated", "unchanged", "deleted", "undeleted", "merged", "conflict", "rejected", "gone"),
    "What came of a record: written, merged with another or a newer one, or refused.",
)

RECORD_MATCH = Struct(
    "RecordMatch",
    "A record that is there already, as a duplicate rule of the tenant sees it.",
    (
        Member("rule", Scalar.TOKEN, "Name of the duplicate rule.", required=True, length=60),
        Member("id", Scalar.ID, "Identifier of the record.", required=True),
    ),
)

WRITE_RESULT = Struct(
    "WriteResult",
    "What came of one record of a write call; results stand in the order of the records.",
    (
        Member("id", Scalar.STRING, "Identifier of the record, where it is known.", length=limits.EXTERNAL_ID_LENGTH),
        Member("success", Scalar.BOOLEAN, "Whether the record now is as asked.", required=True),
        Member("status", WRITE_STATUS, "What came of it.", required=True),
        Member("version", Scalar.LONG, "The record's version after the call."),
        Member("error", RECORD_ERROR, "Why it was refused."),
        Member("mergedInto", Scalar.ID, "The record that it was merged into, where it is gone for that."),
        Member("match", RECORD_MATCH, "The records that it would double, as far as the caller sees them.", many=True),
    ),
)

FILTER_OP = Enumeration(
    "FilterOp",
    (*(str(each) for each in Op), "missing", "present"),
    "Comparisons: equal, not equal, less, less or equal, greater, greater or equal, one of, begins with, contains, "
    "has the tag, has no value, has a value. Text is compared without regard to case only by prefix and contains.",
)

FILTER = Struct(
    "Filter",
    "One term of a search; all terms of a search must hold.",
    (
        Member("field", Scalar.TOKEN, "A field of the entity, or id.", required=True, length=60),
        Member("op", FILTER_OP, "How the field is compared.", required=True),
        Member(
            "value",
            Scalar.STRING,
            "What it is compared with, in the lexical form of the field's type: several for in, none for missing "
            "and present, else one.",
            many=True,
            maximum=limits.FILTER_VALUES,
        ),
    ),
)

ORDER = Struct(
    "Order",
    "One term of the order of a search's records; ties are broken by id.",
    (
        Member("field", Scalar.TOKEN, "A field of the entity, or id.", required=True, length=60),
        Member("descending", Scalar.BOOLEAN, "Whether the greatest value comes first; false where it is left out."),
    ),
)

FILTERS = Member("filter", FILTER, "Terms that must all hold.", many=True, maximum=limits.FILTER_TERMS)
"""The request member of every search."""
ORDERS = Member(
    "order", ORDER, "Order of the records, most important term first.", many=True, maximum=limits.ORDER_TERMS
)
"""The request member of every search that says how its records are ordered."""

SESSION = Struct(
    "Session",
    "Header: the session that the call belongs to. A caller with a client certificate needs none.",
    (Member("token", Scalar.TOKEN, "The token that Login gave.", required=True, length=limits.KEY_LENGTH),),
)

IDEMPOTENCY_KEY = Struct(
    "IdempotencyKey",
    "Header of a write: a call repeated with the same key and payload gets the first answer and writes nothing.",
    (
        Member(
            "key", Scalar.STRING, "Chosen by the caller, new for each request.", required=True, length=limits.KEY_LENGTH
        ),
    ),
)

ALL_OR_NONE = Struct(
    "AllOrNone",
    "Header of a write: whether one refused record refuses all others of the call.",
    (Member("value", Scalar.BOOLEAN, "True to write all records or none.", required=True),),
)

IF_VERSION = Struct(
    "IfVersion",
    "Header of a write: whether each record must still be of the version that it is sent with.",
    (Member("value", Scalar.BOOLEAN, "True to refuse records that have moved on.", required=True),),
)

CALL_OPTIONS = Struct(
    "CallOptions",
    "Header: the program that calls. Changes that it makes have the origin client:NAME, so that it knows its echoes.",
    (Member("client", Scalar.TOKEN, "Name of the program, chosen by it.", required=True, length=limits.CLIENT_LENGTH),),
)

LOCALE = Struct(
    "Locale",
    "Header: the language for texts that people read. Where there is none in it they are in English; numbers and dates "
    "never change.",
    (Member("language", Scalar.TOKEN, "A language tag (RFC 5646).", required=True, length=limits.LANGUAGE_LENGTH),),
)

DUPLICATE_ACTION = Enumeration(
    "DuplicateAction",
    tuple(str(each) for each in DuplicateAction),
    "What becomes of a new record that a duplicate rule finds there already.",
)

DUPLICATE_RULE = Struct(
    "DuplicateRule",
    "Header of a create or upsert: whether the tenant's duplicate rules refuse records; they do where it is left out.",
    (Member("action", DUPLICATE_ACTION, "Refuse the record, or allow it.", required=True),),
)

RATE_STANDING = Struct(
    "RateStanding",
    "How the caller stands with one rate, after this call.",
    (
        Member("rule", Scalar.TOKEN, "Name of the rate, as a RateLimited fault gives it.", required=True),
        Member("limit", Scalar.LONG, "Calls that may come at once.", required=True),
        Member("remaining", Scalar.LONG, "Calls that may come at once now.", required=True),
        Member("reset", Scalar.LONG, "Seconds without a call after which all may come at once again.", required=True),
    ),
)

LIMIT_INFO = Struct(
    "LimitInfo",
    "Header: sent empty it asks for the same block in the answer, which tells how the caller stands with her rates.",
    (Member("rate", RATE_STANDING, "One for each rate that the call counted for.", many=True),),
)

CALL_HEADERS = (CALL_OPTIONS, LOCALE, LIMIT_INFO)
"""The header blocks that every operation takes."""

WRITE_HEADERS = (IDEMPOTENCY_KEY, ALL_OR_NONE, IF_VERSION)
"""The header blocks that only operations with `writes` take."""

CREATE_HEADERS = (DUPLICATE_RULE,)
"""The header blocks that only operations with `creates` take."""

HEADERS: Mapping[str, Struct] = {each.name: each for each in (SESSION, *CALL_HEADERS, *WRITE_HEADERS, *CREATE_HEADERS)}
"""Every header block by the name of its element in the types namespace; each is optional on the wire."""


def fault_detail(error: SaddlebagError, request_id: str) -> dict[str, Any]:
    """The members of FaultDetail for an error; absent ones are left out."""
    members = {
        "code": error.kind.code,
        "name": error.kind.name,
        "message": error.message,
        "cause": error.kind.cause,
        "cure": error.kind.cure,
        "retry": str(error.kind.retry),
        "retryAfter": error.retry_after,
        "entity": error.entity,
        "id": error.record_id,
        "field": error.field,
        "rule": error.rule,
        "count": error.count,
        "limit": error.limit,
        "requestId": request_id,
    }
    return {name: value for name, value in members.items() if value is not None}


def record_error(error: SaddlebagError) -> dict[str, Any]:
    """The members of RecordError for an error; absent ones are left out."""
    members = {
        "code": error.kind.code,
        "name": error.kind.name,
        "message": error.message,
        "field": error.field,
        "retry": str(error.kind.retry),
    }
    return {name: value for name, value in members.items() if value is not None}

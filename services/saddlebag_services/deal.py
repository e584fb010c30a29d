"""The deal service: deals, their lines and partners, and the move of a deal from stage to stage.

Belongs here: which operations there are. May not know: SOAP, SQL, how a stage may move (the declaration says).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlebag.contract.common import WRITE_RESULT
from saddlebag.contract.spec import Member, Operation, Scalar, Service, ServiceFactory
from saddlebag.model.entities import Schema
from saddlebag.records.base import Verb, Write
from saddlebag.records.call import Call
from saddlebag_services._records import operations, write


def build(schema: Schema) -> Service:
    """The deal service of a schema."""
    return Service(
        "deal",
        "Deals, their lines, and the partners that take part in them.",
        (
            *operations(schema.entity("Deal")),
            *operations(schema.entity("DealLine")),
            *operations(schema.entity("Partner")),
            Operation(
                "MoveDealStage",
                "Move one deal to another stage, as its transitions allow.",
                (
                    Member("id", Scalar.ID, "Identifier of the deal.", required=True),
                    Member("stage", Scalar.TOKEN, "The stage to move to.", required=True, length=40),
                    Member("version", Scalar.LONG, "Version that the deal must still have; left out for any."),
                    Member("lossReason", Scalar.STRING, "Why the deal was lost; xsi:nil clears it.", length=255),
                ),
                (Member("result", WRITE_RESULT, "What came of it.", required=True),),
                _move,
                writes=True,
            ),
        ),
    )


def _move(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    given = {name: request[name] for name in ("stage", "lossReason") if name in request}
    version = request.get("version")
    if version is None and call.if_version:
        version = -1  # under IfVersion a record sent without its version is stale by rule
    move = Write(Verb.UPDATE, "Deal", request["id"], values=given, if_version=version)
    return {"result": write(call, "MoveDealStage", request, lambda: [move])[0]}


SERVICE: ServiceFactory = build
"""What the entry point names."""

"""The attachment service: files that belong to records, and their content in pieces.

Belongs here: messages to values and back. May not know: who may read what (`saddlebag.records.attachments`), SOAP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from saddlebag.contract.spec import Member, Operation, Scalar, Service, ServiceFactory
from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_MISMATCH, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records.attachments import ENTITY, Attachments, Progress
from saddlebag.records.call import Call
from saddlebag_services._records import operations

R = TypeVar("R")

_ID = Member("id", Scalar.ID, "Identifier of the attachment.", required=True)
_OFFSET = Member("offset", Scalar.LONG, "Place in the content, counted in bytes from 0.", required=True)
_SIZE = Member("size", Scalar.LONG, "Bytes of the whole content.", required=True)
_STORED = Member("stored", Scalar.BOOLEAN, "Whether the hub has the whole content, verified.", required=True)
_PROGRESS = (Member("offset", Scalar.LONG, "First byte that the hub still wants.", required=True), _SIZE, _STORED)


def build(schema: Schema) -> Service:
    """The attachment service of a schema."""
    return Service(
        "attachment",
        "Files that belong to records: what they are, and their content in pieces.",
        (
            *operations(schema.entity(ENTITY)),
            Operation(
                "BeginUpload",
                "Opens the upload of an attachment's content, or tells where the open one goes on. Content that the "
                "caller can read by another attachment already is not wanted again.",
                (_ID,),
                _PROGRESS,
                _begin,
            ),
            Operation(
                "PutChunk",
                f"Sends the content's bytes from an offset on: at most {limits.ATTACHMENT_PIECE}, beginning at a "
                f"multiple of {limits.ATTACHMENT_CHUNK} and ending at one or at the end. Bytes that do not join on are "
                "left out: the answer tells where to go on.",
                (_ID, _OFFSET, Member("data", Scalar.BINARY, "The bytes.", required=True)),
                _PROGRESS,
                _put,
            ),
            Operation(
                "FinishUpload",
                "Verifies the content by the SHA-256 that the attachment announces. Other content is dropped with a "
                "fault.",
                (_ID,),
                (_STORED,),
                _finish,
            ),
            Operation(
                "GetChunk",
                "Gives bytes of an attachment's content from an offset on; none at its end.",
                (
                    _ID,
                    _OFFSET,
                    Member("bytes", Scalar.INT, f"Most bytes wanted: 1 to {limits.ATTACHMENT_PIECE}, the default."),
                ),
                (_OFFSET, _SIZE, Member("data", Scalar.BINARY, "The bytes.", required=True)),
                _get,
            ),
        ),
    )


def _run(call: Call, work: Callable[[Attachments], R], *, read_only: bool = False) -> R:
    return call.run(
        lambda tx: work(Attachments(tx, call.who(), now=call.now, new_id=call.hub.new_id)), read_only=read_only
    )


def _progress(made: Progress) -> Mapping[str, Any]:
    return {"offset": made.offset, "size": made.size, "stored": made.stored}


def _begin(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return _progress(_run(call, lambda them: them.begin(request["id"])))


def _put(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return _progress(_run(call, lambda them: them.put(request["id"], request["offset"], request["data"])))


def _finish(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fault comes after the commit: in its transaction it would take back that the content was dropped."""
    if not _run(call, lambda them: them.finish(request["id"])):
        raise SaddlebagError(CONTENT_MISMATCH, entity=ENTITY, record_id=request["id"])
    return {"stored": True}


def _get(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    piece = _run(call, lambda them: them.read(request["id"], request["offset"], request.get("bytes")), read_only=True)
    return {"offset": piece.offset, "size": piece.size, "data": piece.data}


SERVICE: ServiceFactory = build
"""What the entry point names."""

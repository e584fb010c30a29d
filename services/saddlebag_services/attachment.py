"""The attachment service: files that belong to records, and their content in pieces.

Belongs here: messages to values and back. May not know: who may read what (`saddlebag.records.attachments`), SOAP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from saddlebag.contract.spec import Blob, Member, Operation, Scalar, Service, ServiceFactory
from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_MISMATCH, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records.attachments import ENTITY, Attachments, Piece, Progress
from saddlebag.records.call import Call
from saddlebag.store.base import Transaction
from saddlebag_services._records import carry_out, operations

R = TypeVar("R")

_ID = Member("id", Scalar.ID, "Identifier of the attachment.", required=True)
_OFFSET = Member("offset", Scalar.LONG, "Place in the content, counted in bytes from 0.", required=True)
_SIZE = Member("size", Scalar.LONG, "Bytes of the whole content.", required=True)
_STORED = Member("stored", Scalar.BOOLEAN, "Whether the hub has the whole content, verified.", required=True)
_CONTENT = Member("content", Scalar.BINARY, "The whole content.", required=True, streamed=True)
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
                writes=True,
            ),
            Operation(
                "PutChunk",
                f"Sends the content's bytes from an offset on: at most {limits.ATTACHMENT_PIECE}, beginning at a "
                f"multiple of {limits.ATTACHMENT_CHUNK} and ending at one or at the end. Bytes that do not join on are "
                "left out: the answer tells where to go on.",
                (_ID, _OFFSET, Member("data", Scalar.BINARY, "The bytes.", required=True)),
                _PROGRESS,
                _put,
                writes=True,
            ),
            Operation(
                "FinishUpload",
                "Verifies the content by the SHA-256 that the attachment announces. Other content is dropped with a "
                "fault.",
                (_ID,),
                (_STORED,),
                _finish,
                writes=True,
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
            Operation(
                "PutContent",
                "Sends an attachment's content as a whole, by MTOM beside the envelope; it is stored once it is "
                "verified by the SHA-256 that the attachment announces. What an upload that broke off has brought is "
                "not taken twice.",
                (_ID, _CONTENT),
                (_STORED,),
                _put_content,
            ),
            Operation(
                "GetContent",
                "Gives an attachment's content as a whole: by MTOM beside the envelope to a caller who takes it so, "
                f"else inside, where it has at most {limits.INLINE_BYTES} bytes.",
                (_ID,),
                (_SIZE, _CONTENT),
                _get_content,
            ),
        ),
    )


def _progress(made: Progress) -> Mapping[str, Any]:
    return {"offset": made.offset, "size": made.size, "stored": made.stored}


def _write(
    call: Call, operation: str, request: Mapping[str, Any], work: Callable[[Attachments], Mapping[str, Any]]
) -> Mapping[str, Any]:
    def write(tx: Transaction) -> Mapping[str, Any]:
        return work(Attachments(tx, call.who(), now=call.now, new_id=call.hub.new_id))

    return carry_out(call, operation, request, write)


def _begin(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return _write(call, "BeginUpload", request, lambda them: _progress(them.begin(request["id"])))


def _put(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    offset, data = request["offset"], request["data"]
    return _write(call, "PutChunk", request, lambda them: _progress(them.put(request["id"], offset, data)))


def _finish(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fault comes after the commit: in its transaction it would take back that the content was dropped."""
    done = _write(call, "FinishUpload", request, lambda them: {"stored": them.finish(request["id"])})
    if not done["stored"]:
        raise SaddlebagError(CONTENT_MISMATCH, entity=ENTITY, record_id=request["id"])
    return {"stored": True}


def _get(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    def read(tx: Transaction) -> Piece:
        them = Attachments(tx, call.who(), now=call.now, new_id=call.hub.new_id)
        return them.read(request["id"], request["offset"], request.get("bytes"))

    piece = call.run(read, read_only=True)
    return {"offset": piece.offset, "size": piece.size, "data": piece.data}


def _do(call: Call, work: Callable[[Attachments], R], *, read_only: bool = False) -> R:
    """A step of a long transfer, in a transaction of its own."""
    return call.run(
        lambda tx: work(Attachments(tx, call.who(), now=call.now, new_id=call.hub.new_id)), read_only=read_only
    )


def _put_content(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Sent again it does nothing again, with or without a key: the content is known by its hash."""
    attachment, content = request["id"], request["content"]
    made = _do(call, lambda them: them.begin(attachment, content.size))
    if not made.stored:
        _take(call, attachment, content, made.offset)
        if not _do(call, lambda them: them.finish(attachment)):
            raise SaddlebagError(CONTENT_MISMATCH, entity=ENTITY, record_id=attachment)
    return {"stored": True}


def _take(call: Call, attachment: str, content: Blob, offset: int) -> None:
    """Store what is not there yet, a transaction each piece: no other writer waits for the whole of it."""
    at = 0
    for piece in content.pieces(limits.ATTACHMENT_PIECE):
        if at + len(piece) > offset:
            _do(call, partial(Attachments.put, attachment=attachment, offset=at, data=piece))
        at += len(piece)


@dataclass(frozen=True, slots=True)
class _Stored:
    """Content in the store (a `Blob`), a transaction each piece: an attachment's hash, and so its content, is given
    once.
    """

    call: Call
    attachment: str
    size: int

    def pieces(self, most: int) -> Iterator[bytes]:
        """The bytes in order; raises NOT_FOUND where the attachment is deleted meanwhile."""
        for offset in range(0, self.size, limits.ATTACHMENT_PIECE):
            piece = _do(self.call, partial(Attachments.read, attachment=self.attachment, offset=offset), read_only=True)
            yield from (piece.data[at : at + most] for at in range(0, len(piece.data), most))


def _get_content(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    attachment = request["id"]
    first = _do(call, lambda them: them.read(attachment, 0, 1), read_only=True)
    return {"size": first.size, "content": _Stored(call, attachment, first.size)}


SERVICE: ServiceFactory = build
"""What the entry point names."""

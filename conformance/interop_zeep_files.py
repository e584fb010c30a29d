"""zeep on the attachment service: a file sent and fetched in pieces, byte for byte.

Belongs here: the exchanges of an upload and a download. May not know: how content is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from conformance.report import expect, same
from conformance.samples import CONTENT
from conformance.zeep_client import Zeep

PIECE = 256 * 1024
"""Bytes of one piece that we send: a power of two, where every piece but the last has to end."""


def _send(z: Zeep, record: str, content: bytes) -> None:
    """Send what the hub wants, from where it wants it."""
    progress = z.call("attachment", "BeginUpload", id=record)
    while not progress.stored and progress.offset < len(content):
        before = progress.offset
        piece = content[before : before + PIECE]
        progress = z.call("attachment", "PutChunk", id=record, offset=before, data=piece)
        expect(progress.stored or progress.offset > before, "the hub took nothing of a piece that joins on")


def _fetch(z: Zeep, record: str) -> bytes:
    content = b""
    while True:
        piece = z.call("attachment", "GetChunk", id=record, offset=len(content), bytes=PIECE)
        content += piece.data or b""
        if len(content) >= piece.size:
            return content


def begin(z: Zeep) -> None:
    """An upload starts at the beginning and knows how much is to come."""
    record, _ = z.new("Attachment")
    progress = z.call("attachment", "BeginUpload", id=record)
    same(progress.size, len(CONTENT), "size")
    expect(progress.stored or progress.offset == 0, f"the upload starts at {progress.offset}")
    same(z.fault("attachment", "BeginUpload", id="no-such-id")["code"], "SB3001", "code for an unknown attachment")
    _complete(z, record, CONTENT)


def put(z: Zeep) -> None:
    """Pieces join on; one that does not is left out, and the answer tells where to go on."""
    content = secrets.token_bytes(PIECE * 2 + 77)
    record = _of(z, content)
    z.call("attachment", "BeginUpload", id=record)
    first = z.call("attachment", "PutChunk", id=record, offset=0, data=content[:PIECE])
    same(first.offset, PIECE, "offset after the first piece")
    beyond = z.call("attachment", "PutChunk", id=record, offset=2 * PIECE, data=content[2 * PIECE :])
    same(beyond.offset, PIECE, "offset after a piece that does not join on")
    _complete(z, record, content)


def finish(z: Zeep) -> None:
    """Content that has the announced hash is stored; other content is refused and dropped."""
    content = secrets.token_bytes(PIECE + 5)
    record = _of(z, content)
    _send(z, record, bytes(PIECE + 5))
    fault = z.fault("attachment", "FinishUpload", id=record)
    expect(fault["code"].startswith("SB3"), f"code {fault['code']}")
    same(z.call("attachment", "BeginUpload", id=record).offset, 0, "offset after the refusal")
    _complete(z, record, content)
    right, _ = z.new("Attachment")
    _send(z, right, CONTENT)
    z.call("attachment", "FinishUpload", id=right)
    same(z.read("Attachment", right).stored, True, "stored")


def get(z: Zeep) -> None:
    """What was sent comes back byte for byte."""
    content = secrets.token_bytes(PIECE + 4321)
    record = _of(z, content)
    _send(z, record, content)
    z.call("attachment", "FinishUpload", id=record)
    same(_fetch(z, record) == content, True, "the same bytes")


def put_content(z: Zeep) -> None:
    """The whole content in one call, inside the envelope; twice does no harm, other content is refused."""
    content = secrets.token_bytes(PIECE + 99)
    record = _of(z, content)
    for _ in range(2):
        same(z.call("attachment", "PutContent", id=record, content=content), True, "stored")
    same(_fetch(z, record) == content, True, "the same bytes")
    other = _of(z, secrets.token_bytes(7))
    for wrong in (bytes(7), bytes(8)):
        fault = z.fault("attachment", "PutContent", id=other, content=wrong)
        same(fault["code"], "SB3013", "code for other content")


def get_content(z: Zeep) -> None:
    """The whole content in one call; none before it was sent."""
    content = secrets.token_bytes(4321)
    record = _of(z, content)
    same(z.fault("attachment", "GetContent", id=record)["code"], "SB3001", "code before there is content")
    z.call("attachment", "PutContent", id=record, content=content)
    answer = z.call("attachment", "GetContent", id=record)
    same((answer.size, answer.content == content), (len(content), True), "size, and the same bytes")


def _complete(z: Zeep, record: str, content: bytes) -> None:
    """End an upload: a user has only so many open at once, and other clients come after this one."""
    _send(z, record, content)
    z.call("attachment", "FinishUpload", id=record)


def _of(z: Zeep, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return z.new("Attachment", size=len(content), sha256=digest)[0]


JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {
    ("attachment", "BeginUpload"): begin,
    ("attachment", "PutChunk"): put,
    ("attachment", "FinishUpload"): finish,
    ("attachment", "GetChunk"): get,
    ("attachment", "PutContent"): put_content,
    ("attachment", "GetContent"): get_content,
}

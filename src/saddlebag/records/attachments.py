"""The content of attachments: uploaded and read in pieces, verified, kept once.

Belongs here: who may send and read content, where an upload goes on, and how pieces become verified content. May not
know: SOAP, devices. What an attachment is and whom it belongs to is its record's business, which goes the way of all.

    begin    an upload of the announced size, or the place where one goes on; done at once where the caller can
             already read the same content by another attachment
    put      the next bytes; what the hub has already is taken for sent, what does not join on is left out
    finish   the SHA-256 over all pieces must be the announced one; equal content is kept once
    read     bytes of verified content

To know a hash is no proof of holding the content: an attachment gets content only from who has sent all of it or may
read it elsewhere. Else a hash that somebody once saw would be a key to what she may not see any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    BUSY,
    CONTENT_MISMATCH,
    INVALID_VALUE,
    NOT_ALLOWED,
    NOT_FOUND,
    RATE_LIMITED,
    SaddlebagError,
)
from saddlebag.kernel.ids import IdSource
from saddlebag.kernel.limits import ATTACHMENT_CHUNK, ATTACHMENT_PIECE
from saddlebag.model.condition import both, eq
from saddlebag.records.base import Verb, Write
from saddlebag.records.path import Records
from saddlebag.security import policy
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.store.tables import AttachmentContent, BlobChunk, Content, Upload

ENTITY: Final = "Attachment"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_TWINS: Final = 50
"""Attachments of the same content that are looked through for one that the caller may read."""
_SWEPT: Final = 20
"""Abandoned uploads that one call puts away."""
_AT_ONCE: Final = 16
"""Chunks read at a time, which bounds memory whatever the content's size."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload has come: the next byte wanted, of how many, and whether the content is whole and verified."""

    offset: int
    size: int
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of content from `offset` on, and the size of the whole."""

    offset: int
    size: int
    data: bytes


class Attachments:
    """The content of a tenant's attachments as `principal` may send and read it."""

    def __init__(self, tx: Transaction, principal: Principal, *, now: datetime, new_id: IdSource) -> None:
        self._tx = tx
        self._principal = principal
        self._now = now
        self._new_id = new_id
        self._records = Records(tx, principal, now=now, new_id=new_id)

    def begin(self, attachment: str, sent: int | None = None) -> Progress:
        """Open an upload or find the open one; `sent` is how many bytes are there to be taken, where that is known.

        Raises NOT_FOUND, NOT_ALLOWED, INVALID_VALUE for an announced hash that is none, CONTENT_MISMATCH where another
        size was announced, and RATE_LIMITED.
        """
        record = self._writable(attachment)
        hashed, size = _announced(record)
        if sent is not None and sent != size:
            raise SaddlebagError(CONTENT_MISMATCH, entity=ENTITY, record_id=attachment, count=sent, limit=size)
        if self._content(record) is not None:
            return self._whole(record)
        if self._readable_elsewhere(record):
            self._link(record)
            return self._whole(record)
        upload = self._tx.rows.get(Upload, attachment)
        if upload is not None and (upload.sha256, upload.size) == (hashed, size):
            return Progress(upload.received, size)
        self._sweep()
        self._drop(upload)
        self._check_share()
        self._tx.rows.put(Upload(attachment, self._new_id(), hashed, size, 0, self._principal.user, self._now))
        return Progress(0, size)

    def put(self, attachment: str, offset: int, data: bytes) -> Progress:
        """Take the bytes from `offset` on and tell where to go on.

        Raises NOT_FOUND where no upload is open, INVALID_VALUE for bytes that do not lie on the chunks, BUSY.
        """
        record = self._writable(attachment)
        upload = self._tx.rows.get(Upload, attachment)
        if upload is None:
            if self._content(record) is not None:
                return self._whole(record)
            raise SaddlebagError(NOT_FOUND, "No upload of this attachment is open.", record_id=attachment)
        end = offset + len(data)
        whole_chunks = len(data) % ATTACHMENT_CHUNK == 0 or end == upload.size
        if offset % ATTACHMENT_CHUNK or not whole_chunks or not 0 <= offset < end <= upload.size:
            raise SaddlebagError(INVALID_VALUE, "The bytes do not lie on the chunks of the content.", field="offset")
        if len(data) > ATTACHMENT_PIECE:
            raise SaddlebagError(INVALID_VALUE, field="data", count=len(data), limit=ATTACHMENT_PIECE)
        if not offset <= upload.received < end:
            return Progress(upload.received, upload.size)
        self._advance(upload, end)
        first = offset // ATTACHMENT_CHUNK
        self._tx.rows.put_all(
            [
                BlobChunk(upload.blob, first + number, data[start : start + ATTACHMENT_CHUNK])
                for number, start in enumerate(range(0, len(data), ATTACHMENT_CHUNK))
            ]
        )
        return Progress(end, upload.size)

    def finish(self, attachment: str) -> bool:
        """Verify the content and give it to the attachment; False where it is not the announced one and is dropped.

        Raises NOT_FOUND where no upload is open, INVALID_VALUE where bytes are missing.
        """
        record = self._writable(attachment)
        upload = self._tx.rows.get(Upload, attachment)
        if upload is None:
            if self._content(record) is not None:
                return True
            raise SaddlebagError(NOT_FOUND, "No upload of this attachment is open.", record_id=attachment)
        if upload.received < upload.size:
            sentence = "Bytes of the content are missing."
            raise SaddlebagError(INVALID_VALUE, sentence, count=upload.received, limit=upload.size)
        hashed = sha256()
        for data in self._chunks(upload.blob):
            hashed.update(data)
        if hashed.hexdigest() != upload.sha256:
            self._drop(upload)
            return False
        if self._tx.rows.add(Content(upload.sha256, upload.blob, upload.size, self._now)):
            self._tx.rows.delete(Upload, attachment=attachment)
        else:
            self._drop(upload)
        self._link(record)
        return True

    def read(self, attachment: str, offset: int, most: int | None = None) -> Piece:
        """Bytes from `offset` on, at most `most`; none at the end. Raises NOT_FOUND, INVALID_VALUE."""
        record = self._records.get(ENTITY, [attachment]).get(attachment)
        if record is None:
            raise SaddlebagError(NOT_FOUND, entity=ENTITY, record_id=attachment)
        content = self._content(record)
        if content is None:
            sentence = "The content has not been uploaded yet."
            raise SaddlebagError(NOT_FOUND, sentence, entity=ENTITY, record_id=attachment)
        wanted = ATTACHMENT_PIECE if most is None else most
        if not 0 <= offset <= content.size or not 1 <= wanted <= ATTACHMENT_PIECE:
            sentence = f"Ask for 1 to {ATTACHMENT_PIECE} bytes within the content."
            raise SaddlebagError(INVALID_VALUE, sentence, field="offset", limit=content.size)
        first, last = offset // ATTACHMENT_CHUNK, (offset + wanted - 1) // ATTACHMENT_CHUNK
        rows = self._tx.rows.select(
            BlobChunk, blob=content.blob, order=("number",), after={"number": first - 1}, before={"number": last + 1}
        )
        start = offset - first * ATTACHMENT_CHUNK
        return Piece(offset, content.size, b"".join(each.data for each in rows)[start : start + wanted])

    def _writable(self, attachment: str) -> StoredRecord:
        record = self._records.get(ENTITY, [attachment]).get(attachment)
        if record is None:
            raise SaddlebagError(NOT_FOUND, entity=ENTITY, record_id=attachment)
        declared, schema = self._tx.schema.entity(ENTITY), self._tx.schema
        policy.check_action(self._principal, policy.Action.UPDATE, declared)
        if not self._tx.stamps(ENTITY, both(eq("id", attachment), policy.writable(self._principal, declared, schema))):
            raise SaddlebagError(NOT_ALLOWED, entity=ENTITY, record_id=attachment)
        return record

    def _whole(self, record: StoredRecord) -> Progress:
        _, size = _announced(record)
        return Progress(size, size, stored=True)

    def _content(self, record: StoredRecord) -> Content | None:
        """The verified content that the attachment was given."""
        link = self._tx.rows.get(AttachmentContent, record.id)
        if link is None or link.sha256 != record.values["sha256"]:
            return None
        return self._tx.rows.get(Content, link.sha256)

    def _readable_elsewhere(self, record: StoredRecord) -> bool:
        hashed, size = _announced(record)
        content = self._tx.rows.get(Content, hashed)
        if content is None or content.size != size:
            return False
        twins = self._tx.rows.select(AttachmentContent, sha256=hashed, limit=_TWINS)
        return bool(self._records.get(ENTITY, [each.attachment for each in twins]))

    def _link(self, record: StoredRecord) -> None:
        """Give the attachment its content, and say so in its record: devices learn of it as of any change."""
        self._tx.rows.put(AttachmentContent(record.id, _announced(record)[0]))
        self._drop(self._tx.rows.get(Upload, record.id))
        itself = replace(self._principal, role=Role.SYSTEM)
        writer = Records(self._tx, itself, now=self._now, new_id=self._new_id)
        (outcome,) = writer.apply([Write(Verb.UPDATE, ENTITY, record.id, values={"stored": True})])
        if outcome.error is not None:
            raise outcome.error

    def _advance(self, upload: Upload, received: int) -> None:
        """Count bytes as received; of two connections that send the same ones the second starts anew."""
        taken = self._tx.rows.delete(Upload, attachment=upload.attachment, blob=upload.blob, received=upload.received)
        moved = replace(upload, received=received, touched_at=self._now)
        if taken != 1 or not self._tx.rows.add(moved):
            raise SaddlebagError(BUSY, "Another call is sending the same attachment.", retry_after=1)

    def _check_share(self) -> None:
        held = len(self._tx.rows.select(Upload, user=self._principal.user, limit=limits.UPLOADS))
        if held >= limits.UPLOADS:
            raise SaddlebagError(
                RATE_LIMITED,
                "Too many uploads are open: finish some first.",
                rule="unfinished uploads",
                count=held,
                limit=limits.UPLOADS,
                retry_after=60,
            )

    def _sweep(self) -> None:
        """Put away uploads that nobody has gone on with."""
        since = self._now - timedelta(seconds=limits.UPLOAD_SECONDS)
        for each in self._tx.rows.select(Upload, order=("touched_at",), limit=_SWEPT, before={"touched_at": since}):
            self._drop(each)

    def _drop(self, upload: Upload | None) -> None:
        if upload is not None:
            self._tx.rows.delete(Upload, attachment=upload.attachment)
            self._tx.rows.delete(BlobChunk, blob=upload.blob)

    def _chunks(self, blob: str) -> Iterator[bytes]:
        last = -1
        while rows := self._tx.rows.select(
            BlobChunk, blob=blob, order=("number",), after={"number": last}, limit=_AT_ONCE
        ):
            yield from (each.data for each in rows)
            last = rows[-1].number


def collect(tx: Transaction, *, after: str = "", limit: int = 500) -> str | None:
    """Drop what deleted attachments have left behind; the place to go on from, None at the end.

    Content goes when the last attachment that has it has gone.
    """
    links = tx.rows.select(AttachmentContent, order=("attachment",), after={"attachment": after}, limit=limit)
    live = tx.get(ENTITY, [each.attachment for each in links])
    for each in links:
        if each.attachment not in live:
            tx.rows.delete(AttachmentContent, attachment=each.attachment)
            if not tx.rows.select(AttachmentContent, sha256=each.sha256, limit=1):
                content = tx.rows.get(Content, each.sha256)
                tx.rows.delete(Content, sha256=each.sha256)
                tx.rows.delete(BlobChunk, blob=content.blob if content else "")
    return links[-1].attachment if len(links) == limit else None


def _announced(record: StoredRecord) -> tuple[str, int]:
    """The hash and size that the record announces; raises INVALID_VALUE for a hash that is none."""
    hashed, size = str(record.values["sha256"]), record.values["size"]
    if _HASH.fullmatch(hashed) is None or not isinstance(size, int):
        raise SaddlebagError(INVALID_VALUE, entity=ENTITY, record_id=record.id, field="sha256")
    return hashed, size

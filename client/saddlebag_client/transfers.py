"""Transfers: the contents of attachments to the hub and from it, after the records and apart from them.

Belongs here: what waits, and moving it piece by piece from where it ended. May not know: HTTP, how a record is synced.
Records never wait for a content: a sync moves them first, and a transfer that breaks off goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from saddlebag.kernel.errors import (
    CONTENT_MISMATCH,
    INVALID_VALUE,
    NO_CONNECTION,
    NOT_ALLOWED,
    NOT_FOUND,
    SaddlebagError,
)
from saddlebag.kernel.limits import ATTACHMENT_PIECE
from saddlebag.kernel.nodes import damaged
from saddlebag_client import contents, describe, outbox, rows
from saddlebag_client.local import LocalFile
from saddlebag_client.rows import Held

if TYPE_CHECKING:  # `status` counts what waits, and needs no network for that
    from saddlebag_client.hub import HubCalls

ENTITY: Final = "Attachment"
_QUEUE: Final = "uploads"
_FINAL: Final = {each.code for each in (CONTENT_MISMATCH, INVALID_VALUE, NOT_ALLOWED, NOT_FOUND)}
"""Refusals after which a content waits no longer; after any other its user may still get it through."""


@dataclass(slots=True)
class Moved:
    """What the transfers of one sync did; `problems` are sentences about contents that the hub refused."""

    sent: int = 0
    fetched: int = 0
    problems: list[str] = field(default_factory=list)


def queue(file: LocalFile) -> dict[str, str]:
    """The contents that wait to be sent: hash by attachment."""
    waiting: dict[str, str] = file.get(_QUEUE, {})
    return waiting


def enqueue(file: LocalFile, attachment: str, content: str) -> None:
    """Note that a content is to be sent once the hub has its attachment."""
    file.put(**{_QUEUE: {**queue(file), attachment: content}})


def held(file: LocalFile) -> list[Held]:
    """The attachments on this laptop; none where the hub does not know of any."""
    infos = [each for each in describe.descriptions(file).entities if each.name == ENTITY]
    return rows.read(file, ENTITY, infos[0].lists) if infos else []


def prune(file: LocalFile) -> int:
    """Drop contents whose attachments have left the laptop: what may not be read must not stay."""
    wanted = {str(each.text("sha256")) for each in held(file)} | set(queue(file).values())
    return contents.of(file).prune(wanted)


class Transfers:
    """The transfers of one file."""

    def __init__(self, file: LocalFile, hub: HubCalls, progress: Callable[[str], None]) -> None:
        self._file = file
        self._hub = hub
        self._progress = progress
        self._contents = contents.of(file)
        self.moved = Moved()

    def run(self) -> Moved:
        """Send what waits and fetch what is always wanted; raises NO_CONNECTION with what was done in `moved`."""
        unsettled = {each.id for each in outbox.operations(self._file, outbox.UNSENT, outbox.SENT, outbox.PARKED)}
        for attachment, content in queue(self._file).items():
            if attachment not in unsettled:
                self._one(attachment, partial(self._send, attachment, content))
        for each in held(self._file):
            wanted = each.text("policy") == "always" and each.text("stored") == "true"
            if wanted and not self._contents.has(str(each.text("sha256"))):
                self._one(each.id, partial(self.fetch, each))
        return self.moved

    def fetch(self, attachment: Held) -> None:
        """Fetch a content, from where an earlier attempt ended; raises what is wrong with it."""
        content = str(attachment.text("sha256"))
        offset = self._contents.received(content)
        while True:
            size, data = self._hub.get_chunk(attachment.id, offset)
            if offset > size or offset + len(data) > size or (not data and offset < size):
                self._contents.append(content, 0, b"")
                raise damaged("The hub gave other bytes than the attachment has.")
            self._contents.append(content, offset, data)
            offset += len(data)
            if offset >= size:
                break
            self._progress(f"Fetching {attachment.text('name')}: {offset:,} of {size:,} bytes")
        if not self._contents.complete(content):
            raise SaddlebagError(CONTENT_MISMATCH, "The content that came is not the attachment's.")
        self.moved.fetched += 1

    def _send(self, attachment: str, content: str) -> None:
        if not self._contents.has(content):
            raise SaddlebagError(NOT_FOUND, "The content is no longer on this laptop: attach the file again.")
        offset, size, stored = self._hub.begin_upload(attachment)
        while not stored and offset < size:
            piece = self._contents.read(content, offset, ATTACHMENT_PIECE)
            reached, size, stored = self._hub.put_chunk(attachment, offset, piece)
            if reached <= offset and not stored:
                raise damaged("The hub takes no more bytes of an attachment.")
            offset = reached
            self._progress(f"Sending an attachment: {offset:,} of {size:,} bytes")
        if not stored:
            self._hub.finish_upload(attachment)
        self._forget(attachment)
        self.moved.sent += 1

    def _one(self, attachment: str, move: Callable[[], None]) -> None:
        """Move one content; what is wrong with it must not hold up the others."""
        try:
            move()
        except SaddlebagError as error:
            if error.kind is NO_CONNECTION:
                raise
            if error.kind.code in _FINAL:
                self._forget(attachment)
            self.moved.problems.append(f"{attachment}: {error.message} {error.kind.cure}")

    def _forget(self, attachment: str) -> None:
        waiting: dict[str, Any] = {name: each for name, each in queue(self._file).items() if name != attachment}
        self._file.put(**{_QUEUE: waiting or None})

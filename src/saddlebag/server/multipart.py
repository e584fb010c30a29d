"""multipart/related as it comes in: bytes in, events out, nothing kept but what a boundary may hide in.

Belongs here: RFC 2046, 5.1 (boundaries) and RFC 2387. May not know: sockets, files, XOP. Strict where leniency would
let two readers see two messages: a boundary stands on a line of its own, and the last one has been seen at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import NOT_SOAP, TOO_COMPLEX, SaddlebagError

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_END_OF_HEAD: Final = b"\r\n\r\n"
_HEAD_BYTES: Final = 8_192
"""Bytes of one part's head."""
_PADDING: Final = 64
"""White space that may follow a boundary on its line (RFC 2046, 5.1.1)."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A part's head has been read; header names are lower-case."""

    headers: Mapping[str, str]


class _State(Enum):
    PREAMBLE = auto()
    LINE = auto()
    """After a boundary, before the end of its line."""
    HEAD = auto()
    CONTENT = auto()
    END = auto()


Event = PartBegins | bytes


def broken(why: str) -> SaddlebagError:
    """The message is not what its media type announces."""
    return SaddlebagError(NOT_SOAP, f"The multipart message is broken: {why}.")


class MultipartReader:
    """Reads one message; every method raises NOT_SOAP for what is none, and TOO_COMPLEX beyond the bounds."""

    def __init__(self, boundary: str) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise broken("its boundary is missing or not one of RFC 2046")
        self._mark = b"\r\n--" + boundary.encode()
        self._held = bytearray(b"\r\n")  # the first boundary may be the first line
        self._state = _State.PREAMBLE
        self._parts = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the next bytes bring: heads of parts, and pieces of the part that the last head began."""
        self._held += data
        while True:
            if self._state in (_State.PREAMBLE, _State.CONTENT):
                piece, found = self._content()
                if piece and self._state is _State.CONTENT:
                    yield piece
                if not found:
                    return
                self._state = _State.LINE
            elif self._state is _State.LINE:
                if not self._line():
                    return
            elif self._state is _State.HEAD:
                headers = self._head()
                if headers is None:
                    return
                self._state = _State.CONTENT
                yield PartBegins(headers)
            else:  # what follows the last boundary means nothing (RFC 2046, 5.1.1)
                self._held.clear()
                return

    def end(self) -> None:
        """No more bytes come; raises NOT_SOAP where the message breaks off."""
        if self._state is not _State.END:
            raise broken("it ends before its last boundary")

    def _content(self) -> tuple[bytes, bool]:
        at = self._held.find(self._mark)
        keep = len(self._held) if at >= 0 else len(self._mark) - 1
        cut = at if at >= 0 else max(0, len(self._held) - keep)
        piece = bytes(self._held[:cut])
        del self._held[: cut + (len(self._mark) if at >= 0 else 0)]
        return piece, at >= 0

    def _line(self) -> bool:
        """The rest of a boundary's line; False where more of it is to come."""
        if self._held[:2] == b"--":
            self._state = _State.END
            return True
        end = self._held.find(b"\r\n")
        if end < 0:
            if len(self._held) > _PADDING:
                raise broken("a boundary is followed by something else")
            return False
        if bytes(self._held[:end]).strip(b" \t"):
            raise broken("a boundary is followed by something else")
        del self._held[:end]  # the line's end is kept: a part without headers begins with an empty line
        self._parts += 1
        if self._parts > limits.MESSAGE_PARTS:
            raise SaddlebagError(TOO_COMPLEX, rule="parts of a message", count=self._parts, limit=limits.MESSAGE_PARTS)
        self._state = _State.HEAD
        return True

    def _head(self) -> Mapping[str, str] | None:
        end = self._held.find(_END_OF_HEAD)
        if end > _HEAD_BYTES or (end < 0 and len(self._held) > _HEAD_BYTES):
            raise SaddlebagError(TOO_COMPLEX, rule="bytes of a part's head", limit=_HEAD_BYTES)
        if end < 0:
            return None
        lines = bytes(self._held[2:end]).decode("latin-1") if end > 2 else ""
        del self._held[: end + len(_END_OF_HEAD)]
        return _headers(lines)


def _headers(text: str) -> dict[str, str]:
    """Header fields by lower-case name; a line that begins with white space goes on with the last (RFC 5322, 2.2.3)."""
    found: dict[str, str] = {}
    for line in re.sub(r"\r\n(?=[ \t])", "", text).split("\r\n"):
        name, colon, value = line.partition(":")
        if line and (not colon or not name or name != name.strip()):
            raise broken("a part's head holds a line that is no header")
        if line and found.setdefault(name.lower(), value.strip()) != value.strip():
            raise broken("a part's head holds a header twice")
    return found

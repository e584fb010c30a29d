"""MTOM: binary content beside the envelope, where the infoset says it stands inside (W3C XOP 1.0, SOAP MTOM 1.0).

Belongs here: packages in and out, xop:Include. May not know: sockets, which operation is called.

    in   the root part is the envelope; the others lie on disk. A small one is put into the envelope as the Base64 that
         it stands for, so that validation and signatures see the infoset of the standard; a large one is stood for by
         a mark, which only a member that takes a stream can make sense of
    out  an envelope with one xop:Include, then the content, written to disk once and sent from there
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from saddlebag.contract.spec import Blob
from saddlebag.kernel import limits
from saddlebag.kernel.canon import read_binary
from saddlebag.kernel.errors import MEDIA_TYPE, NOT_SOAP, TOO_LARGE, SaddlebagError
from saddlebag.server.envelope import Element, Version
from saddlebag.server.http_rules import media_type
from saddlebag.server.multipart import MultipartReader, PartBegins, broken
from saddlebag.server.spool import Part, Spool

NAMESPACE: Final = "http://www.w3.org/2004/08/xop/include"
MULTIPART: Final = "multipart/related"
XOP: Final = "application/xop+xml"
_INCLUDE: Final = f"{{{NAMESPACE}}}Include"
_CONTENT: Final = "content@saddlebag"
INCLUDED: Final = f'<xop:Include xmlns:xop="{NAMESPACE}" href="cid:{_CONTENT}"/>'
"""What stands in an answer for its streamed content until it is known how the caller takes it."""
_PIECE: Final = 256 * 1024
_BOUNDARY: Final = "saddlebag-{}"


@dataclass(frozen=True, slots=True)
class Inline:
    """Content that came inside the envelope (a `Blob`)."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes of it."""
        return len(self.data)

    def pieces(self, most: int) -> Iterator[bytes]:
        """The bytes in order."""
        for start in range(0, len(self.data), most):
            yield self.data[start : start + most]


@dataclass(slots=True)
class Package:
    """A multipart message as it comes in: feed it, end it, then read it. Raises NOT_SOAP, MEDIA_TYPE, TOO_LARGE.

    `parameters` are those of its media type, `most` is the most bytes of its envelope.
    """

    parameters: Mapping[str, str]
    most: int
    root: bytearray = field(default_factory=bytearray)
    root_type: str = ""
    parts: dict[str, Part] = field(default_factory=dict)
    spool: Spool = field(default_factory=Spool)
    _reader: MultipartReader = field(init=False)
    _heads: int = 0
    _current: str = ""

    def __post_init__(self) -> None:
        if self.parameters.get("type", "").lower() != XOP:
            raise SaddlebagError(MEDIA_TYPE, "A multipart message is one of XOP: its type is application/xop+xml.")
        self._reader = MultipartReader(self.parameters.get("boundary", ""))

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        for event in self._reader.feed(data):
            if isinstance(event, PartBegins):
                self._begin(event.headers)
            elif self._current:
                self._grow(event)
            else:
                self.root += event
                if len(self.root) > self.most:
                    raise SaddlebagError(TOO_LARGE, limit=self.most)

    def end(self) -> None:
        """All has come."""
        self._reader.end()
        if not self._heads:
            raise broken("it has no part")

    def close(self) -> None:
        """Forget the content."""
        self.spool.close()

    def _begin(self, headers: Mapping[str, str]) -> None:
        self._heads += 1
        name = headers.get("content-id", "").strip().removeprefix("<").removesuffix(">")
        if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
            raise broken("a part is not sent as it is (Content-Transfer-Encoding)")
        if self._heads == 1:
            self._check_root(name, headers)
            return
        if not name or name in self.parts:
            raise broken("a part has no Content-ID of its own")
        self.parts[name] = Part(self.spool, self.spool.size, 0)
        self._current = name

    def _check_root(self, name: str, headers: Mapping[str, str]) -> None:
        start = self.parameters.get("start", "").strip().removeprefix("<").removesuffix(">")
        if start and start != name:
            raise broken("its envelope is not the first part")
        self.root_type = headers.get("content-type", "")
        if media_type(self.root_type)[0] != XOP:
            raise broken("its first part is not application/xop+xml")

    def _grow(self, data: bytes) -> None:
        self.spool.write(data)
        part = self.parts[self._current]
        self.parts[self._current] = Part(self.spool, part.offset, part.size + len(data))

    @property
    def soap_type(self) -> str:
        """The media type of the envelope itself (MTOM, 3.2: the root part's `type`, or `start-info`)."""
        return media_type(self.root_type)[1].get("type") or self.parameters.get("start-info", "")


def resolve(root: Element, parts: Mapping[str, Part], most: int) -> dict[str, Part]:
    """Put what is included where it belongs; the large parts by the marks that stand for them.

    Raises NOT_SOAP for an Include that is none or leads nowhere, TOO_LARGE where small parts exceed `most` bytes.
    """
    large: dict[str, Part] = {}
    budget = most
    for number, include in enumerate(list(root.iter(_INCLUDE))):
        holder = include.getparent()
        part = parts.get(_cid(include))
        if holder is None or len(holder) != 1 or (holder.text or "").strip() or (include.tail or "").strip():
            raise SaddlebagError(NOT_SOAP, "An xop:Include stands beside other content.")
        if part is None:
            raise SaddlebagError(NOT_SOAP, "An xop:Include names a part that the message does not have.")
        holder.remove(include)
        if part.size <= limits.INLINE_BYTES:
            budget -= part.size
            if budget < 0:
                raise SaddlebagError(TOO_LARGE, limit=most)
            holder.text = base64.b64encode(b"".join(part.pieces(_PIECE))).decode()
        else:
            holder.text = base64.b64encode(b"part %d of this message" % number).decode()
            large[holder.text] = part
    return large


def _cid(include: Element) -> str:
    href = include.get("href", "")
    if not href.startswith("cid:"):
        raise SaddlebagError(NOT_SOAP, "An xop:Include names something outside the message.")
    return unquote(href[4:])


def blob_of(text: str, large: Mapping[str, Part]) -> Blob:
    """The content that a streamed member's text is or stands for; raises LexicalError."""
    return large.get(text) or Inline(read_binary(text))


def inlined(envelope: bytes, content: Blob) -> bytes:
    """The answer for a caller that does not speak MTOM; raises TOO_LARGE."""
    if content.size > limits.INLINE_BYTES:
        sentence = "The content is too large to stand in an envelope: take it in pieces, or by MTOM."
        raise SaddlebagError(TOO_LARGE, sentence, count=content.size, limit=limits.INLINE_BYTES)
    text = base64.b64encode(b"".join(content.pieces(_PIECE)))
    return envelope.replace(INCLUDED.encode(), text, 1)


def packed(envelope: bytes, content: Blob, version: Version, unique: str) -> tuple[str, Spool]:
    """The media type and the bytes of an answer whose content goes beside its envelope; `unique` makes the boundary."""
    boundary = _BOUNDARY.format(unique)
    kind = f'{MULTIPART}; type="{XOP}"; start="<envelope@saddlebag>"; start-info="{version.media_type}"'
    head = (
        f'--{boundary}\r\nContent-Type: {XOP}; charset=UTF-8; type="{version.media_type}"\r\n'
        "Content-Transfer-Encoding: binary\r\nContent-ID: <envelope@saddlebag>\r\n\r\n"
    )
    between = (
        f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Transfer-Encoding: binary\r\nContent-ID: <{_CONTENT}>\r\n\r\n"
    )
    spool = Spool()
    try:
        spool.write(head.encode() + envelope + between.encode())
        for piece in content.pieces(_PIECE):
            spool.write(piece)
        spool.write(f"\r\n--{boundary}--\r\n".encode())
    except BaseException:
        spool.close()
        raise
    return f'{kind}; boundary="{boundary}"', spool


def takes_packages(accept: str) -> bool:
    """Whether an Accept header asks for multipart answers by name (a mere */* does not)."""
    return any(media_type(each)[0] in (MULTIPART, XOP) for each in accept.split(","))

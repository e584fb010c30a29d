"""What joins an answer that is written already: header blocks of its envelope, fault codes of other standards.

Belongs here: the one way to put header blocks into an answer, and the error that carries a standard's own fault codes.
May not know: which standard, what a block means.

An answer is bytes that begin with the envelope's start tag; blocks are put where its Header belongs, so that a
megabyte of stored fragments is copied once and parsed never.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from saddlebag.kernel.errors import ErrorKind, SaddlebagError

_BODY: Final = b"<soap:Body>"
_HEADER: Final = b"</soap:Header>"


class Code(NamedTuple):
    """A fault code of a standard: its namespace, the prefix that it is written with, its local name."""

    namespace: str
    prefix: str
    name: str

    @property
    def element(self) -> str:
        """The attribute that declares the prefix, and the text."""
        return f' xmlns:{self.prefix}="{self.namespace}">{self.prefix}:{self.name}'


class QualifiedFault(SaddlebagError):
    """An error for which a standard has fault codes of its own.

    `codes` go from the general to the special: SOAP 1.2 sends them as nested subcodes, SOAP 1.1 the last one as
    faultcode. `detail` is XML of the standard's own detail; it goes into Detail, and in SOAP 1.1 into `header11`, a
    template for a header block, since a SOAP 1.1 detail speaks of the Body only (SOAP 1.1, 4.4).
    """

    def __init__(
        self, kind: ErrorKind, message: str | None, codes: tuple[Code, ...], detail: str = "", header11: str = ""
    ) -> None:
        self.codes = codes
        self.detail = detail
        self.header11 = header11
        super().__init__(kind, message)


def with_blocks(envelope: bytes, blocks: str) -> bytes:
    """The answer's envelope with these header blocks; they come after those that it has."""
    if not blocks:
        return envelope
    body = envelope.index(_BODY)
    if envelope.endswith(_HEADER, 0, body):
        at = body - len(_HEADER)
        return b"".join((envelope[:at], blocks.encode(), envelope[at:]))
    return b"".join((envelope[:body], b"<soap:Header>", blocks.encode(), _HEADER, envelope[body:]))

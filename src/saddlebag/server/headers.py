"""The header pipeline: header blocks in, values for the call out.

Belongs here: which header blocks the hub understands and how each is read. May not know: what a session is worth.
A block is understood when `READERS` has its name; WS-Security and WS-Addressing join by adding their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lxml import etree

from saddlebag.contract import common, namespaces
from saddlebag.contract.spec import Struct
from saddlebag.kernel import limits
from saddlebag.kernel.canon import LexicalError, read_boolean
from saddlebag.kernel.errors import SCHEMA_INVALID, SaddlebagError
from saddlebag.server.envelope import Element, Message, NotUnderstood


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What the header blocks of a message say."""

    session_token: str | None = None
    idempotency_key: str | None = None
    all_or_none: bool = False
    if_version: bool = False


Reader = Callable[[CallHeaders, Element], CallHeaders]


def _tag(header: Struct) -> str:
    return f"{{{namespaces.TYPES}}}{header.name}"


def _one_child(block: Element, name: str) -> str:
    """The text of the block's only child."""
    if len(block) != 1 or block[0].tag != f"{{{namespaces.TYPES}}}{name}" or len(block[0]):
        raise _invalid(block, f"must hold one element {name}")
    return (block[0].text or "").strip()


def _invalid(block: Element, what: str) -> SaddlebagError:
    name = etree.QName(block).localname
    return SaddlebagError(SCHEMA_INVALID, f"The header block {name} {what}.", field=name)


def _text(name: str, longest: int) -> Callable[[Element], str]:
    def read(block: Element) -> str:
        text = _one_child(block, name)
        if not 0 < len(text) <= longest:
            raise _invalid(block, f"needs a {name} of 1 to {longest} characters")
        return text

    return read


def _flag(block: Element) -> bool:
    try:
        return read_boolean(_one_child(block, "value"))
    except LexicalError:
        raise _invalid(block, "needs the value true or false") from None


_token = _text("token", limits.KEY_LENGTH)
_key = _text("key", limits.KEY_LENGTH)

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        _tag(common.SESSION): lambda known, block: replace(known, session_token=_token(block)),
        _tag(common.IDEMPOTENCY_KEY): lambda known, block: replace(known, idempotency_key=_key(block)),
        _tag(common.ALL_OR_NONE): lambda known, block: replace(known, all_or_none=_flag(block)),
        _tag(common.IF_VERSION): lambda known, block: replace(known, if_version=_flag(block)),
    }
)


def read_headers(message: Message) -> CallHeaders:
    """Read every block that we understand; first refuse the message if one must be understood and is not."""
    strange = tuple(
        (name.namespace or "", name.localname)
        for block in message.headers
        if block.must and block.element.tag not in READERS
        for name in [etree.QName(block.element)]
    )
    if strange:
        raise NotUnderstood(strange)
    known = CallHeaders()
    seen = set()
    for block in message.headers:
        tag = str(block.element.tag)
        reader = READERS.get(tag)
        if reader is None:
            continue
        if tag in seen:
            raise _invalid(block.element, "stands there twice")
        seen.add(tag)
        known = reader(known, block.element)
    return known

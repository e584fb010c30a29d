"""The header pipeline: header blocks in, values for the call out.

Belongs here: which header blocks the hub understands and how each is read. May not know: what a session is worth.
A block is understood when `READERS` has its name; WS-Security and WS-Addressing join by adding their lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lxml import etree

from saddlebag.contract import common, namespaces
from saddlebag.contract.spec import DuplicateAction, Struct
from saddlebag.kernel import limits
from saddlebag.kernel.canon import LexicalError, read_boolean
from saddlebag.kernel.errors import SCHEMA_INVALID, SECURITY_HEADER, SaddlebagError
from saddlebag.server.envelope import Element, Message, NotUnderstood
from saddlebag.server.wsa import reading
from saddlebag.server.wsa.reading import UNDERSTOOD, Addressing, addressed
from saddlebag.server.wss.block import SecurityBlock, read_block
from saddlebag.server.wss.guard import Proved
from saddlebag.server.wss.names import SECURITY, refusal


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What the header blocks of a message say."""

    session_token: str | None = None
    idempotency_key: str | None = None
    all_or_none: bool = False
    if_version: bool = False
    client: str = ""
    language: str = ""
    duplicates: DuplicateAction = DuplicateAction.REFUSE
    limit_info: bool = False
    """Whether the answer is to tell how the caller stands with her rates."""
    security: SecurityBlock | None = None
    proved: Proved | None = None
    """Who calls by the Security header's word, once that was checked."""


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


def _pattern(name: str, pattern: str, what: str) -> Callable[[Element], str]:
    allowed = re.compile(pattern)

    def read(block: Element) -> str:
        text = _one_child(block, name)
        if allowed.fullmatch(text) is None:
            raise _invalid(block, f"needs {what}")
        return text

    return read


def _empty(block: Element) -> bool:
    if len(block) or (block.text or "").strip():
        raise _invalid(block, "must be empty in a request")
    return True


def _action(block: Element) -> DuplicateAction:
    try:
        return DuplicateAction(_one_child(block, "action"))
    except ValueError:
        raise _invalid(block, "needs the action " + " or ".join(DuplicateAction)) from None


_client = _pattern(
    # It stands in logs and in the change log: nothing that could end a line or a list there.
    "client",
    rf"[A-Za-z0-9._@/+-]{{1,{limits.CLIENT_LENGTH}}}",
    f"a client of 1 to {limits.CLIENT_LENGTH} letters, digits, '.', '_', '@', '/', '+' or '-'",
)
_language = _pattern(
    "language",
    rf"(?=.{{1,{limits.LANGUAGE_LENGTH}}}$)[A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}})*",
    "a language tag of RFC 5646",
)
_token = _text("token", limits.KEY_LENGTH)
_key = _text("key", limits.KEY_LENGTH)

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        _tag(common.SESSION): lambda known, block: replace(known, session_token=_token(block)),
        _tag(common.IDEMPOTENCY_KEY): lambda known, block: replace(known, idempotency_key=_key(block)),
        _tag(common.ALL_OR_NONE): lambda known, block: replace(known, all_or_none=_flag(block)),
        _tag(common.IF_VERSION): lambda known, block: replace(known, if_version=_flag(block)),
        _tag(common.CALL_OPTIONS): lambda known, block: replace(known, client=_client(block)),
        _tag(common.LOCALE): lambda known, block: replace(known, language=_language(block)),
        _tag(common.LIMIT_INFO): lambda known, block: replace(known, limit_info=_empty(block)),
        _tag(common.DUPLICATE_RULE): lambda known, block: replace(known, duplicates=_action(block)),
        SECURITY: lambda known, block: replace(known, security=read_block(block)),
    }
)


def addressing_of(message: Message) -> Addressing | None:
    """What the message's WS-Addressing blocks say; raises QualifiedFault."""
    return reading.read([block.element for block in message.headers if addressed(block.element)])


def read_headers(message: Message) -> CallHeaders:
    """Read every block that we understand; first refuse the message if one must be understood and is not."""
    strange = tuple(
        (name.namespace or "", name.localname)
        for block in message.headers
        if block.must and block.element.tag not in READERS and block.element.tag not in UNDERSTOOD
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
        if tag in seen and tag == SECURITY:
            raise refusal(SECURITY_HEADER, "The message holds two Security headers for the hub.")
        if tag in seen:
            raise _invalid(block.element, "stands there twice")
        seen.add(tag)
        known = reader(known, block.element)
    return known

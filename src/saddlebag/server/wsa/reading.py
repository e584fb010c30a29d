"""Addressing headers in: blocks to values, and the standard's faults for what is wrong with them.

Belongs here: WS-Addressing 1.0 Core, 2 and 3, SOAP Binding, 6. May not know: which operation is called, hosts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import (
    ACTION_NOT_SUPPORTED,
    ADDRESSING_INVALID,
    ADDRESSING_REQUIRED,
    DESTINATION_UNREACHABLE,
    ErrorKind,
)
from saddlebag.server.envelope import Element
from saddlebag.server.outgoing import Code, QualifiedFault

WSA: Final = namespaces.WSA
ANONYMOUS: Final = f"{WSA}/anonymous"
NONE: Final = f"{WSA}/none"
UNSPECIFIED: Final = f"{WSA}/unspecified"
"""What an answer relates to when its request had no MessageID (SOAP Binding, 6)."""

_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_ONCE: Final = ("To", "From", "ReplyTo", "FaultTo", "Action", "MessageID")
UNDERSTOOD: Final = frozenset(f"{{{WSA}}}{name}" for name in (*_ONCE, "RelatesTo"))
"""The header blocks that the hub understands."""
_RESERVED: Final = frozenset(
    {WSA, namespaces.SOAP11, namespaces.SOAP12, namespaces.WSSE, namespaces.WSU, namespaces.TYPES}
)
"""Namespaces of header blocks that the hub writes itself: an echoed parameter must not pass for one of its own."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint reference: where an answer goes, and the header blocks (as XML) that it takes along."""

    address: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addressing:
    """The message addressing properties of a request; None where it has no such header."""

    to: str | None = None
    action: str | None = None
    message_id: str | None = None
    reply_to: Endpoint | None = None
    fault_to: Endpoint | None = None


def addressed(element: Element) -> bool:
    """Whether a header block is one of WS-Addressing's."""
    return str(element.tag).startswith(f"{{{WSA}}}")


def read(blocks: Sequence[Element]) -> Addressing | None:
    """The properties that the blocks give, None where there is none; raises QualifiedFault."""
    if not blocks:
        return None
    found = {name: [each for each in blocks if each.tag == f"{{{WSA}}}{name}"] for name in _ONCE}
    for name, several in found.items():
        if len(several) > 1:
            raise invalid(name, "InvalidCardinality", f"The header block {name} stands there more than once.")
    one = {name: several[0] for name, several in found.items() if several}
    if not one:
        return None
    if "From" in one:
        _endpoint(one["From"])
    return Addressing(
        _iri(one.get("To")),
        _iri(one.get("Action")),
        _iri(one.get("MessageID")),
        _endpoint(one.get("ReplyTo")),
        _endpoint(one.get("FaultTo")),
    )


def _iri(block: Element | None) -> str | None:
    if block is None:
        return None
    text = "".join(block.itertext()).strip() if not len(block) else ""
    if len(text) > limits.ADDRESS_LENGTH or not _IRI.fullmatch(text):
        name = etree.QName(block).localname
        raise invalid(name, "InvalidAddress", f"The header block {name} holds no absolute IRI.")
    return text


def _endpoint(block: Element | None) -> Endpoint | None:
    if block is None:
        return None
    name = etree.QName(block).localname
    addresses = block.findall(f"{{{WSA}}}Address")
    if not addresses:
        raise invalid(name, "MissingAddressInEPR", f"The endpoint reference {name} has no Address.")
    if len(addresses) > 1:
        raise invalid(name, "InvalidEPR", f"The endpoint reference {name} has more than one Address.")
    address = (addresses[0].text or "").strip()
    if len(address) > limits.ADDRESS_LENGTH or not _IRI.fullmatch(address):
        raise invalid(name, "InvalidAddress", f"The Address of {name} is no absolute IRI.")
    return Endpoint(address, tuple(_parameters(block, name)))


def _parameters(block: Element, name: str) -> list[str]:
    """The reference parameters as header blocks of the answer (SOAP Binding, 3.4)."""
    given = [child for holder in block.findall(f"{{{WSA}}}ReferenceParameters") for child in holder]
    written = []
    for child in given[: limits.REFERENCE_PARAMETERS + 1]:
        if etree.QName(child).namespace in _RESERVED:
            raise invalid(name, "InvalidEPR", f"A reference parameter of {name} is a header block of the hub's own.")
        child.set(f"{{{WSA}}}IsReferenceParameter", "true")
        written.append(etree.tostring(child, with_tail=False, encoding="unicode"))
    if len(written) > limits.REFERENCE_PARAMETERS or sum(map(len, written)) > limits.REFERENCE_BYTES:
        raise invalid(name, "InvalidEPR", f"{name} has more reference parameters than an answer takes along.")
    return written


def _fault(kind: ErrorKind, message: str, names: Sequence[str], detail: str) -> QualifiedFault:
    declared = f' xmlns:wsa="{WSA}"'
    return QualifiedFault(
        kind,
        message,
        tuple(Code(WSA, "wsa", each) for each in names),
        detail.replace(">", f"{declared}>", 1),
        f"<wsa:FaultDetail{declared}>{detail}</wsa:FaultDetail>",
    )


def _header_name(name: str) -> str:
    return f"<wsa:ProblemHeaderQName>wsa:{name}</wsa:ProblemHeaderQName>"


def invalid(name: str, why: str, message: str) -> QualifiedFault:
    """The header block `name` is wrong; `why` is one of the standard's codes below InvalidAddressingHeader."""
    return _fault(ADDRESSING_INVALID, message, ("InvalidAddressingHeader", why), _header_name(name))


def required(name: str) -> QualifiedFault:
    """The header block `name` is missing."""
    message = f"An addressed message needs the header block {name}."
    return _fault(ADDRESSING_REQUIRED, message, ("MessageAddressingHeaderRequired",), _header_name(name))


def action_not_supported(action: str) -> QualifiedFault:
    """The action is none of the operation that the Body calls."""
    detail = f"<wsa:ProblemAction><wsa:Action>{escape(action)}</wsa:Action></wsa:ProblemAction>"
    return _fault(
        ACTION_NOT_SUPPORTED, "The action is not that of the Body's operation.", ("ActionNotSupported",), detail
    )


def unreachable(to: str) -> QualifiedFault:
    """The message is addressed to somebody else."""
    detail = f"<wsa:ProblemIRI>{escape(to)}</wsa:ProblemIRI>"
    return _fault(
        DESTINATION_UNREACHABLE, "The message is addressed to another endpoint.", ("DestinationUnreachable",), detail
    )

"""The envelope of SOAP 1.1 and 1.2, told apart by its namespace: one tree in, the message's parts out.

Belongs here: what a SOAP node checks before it looks at the body's child (SOAP 1.1, 4; SOAP 1.2 Part 1, 2 and 5). May
not know: HTTP, operations, what a header block means. The bytes have passed `prescan`, so that the tree is small.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    ENCODING_STYLE,
    MALFORMED_XML,
    NOT_SOAP,
    NOT_UNDERSTOOD,
    TOO_COMPLEX,
    VERSION_MISMATCH,
    SaddlebagError,
)
from saddlebag.server.spool import Part

Element = etree._Element


@dataclass(frozen=True, slots=True)
class Version:
    """What differs between the two versions of SOAP."""

    name: str
    namespace: str
    media_type: str
    role_attribute: str
    our_roles: frozenset[str]
    must_understand: frozenset[str]
    need_not_understand: frozenset[str]


def _tag(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


SOAP11: Final = Version(
    "1.1",
    namespaces.SOAP11,
    "text/xml",
    _tag(namespaces.SOAP11, "actor"),
    frozenset({"", "http://schemas.xmlsoap.org/soap/actor/next"}),
    frozenset({"1"}),
    frozenset({"0"}),
)
SOAP12: Final = Version(
    "1.2",
    namespaces.SOAP12,
    "application/soap+xml",
    _tag(namespaces.SOAP12, "role"),
    frozenset({"", f"{namespaces.SOAP12}/role/next", f"{namespaces.SOAP12}/role/ultimateReceiver"}),
    frozenset({"1", "true"}),
    frozenset({"0", "false"}),
)
VERSIONS: Final = {each.namespace: each for each in (SOAP11, SOAP12)}
_ENVELOPES: Final = {_tag(each.namespace, "Envelope"): each for each in (SOAP11, SOAP12)}
_NIL: Final = _tag(namespaces.XSI, "nil")
_RELAY: Final = _tag(namespaces.SOAP12, "relay")
_NO_ENCODING: Final = f"{namespaces.SOAP12}/encoding/none"


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """One header block meant for us, and whether it must be understood."""

    element: Element
    must: bool


@dataclass(frozen=True, slots=True)
class Message:
    """An envelope taken apart: header blocks for our roles, and the one child of Body."""

    version: Version
    headers: tuple[HeaderBlock, ...]
    operation: Element
    source: bytes = b""
    """The document as it came, in UTF-8: a signature is of it, not of what was made of it here."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Large binary content by the text that stands for it in the operation's element (`xop.resolve`)."""


class NotUnderstood(SaddlebagError):
    """Header blocks that must be understood are not; `names` are their (namespace, local name) pairs."""

    def __init__(self, names: tuple[tuple[str, str], ...]) -> None:
        self.names = names
        super().__init__(NOT_UNDERSTOOD, f"The header block {names[0][1]} must be understood and is not.")


_parsers = threading.local()


def strict_parser() -> etree.XMLParser:
    """This thread's parser: making one costs more than reading a small message."""
    parser = getattr(_parsers, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
            huge_tree=False, remove_comments=True, remove_pis=False, recover=False, collect_ids=False,
        )  # fmt: skip
        _parsers.parser = parser
    return cast("etree.XMLParser", parser)


def parse(data: bytes) -> Element:
    """The tree of a pre-scanned document."""
    try:
        return etree.fromstring(data, strict_parser())
    except etree.XMLSyntaxError:
        raise SaddlebagError(MALFORMED_XML, "The body is not well-formed XML with namespaces.") from None


def version_of(root: Element) -> Version:
    """The SOAP version of an envelope; raises NOT_SOAP and VERSION_MISMATCH."""
    version = _ENVELOPES.get(str(root.tag))
    if version is None:
        raise SaddlebagError(VERSION_MISMATCH if etree.QName(root).localname == "Envelope" else NOT_SOAP)
    return version


def open_envelope(root: Element, source: bytes = b"") -> Message:
    """Take the envelope apart; raises NOT_SOAP, VERSION_MISMATCH and ENCODING_STYLE."""
    version = version_of(root)
    namespace = version.namespace
    parts = list(root)
    header = parts.pop(0) if parts and parts[0].tag == _tag(namespace, "Header") else None
    if not parts or parts[0].tag != _tag(namespace, "Body"):
        raise SaddlebagError(NOT_SOAP, "The envelope's Body is missing or not where it belongs.")
    if len(parts) > 1:
        raise SaddlebagError(NOT_SOAP, "The envelope goes on after its Body.")
    body = parts[0]
    if version is SOAP12:
        _check_attributes(root, body, *(() if header is None else (header,)))
    if _has_text(root) or _has_text(body) or (header is not None and _has_text(header)):
        raise SaddlebagError(NOT_SOAP, "The envelope holds text between its elements.")
    if len(body) != 1:
        raise SaddlebagError(NOT_SOAP, "The Body must hold exactly one element.")
    operation = body[0]
    for element in (body, operation):
        _check_encoding(element, version)
    if operation.tag == _tag(namespace, "Fault"):
        raise SaddlebagError(NOT_SOAP, "The Body holds a Fault where a request belongs.")
    _normalise(operation)
    return Message(version, _headers(header, version), operation, source)


def _has_text(element: Element) -> bool:
    if element.text and element.text.strip():
        return True
    return any(child.tail and child.tail.strip() for child in element)


def _check_attributes(*elements: Element) -> None:
    """SOAP 1.2 gives its own elements qualified attributes only (Part 1, 5.1 to 5.3), and no encodingStyle (5.1.1)."""
    for element in elements:
        for name in element.keys():  # noqa: SIM118 - an element's keys are its attributes
            if name[0] != "{" or name == _tag(namespaces.SOAP12, "encodingStyle"):
                raise SaddlebagError(NOT_SOAP, "An element of the envelope has an attribute that SOAP forbids there.")


def _check_encoding(element: Element, version: Version) -> None:
    """No encoding but that of SOAP 1.2 which claims nothing (Part 1, 5.1.1; BP 1.1 R1005 to R1007 for SOAP 1.1).

    On a SOAP 1.1 Envelope it is let pass: SOAP::Lite and its like put it there on every literal message as well, and
    the schema judges the Body all the same.
    """
    name = _tag(version.namespace, "encodingStyle")
    style = element.get(name)
    if style is None:
        return
    if version is not SOAP12 or style.strip() != _NO_ENCODING:
        raise SaddlebagError(ENCODING_STYLE)
    del element.attrib[name]


def _normalise(operation: Element) -> None:
    """An empty wrapper is empty whatever a toolkit puts into it: SOAP::Lite sends xsi:nil, others white space (P10)."""
    if len(operation):
        return
    if operation.text is not None and not operation.text.strip():
        operation.text = None
    if operation.get(_NIL) is not None and not operation.text:
        del operation.attrib[_NIL]


def _headers(header: Element | None, version: Version) -> tuple[HeaderBlock, ...]:
    if header is None:
        return ()
    if len(header) > limits.HEADER_BLOCKS:
        raise SaddlebagError(TOO_COMPLEX, rule="header blocks", count=len(header), limit=limits.HEADER_BLOCKS)
    found = []
    for block in header:
        if not str(block.tag).startswith("{"):
            raise SaddlebagError(NOT_SOAP, "A header block has no namespace.")
        must = _flag(block, version, _tag(version.namespace, "mustUnderstand"))
        if version is SOAP12:
            _flag(block, version, _RELAY)
        if block.get(version.role_attribute, "").strip() in version.our_roles:
            found.append(HeaderBlock(block, must))
    return tuple(found)


def _flag(block: Element, version: Version, name: str) -> bool:
    text = block.get(name, "0").strip()
    if text in version.must_understand:
        return True
    if text not in version.need_not_understand:
        local = name.rpartition("}")[2]
        raise SaddlebagError(NOT_SOAP, f"A header block's {local} is not a boolean of this SOAP version.")
    return False

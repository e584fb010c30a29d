"""The first reading of a message: expat walks it once, builds nothing, and refuses what no honest caller sends.

Belongs here: bounds that hold before a tree exists (`saddlebag.kernel.limits`) and what SOAP forbids in XML. May not
know: SOAP's elements, HTTP. Takes UTF-8 bytes, gives nothing back, raises MALFORMED_XML, FORBIDDEN_XML, TOO_COMPLEX or
MEDIA_TYPE. It comes before lxml, whose attribute access is quadratic: 80,000 attributes in 868 KB cost 76 s (S28).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn
from xml.parsers import expat

from saddlebag.kernel import limits
from saddlebag.kernel.errors import FORBIDDEN_XML, MALFORMED_XML, MEDIA_TYPE, TOO_COMPLEX, SaddlebagError

_TEXT_BUFFER = 65_536
_UTF8_NAMES = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def prescan(data: bytes, *, charset_known: bool = False) -> None:
    """Refuse a document that is not well-formed, holds a DTD or PI, or is beyond a bound.

    `charset_known` says that the transport named the charset, which then counts more than the XML declaration's
    (RFC 7303, 3.2).
    """
    scan = _Scan(charset_known)
    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.XmlDeclHandler = scan.declaration
    parser.StartDoctypeDeclHandler = _doctype
    parser.ProcessingInstructionHandler = _instruction
    if len(data) > limits.XML_TEXT_LENGTH:  # a shorter document cannot hold a longer text
        # Without a buffer each character reference is a call of its own: a million cost 130 ms.
        parser.buffer_text, parser.buffer_size = True, _TEXT_BUFFER
        parser.CharacterDataHandler = scan.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        raise SaddlebagError(
            MALFORMED_XML, f"The body is not well-formed XML at line {problem.lineno}, column {problem.offset + 1}."
        ) from None


class _Scan:
    """What has been counted so far."""

    __slots__ = (
        "attributes_seen",
        "charset_known",
        "declared",
        "depth",
        "elements",
        "names",
        "names_length",
        "run",
        "scopes",
    )

    def __init__(self, charset_known: bool) -> None:
        self.charset_known = charset_known
        self.depth = self.elements = self.run = self.declared = self.attributes_seen = self.names_length = 0
        self.names: set[str] = set()
        self.scopes: list[tuple[int, int]] = []
        """Depth of each open element that declares namespaces, and how many were declared outside it."""

    def start(self, name: str, attributes: Sequence[str]) -> None:
        self.depth += 1
        self.elements += 1
        self.run = 0
        self.names_length += len(name)
        if self.depth > limits.XML_DEPTH:
            _refuse("depth", limits.XML_DEPTH)
        if self.elements > limits.XML_ELEMENTS:
            _refuse("elements", limits.XML_ELEMENTS)
        if len(name) > limits.XML_NAME_LENGTH:
            _refuse("name length", limits.XML_NAME_LENGTH)
        if attributes:
            self.attributes(attributes)
        if self.names_length > limits.XML_NAMES_LENGTH:
            _refuse("names in all", limits.XML_NAMES_LENGTH)

    def attributes(self, attributes: Sequence[str]) -> None:
        if len(attributes) > 2 * limits.XML_ATTRIBUTES:
            _refuse("attributes", limits.XML_ATTRIBUTES)
        self.attributes_seen += len(attributes) // 2
        if self.attributes_seen > limits.XML_ATTRIBUTES_TOTAL:
            _refuse("attributes in all", limits.XML_ATTRIBUTES_TOTAL)
        for index in range(0, len(attributes), 2):
            name, value = attributes[index], attributes[index + 1]
            self.names_length += len(name)
            if len(name) > limits.XML_NAME_LENGTH:
                _refuse("name length", limits.XML_NAME_LENGTH)
            if len(value) > limits.XML_TEXT_LENGTH:
                _refuse("attribute length", limits.XML_TEXT_LENGTH)
            if name.startswith("xmlns"):
                self.namespace(value)

    def namespace(self, name: str) -> None:
        if not self.scopes or self.scopes[-1][0] != self.depth:
            self.scopes.append((self.depth, self.declared))
        self.declared += 1
        self.names.add(name)
        if max(self.declared, len(self.names)) > limits.XML_NAMESPACES:
            _refuse("namespaces", limits.XML_NAMESPACES)

    def end(self, name: str) -> None:
        if self.scopes and self.scopes[-1][0] == self.depth:
            self.declared = self.scopes.pop()[1]
        self.depth -= 1
        self.run = 0

    def text(self, text: str) -> None:
        self.run += len(text)
        if self.run > limits.XML_TEXT_LENGTH:
            _refuse("text length", limits.XML_TEXT_LENGTH)

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if version != "1.0":
            raise SaddlebagError(MALFORMED_XML, "The XML declaration names another version than 1.0.")
        if self.charset_known or encoding is None or encoding.lower() in _UTF8_NAMES:
            return
        raise SaddlebagError(MEDIA_TYPE, "The XML declaration names another encoding than UTF-8 or UTF-16.")


def _refuse(rule: str, limit: int) -> NoReturn:
    raise SaddlebagError(TOO_COMPLEX, f"The message is beyond the bound on {rule}.", rule=rule, limit=limit)


def _forbidden(what: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise SaddlebagError(FORBIDDEN_XML, f"The message holds a {what}.")

    return refuse


_doctype = _forbidden("document type declaration")
_instruction = _forbidden("processing instruction")

"""What every message meets before anybody trusts it, as one function of bytes: for a fuzzer and for the tests.

Belongs here: the promises that hold for any bytes whatever. May not know: where the bytes come from, a fuzzer's name.

    1  only an error of the catalogue leaves, and it is the caller's
    2  its fault is well-formed in both versions of SOAP, and says nothing of a parser
    3  what the pre-scan lets through, the parser reads
    4  a multipart message means the same however it is cut into pieces on its way
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lxml import etree

from saddlebag.kernel.errors import MALFORMED_XML, SaddlebagError, Side
from saddlebag.server.coding import to_utf8
from saddlebag.server.envelope import SOAP11, SOAP12, Message, open_envelope, parse
from saddlebag.server.faults import render_fault
from saddlebag.server.headers import addressing_of, read_headers
from saddlebag.server.multipart import MultipartReader, PartBegins
from saddlebag.server.prescan import prescan
from saddlebag.server.xop import XOP, Package, resolve

BOUNDARY = "b"
MOST = 1 << 20
_CHARSETS = (None, "utf-8", "utf-16", "utf-16le", "koi8-r")
_NO_NAMESPACE_PROBLEM = "The body is not well-formed XML with namespaces."


TAKEN = "taken"


def one_input(data: bytes) -> None:
    """Meet the wall with these bytes; raises AssertionError where a promise is broken."""
    outcome(data)


def outcome(data: bytes) -> str:
    """What comes of bytes, of which the first says in which way the others come: TAKEN, or the code that refuses them.

    Raises AssertionError where a promise is broken.
    """
    if not data:
        return TAKEN
    way, rest = data[0], data[1:]
    if way < 128:
        return refused_or(lambda: through_envelope(rest, _CHARSETS[way % len(_CHARSETS)]))
    return cut_anyhow(rest, way - 127) if way < 192 else refused_or(lambda: through_package(rest))


def through_envelope(data: bytes, charset: str | None) -> Message:
    """A body as the front takes it; raises SaddlebagError."""
    text, settled = to_utf8(data, charset)
    prescan(text, charset_known=settled)
    message = open_envelope(_read(text), text)
    addressing_of(message)
    read_headers(message)
    return message


def _read(text: bytes) -> etree._Element:
    try:
        return parse(text)
    except SaddlebagError as problem:  # prefixes are the parser's part, everything else the pre-scan's
        if (problem.kind, problem.message) != (MALFORMED_XML, _NO_NAMESPACE_PROBLEM):
            raise AssertionError("the pre-scan let through what the parser does not read") from problem
        raise


def through_package(data: bytes) -> Message:
    """A multipart body as the front takes it; raises SaddlebagError."""
    package = Package({"type": XOP, "boundary": BOUNDARY}, MOST)
    try:
        package.feed(data)
        package.end()
        text, settled = to_utf8(bytes(package.root), None)
        prescan(text, charset_known=settled)
        root = _read(text)
        resolve(root, package.parts, MOST)
        return open_envelope(root, etree.tostring(root, encoding="utf-8"))
    finally:
        package.close()


def cut_anyhow(data: bytes, length: int) -> str:
    """A multipart body whole, and in pieces of this length: the same parts, or the same refusal."""
    whole, pieces = _parts([data]), _parts([data[at : at + length] for at in range(0, len(data), length)])
    assert whole == pieces, (whole, pieces)
    return whole if isinstance(whole, str) else TAKEN


def _parts(pieces: Sequence[bytes]) -> list[object] | str:
    reader, found = MultipartReader(BOUNDARY), []
    content = bytearray()
    try:
        for piece in pieces:
            for event in reader.feed(piece):
                if isinstance(event, PartBegins):
                    found += [bytes(content), dict(event.headers)]
                    content.clear()
                else:
                    content += event
        reader.end()
    except SaddlebagError as problem:
        return _judged(problem)
    return [*found, bytes(content)]


def refused_or(run: Callable[[], Message]) -> str:
    """TAKEN, or the code of the refusal."""
    try:
        message = run()
    except SaddlebagError as problem:
        return _judged(problem)
    assert isinstance(message.operation.tag, str)
    return TAKEN


def _judged(problem: SaddlebagError) -> str:
    assert problem.kind.side is Side.CLIENT, problem
    for version in (SOAP11, SOAP12):
        root = etree.fromstring(render_fault(problem, version, "r").encode())
        said = " ".join(root.itertext()).lower()
        assert not any(word in said for word in ("expat", "libxml", "lxml", "traceback")), said
    return problem.kind.code

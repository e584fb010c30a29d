"""HTTP as values: a request as it came, an answer as it goes, and the decisions that need neither socket nor service.

Belongs here: routes, media types, entity tags. May not know: Twisted, SOAP's envelope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from saddlebag.contract import namespaces
from saddlebag.kernel.errors import MEDIA_TYPE, SaddlebagError
from saddlebag.kernel.packing import PREFIX
from saddlebag.server.coding import GZIP_FROM, Codings
from saddlebag.server.envelope import SOAP11, SOAP12, Version
from saddlebag.server.spool import Spool

if TYPE_CHECKING:
    from saddlebag.server.xop import Package


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has come in whole; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    fingerprint: str | None = None
    """SHA-256 of the client certificate that TLS has verified, lower-case hex; None without one."""
    address: str = ""
    """The caller's network address; "" where it is not known."""
    package: Package | None = None
    """A multipart message that was taken apart as it came in; `body` is empty then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; `note` is what the log line says besides."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    note: Mapping[str, str] = field(default_factory=dict)
    spool: Spool | None = None
    """The body where it is too large for memory; `body` is empty then."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if self.spool is None else self.spool.size


class Place(StrEnum):
    """What lies at an address."""

    INDEX = "index"
    HEALTH = "health"
    CLIENT_FILE = "client-file"
    CLIENT_VERSION = "client-version"
    SERVICE = "service"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Route:
    """An address taken apart."""

    place: Place
    tenant: str = ""
    service: str = ""


_PLAIN: Final = Codings()
DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>'
_FIXED: Final = {
    "/": Place.INDEX,
    "/healthz": Place.HEALTH,
    "/client/saddlebag.pyz": Place.CLIENT_FILE,
    "/client/version.json": Place.CLIENT_VERSION,
}
_SERVICE = re.compile(rf"/([a-z0-9][a-z0-9_-]{{0,63}})/([a-z][a-z0-9-]{{0,39}})/{namespaces.VERSION}")
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)\s*')
_MEDIA_TYPES: Final = {each.media_type: each for each in (SOAP11, SOAP12)}


def route(path: str) -> Route:
    """What lies at a path: https://HOST/{tenant}/{service}/v1, or one of the hub's own pages."""
    place = _FIXED.get(path)
    if place is not None:
        return Route(place)
    match = _SERVICE.fullmatch(path)
    return Route(Place.SERVICE, match[1], match[2]) if match else Route(Place.NOTHING)


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """A Content-Type taken apart: the type in lower case, parameters by lower-case name (RFC 9110, 8.3.1)."""
    kind, semicolon, rest = header.partition(";")
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(semicolon + rest):
        parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value)
    return kind.strip().lower(), parameters


def version_for(kind: str) -> Version:
    """The SOAP version of a media type; raises MEDIA_TYPE."""
    version = _MEDIA_TYPES.get(kind)
    if version is None:
        raise SaddlebagError(MEDIA_TYPE)
    return version


def query_names(query: str) -> dict[str, str]:
    """Query parameters by lower-case name: toolkits ask for ?wsdl, ?WSDL and ?Wsdl."""
    return {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=8)}


def entity_tag(body: bytes) -> str:
    """A strong entity tag for a body (RFC 9110, 8.8.3)."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def not_modified(headers: Mapping[str, str], tag: str) -> bool:
    """Whether If-None-Match already has the tag (RFC 9110, 13.1.2)."""
    given = headers.get("if-none-match", "")
    return given.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in given.split(",")]


def document(request: Request, kind: str, body: bytes, *, pack: bool = True) -> Answer:
    """A document that may be kept: 200, or 304 where the caller has it; `pack` is False for what is packed already."""
    tag = entity_tag(body)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if not_modified(request.headers, tag):
        return Answer(304, kind, b"", headers)
    answer = Answer(200, kind, body, headers)
    return packed(request, answer) if pack else answer


def declared(request: Request, envelope: bytes) -> bytes:
    """The envelope with an XML declaration: UTF-8 needs none (XML 1.0, 4.3.3), but soap4r loses the namespaces of a
    document without. Our own laptop, known by the coding that it takes, is spared the bytes.
    """
    spared = not envelope or PREFIX in request.headers.get("accept-encoding", "")
    return envelope if spared or envelope.startswith(b"<?xml") else DECLARATION + envelope


def packed(request: Request, answer: Answer, codings: Codings = _PLAIN) -> Answer:
    """The answer in the coding that the caller takes and that serves best, where any is worth it."""
    body, coding = codings.encoded(answer.body, request.headers.get("accept-encoding", ""))
    if not coding and len(body) < GZIP_FROM:
        return answer
    kept = answer.headers.get("Cache-Control") != "no-store"
    headers = {**answer.headers, **({"Vary": "Accept-Encoding"} if kept else {})}
    if not coding:
        return replace(answer, headers=headers)
    if "ETag" in headers:  # another representation, another strong tag would be due: a weak one fits both
        headers["ETag"] = f"W/{headers['ETag']}"
    return replace(answer, body=body, headers={**headers, "Content-Encoding": coding})

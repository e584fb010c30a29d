"""A small service declared for tests of the front, and a way to send it messages without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.spec import Access, Enumeration, Member, Operation, RecordOf, Scalar, Service, Struct
from saddlebag.kernel.errors import NOT_FOUND, SaddlebagError
from saddlebag.records.call import Call
from saddlebag.server.front import Front
from saddlebag.server.http_rules import Answer, Request
from saddlebag.store.base import Rendering, Tenant

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PROBE = namespaces.service("probe")
FINGERPRINT = "ab" * 32
TENANT = Tenant("acme", "Acme", "UTC", b"s" * 32, NOW)

COLOUR = Enumeration("Colour", ("red", "blue"), "A colour.")
PAIR = Struct("Pair", "Two.", (Member("left", Scalar.STRING, "L.", required=True), Member("right", Scalar.LONG, "R.")))
_EACH: tuple[Any, ...] = (*Scalar, COLOUR, PAIR)
SCALARS = tuple(
    Member(f"{each.name.lower()}Value", each, f"A {each.name}.") for each in _EACH if not isinstance(each, Struct)
)
EVERYTHING = (
    *SCALARS,
    Member("pair", PAIR, "A pair."),
    Member("pairs", PAIR, "Pairs.", many=True),
    Member("words", Scalar.STRING, "Words.", many=True, maximum=200),
)


def _echo(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return request


def _who(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    flags = [name for name in ("all_or_none", "if_version") if getattr(call, name)]
    return {"user": call.who().user, "key": call.idempotency_key, "flags": flags}


def _take(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"names": [str(each.values.get("name")) for each in request.get("customer", [])]}


def _give(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    rendering = Rendering("c1", "<id>c1</id><version>7</version><name>A &amp; B</name>", "<taxNumber>9</taxNumber>")
    return {"customer": [rendering] * request["count"]}


def _fail(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request["how"] == "typed":
        raise SaddlebagError(NOT_FOUND, entity="Deal", record_id="d1")
    if request["how"] == "shape":
        return {"undeclared": 1}
    raise RuntimeError("secret-detail")


SERVICE = Service(
    "probe",
    "A service for tests.",
    (
        Operation("Echo", "Gives back what it gets.", EVERYTHING, EVERYTHING, _echo, Access.PUBLIC),
        Operation("Ping", "Nothing in, nothing out.", (), (), lambda call, request: {}, Access.PUBLIC),
        Operation(
            "Who", "Says who calls.", (),
            (
                Member("user", Scalar.STRING, "User.", required=True), Member("key", Scalar.STRING, "Key."),
                Member("flags", Scalar.STRING, "Flags.", many=True),
            ),
            _who, writes=True,
        ),
        Operation(
            "Take", "Takes records.", (Member("customer", RecordOf("Customer"), "C.", many=True, maximum=200),),
            (Member("names", Scalar.STRING, "Names.", many=True),), _take, Access.PUBLIC,
        ),
        Operation(
            "Give", "Gives records.", (Member("count", Scalar.INT, "How many.", required=True),),
            (Member("customer", RecordOf("Customer"), "C.", many=True),), _give, Access.PUBLIC,
        ),
        Operation(
            "Fail", "Fails.", (Member("how", Scalar.STRING, "How.", required=True),), (), _fail, Access.PUBLIC,
        ),
        Operation(
            "Hold", "Gives back content.", (Member("content", Scalar.BINARY, "C.", required=True, streamed=True),),
            (Member("content", Scalar.BINARY, "C.", required=True, streamed=True),), _echo, Access.PUBLIC,
        ),
        Operation(
            "Tell", "Fails unless told `well`.", (Member("how", Scalar.STRING, "How.", required=True),), (),
            lambda call, request: {} if request["how"] == "well" else _fail(call, request), Access.PUBLIC, one_way=True,
        ),
    ),
)  # fmt: skip


def envelope(body: str, header: str = "", version: str = namespaces.SOAP11) -> bytes:
    """An envelope around a Body's content; `p` is the probe's prefix, `t` the types'."""
    head = f"<e:Header>{header}</e:Header>" if header else ""
    spaces = f'xmlns:e="{version}" xmlns:p="{PROBE}" xmlns:t="{namespaces.TYPES}" xmlns:xsi="{namespaces.XSI}"'
    return f"<e:Envelope {spaces}>{head}<e:Body>{body}</e:Body></e:Envelope>".encode()


@dataclass
class Reply:
    """An answer with its envelope parsed."""

    answer: Answer
    root: Any

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def code(self) -> str | None:
        """The catalogue's code in the fault, None without a fault."""
        found = self.root.find(f".//{{{namespaces.TYPES}}}SaddlebagFault/{{{namespaces.TYPES}}}code")
        return None if found is None else str(found.text)

    def text(self, name: str) -> list[str | None]:
        """The texts of the service's elements of this name."""
        return [each.text for each in self.root.iter(f"{{{PROBE}}}{name}")]


@dataclass
class Caller:
    """Sends messages straight into a front."""

    front: Front
    headers: dict[str, str] = field(default_factory=dict)

    def raw(
        self, body: bytes = b"", method: str = "POST", path: str = "/acme/probe/v1", query: str = "",
        fingerprint: str | None = None, **headers: str,
    ) -> Answer:  # fmt: skip
        """The answer to any request; header names are given with underscores."""
        given = {"content-type": "text/xml; charset=utf-8"} if method == "POST" else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.front.answer(Request(method, path, query, given, body, "req-1", fingerprint))

    def soap(self, body: str, header: str = "", version: str = namespaces.SOAP11, **more: Any) -> Reply:
        """The reply to a Body's content."""
        if version == namespaces.SOAP12:
            more.setdefault("content_type", "application/soap+xml; charset=utf-8")
        answer = self.raw(envelope(body, header, version), **more)
        return Reply(answer, etree.fromstring(answer.body))

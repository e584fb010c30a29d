"""The laptop's side of the wire: SOAP 1.1 requests written as text, answers and faults as values.

Belongs here: envelope, headers, faults. May not know: HTTP,
what an operation means. Standard library only; the hub has its own, stricter reader (it faces strangers).

    request   Envelope(Header(Session(token))?, Body(Op(member*)))      SOAP 1.1, 4; WS-I BP 1.1 document/literal
    answer    Envelope(Header?, Body(OpResponse(member*) | Fault))
    names     a wrapper and its members are in the service's namespace, whatever lies deeper and each header is in TYPES
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from saddlebag.kernel import errors, slices
from saddlebag.kernel.canon import clean_text, escape
from saddlebag.kernel.errors import ErrorKind, Family, Retry, SaddlebagError, Side
from saddlebag.kernel.nodes import Node, Reader, WireRecord, damaged

TYPES: Final = "urn:saddlebag:types:v1"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"

Members = Sequence[tuple[str, "str | Members | None"]]
"""Members in the order of the contract: a lexical text, the members of a struct, or None for one that is left out."""

_FAMILIES: Final = dict(zip("123456789", Family, strict=False))


def namespace(service: str) -> str:
    """The namespace of a service's messages."""
    return f"urn:saddlebag:{service}:v1"


def soap_action(service: str, operation: str) -> str:
    """The value of the SOAPAction header (SOAP 1.1, 6.1.1), without its quotes."""
    return f"{namespace(service)}/{operation}"


def request(service: str, operation: str, members: Members, token: str | None = None) -> bytes:
    """The envelope that calls `operation`; raises LexicalError for text that XML 1.0 forbids."""
    header = ""
    if token:
        header = f"<e:Header><t:Session><t:token>{escape(token)}</t:token></t:Session></e:Header>"
    inner = "".join(_element("", name, value) for name, value in members)
    return (
        f'<e:Envelope xmlns:e="{ENVELOPE}" xmlns:t="{TYPES}">{header}<e:Body>'
        f'<{operation} xmlns="{namespace(service)}">{inner}</{operation}></e:Body></e:Envelope>'
    ).encode()


def _element(prefix: str, name: str, value: str | Members | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        content = escape(clean_text(value))
    else:
        content = "".join(_element("t:", inner, each) for inner, each in value)
    return f"<{prefix}{name}>{content}</{prefix}{name}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A call's answer: the wrapper with its members, and the records taken out of its record member."""

    root: Node
    records: tuple[WireRecord, ...]


def answer(body: bytes, operation: str, records_in: str = "") -> Answer:
    """Read an answer of `operation`; elements below a `records_in` member come as records.

    Raises the SaddlebagError that a fault carries, or DAMAGED_ANSWER.
    """
    sliced = slices.cut(body, records_in) if records_in else None
    reader = Reader(body, records_in) if sliced is None else Reader(sliced[0], "")
    root = reader.read()
    content = root.child("Body") if root.name == "Envelope" else None
    if content is None or len(content.children) != 1:
        raise damaged("The answer is no SOAP envelope with one body entry.")
    wrapper = content.children[0]
    if wrapper.name == "Fault":
        raise fault(wrapper)
    if wrapper.name != f"{operation}Response":
        raise damaged(f"The answer is not one of {operation}.")
    return Answer(wrapper, tuple(reader.records) if sliced is None else sliced[1])


def fault(node: Node) -> SaddlebagError:
    """The typed error of a SOAP 1.1 Fault; one without our detail becomes INTERNAL with the fault's own text."""
    detail = node.child("detail")
    ours = detail.child("SaddlebagFault") if detail else None
    if ours is None:
        return SaddlebagError(errors.INTERNAL, node.get("faultstring") or None)
    return SaddlebagError(
        _kind(ours, server=node.get("faultcode").endswith("Server")),
        ours.get("message") or None,
        entity=ours.optional("entity"),
        record_id=ours.optional("id"),
        field=ours.optional("field"),
        rule=ours.optional("rule"),
        count=_whole(ours, "count"),
        limit=_whole(ours, "limit"),
        retry_after=_whole(ours, "retryAfter"),
    )


def _whole(node: Node, name: str) -> int | None:
    return None if node.optional(name) is None else node.number(name)


def error_of(node: Node) -> SaddlebagError:
    """The typed error that a RecordError of a write's result stands for."""
    message, field = node.get("message") or None, node.optional("field")
    return SaddlebagError(_kind(node, server=False), message, field=field)


def _kind(detail: Node, *, server: bool) -> ErrorKind:
    """The kind by its code; a newer hub may know kinds that this client does not."""
    code = detail.get("code")
    known = errors.CATALOGUE.get(code)
    if known is not None:
        return known
    try:
        retry = Retry(detail.get("retry"))
    except ValueError:
        retry = Retry.NEVER
    side = Side.SERVER if server else Side.CLIENT
    family = _FAMILIES.get(code[2:3], Family.HUB)
    return ErrorKind(code, detail.get("name"), family, side, retry, detail.get("cause"), detail.get("cure"))

"""Faults: an error of the catalogue as a SOAP 1.1 or 1.2 envelope, and its HTTP status.

Belongs here: fault codes, the typed detail, statuses. May not know: what went wrong, beyond the error's own words.

    1.1  faultcode soap:Client | Server | VersionMismatch | MustUnderstand, detail/SaddlebagFault          status 500
    1.2  Code Sender | Receiver | VersionMismatch | MustUnderstand | DataEncodingUnknown, Subcode t:SBnnnn, inside of
         rpc:ProcedureNotPresent or rpc:BadArguments where one of them fits (SOAP 1.2 Part 2, 4.4), status 500, or 400
         for Sender where the setting asks for the letter of the standard (SOAP 1.2 Part 2, 7.5.2.2)
What HTTP has a word for (404, 405, 413, 415, 429 of RFC 6585, 503) has that status and is a SOAP fault all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from saddlebag.contract import namespaces
from saddlebag.contract.common import FAULT_DETAIL, FAULT_ELEMENT, fault_detail
from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import (
    BUSY,
    CONTENT_CODING,
    ENCODING_STYLE,
    MEDIA_TYPE,
    NOT_UNDERSTOOD,
    QUEUE_FULL,
    RATE_LIMITED,
    SCHEMA_INVALID,
    TOO_LARGE,
    TOO_MANY_ATTEMPTS,
    UNKNOWN_OPERATION,
    UNKNOWN_SERVICE,
    VERSION_MISMATCH,
    ErrorKind,
    SaddlebagError,
    Side,
)
from saddlebag.server.envelope import SOAP12, NotUnderstood, Version
from saddlebag.server.messages import struct_writer
from saddlebag.server.outgoing import Code, QualifiedFault

DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'

_STATUS: Final[Mapping[ErrorKind, int]] = MappingProxyType(
    {
        UNKNOWN_SERVICE: 404,
        TOO_LARGE: 413,
        MEDIA_TYPE: 415,
        CONTENT_CODING: 415,
        RATE_LIMITED: 429,
        QUEUE_FULL: 429,
        TOO_MANY_ATTEMPTS: 429,
        BUSY: 503,
    }
)
_CODES11: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {VERSION_MISMATCH: "VersionMismatch", NOT_UNDERSTOOD: "MustUnderstand"}
)
_CODES12: Final[Mapping[ErrorKind, str]] = MappingProxyType({**_CODES11, ENCODING_STYLE: "DataEncodingUnknown"})
_RPC: Final = "http://www.w3.org/2003/05/soap-rpc"
_RPC_CODES: Final[Mapping[ErrorKind, tuple[Code, ...]]] = MappingProxyType(
    {
        UNKNOWN_OPERATION: (Code(_RPC, "rpc", "ProcedureNotPresent"),),
        SCHEMA_INVALID: (Code(_RPC, "rpc", "BadArguments"),),
    }
)
_SIDES12: Final = {Side.CLIENT: "Sender", Side.SERVER: "Receiver"}

_write_detail = struct_writer(FAULT_DETAIL, FAULT_ELEMENT)


def status_of(error: SaddlebagError, version: Version, sender_status: int) -> int:
    """The HTTP status of a fault; `sender_status` is that of a SOAP 1.2 Sender fault."""
    status = _STATUS.get(error.kind)
    if status is not None:
        return status
    if version is SOAP12 and error.kind.side is Side.CLIENT and error.kind not in _CODES12:
        return sender_status
    return 500


def render_fault(error: SaddlebagError, version: Version, request_id: str) -> str:
    """The fault's envelope."""
    detail = _write_detail(fault_detail(error, request_id))
    return _render12(error, detail) if version is SOAP12 else _render11(error, detail)


def _render11(error: SaddlebagError, detail: str) -> str:
    code = f">soap:{_CODES11.get(error.kind, str(error.kind.side))}"
    blocks = _upgrade("u") if error.kind is VERSION_MISMATCH else ""
    if isinstance(error, QualifiedFault):
        code, blocks = error.codes[-1].element, error.header11
    return (
        f'{DECLARATION}<soap:Envelope xmlns:soap="{namespaces.SOAP11}">{_header(blocks)}<soap:Body><soap:Fault>'
        f"<faultcode{code}</faultcode><faultstring>{escape(error.message)}</faultstring>"
        f"<detail>{detail}</detail></soap:Fault></soap:Body></soap:Envelope>"
    )


def _render12(error: SaddlebagError, detail: str) -> str:
    code = _CODES12.get(error.kind, _SIDES12[error.kind.side])
    codes: tuple[Code, ...] = (*_RPC_CODES.get(error.kind, ()), Code(namespaces.TYPES, "t", error.kind.code))
    if isinstance(error, QualifiedFault):
        codes, detail = error.codes, error.detail + detail
    return (
        f'{DECLARATION}<soap:Envelope xmlns:soap="{namespaces.SOAP12}">{_header(_blocks12(error))}<soap:Body>'
        f"<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value>{_subcodes(codes)}</soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{escape(error.message)}</soap:Text></soap:Reason>'
        f"<soap:Detail>{detail}</soap:Detail></soap:Fault></soap:Body></soap:Envelope>"
    )


def _subcodes(codes: tuple[Code, ...]) -> str:
    """Subcodes inside one another, the most general outermost (SOAP 1.2 Part 1, 5.4.1)."""
    inner = ""
    for code in reversed(codes):
        inner = f"<soap:Subcode><soap:Value{code.element}</soap:Value>{inner}</soap:Subcode>"
    return inner


def _header(blocks: str) -> str:
    return f"<soap:Header>{blocks}</soap:Header>" if blocks else ""


def _blocks12(error: SaddlebagError) -> str:
    """Upgrade names the versions that we speak (Part 1, 5.4.7), NotUnderstood the header blocks (5.4.8)."""
    if error.kind is VERSION_MISMATCH:
        return _upgrade("soap")
    if isinstance(error, NotUnderstood):
        return "".join(
            f'<soap:NotUnderstood qname="n:{escape(local)}" xmlns:n="{_attribute(namespace)}"/>'
            for namespace, local in error.names
        )
    return ""


def _upgrade(prefix: str) -> str:
    """The versions that we speak, in the block of SOAP 1.2 that a SOAP 1.1 fault has as well (Part 1, Appendix A)."""
    versions = (namespaces.SOAP12, namespaces.SOAP11)
    blocks = "".join(
        f'<{prefix}:SupportedEnvelope qname="v{number}:Envelope" xmlns:v{number}="{namespace}"/>'
        for number, namespace in enumerate(versions)
    )
    return f'<{prefix}:Upgrade xmlns:{prefix}="{namespaces.SOAP12}">{blocks}</{prefix}:Upgrade>'


def _attribute(text: str) -> str:
    """Text for an attribute in double quotes; a namespace name holds no white space, the parser has seen to that."""
    return escape(text).replace('"', "&quot;")

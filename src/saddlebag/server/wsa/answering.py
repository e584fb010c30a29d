"""What an addressed message asks of its answer: the checks before the call, the answer's headers, where it goes.

Belongs here: WS-Addressing 1.0 Core, 3.4 (formulating a reply), SOAP Binding, 5 and 6, Metadata, 4.4 and 5.1. May not
know: hosts and networks (asked through a function), how an answer is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import ENCODING_STYLE, NOT_UNDERSTOOD, VERSION_MISMATCH, SaddlebagError
from saddlebag.server.outgoing import QualifiedFault
from saddlebag.server.wsa.reading import (
    ANONYMOUS,
    NONE,
    UNSPECIFIED,
    WSA,
    Addressing,
    Endpoint,
    action_not_supported,
    invalid,
    required,
    unreachable,
)

FAULT_ACTION: Final = f"{WSA}/fault"
"""The action of WS-Addressing's own faults (SOAP Binding, 6)."""
SOAP_FAULT_ACTION: Final = f"{WSA}/soap/fault"
"""The action of faults that SOAP itself defines."""

_OF_SOAP: Final = frozenset({VERSION_MISMATCH, NOT_UNDERSTOOD, ENCODING_STYLE})
_BACK: Final = Endpoint(ANONYMOUS)


def check(asked: Addressing, path: str, soap_action: str, action: str, *, answered: bool) -> None:
    """Refuse what must not reach an operation; raises QualifiedFault.

    `path` is where the message came in, `soap_action` what HTTP said, `action` the operation's own; `answered` is
    False for a one-way operation.
    """
    if asked.action is None:
        raise required("Action")
    if answered and asked.message_id is None and _replies(asked):
        raise required("MessageID")
    if asked.to is not None and asked.to != ANONYMOUS and not _path(asked.to).endswith(path):
        raise unreachable(asked.to)
    if soap_action and soap_action != asked.action:
        raise invalid("Action", "ActionMismatch", "SOAPAction and the header block Action differ.")
    if asked.action != action:
        raise action_not_supported(asked.action)


def _path(address: str) -> str:
    """The path of an address; a proxy in front of the hub may have put its own before ours."""
    try:
        return unquote(urlsplit(address).path).rstrip("/")
    except ValueError:  # "http://[": an IRI whose host is none
        return ""


def _replies(asked: Addressing) -> bool:
    return asked.reply_to is None or asked.reply_to.address != NONE


def check_ways(asked: Addressing, allowed: Callable[[str], bool]) -> None:
    """Refuse an answer to an address that is not allowed, before anything is done; raises QualifiedFault."""
    for name, endpoint in (("ReplyTo", asked.reply_to), ("FaultTo", asked.fault_to)):
        if endpoint is None or endpoint.address in (ANONYMOUS, NONE) or allowed(endpoint.address):
            continue
        raise invalid(name, "OnlyAnonymousAddressSupported", f"The hub sends no answer to the Address of {name}.")


def way(asked: Addressing, problem: SaddlebagError | None = None) -> Endpoint | None:
    """Where the answer goes: `address` is ANONYMOUS for back the same way; None for nowhere.

    Faults about addressing itself go back the same way, for the addresses are what is in doubt.
    """
    if problem is None:
        chosen = asked.reply_to or _BACK
    elif isinstance(problem, QualifiedFault):
        return _BACK
    else:
        chosen = asked.fault_to or asked.reply_to or _BACK
    return None if chosen.address == NONE else chosen


def fault_action(problem: SaddlebagError, declared: str | None) -> str:
    """The action of a fault; `declared` is what the WSDL says of the operation's fault, None before one is known."""
    if isinstance(problem, QualifiedFault) and problem.codes[0].namespace == WSA:
        return FAULT_ACTION
    if problem.kind in _OF_SOAP or declared is None:
        return SOAP_FAULT_ACTION
    return declared


def blocks(asked: Addressing, endpoint: Endpoint, action: str, message_id: str) -> str:
    """The header blocks of the answer."""
    values = {
        "To": None if endpoint.address == ANONYMOUS else endpoint.address,
        "Action": action,
        "MessageID": message_id,
        "RelatesTo": asked.message_id or UNSPECIFIED,
    }
    # Each block declares the prefix itself: what stands beside it in the header is not ours to know.
    written = [
        f'<wsa:{name} xmlns:wsa="{WSA}">{escape(value)}</wsa:{name}>'
        for name, value in values.items()
        if value is not None
    ]
    return "".join((*written, *endpoint.parameters))

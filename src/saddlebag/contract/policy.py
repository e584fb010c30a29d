"""Security policy: which proofs of who calls a tenant accepts, and that said in WS-Policy for its WSDLs.

Belongs here: the policy as a value, its text, its assertions (WS-Policy 1.5, WS-SecurityPolicy 1.2). May not know: how
a proof is checked, where the policy is kept.

    session       TransportBinding, RequiredParts: the Session header block, over TLS
    password      TransportBinding, SignedSupportingTokens: a UsernameToken with the password's text
    digest        the same with HashPassword
    certificate   TransportBinding with RequireClientCertificate: mutual TLS
    signature     AsymmetricBinding: the caller signs Body, Timestamp and our header blocks, the hub its answer

The standard fixes RSA with SHA-1 for every algorithm suite; the hub means by Basic256Sha256 what most stacks now do: a
signature and digests by SHA-256 (WS-SecurityPolicy 1.2, 6.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from saddlebag.contract.namespaces import SP, TYPES, WSA, WSAM, WSOMA, WSP, WSU
from saddlebag.contract.spec import Access, Service
from saddlebag.contract.xsd import Node

CALLER: Final = "Caller"
"""The Id of the policy of operations that need to know who calls."""
ANYBODY: Final = "Anybody"
"""The Id of the policy of operations that anybody may call."""
ANSWER: Final = "SignedAnswer"
"""The Id of the policy of answers that are signed whoever called."""

EXCHANGE: Final = "Exchange"
"""The Id of the policy of a whole binding: addressing and MTOM are taken and not asked for."""

_INCLUDE = f"{SP}/IncludeToken/"


class Proof(StrEnum):
    """A way to prove who calls."""

    SESSION = "session"
    PASSWORD = "password"
    DIGEST = "digest"
    CERTIFICATE = "certificate"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """The proofs that a tenant accepts, and whether the hub signs every answer or only those to callers who signed."""

    accepts: frozenset[Proof] = frozenset(Proof)
    sign_answers: bool = False


DEFAULT: Final = SecurityPolicy()
"""The policy of a tenant that has set none."""


def read_proofs(text: str) -> frozenset[Proof]:
    """Proofs from their names, parted by white space; raises ValueError for an unknown name and for none at all."""
    proofs = frozenset(Proof(word) for word in text.split())
    if not proofs:
        raise ValueError("at least one proof must be accepted")
    return proofs


def write_proofs(proofs: Iterable[Proof]) -> str:
    """The names of proofs, in the order of their declaration."""
    named = frozenset(proofs)
    return " ".join(each for each in Proof if each in named)


def policies(service: Service, policy: SecurityPolicy) -> list[Node]:
    """The wsp:Policy elements that a service's WSDL refers to."""
    access = {each.access is Access.PUBLIC for each in service.operations}
    found = [_policy(CALLER, _alternatives(policy.accepts))] if False in access else []
    if True in access:
        found.append(_policy(ANYBODY, [_transport()]))
    if policy.sign_answers:
        found.append(_policy(ANSWER, [_signed_parts()]))
    return found


def exchange_policy(service: Service) -> Node:
    """WS-Addressing (Metadata, 3.1.1) for all, MTOM where a message has content of any size; as the caller likes."""
    addressing = etree.Element(f"{{{WSAM}}}Addressing", {f"{{{WSP}}}Optional": "true"}, nsmap={"wsam": WSAM})
    etree.SubElement(addressing, f"{{{WSP}}}Policy")
    assertions = [addressing]
    if any(each.streamed for operation in service.operations for each in (*operation.request, *operation.response)):
        optional = {f"{{{WSP}}}Optional": "true"}
        name = f"{{{WSOMA}}}OptimizedMimeSerialization"
        assertions.append(etree.Element(name, optional, nsmap={"wsoma": WSOMA}))
    node = etree.Element(f"{{{WSP}}}Policy", {f"{{{WSU}}}Id": EXCHANGE}, nsmap={"wsp": WSP, "wsu": WSU})
    node.extend(assertions)
    return node


def reference(name: str) -> Node:
    """A wsp:PolicyReference to a policy of the same document."""
    return etree.Element(f"{{{WSP}}}PolicyReference", {"URI": f"#{name}"}, nsmap={"wsp": WSP})


def _policy(name: str, content: list[Node]) -> Node:
    node = etree.Element(f"{{{WSP}}}Policy", {f"{{{WSU}}}Id": name}, nsmap={"wsp": WSP, "sp": SP, "wsu": WSU})
    node.extend(content)
    return node


def _alternatives(accepts: frozenset[Proof]) -> list[Node]:
    """One ExactlyOne of what is accepted; what the transport carries shares one binding."""
    carried = [_CARRIED[each]() for each in Proof if each in accepts and each in _CARRIED]
    found = [_all(_transport(), _one(carried) if len(carried) > 1 else carried[0])] if carried else []
    if Proof.CERTIFICATE in accepts:
        found.append(_all(_transport(_sp("RequireClientCertificate"))))
    if Proof.SIGNATURE in accepts:
        found.append(_all(_asymmetric(), _references(), _signed_parts()))
    return [_one(found)]


def _transport(*client: Node) -> Node:
    """TLS; a Timestamp is checked where there is one."""
    timestamp = _sp("IncludeTimestamp")
    timestamp.set(f"{{{WSP}}}Optional", "true")
    token = _nested("TransportToken", _nested("HttpsToken", *client))
    return _nested("TransportBinding", token, *_suite(), timestamp)


def _session() -> Node:
    node = _sp("RequiredParts")
    etree.SubElement(node, f"{{{SP}}}Header", Name="Session", Namespace=TYPES)
    return node


def _username(*more: Node) -> Node:
    token = _nested("UsernameToken", *more, _sp("WssUsernameToken11"), include="AlwaysToRecipient")
    return _nested("SignedSupportingTokens", token)


_CARRIED: Final[Mapping[Proof, Callable[[], Node]]] = {
    Proof.SESSION: _session,
    Proof.PASSWORD: _username,
    Proof.DIGEST: lambda: _username(_sp("HashPassword")),
}


def _asymmetric() -> Node:
    initiator = _nested("X509Token", _sp("WssX509V3Token11"), include="AlwaysToRecipient")
    recipient = _nested("X509Token", _sp("WssX509V3Token11"), include="AlwaysToInitiator")
    return _nested(
        "AsymmetricBinding",
        _nested("InitiatorToken", initiator),
        _nested("RecipientToken", recipient),
        *_suite(),
        _sp("IncludeTimestamp"),
        _sp("OnlySignEntireHeadersAndBody"),
    )


def _references() -> Node:
    """How a caller may point to its certificate besides sending it."""
    ways = ("KeyIdentifier", "IssuerSerial", "Thumbprint")
    return _nested("Wss11", *[_sp(f"MustSupportRef{each}") for each in ways])


def _signed_parts() -> Node:
    """Body, and whatever there is of our own header blocks and of WS-Addressing's."""
    node = _sp("SignedParts")
    etree.SubElement(node, f"{{{SP}}}Body")
    for namespace in (TYPES, WSA):
        etree.SubElement(node, f"{{{SP}}}Header", Namespace=namespace)
    return node


def _suite() -> tuple[Node, Node]:
    return _nested("AlgorithmSuite", _sp("Basic256Sha256")), _nested("Layout", _sp("Lax"))


def _nested(name: str, *content: Node, include: str = "") -> Node:
    """An assertion with a nested policy."""
    node = _sp(name)
    if include:
        node.set(f"{{{SP}}}IncludeToken", _INCLUDE + include)
    etree.SubElement(node, f"{{{WSP}}}Policy").extend(content)
    return node


def _sp(name: str) -> Node:
    return etree.Element(f"{{{SP}}}{name}", nsmap={"wsp": WSP, "sp": SP, "wsu": WSU})


def _all(*content: Node) -> Node:
    node = etree.Element(f"{{{WSP}}}All", nsmap={"wsp": WSP})
    node.extend(content)
    return node


def _one(content: list[Node]) -> Node:
    node = etree.Element(f"{{{WSP}}}ExactlyOne", nsmap={"wsp": WSP})
    node.extend(content)
    return node

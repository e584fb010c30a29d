"""WS-Policy as a caller's stack reads it: an expression to its alternatives, an alternative to what it asks for.

Written from the standards (WS-Policy 1.5, section 4.3.3; WS-SecurityPolicy 1.2), not from the hub's declarations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from lxml import etree

from saddlebag.contract.policy import Proof

WSP = "{http://www.w3.org/ns/ws-policy}"
SP = "{http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702}"


@dataclass(frozen=True)
class Alternative:
    """What one way of calling needs: the proof, the Timestamp (required, optional or none), the signed parts."""

    proof: Proof | None
    timestamp: str
    signed: frozenset[tuple[str, str]]


def alternatives(policy: Any) -> list[Alternative]:
    """The alternatives of a wsp:Policy element."""
    return [_asked(each) for each in _expand(policy, conjunction=True)]


def _expand(node: Any, *, conjunction: bool) -> list[list[Any]]:
    """The alternatives of an operator as lists of assertions: All is a product, ExactlyOne a union."""
    each = [_one(child) for child in node]
    if conjunction:
        return [[assertion for part in chosen for assertion in part] for chosen in product(*each)]
    return [alternative for part in each for alternative in part]


def _one(node: Any) -> list[list[Any]]:
    if node.tag in (f"{WSP}Policy", f"{WSP}All"):
        return _expand(node, conjunction=True)
    if node.tag == f"{WSP}ExactlyOne":
        return _expand(node, conjunction=False)
    return [[node]]


def _asked(assertions: list[Any]) -> Alternative:
    found = {each.tag: each for each in assertions}
    assert len(found) == len(assertions)
    binding = found.get(f"{SP}TransportBinding")
    if binding is None:
        binding = found[f"{SP}AsymmetricBinding"]
    stamp = binding.find(f"{WSP}Policy/{SP}IncludeTimestamp")
    timestamp = "none" if stamp is None else "optional" if stamp.get(f"{WSP}Optional") == "true" else "required"
    parts = found.get(f"{SP}SignedParts")
    signed = [] if parts is None else [(etree.QName(each).localname, each.get("Namespace", "")) for each in parts]
    return Alternative(_proof(found, binding), timestamp, frozenset(signed))


def _proof(found: dict[str, Any], binding: Any) -> Proof | None:
    if binding.tag == f"{SP}AsymmetricBinding":
        return Proof.SIGNATURE
    if binding.find(f".//{SP}HttpsToken/{WSP}Policy/{SP}RequireClientCertificate") is not None:
        return Proof.CERTIFICATE
    parts, tokens = found.get(f"{SP}RequiredParts"), found.get(f"{SP}SignedSupportingTokens")
    if parts is not None:
        assert [dict(each.attrib) for each in parts] == [{"Name": "Session", "Namespace": "urn:saddlebag:types:v1"}]
        return Proof.SESSION
    if tokens is None:
        return None
    assert tokens.find(f".//{SP}UsernameToken") is not None
    return Proof.PASSWORD if tokens.find(f".//{SP}HashPassword") is None else Proof.DIGEST

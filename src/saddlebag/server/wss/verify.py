"""The signature of a message, verified by the library signxml; the message that goes on is built of what it returns.

Belongs here: which parts must be signed, the call of the library, and the new message. May not know: whose certificate
it is, whether the message is fresh.

The library gives back each signed element parsed from the very bytes whose digest it compared. Body and header blocks
are taken from there alone, so that nothing which merely looks like a signed element is ever used. A header block that
was not signed is left behind, unless the caller must not be left to think that it counted: the contract's own, those
that send the answer elsewhere, and those that must be understood have to be signed. (zeep adds addressing on its own,
and signs none of it.)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from saddlebag.contract.namespaces import TYPES, WSA, WSSE
from saddlebag.kernel import limits
from saddlebag.kernel.errors import AUTHENTICATION_FAILED, CHECK_FAILED, SECURITY_HEADER, TOO_COMPLEX, SaddlebagError
from saddlebag.server.envelope import Element, Message, Version, open_envelope, parse, strict_parser
from saddlebag.server.wss.names import SECURITY, ds, refusal, wsse, wsu
from saddlebag.server.wss.profile import SignedForm, unique_targets

_ELSEWHERE: Final = frozenset({f"{{{WSA}}}ReplyTo", f"{{{WSA}}}FaultTo"})
_METHODS: Final = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256})
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256})
_EXCLUSIVE: Final = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
_TOKENS: Final = frozenset({wsu("Timestamp"), wsse("UsernameToken"), wsse("BinarySecurityToken")})


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid signature vouches for: the message made of signed elements, and signed parts of the Security header.

    `signed_info` is the canonical form of what the key has signed.
    """

    message: Message
    timestamp: Element
    username: Element | None
    signed_info: bytes


def verify(source: bytes, version: Version, form: SignedForm, certificate: x509.Certificate, now: datetime) -> Verified:
    """Verify the message in `source`; raises the errors of WS-Security, and TOO_COMPLEX."""
    _bounded(source)
    root = parse(source)
    header, security = _ours(root, version)
    places = _places(root, header, security, unique_targets(root, form.targets), version)
    results = _verified(root, version, len(form.targets), certificate, now)
    signed = {target: _element(result) for target, result in zip(form.targets, results, strict=True)}
    if any(element.tag != places[target].tag for target, element in signed.items()):
        raise refusal(CHECK_FAILED)
    body = next(each for target, each in signed.items() if places[target].getparent() is root)
    blocks = [each for target, each in signed.items() if places[target].getparent() is header]
    tokens = {each.tag: each for target, each in signed.items() if places[target].getparent() is security}
    info = results[0].signature_xml.find(ds("SignedInfo"))
    return Verified(
        _rebuilt(version, blocks, body),
        tokens[wsu("Timestamp")],
        tokens.get(wsse("UsernameToken")),
        b"" if info is None else etree.tostring(info, method="c14n", exclusive=True),
    )


def _bounded(source: bytes) -> None:
    """Raise TOO_COMPLEX where verifying would cost more than any other message may."""
    count = source.count(b"<") - source.count(b"</")
    for rule, found, limit in (
        ("bytes of a signed message", len(source), limits.WSS_SIGNED_BYTES),
        ("elements of a signed message", count, limits.WSS_SIGNED_ELEMENTS),
    ):
        if found > limit:
            raise SaddlebagError(TOO_COMPLEX, rule=rule, count=found, limit=limit)


def _ours(root: Element, version: Version) -> tuple[Element, Element]:
    """Header and our Security header; those for other nodes go, or the library could take theirs for ours."""
    header = root.find(f"{{{version.namespace}}}Header")
    found = [] if header is None else header.findall(SECURITY)
    mine = [each for each in found if each.get(version.role_attribute, "") in version.our_roles]
    if header is None or len(mine) != 1:
        raise refusal(SECURITY_HEADER, "The message needs one Security header for the hub.")
    for other in found:
        if other is not mine[0]:
            header.remove(other)
    return header, mine[0]


def _places(
    root: Element, header: Element, security: Element, targets: dict[str, Element], version: Version
) -> dict[str, Element]:
    """The signed elements, each of which stands where it counts; raises SECURITY_HEADER where one does not."""
    body = root.find(f"{{{version.namespace}}}Body")
    for element in targets.values():
        parent = element.getparent()
        if element is body or (parent is header and element is not security):
            continue
        if parent is not security or element.tag not in _TOKENS:
            raise refusal(SECURITY_HEADER, "The signature covers an element that is not where it belongs.")
    signed = set(targets.values())
    must: list[Element | None] = [body, security.find(wsu("Timestamp")), *security.findall(wsse("UsernameToken"))]
    must += [each for each in header if each is not security and _counts(each, version)]
    if not all(each is not None and each in signed for each in must):
        sentence = "Body, Timestamp, UsernameToken and the header blocks that change what the call does must be signed."
        raise refusal(SECURITY_HEADER, sentence)
    return targets


def _counts(block: Element, version: Version) -> bool:
    """Whether a header block is for us and may not be left behind."""
    if block.get(version.role_attribute, "") not in version.our_roles:
        return False
    understood = block.get(f"{{{version.namespace}}}mustUnderstand", "0").strip() in version.must_understand
    return understood or block.tag in _ELSEWHERE or etree.QName(block).namespace == TYPES


def _verified(
    root: Element, version: Version, references: int, certificate: x509.Certificate, now: datetime
) -> list[VerifyResult]:
    config = SignatureConfiguration(
        location=f"./{{{version.namespace}}}Header/{{{WSSE}}}Security/",
        expect_references=references,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=now,
        default_reference_c14n_method=_EXCLUSIVE,
    )
    try:
        found = XMLVerifier().verify(root, x509_cert=certificate, parser=strict_parser(), expect_config=config)
    except InvalidDigest:
        raise refusal(CHECK_FAILED) from None
    except (SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError):
        raise refusal(AUTHENTICATION_FAILED) from None
    return found if isinstance(found, list) else [found]


def _element(result: VerifyResult) -> Element:
    if result.signed_xml is None:
        raise refusal(CHECK_FAILED)
    return result.signed_xml


def _rebuilt(version: Version, blocks: list[Element], body: Element) -> Message:
    """The message as if only what was signed had been sent."""
    envelope = etree.Element(f"{{{version.namespace}}}Envelope")
    if blocks:
        etree.SubElement(envelope, f"{{{version.namespace}}}Header").extend(blocks)
    envelope.append(body)
    return open_envelope(envelope)

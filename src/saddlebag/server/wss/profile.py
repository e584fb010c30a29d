"""What a signature may look like: judged before any key is looked for, since its form decides what is signed.

Belongs here: the ds:Signature element and its KeyInfo (XML Signature 1.1, X.509 Token Profile 1.1) and where the signed
elements may stand. May not know: certificates' contents, users, the library that verifies.

Whatever could make one element be verified and another be used is left out of the profile: no transform but exclusive
canonicalization, no reference but `#id` to an element that has the only such id of the message and stands where it
belongs (Body below Envelope, our header blocks below Header, tokens and Timestamp below our own Security header), no
Object, no Manifest, nothing fetched.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from lxml import etree

from saddlebag.contract.namespaces import EXC_C14N
from saddlebag.kernel import limits
from saddlebag.kernel.errors import ALGORITHM_UNSUPPORTED, SECURITY_HEADER, SECURITY_TOKEN, TOKEN_UNSUPPORTED
from saddlebag.server.envelope import Element
from saddlebag.server.wss.block import decoded, ids
from saddlebag.server.wss.names import (
    BASE64,
    ECDSA_SHA256,
    ID,
    RSA_SHA256,
    SHA256,
    SUBJECT_KEY,
    THUMBPRINT,
    X509V3,
    ds,
    refusal,
    wsse,
)

_URI = re.compile(r"#[A-Za-z_][\w.-]*")
_PREFIXES: Final = f"{{{EXC_C14N}}}InclusiveNamespaces"
_PREFIX_LIST: Final = re.compile(r"[\w.#-]+(?: [\w.#-]+){0,31}|")


@dataclass(frozen=True, slots=True)
class KeyReference:
    """How a signature names its certificate: what is compared, and with which value."""

    what: str
    value: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class SignedForm:
    """A signature whose form is in order: the ids that it covers, in order, and the certificate that it names."""

    targets: tuple[str, ...]
    key: KeyReference
    embedded: bytes | None = None
    """The certificate's DER form where the message brings it."""


def read_form(signature: Element, tokens: dict[str, bytes]) -> SignedForm:
    """The signature's form; raises SECURITY_HEADER, SECURITY_TOKEN, TOKEN_UNSUPPORTED and ALGORITHM_UNSUPPORTED."""
    info, value, key = _exactly(signature, ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"))
    decoded(value)
    method, algorithm, *references = _signed_info(info)
    _algorithm(method, {EXC_C14N})
    _prefixes(method)
    _algorithm(algorithm, {RSA_SHA256, ECDSA_SHA256})
    if len(algorithm):
        raise refusal(ALGORITHM_UNSUPPORTED, "The SignatureMethod takes no parameters.")
    return SignedForm(tuple(_target(each) for each in references), *_key(key, tokens))


def _signed_info(info: Element) -> list[Element]:
    parts = list(info)
    tags = [each.tag for each in parts]
    wanted = [ds("CanonicalizationMethod"), ds("SignatureMethod"), *[ds("Reference")] * max(1, len(parts) - 2)]
    if tags != wanted:
        raise refusal(SECURITY_HEADER, "The SignedInfo is not of the form that XML Signature gives it.")
    if len(parts) - 2 > limits.WSS_REFERENCES:
        raise refusal(SECURITY_HEADER, f"The signature covers more than {limits.WSS_REFERENCES} elements.")
    return parts


def _target(reference: Element) -> str:
    """The id that a Reference covers."""
    uri = reference.get("URI", "")
    if len(uri) > limits.WSS_ID_LENGTH or _URI.fullmatch(uri) is None:
        raise refusal(SECURITY_HEADER, "A Reference must name an Id of the message.")
    transforms, method, value = _exactly(reference, ds("Transforms"), ds("DigestMethod"), ds("DigestValue"))
    if [each.tag for each in transforms] != [ds("Transform")]:
        raise refusal(ALGORITHM_UNSUPPORTED, "A Reference has exclusive canonicalization as its only transform.")
    _algorithm(transforms[0], {EXC_C14N})
    _prefixes(transforms[0])
    _algorithm(method, {SHA256})
    decoded(value)
    return uri[1:]


def _exactly(element: Element, *tags: str) -> list[Element]:
    """The element's children, which are exactly these."""
    if [each.tag for each in element] != list(tags):
        name = etree.QName(element).localname
        raise refusal(SECURITY_HEADER, f"The {name} of the signature holds other elements than it may.")
    return list(element)


def _algorithm(element: Element, allowed: set[str]) -> None:
    if element.get("Algorithm") not in allowed:
        raise refusal(ALGORITHM_UNSUPPORTED)


def _prefixes(element: Element) -> None:
    """Exclusive canonicalization may be told of prefixes to keep, and of nothing else."""
    for each in element:
        if each.tag != _PREFIXES or len(each) or len(element) > 1:
            raise refusal(ALGORITHM_UNSUPPORTED, "Exclusive canonicalization takes a list of prefixes alone.")
        if _PREFIX_LIST.fullmatch(each.get("PrefixList", "")) is None:
            raise refusal(ALGORITHM_UNSUPPORTED, "The list of prefixes is too long, or not one.")


def _key(info: Element, tokens: dict[str, bytes]) -> tuple[KeyReference, bytes | None]:
    """The certificate that KeyInfo names by one SecurityTokenReference (X.509 Token Profile 1.1, section 3.2)."""
    (reference,) = _exactly(info, wsse("SecurityTokenReference"))
    if len(reference) != 1:
        raise refusal(SECURITY_TOKEN, "A SecurityTokenReference names one token.")
    (way,) = reference
    if way.tag == wsse("Reference"):
        token = tokens.get(way.get("URI", "").removeprefix("#")) if way.get("URI", "").startswith("#") else None
        if token is None or way.get("ValueType", X509V3) != X509V3:
            raise refusal(SECURITY_TOKEN, "The signature's Reference names no token of the Security header.")
        return _embedded(token)
    if way.tag == wsse("KeyIdentifier"):
        return _identified(way)
    if way.tag == ds("X509Data"):
        return _data(way)
    raise refusal(TOKEN_UNSUPPORTED)


def _embedded(token: bytes) -> tuple[KeyReference, bytes]:
    return KeyReference("certificate", ""), token


def _identified(way: Element) -> tuple[KeyReference, bytes | None]:
    if way.get("EncodingType", BASE64) != BASE64:
        raise refusal(SECURITY_TOKEN, "The KeyIdentifier has an unknown EncodingType.")
    data = decoded(way, limits.WSS_TOKEN_LENGTH)
    match way.get("ValueType"):
        case value if value == X509V3:
            return _embedded(data)
        case value if value == THUMBPRINT:
            return KeyReference("thumbprint", data.hex()), None
        case value if value == SUBJECT_KEY:
            return KeyReference("subject_key", data.hex()), None
    raise refusal(TOKEN_UNSUPPORTED)


def _data(way: Element) -> tuple[KeyReference, bytes | None]:
    """X509Data with the certificate itself, or issuer and serial number, or both."""
    parts = {each.tag: each for each in way}
    if len(parts) != len(way) or not parts or parts.keys() - {ds("X509Certificate"), ds("X509IssuerSerial")}:
        raise refusal(SECURITY_TOKEN, "The X509Data holds other elements than it may.")
    if ds("X509Certificate") in parts:
        return _embedded(decoded(parts[ds("X509Certificate")], limits.WSS_TOKEN_LENGTH))
    issuer, serial = _exactly(parts[ds("X509IssuerSerial")], ds("X509IssuerName"), ds("X509SerialNumber"))
    number, name = (serial.text or "").strip(), (issuer.text or "").strip()
    if re.fullmatch(r"\d{1,49}", number, re.ASCII) is None or len(name) > limits.WSS_TEXT_LENGTH:  # RFC 5280, 4.1.2.2
        raise refusal(SECURITY_TOKEN, "The X509IssuerSerial is not one.")
    return KeyReference("serial", number.lstrip("0"), name), None


def unique_targets(root: Element, targets: tuple[str, ...]) -> dict[str, Element]:
    """The signed elements by id; raises SECURITY_HEADER where an id of the message stands twice, or names nothing."""
    counted = Counter(ids(root))
    if any(count > 1 for count in counted.values()) or len(set(targets)) != len(targets):
        raise refusal(SECURITY_HEADER, "An Id stands twice in the message.")
    found: dict[str, Element] = {}
    for target in targets:
        elements = root.xpath("//*[@*[local-name()='Id' or local-name()='ID' or local-name()='id']=$id]", id=target)
        if not isinstance(elements, list) or len(elements) != 1 or not isinstance(elements[0], etree._Element):
            raise refusal(SECURITY_HEADER, "A Reference names no element of the message.")
        if elements[0].get(ID, elements[0].get("Id")) != target:
            raise refusal(SECURITY_HEADER, "A Reference must name a wsu:Id.")
        found[target] = elements[0]
    return found

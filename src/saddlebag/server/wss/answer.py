"""The hub's own signature on an answer.

Belongs here: a Security header with Timestamp, certificate and signature (X.509 Token Profile 1.1) in an envelope that
is written already. May not know: what the answer says, who asked, files.

Signed are Body, Timestamp, and the header blocks of the contract and of WS-Addressing, where the answer has any. This
is the one way of an answer that parses it again: a signature needs its canonical form.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from saddlebag.contract.namespaces import DS, TYPES, WSA, WSSE, WSU
from saddlebag.kernel import limits
from saddlebag.kernel.canon import write_datetime
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server.envelope import SOAP11, Element, Version
from saddlebag.server.wss.names import BASE64, ID, X509V3, ds, wsse, wsu

_FRESH: Final = timedelta(seconds=limits.WSS_FRESH_SECONDS)
_BLOCKS: Final = frozenset({TYPES, WSA})
_PARSER: Final = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=True)
"""Of our own text alone, which may be longer than what the hub takes in."""


class Signer:
    """Signs answers with one key; safe to use from several threads."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """From PEM; raises SETTING_INVALID where they do not belong together or may not sign."""
        try:
            loaded = x509.load_pem_x509_certificates(certificate)[0]
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError, IndexError) as problem:
            raise _unusable() from problem
        if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise _unusable()
        if private.public_key() != loaded.public_key():
            raise _unusable()
        self.expires_at = loaded.not_valid_after_utc
        self._key = private
        self._certificate = b64encode(loaded.public_bytes(serialization.Encoding.DER)).decode("ascii")
        elliptic = isinstance(private, ec.EllipticCurvePrivateKey)
        self._method = SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256

    def sign(self, envelope: bytes, version: Version, now: datetime) -> bytes:
        """The envelope with a Security header for the ultimate receiver."""
        root = etree.fromstring(envelope, _PARSER)
        body = root.find(f"{{{version.namespace}}}Body")
        header = root.find(f"{{{version.namespace}}}Header")
        if header is None:
            header = etree.Element(f"{{{version.namespace}}}Header")
            root.insert(0, header)
        signed = [body, *[each for each in header if etree.QName(each).namespace in _BLOCKS]]
        security = etree.SubElement(header, wsse("Security"), nsmap={"wsse": WSSE, "wsu": WSU, "ds": DS})
        security.set(f"{{{version.namespace}}}mustUnderstand", "1" if version is SOAP11 else "true")
        signed.append(_timestamp(security, now))
        token = etree.SubElement(security, wsse("BinarySecurityToken"), ValueType=X509V3, EncodingType=BASE64)
        token.text = self._certificate
        token.set(ID, "hub")
        for number, element in enumerate(signed):
            if element is not None:
                element.set(ID, f"signed-{number}")
        security.append(self._signature(root, [f"#signed-{number}" for number in range(len(signed))]))
        return etree.tostring(root, encoding="utf-8", xml_declaration=False)

    def _signature(self, root: Element, targets: list[str]) -> Element:
        signer = XMLSigner(
            SignatureConstructionMethod.detached,
            self._method,
            DigestAlgorithm.SHA256,
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        info = etree.Element(ds("KeyInfo"))
        reference = etree.SubElement(info, wsse("SecurityTokenReference"), nsmap={"wsse": WSSE})
        etree.SubElement(reference, wsse("Reference"), URI="#hub", ValueType=X509V3)
        return signer.sign(root, key=self._key, reference_uri=targets, key_info=info)


def _timestamp(security: Element, now: datetime) -> Element:
    timestamp = etree.SubElement(security, wsu("Timestamp"))
    etree.SubElement(timestamp, wsu("Created")).text = write_datetime(now)
    etree.SubElement(timestamp, wsu("Expires")).text = write_datetime(now + _FRESH)
    return timestamp


def _unusable() -> SaddlebagError:
    sentence = "The certificate and key that answers are signed with do not belong together, or are no RSA or EC key."
    return SaddlebagError(SETTING_INVALID, sentence, field="signing_certificate")

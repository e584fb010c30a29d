"""Messages with WS-Security made by hand, signed by the library xmlsec: another implementation than the hub's.

Belongs here: tokens, Security headers, signatures, and their judgement. What is signed, with which algorithms and where
it stands can be chosen, so that a check can also make what no honest caller sends. May not know: what the hub does.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from conformance.wire import SOAP11, TYPES

DS = "http://www.w3.org/2000/09/xmldsig#"
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{PROFILE}wssecurity-secext-1.0.xsd"
WSU = f"{PROFILE}wssecurity-utility-1.0.xsd"
X509V3 = f"{PROFILE}x509-token-profile-1.0#X509v3"
BASE64 = f"{PROFILE}soap-message-security-1.0#Base64Binary"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
ID = f"{{{WSU}}}Id"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        plain = serialization.NoEncryption()
        return bytes(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))

    @property
    def elliptic(self) -> bool:
        return isinstance(self.key, ec.EllipticCurvePrivateKey)


def load(files: tuple[Path, Path]) -> Pair:
    """A pair from PEM files."""
    certificate = x509.load_pem_x509_certificate(files[0].read_bytes())
    return Pair(certificate, serialization.load_pem_private_key(files[1].read_bytes(), None))


@cache
def pair(name: str, start: datetime, *, bits: int = 0, days: int = 30) -> Pair:
    """A self-signed certificate of this name: P-256, or RSA of so many bits; made once a test run."""
    key: Any = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def stamp(when: datetime) -> str:
    """A time as messages hold it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def timestamp(created: datetime, seconds: int | None = 300, extra: str = "") -> str:
    """A Timestamp with the id TS."""
    ends = "" if seconds is None else f"<wsu:Expires>{stamp(created + timedelta(seconds=seconds))}</wsu:Expires>"
    return f'<wsu:Timestamp wsu:Id="TS"><wsu:Created>{stamp(created)}</wsu:Created>{ends}{extra}</wsu:Timestamp>'


def username(
    name: str, secret: str, created: datetime | None = None, nonce: bytes = b"", *, digest: bool = False
) -> str:
    """A UsernameToken with the id UT."""
    made = "" if created is None else stamp(created)
    text, kind = secret, "PasswordText"
    if digest:
        text = base64.b64encode(hashlib.sha1(nonce + made.encode() + secret.encode()).digest()).decode()
        kind = "PasswordDigest"
    parts = f'<wsse:Password Type="{PROFILE}username-token-profile-1.0#{kind}">{text}</wsse:Password>'
    if nonce:
        parts += f'<wsse:Nonce EncodingType="{BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
    if made:
        parts += f"<wsu:Created>{made}</wsu:Created>"
    return f'<wsse:UsernameToken wsu:Id="UT"><wsse:Username>{name}</wsse:Username>{parts}</wsse:UsernameToken>'


def token(der: bytes, name: str = "X509") -> str:
    """A BinarySecurityToken."""
    text = base64.b64encode(der).decode()
    return (
        f'<wsse:BinarySecurityToken wsu:Id="{name}" ValueType="{X509V3}" EncodingType="{BASE64}">{text}'
        "</wsse:BinarySecurityToken>"
    )


def security(content: str, *attributes: str) -> str:
    """A Security header block."""
    return f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" {" ".join(attributes)}>{content}</wsse:Security>'


def by_token(name: str = "X509") -> str:
    """The key by a Reference to a token."""
    return f'<wsse:Reference URI="#{name}" ValueType="{X509V3}"/>'


def by_thumbprint(signer: Pair) -> str:
    """The key by the certificate's SHA-1."""
    text = base64.b64encode(signer.certificate.fingerprint(hashes.SHA1())).decode()
    return f'<wsse:KeyIdentifier ValueType="{THUMBPRINT}" EncodingType="{BASE64}">{text}</wsse:KeyIdentifier>'


def by_serial(signer: Pair, issuer: str | None = None) -> str:
    """The key by issuer and serial number."""
    name = issuer or signer.certificate.issuer.rfc4514_string()
    return (
        f'<ds:X509Data xmlns:ds="{DS}"><ds:X509IssuerSerial><ds:X509IssuerName>{name}</ds:X509IssuerName>'
        f"<ds:X509SerialNumber>{signer.certificate.serial_number}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


def envelope(body: str, header: str, version: str = SOAP11, service: str = "probe") -> Any:
    """An envelope as a tree; its Body has the id B. Prefixes: p the service's messages, t the common types."""
    spaces = f'xmlns:e="{version}" xmlns:t="{TYPES}" xmlns:p="urn:saddlebag:{service}:v1" xmlns:wsu="{WSU}"'
    return etree.fromstring(
        f'<e:Envelope {spaces}><e:Header>{header}</e:Header><e:Body wsu:Id="B">{body}</e:Body></e:Envelope>'
    )


def sign(
    root: Any,
    signer: Pair,
    targets: Sequence[str] = ("B", "TS"),
    *,
    key_info: str | None = None,
    c14n: Any = xmlsec.Transform.EXCL_C14N,
    method: Any = None,
    digest: Any = xmlsec.Transform.SHA256,
    transforms: Sequence[Any] = (xmlsec.Transform.EXCL_C14N,),
    change: Callable[[Any], None] | None = None,
) -> bytes:
    """Sign the elements with these ids into the first Security header; `change` alters the template before."""
    block = root.find(f".//{{{WSSE}}}Security")
    algorithm = method or (xmlsec.Transform.ECDSA_SHA256 if signer.elliptic else xmlsec.Transform.RSA_SHA256)
    signature = xmlsec.template.create(root, c14n, algorithm)
    for target in targets:
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{target}")
        for transform in transforms:
            xmlsec.template.add_transform(reference, transform)
    key = f"<wsse:SecurityTokenReference xmlns:wsse='{WSSE}'>{key_info or by_token()}</wsse:SecurityTokenReference>"
    xmlsec.template.ensure_key_info(signature).append(etree.fromstring(key))
    if change is not None:
        change(signature)
    block.append(signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer.key_pem, xmlsec.KeyFormat.PEM)
    for element in root.iter():
        if element.get(ID) is not None:
            context.register_id(element, "Id", WSU)
    context.sign(signature)
    return bytes(etree.tostring(root))


def signed_in(root: Any, certificate: bytes) -> set[str]:
    """The local names of what a message's signature covers; raises xmlsec.Error where it does not hold.

    `certificate` is PEM.
    """
    signature = root.find(f".//{{{DS}}}Signature")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM)
    named = {each.get(ID): each for each in root.iter() if each.get(ID) is not None}
    for each in named.values():
        context.register_id(each, "Id", WSU)
    context.verify(signature)
    uris = [each.get("URI")[1:] for each in signature.iter(f"{{{DS}}}Reference")]
    return {etree.QName(named[uri]).localname for uri in uris}


def mirrored(value: str) -> str:
    """The other ECDSA signature on P-256 that holds for the same bytes: (r, n - s) for (r, s)."""
    data = base64.b64decode(value)
    r, s = data[:32], int.from_bytes(data[32:], "big")
    return base64.b64encode(r + (_P256 - s).to_bytes(32, "big")).decode()


_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256's group (FIPS 186-5)."""

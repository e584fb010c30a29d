"""A small certificate authority: makes its own certificate, the hub's and partners' ones.

Belongs here: keys and certificates as PEM bytes, ECDSA P-256 throughout (a third of RSA's handshake cost). May not
know: files, connections, a clock: the time comes as an argument. An operator may bring any other certificate.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 397
"""Days that a certificate lasts: the most that browsers and Apple's stacks accept."""
_BACKDATE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (with the chain above it, where there is one) and its private key, as PEM."""

    certificate: bytes
    key: bytes


def make_authority(name: str, now: datetime) -> Pair:
    """A self-signed authority that signs certificates of servers and clients, and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        _builder(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def make_server_certificate(authority: Pair, hosts: Sequence[str], now: datetime) -> Pair:
    """A certificate for a hub under these DNS names and IP addresses.

    At least one must be a DNS name: Axis 1 knows no IP address in a certificate. Raises ValueError.
    """
    names = [_general_name(host) for host in hosts]
    dns = next((each.value for each in names if isinstance(each, x509.DNSName)), None)
    if dns is None:
        raise ValueError("a server certificate needs a DNS name")
    return _leaf(authority, dns, now, ExtendedKeyUsageOID.SERVER_AUTH, names)


def make_client_certificate(authority: Pair, name: str, now: datetime) -> Pair:
    """A certificate for a partner's service account; its fingerprint is what the hub maps to a user."""
    return _leaf(authority, name, now, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a PEM certificate's DER form, lower-case hex: the form that `Certificate` rows hold."""
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex()


def expires_at(certificate: bytes) -> datetime:
    """When a PEM certificate ends, in UTC."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _leaf(
    authority: Pair, name: str, now: datetime, use: x509.ObjectIdentifier, names: Sequence[x509.GeneralName]
) -> Pair:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(name), issuer.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    leaf = _pair(builder.sign(issuer_key, hashes.SHA256()), key)
    return Pair(leaf.certificate + authority.certificate, leaf.key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)  # a caller's clock may be behind
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(encoding), secret)

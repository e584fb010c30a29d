"""Certificates that the hub makes for itself: what they are for, whom they name, how long they last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server import pki
from saddlebag.server.tls import server_context

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> pki.Pair:
    return pki.make_authority("Test authority", NOW)


def _leaf(pair: pki.Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pair.certificate)[0]


def test_an_authority_signs_leaves_only(authority: pki.Pair) -> None:
    constraints = _leaf(authority).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_a_server_certificate_names_its_hosts_and_is_signed_by_the_authority(authority: pki.Pair) -> None:
    pair = pki.make_server_certificate(authority, ["127.0.0.1", "hub.example", "::1"], NOW)
    leaf, above = x509.load_pem_x509_certificates(pair.certificate)
    leaf.verify_directly_issued_by(above)
    assert above == _leaf(authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hub.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    use = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_keys_are_p256(authority: pki.Pair) -> None:
    public = _leaf(authority).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"


def test_a_server_certificate_needs_a_dns_name(authority: pki.Pair) -> None:
    with pytest.raises(ValueError, match="DNS name"):
        pki.make_server_certificate(authority, ["127.0.0.1"], NOW)


def test_a_client_certificate_is_for_clients_and_known_by_its_fingerprint(authority: pki.Pair) -> None:
    pair = pki.make_client_certificate(authority, "partner", NOW)
    use = _leaf(pair).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert len(pki.fingerprint(pair.certificate)) == 64
    assert pki.fingerprint(pair.certificate) != pki.fingerprint(authority.certificate)


def test_a_certificate_holds_from_a_little_before_now_for_its_days(authority: pki.Pair) -> None:
    leaf = _leaf(pki.make_client_certificate(authority, "partner", NOW))
    assert leaf.not_valid_before_utc < NOW
    assert pki.expires_at(authority.certificate) == NOW + timedelta(days=pki.AUTHORITY_DAYS)
    assert leaf.not_valid_after_utc == NOW + timedelta(days=pki.LEAF_DAYS)


@pytest.mark.parametrize("broken", ["chain", "key", "mismatch", "authority"])
def test_certificates_that_do_not_fit_are_a_wrong_setting(authority: pki.Pair, broken: str) -> None:
    pair = pki.make_server_certificate(authority, ["localhost"], NOW)
    chain = b"nonsense" if broken == "chain" else pair.certificate
    key = {"key": b"nonsense", "mismatch": authority.key}.get(broken, pair.key)
    with pytest.raises(SaddlebagError) as caught:
        server_context(chain, key, b"nonsense" if broken == "authority" else None)
    assert caught.value.kind is SETTING_INVALID

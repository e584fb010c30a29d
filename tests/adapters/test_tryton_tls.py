"""Tryton over TLS: the certificate is verified, by the machine's authorities or by the file that is given."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saddlebag.bridge.settings import checked
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError
from saddlebag_adapters.tryton import SETTINGS
from saddlebag_adapters.tryton.rpc import Rpc


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"id": 1, "result": [1, "token"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tryton")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "tryton.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def url(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _rpc(url: str, **more: str) -> Rpc:
    given = {"url": url, "database": "shop", "user": "ann", "password": "hush", **more}
    return Rpc(checked(SETTINGS, given), lambda: datetime.now(UTC))


def test_a_certificate_that_nobody_vouches_for_is_refused(url: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _rpc(url).call("model.x.read")
    assert (caught.value.kind, caught.value.field) == (ADAPTER_CONFIGURATION, "ca_file")


def test_a_certificate_from_the_given_file_is_trusted(url: str, certificate: Path) -> None:
    assert _rpc(url, ca_file=str(certificate)).call("model.x.read") == [1, "token"]


def test_a_file_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _rpc(url, ca_file=str(tmp_path / "none.pem"))
    assert caught.value.field == "ca_file"

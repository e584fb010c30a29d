"""TLS as the hub offers it: 1.2 and later, resumed sessions, optional client certificates, HTTP/1.1 in ALPN.

Belongs here: turning PEM bytes into Twisted's context factory, and a connection's verified certificate into its
fingerprint. May not know: users, files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from OpenSSL import SSL, crypto
from twisted.internet import ssl
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError

_ALPN: Final = [b"http/1.1"]
_SESSION_ID: Final = b"saddlebag"
_SESSION_SECONDS: Final = 300
"""How long a session can be resumed; OpenSSL keeps about a kilobyte for each, and 20,480 of them at most."""


def server_context(
    chain: bytes, key: bytes, client_authorities: bytes | None, *, tickets: bool = False
) -> ssl.CertificateOptions:
    """The hub's side of TLS from PEM bytes; raises SETTING_INVALID.

    `chain` is the certificate and those above it. Where `client_authorities` is given, a caller may show a certificate,
    and one that they did not sign ends the handshake. `tickets` lets every process that has the context resume a
    session.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        trusted = x509.load_pem_x509_certificates(client_authorities) if client_authorities else []
        # Twisted declares pyOpenSSL's own types here, which pyOpenSSL is about to drop; it passes either on as it is.
        pair: dict[str, Any] = {
            "privateKey": serialization.load_pem_private_key(key, password=None),
            "certificate": certificates[0],
            # Who trusts a root has it; one that is sent along is 400 bytes of every handshake (RFC 8446, 4.4.2).
            "extraCertChain": [each for each in certificates[1:] if each.issuer != each.subject],
        }
        options = ssl.CertificateOptions(
            **pair,
            verify=bool(trusted),
            caCerts=[crypto.X509.from_cryptography(each) for each in trusted] or None,
            requireCertificate=False,
            enableSessions=True,
            # A session is resumed by a short id that this process looks up: two tickets with the state itself would be
            # 350 bytes of every handshake, also of those whose caller never comes back. Another worker cannot look it
            # up, so where there are several the state does travel.
            enableSessionTickets=tickets,
            raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
            acceptableProtocols=_ALPN,
        )
        # Without an id of its own a server that asks for certificates refuses every resumed session.
        options.getContext().set_session_id(_SESSION_ID)
        options.getContext().set_timeout(_SESSION_SECONDS)
    except (ValueError, SSL.Error) as problem:
        sentence = "The hub's certificate, its key or the client authorities are not valid PEM that belongs together."
        raise SaddlebagError(SETTING_INVALID, sentence, field="certificate") from problem
    return options


_Base: Any = TLSMemoryBIOProtocol
"""Twisted's class is typed in part only."""


class _Connection(_Base):  # type: ignore[misc]
    """One connection, whose session can be resumed however it ends."""

    def connectionLost(self, reason: Failure) -> None:
        """OpenSSL forgets the session of a connection that nobody said goodbye on, as most clients do not (RFC 5246,
        7.2.1 no longer asks for that); so it is told that we did.
        """
        ended = self._tlsConnection
        if ended is not None:
            ended.set_shutdown(SSL.SENT_SHUTDOWN)
        super().connectionLost(reason)


class TlsFactory(TLSMemoryBIOFactory):
    """Puts TLS before a factory; a connection that the factory would not serve is closed before its handshake."""

    protocol = _Connection

    def __init__(self, context: Any, wrapped: Any, full: Callable[[Any], bool], reactor: Any) -> None:
        super().__init__(context, False, wrapped, reactor)
        self._full = full

    def buildProtocol(self, addr: Any) -> Any:
        """A connection with TLS, or None. Twisted's own factory would wrap a None and fail on it."""
        return None if self._full(addr) else super().buildProtocol(addr)


def peer_fingerprint(transport: Any) -> str | None:
    """SHA-256 of the verified client certificate of a connection, lower-case hex; None without one."""
    ask = getattr(transport, "getPeerCertificate", None)
    certificate = ask() if ask is not None else None
    if certificate is None:
        return None
    digest: str = certificate.to_cryptography().fingerprint(hashes.SHA256()).hex()
    return digest

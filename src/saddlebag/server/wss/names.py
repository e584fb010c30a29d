"""The names of WS-Security: tags, types of tokens, algorithms, fault codes.

Belongs here: names alone. May not know: what is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from saddlebag.contract.namespaces import DS, WSSE, WSU
from saddlebag.kernel.errors import (
    ALGORITHM_UNSUPPORTED,
    AUTHENTICATION_FAILED,
    CHECK_FAILED,
    MESSAGE_EXPIRED,
    MESSAGE_REPLAYED,
    PROOF_REQUIRED,
    SECURITY_HEADER,
    SECURITY_TOKEN,
    TOKEN_UNSUPPORTED,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.server.outgoing import Code, QualifiedFault

_WSS: Final = "http://docs.oasis-open.org/wss"
_OASIS: Final = f"{_WSS}/2004/01/oasis-200401-wss-"
MESSAGE11: Final = f"{_WSS}/oasis-wss-soap-message-security-1.1"
PASSWORD_TEXT: Final = f"{_OASIS}username-token-profile-1.0#PasswordText"
PASSWORD_DIGEST: Final = f"{_OASIS}username-token-profile-1.0#PasswordDigest"
BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"
X509V3: Final = f"{_OASIS}x509-token-profile-1.0#X509v3"
SUBJECT_KEY: Final = f"{_OASIS}x509-token-profile-1.0#X509SubjectKeyIdentifier"
THUMBPRINT: Final = f"{MESSAGE11}#ThumbprintSHA1"

SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


def wsse(name: str) -> str:
    """The tag of an element of WS-Security."""
    return f"{{{WSSE}}}{name}"


def wsu(name: str) -> str:
    """The tag of an element or attribute of its utility schema."""
    return f"{{{WSU}}}{name}"


def ds(name: str) -> str:
    """The tag of an element of XML Signature."""
    return f"{{{DS}}}{name}"


SECURITY: Final = wsse("Security")
ID: Final = wsu("Id")

# SOAP Message Security 1.1, section 12. It has no code for a message that came twice or that policy refuses.
_CODES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        SECURITY_HEADER: "InvalidSecurity",
        SECURITY_TOKEN: "InvalidSecurityToken",
        TOKEN_UNSUPPORTED: "UnsupportedSecurityToken",
        ALGORITHM_UNSUPPORTED: "UnsupportedAlgorithm",
        AUTHENTICATION_FAILED: "FailedAuthentication",
        CHECK_FAILED: "FailedCheck",
        MESSAGE_EXPIRED: "MessageExpired",
        MESSAGE_REPLAYED: "InvalidSecurity",
        PROOF_REQUIRED: "InvalidSecurity",
    }
)


def standard(problem: SaddlebagError) -> SaddlebagError:
    """The same error with the standard's fault code, where it has one for it."""
    known = problem.kind in _CODES and not isinstance(problem, QualifiedFault)
    return refusal(problem.kind, problem.message) if known else problem


def refusal(kind: ErrorKind, message: str | None = None) -> QualifiedFault:
    """An error of WS-Security with the fault code that the standard gives it."""
    return QualifiedFault(kind, message, (Code(WSSE, "wsse", _CODES[kind]),))

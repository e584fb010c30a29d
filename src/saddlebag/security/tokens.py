"""Tokens: what is kept of a bearer secret, and the seal on texts that callers carry for the hub.

Belongs here: hashing and sealing. May not know: what a token or a sealed text stands for, a source of randomness.

    sealed text = base64url(HMAC-SHA256(key, purpose NUL content), first 16 bytes, + content), without padding
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

SEAL_BYTES: Final = 16
"""Bytes of the authentication code in a sealed text (RFC 2104, section 5 allows half of the hash)."""


def token_hash(token: str) -> str:
    """What the hub keeps of a bearer token: its SHA-256 in lower-case hex; 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same_token(token: str, kept_hash: str) -> bool:
    """Whether the token is the one that was kept, in time that does not depend on it."""
    return hmac.compare_digest(token_hash(token), kept_hash)


def seal(secret: bytes, purpose: str, content: bytes) -> str:
    """The content as a text that `open_seal` knows again; it is signed, not hidden."""
    return base64.urlsafe_b64encode(_code(secret, purpose, content) + content).decode("ascii").rstrip("=")


def open_seal(secret: bytes, purpose: str, text: str) -> bytes | None:
    """The content of a text sealed for this purpose under this secret, else None."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    code, content = data[:SEAL_BYTES], data[SEAL_BYTES:]
    return content if hmac.compare_digest(code, _code(secret, purpose, content)) else None


def _code(secret: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.new(secret, purpose.encode() + b"\0" + content, hashlib.sha256).digest()[:SEAL_BYTES]

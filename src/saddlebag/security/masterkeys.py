"""Master keys: what the secrets that the hub must be able to read again are sealed under in the database.

Belongs here: sealing, opening, the text of the key file. May not know: files, what a sealed secret is for, a source of
randomness: the nonce is an argument and must never be used twice.

    sealed   = first 8 bytes of SHA-256(master key) + 12 bytes of nonce + AES-256-GCM(secret), NIST SP 800-38D
    key file = one master key a line, Base64 of 32 bytes; the first seals, all open; `#` begins a comment

The context (such as tenant and device) is authenticated with the secret: a sealed secret that was moved to another row
does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from saddlebag.kernel.errors import MASTER_KEY, SaddlebagError

KEY_BYTES: Final = 32
"""Bytes of a master key: AES-256."""
NONCE_BYTES: Final = 12
"""Bytes of a nonce, as GCM wants it (NIST SP 800-38D, section 8.2)."""

_ID_BYTES: Final = 8
_HEAD: Final = "# Saddlebag master keys: the first seals, all open. Keep this file secret, and back it up.\n"


class MasterKeys:
    """The keys of one file, newest first."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = tuple(keys)
        if not self._keys or any(len(each) != KEY_BYTES for each in self._keys):
            raise SaddlebagError(MASTER_KEY, "The file of master keys holds no key, or one of another length.")

    @classmethod
    def read(cls, text: str) -> MasterKeys:
        """The keys of a key file's text; raises MASTER_KEY."""
        lines = [each.strip() for each in text.splitlines()]
        try:
            return cls(base64.b64decode(each, validate=True) for each in lines if each and not each.startswith("#"))
        except binascii.Error:
            raise SaddlebagError(MASTER_KEY, "A line of the file of master keys is not Base64.") from None

    def write(self) -> str:
        """The text of a key file."""
        return _HEAD + "".join(base64.b64encode(each).decode("ascii") + "\n" for each in self._keys)

    def rotated(self, fresh: bytes) -> MasterKeys:
        """A fresh key in front of these."""
        return MasterKeys((fresh, *self._keys))

    def newest(self, count: int) -> MasterKeys:
        """Only so many, the older ones forgotten."""
        return MasterKeys(self._keys[:count])

    def seal(self, secret: bytes, context: str, nonce: bytes) -> bytes:
        """The secret, to be opened with the same context only."""
        key = self._keys[0]
        return _id(key) + nonce + AESGCM(key).encrypt(nonce, secret, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Undo `seal`; raises MASTER_KEY where no key of the file does, or the row was tampered with."""
        nonce, data = sealed[_ID_BYTES : _ID_BYTES + NONCE_BYTES], sealed[_ID_BYTES + NONCE_BYTES :]
        for key in self._keys:
            if _id(key) == sealed[:_ID_BYTES]:
                try:
                    return AESGCM(key).decrypt(nonce, data, context.encode())
                except (InvalidTag, ValueError):
                    break
        raise SaddlebagError(MASTER_KEY, "No key of the file of master keys opens what was sealed.")

    def current(self, sealed: bytes) -> bool:
        """Whether it was sealed under the newest key."""
        return sealed[:_ID_BYTES] == _id(self._keys[0])


def nonce_of(secret: str) -> bytes:
    """A nonce from a fresh secret of 256 random bits: at 96 of them, a repetition is not to be met."""
    return hashlib.sha256(secret.encode()).digest()[:NONCE_BYTES]


def _id(key: bytes) -> bytes:
    """What tells a key from the others and tells nothing about it: it has 256 random bits."""
    return hashlib.sha256(key).digest()[:_ID_BYTES]

"""UsernameToken: the password digest, and which passwords were proved a moment ago.

Belongs here: OASIS WSS UsernameToken Profile 1.1, section 3.1. May not know: XML, tables, a clock, a source of chance.

A stored password is a slow hash, so no digest can be checked against it: digests are made with a secret of their own,
which administration issues. It has 256 random bits, so the SHA-1 that the profile prescribes leaves nothing to guess.
A password's text is checked against the slow hash; a program that sends it with each call would spend 50 ms of CPU on
each, so a proved one is remembered for a while, as a keyed hash that is worthless outside the process.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from saddlebag.kernel import limits


def password_digest(nonce: bytes, created: str, secret: str) -> str:
    """Base64(SHA-1(nonce + created + secret))."""
    data = nonce + created.encode() + secret.encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii")


def same_digest(sent: str, nonce: bytes, created: str, secret: str) -> bool:
    """Whether a digest was made with the secret, in time that does not depend on it."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), password_digest(nonce, created, secret).encode())


class ProvedPasswords:
    """Passwords that were proved, for `limits.WSS_PROVED_SECONDS`; the oldest goes when there are too many.

    A change of the stored hash ends it at once. Safe to use from several threads.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._until: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = Lock()

    def add(self, tenant: str, stored: str, password: str, now: datetime) -> None:
        """This password fits this stored hash."""
        with self._lock:
            self._until[self._name(tenant, stored, password)] = now + timedelta(seconds=limits.WSS_PROVED_SECONDS)
            while len(self._until) > limits.WSS_PROVED:
                self._until.popitem(last=False)

    def has(self, tenant: str, stored: str, password: str, now: datetime) -> bool:
        """Whether it was added a short while ago."""
        name = self._name(tenant, stored, password)
        with self._lock:
            until = self._until.get(name)
            if until is not None and until <= now:
                del self._until[name]
            return until is not None and now < until

    def _name(self, tenant: str, stored: str, password: str) -> bytes:
        data = "\0".join((tenant, stored, password)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, hashlib.sha256).digest()

    def __len__(self) -> int:
        return len(self._until)

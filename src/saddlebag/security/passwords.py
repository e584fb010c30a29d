"""Passwords: salted scrypt (RFC 7914), and the check that costs the same whether or not there is an account.

Belongs here: hashing and checking. May not know: users, tables, a source of randomness (the salt is an argument).

    stored form   scrypt$<log2 N>$<r>$<p>$<salt, base64>$<hash, base64>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

COST_LOG2: Final = 14
"""log2 of scrypt's N: 16 MiB and about 50 ms a check."""
BLOCK_SIZE: Final = 8
"""scrypt's r."""
PARALLEL: Final = 1
"""scrypt's p."""
HASH_BYTES: Final = 32
"""Bytes of the derived key."""
SALT_BYTES: Final = 16
"""Bytes of salt: never used twice, so never guessable in advance."""
PASSWORD_LENGTH: Final = 1024
"""Characters of a password; a longer one is wrong without being hashed."""

HASHERS: Final = 2
"""Passwords hashed at once."""

_COST_LOG2_MAX: Final = 17
# Threads of their own: each thread that ever hashed keeps its 16 MiB (malloc's arenas), so eight workers kept 128 MiB;
# and a flood of log-ins must not take all cores.
_HASHERS: Final = ThreadPoolExecutor(HASHERS, "password")
_MEMORY: Final = 256 * 1024 * 1024


def hash_password(password: str, salt: bytes) -> str:
    """The stored form of a password; `salt` is `SALT_BYTES` fresh random bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    if not 0 < len(password) <= PASSWORD_LENGTH:
        raise ValueError(f"a password has 1 to {PASSWORD_LENGTH} characters")
    derived = _derive(password, salt, COST_LOG2, BLOCK_SIZE, PARALLEL)
    parts = (str(COST_LOG2), str(BLOCK_SIZE), str(PARALLEL), _text(salt), _text(derived))
    return "$".join(("scrypt", *parts))


def check_password(password: str, stored: str | None) -> bool:
    """Whether the password fits its stored form; with none stored the same work is done and the answer is no."""
    parsed = _parse(stored or "")
    log2, r, p, salt, expected = parsed or _NOBODY
    derived = _derive(password[:PASSWORD_LENGTH], salt, log2, r, p)
    fits = hmac.compare_digest(derived, expected)
    return fits and parsed is not None and len(password) <= PASSWORD_LENGTH


def _derive(password: str, salt: bytes, log2: int, r: int, p: int) -> bytes:
    # A lone surrogate cannot be encoded strictly, and a caller's odd text must be a wrong password, not a crash.
    data = password.encode("utf-8", "surrogatepass")
    hashing = partial(hashlib.scrypt, data, salt=salt, n=1 << log2, r=r, p=p, maxmem=_MEMORY, dklen=HASH_BYTES)
    return _HASHERS.submit(hashing).result()


def _parse(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return None
    try:
        log2, r, p = int(parts[1]), int(parts[2]), int(parts[3])
        salt, expected = base64.b64decode(parts[4], validate=True), base64.b64decode(parts[5], validate=True)
    except (ValueError, binascii.Error):
        return None
    if not (1 <= log2 <= _COST_LOG2_MAX and 1 <= r <= 16 and 1 <= p <= 4):
        return None
    return log2, r, p, salt, expected


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_NOBODY = (COST_LOG2, BLOCK_SIZE, PARALLEL, bytes(SALT_BYTES), bytes(HASH_BYTES))

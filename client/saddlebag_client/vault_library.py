"""The libraries of encryption, which the base client does without: SQLCipher for the file, RFC 3394 for its key.

Belongs here: every use of `sqlcipher3` and `cryptography`, loaded when they are needed. May not know: leases, the hub.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from saddlebag.kernel.errors import KEY_FILE, NO_ENCRYPTION, WRONG_KEY, SaddlebagError
from saddlebag_client.vault import KEY_BYTES, Door, mark


class Cipher:
    """Opens databases under one file key."""

    def __init__(self, key: bytes) -> None:
        self._key = f"x'{key.hex()}'"

    def connect(self, path: Path, seconds: float) -> sqlite3.Connection:
        """A connection to an encrypted database, which waits so long for others; NO_ENCRYPTION without the library."""
        db = open_any(path, seconds)
        db.execute("PRAGMA cipher_log_level = NONE")  # a damaged page is told by its error, not on the terminal
        db.execute(f'PRAGMA key = "{self._key}"')
        db.execute("PRAGMA temp_store = MEMORY")  # nothing of the file goes to a temporary one
        return db

    def export(self, plain: sqlite3.Connection, target: Path) -> None:
        """Copy an open plain database into an encrypted one; nobody else writes to it until the connection closes."""
        version = plain.execute("PRAGMA user_version").fetchone()[0]
        plain.execute("ATTACH DATABASE ? AS sealed KEY ?", (str(target), self._key))
        plain.execute("PRAGMA main.locking_mode = EXCLUSIVE")
        plain.execute("PRAGMA sealed.synchronous = FULL")
        plain.execute("BEGIN EXCLUSIVE")
        plain.execute("SELECT sqlcipher_export('sealed')")
        plain.execute(f"PRAGMA sealed.user_version = {version}")
        plain.execute("COMMIT")  # the exclusive lock stays
        plain.execute("DETACH DATABASE sealed")


def open_any(path: Path, seconds: float) -> sqlite3.Connection:
    """A connection by the library of encryption, to which the key has not been told; NO_ENCRYPTION without it."""
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        raise SaddlebagError(NO_ENCRYPTION) from None
    db: sqlite3.Connection = dbapi2.connect(str(path), timeout=seconds, isolation_level=None)
    return db


def wrap(wrapping: bytes, key: bytes) -> bytes:
    """The file key under the hub's key (AES key wrap, RFC 3394)."""
    wrapped: bytes = _keywrap().aes_key_wrap(wrapping, key)
    return wrapped


def unwrap(door: Door, wrapping: bytes) -> bytes:
    """Undo `wrap`; raises WRONG_KEY for another hub key, KEY_FILE where what was wrapped is damaged."""
    keywrap = _keywrap()
    if door.mark != mark(wrapping):
        raise SaddlebagError(WRONG_KEY)
    try:
        key: bytes = keywrap.aes_key_unwrap(wrapping, bytes.fromhex(door.wrapped))
    except (keywrap.InvalidUnwrap, ValueError):
        raise SaddlebagError(KEY_FILE) from None
    if len(key) != KEY_BYTES:
        raise SaddlebagError(KEY_FILE)
    return key


def _keywrap() -> Any:
    try:
        from cryptography.hazmat.primitives import keywrap
    except ImportError:
        raise SaddlebagError(NO_ENCRYPTION) from None
    return keywrap

"""The one SQLite file: its tables, its state, its transactions.

Belongs here: opening, schema, named state, the lock that keeps two syncs apart. May not know: entities, the network.

    rows     what the hub sent and the digest covers: never changed by an edit. Version 0: created here, not yet back
    dirty    each edited field, old and new value, until the hub's own value has come; a read lays it over the row
    outbox   operations with their keys, from before they are sent until they are settled
    state    cursor, incarnation, session token, descriptions, counters
    staged   rows of pages whose last one has not come yet (`stage`)

The file holds a session token and customers' data: only its owner may read it, and removed rows are overwritten.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from saddlebag.kernel.errors import FILE_DAMAGED, FILE_IN_USE, NOT_LOGGED_IN, SaddlebagError

FORMAT: Final = 2
"""The file's schema version, in SQLite's user_version."""

BUSY_SECONDS: Final = 10.0
"""How long a command waits for another one to end its transaction."""

_SCHEMA: Final = """
CREATE TABLE rows (
    entity TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, fragment TEXT NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE dirty (
    entity TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,
    sequence INTEGER NOT NULL, settled INTEGER,
    PRIMARY KEY (entity, id, field)
) WITHOUT ROWID;
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY, key TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,
    status TEXT NOT NULL, payload TEXT NOT NULL, result TEXT
);
CREATE INDEX outbox_record ON outbox (entity, id);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_STAGED: Final = """
CREATE TABLE staged (
    entity TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, fragment TEXT, hash BLOB NOT NULL,
    PRIMARY KEY (entity, id)
) WITHOUT ROWID;
"""

_STEPS: Final = (_SCHEMA, _STAGED)
"""What each format adds to the one before."""


class Cipher(Protocol):
    """What opens encrypted databases; `vault_library` has it."""

    def connect(self, path: Path, seconds: float) -> sqlite3.Connection:
        """A connection that waits so long for others."""


class LocalFile:
    """An open file. Reads may happen at any time, writes only inside `transaction`."""

    def __init__(self, path: Path, db: sqlite3.Connection, cipher: Cipher | None = None) -> None:
        self.path = path
        self.db = db
        self._cipher = cipher

    @property
    def sealed(self) -> bool:
        """Whether the file is encrypted."""
        return self._cipher is not None

    def beside(self, path: Path) -> sqlite3.Connection:
        """A connection to another database of this laptop's, under the same key."""
        return _connect(path, self._cipher)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is written or nothing is; nested uses join the outer one."""
        if self.db.in_transaction:
            yield self.db
            return
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except self.db.DatabaseError:  # in use, or encrypted by another program since it was opened
            raise SaddlebagError(FILE_IN_USE) from None
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def get(self, name: str, default: Any = None) -> Any:
        """A value of the state, or `default`."""
        row = self.db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def put(self, **values: Any) -> None:
        """Store values in the state; None removes."""
        with self.transaction() as db:
            for name, value in values.items():
                if value is None:
                    db.execute("DELETE FROM state WHERE name = ?", (name,))
                else:
                    db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, json.dumps(value)))

    def need(self, name: str) -> Any:
        """A value that every file has once its user has logged in; NOT_LOGGED_IN before."""
        value = self.get(name)
        if value is None:
            raise SaddlebagError(NOT_LOGGED_IN)
        return value

    def next_sequence(self) -> int:
        """A number never given out before by this file, inside the caller's transaction."""
        sequence = int(self.get("sequence", 0)) + 1
        self.put(sequence=sequence)
        return sequence

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size

    def close(self) -> None:
        """Close the file; what was not committed is forgotten."""
        self.db.close()


def open_file(path: Path, *, create: bool = False, cipher: Cipher | None = None) -> LocalFile:
    """Open the file, made with its schema when `create` is set; NOT_LOGGED_IN where there is none.

    An encrypted one needs its `cipher`, and raises FILE_DAMAGED where it does not open with it.
    """
    if not path.exists():
        if not create:
            raise SaddlebagError(NOT_LOGGED_IN, f"There is no file {path.name} yet.")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = _connect(path, cipher)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        _bring_up(db)
    except db.DatabaseError:
        db.close()
        if cipher is not None:
            raise SaddlebagError(FILE_DAMAGED) from None
        raise SaddlebagError(NOT_LOGGED_IN, f"{path.name} is not a file of this program.") from None
    except SaddlebagError:
        db.close()
        raise
    return LocalFile(path, db, cipher)


def _connect(path: Path, cipher: Cipher | None) -> sqlite3.Connection:
    if cipher is not None:
        return cipher.connect(path, BUSY_SECONDS)
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def database_errors() -> tuple[type[Exception], ...]:
    """What a damaged database raises, by whichever library it was opened."""
    sealed = sys.modules.get("sqlcipher3.dbapi2")
    return (sqlite3.DatabaseError,) if sealed is None else (sqlite3.DatabaseError, sealed.DatabaseError)


def _bring_up(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found < FORMAT:
        db.executescript(f"BEGIN IMMEDIATE; {''.join(_STEPS[found:])} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif found > FORMAT:
        raise SaddlebagError(NOT_LOGGED_IN, "The file was written by a newer client: run its `upgrade`.")


@contextmanager
def only_sync(path: Path) -> Iterator[None]:
    """Keep a second sync of the same file out; the lock falls with the process, however it ends."""
    lock = path.with_name(path.name + ".lock")
    os.close(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(lock, timeout=0, isolation_level=None)) as holder:
        try:
            holder.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise SaddlebagError(FILE_IN_USE, "Another sync of this file is running.") from None
        yield

"""The contents of attachments beside an encrypted file: in an encrypted database of their own, under the same key.

Belongs here: what `contents` does, for an encrypted file. May not know: the hub, which attachment wants which. They are
apart from the records so that a large photo never makes a sync of records wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from saddlebag.kernel.errors import FILE_IN_USE, SaddlebagError
from saddlebag_client.contents import Contents, checked, copied, private
from saddlebag_client.local import LocalFile
from saddlebag_client.vault import overwrite

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS content (hash TEXT PRIMARY KEY, whole INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS piece (hash TEXT NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (hash, start));
"""


class SealedContents:
    """The contents that belong to one encrypted file; its functions are those of `Contents`."""

    def __init__(self, file: LocalFile) -> None:
        self._file = file
        self._path = file.path.with_name(file.path.name + ".contents")

    def has(self, content: str) -> bool:
        """Whether the content is here, whole."""
        with self._open() as db:
            return (
                db.execute("SELECT 1 FROM content WHERE hash = ? AND whole", (checked(content),)).fetchone() is not None
            )

    def keep(self, source: Path) -> tuple[str, int]:
        """Take a copy of a file; its hash and size. Raises INVALID_VALUE and TOO_LARGE."""
        with self._open() as db:
            held = _Pieces(db, "")
            content, size = copied(source, held.write)
            db.execute("DELETE FROM piece WHERE hash = ?", (content,))
            db.execute("UPDATE piece SET hash = ? WHERE hash = ''", (content,))
            db.execute("INSERT OR REPLACE INTO content VALUES (?, 1)", (content,))
        return content, size

    def received(self, content: str) -> int:
        """How many bytes of a growing content are here."""
        with self._open() as db:
            return _size(db, checked(content))

    def append(self, content: str, offset: int, data: bytes) -> None:
        """Write the bytes from `offset` on, safe from a crash before it returns."""
        with self._open() as db:
            db.execute("DELETE FROM piece WHERE hash = ? AND start >= ?", (checked(content), offset))
            last = db.execute(
                "SELECT start, data FROM piece WHERE hash = ? ORDER BY start DESC LIMIT 1", (content,)
            ).fetchone()
            if last is not None and last[0] + len(last[1]) > offset:
                kept = last[1][: offset - last[0]]
                db.execute("UPDATE piece SET data = ? WHERE hash = ? AND start = ?", (kept, content, last[0]))
            db.execute("INSERT OR IGNORE INTO content VALUES (?, 0)", (content,))
            if data:
                db.execute("INSERT INTO piece VALUES (?, ?, ?)", (content, offset, data))

    def complete(self, content: str) -> bool:
        """Verify a grown content and keep it; one that is not what its hash says is dropped."""
        hashed = sha256()
        with self._open() as db:
            for (data,) in db.execute("SELECT data FROM piece WHERE hash = ? ORDER BY start", (checked(content),)):
                hashed.update(data)
            if hashed.hexdigest() != content:
                _drop(db, content)
                return False
            db.execute("INSERT OR REPLACE INTO content VALUES (?, 1)", (content,))
        return True

    def read(self, content: str, offset: int, size: int) -> bytes:
        """So many bytes from `offset` on, fewer at the end."""
        found = b""
        with self._open() as db:
            for start, data in db.execute(
                "SELECT start, data FROM piece WHERE hash = ? AND start < ? AND start + length(data) > ? ORDER BY 1",
                (checked(content), offset + size, offset),
            ):
                found += data[max(0, offset - start) : offset + size - start]
        return found

    def write_to(self, content: str, target: Path) -> None:
        """Write the whole content to a file, in the clear: its user asked for it."""
        with self._open() as db, target.open("xb") as file:
            for (data,) in db.execute("SELECT data FROM piece WHERE hash = ? ORDER BY start", (checked(content),)):
                file.write(data)

    def prune(self, wanted: Container[str]) -> int:
        """Drop what belongs to no attachment any more, and what is left in the clear; how many there were."""
        self.adopt()
        with self._open() as db:
            here = [each for (each,) in db.execute("SELECT hash FROM content")]
            dropped = [each for each in here if each not in wanted]
            for each in dropped:
                _drop(db, each)
        return len(dropped)

    def adopt(self) -> None:
        """Take over what lies in the clear beside the file, one content after the other; a crash repeats one."""
        plain = Contents(self._file.path)
        for path in plain.all():
            if path.suffix != ".part":  # what was growing is fetched again
                self.keep(path)
            with private(path, "r+b") as file:
                overwrite(file.fileno())
            path.unlink()
        plain.remove_folder()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the contents."""
        private(self._path, "r+b").close()
        with closing(self._file.beside(self._path)) as db:
            try:
                db.execute("PRAGMA secure_delete = ON")
                db.executescript(_SCHEMA)
                db.execute("BEGIN IMMEDIATE")
            except db.OperationalError:
                raise SaddlebagError(FILE_IN_USE) from None
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


class _Pieces:
    """Takes the bytes of a content one after the other."""

    def __init__(self, db: sqlite3.Connection, content: str) -> None:
        self._db, self._content, self._start = db, content, 0

    def write(self, data: bytes) -> None:
        self._db.execute("INSERT INTO piece VALUES (?, ?, ?)", (self._content, self._start, data))
        self._start += len(data)


def _size(db: sqlite3.Connection, content: str) -> int:
    found = db.execute("SELECT max(start + length(data)) FROM piece WHERE hash = ?", (content,)).fetchone()[0]
    return int(found or 0)


def _drop(db: sqlite3.Connection, content: str) -> None:
    db.execute("DELETE FROM piece WHERE hash = ?", (content,))
    db.execute("DELETE FROM content WHERE hash = ?", (content,))

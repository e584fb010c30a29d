"""Rows: what the hub sent, and how it reads with unsent edits laid over it.

Belongs here: storing pages, digests, shards, reading. May not know: how an edit becomes an operation, the network.
The digest is computed from the fragments each time, never from a stored hash: a damaged file shows at the next sync.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from saddlebag.kernel import fragment as fragments
from saddlebag.kernel import manifest as manifests
from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.fragment import FieldTexts
from saddlebag.kernel.nodes import WireRecord
from saddlebag.kernel.patch import Patch, merge
from saddlebag_client.local import LocalFile

DELETED: Final = ""
"""In the place of a field's name: the whole record, which its reader has deleted."""

Texts = str | tuple[str, ...] | None
"""A field's lexical text, the texts of a list field, or None for no value."""


@dataclass(slots=True)
class Held:
    """A record as its reader sees it: the hub's texts with the laptop's edits laid over."""

    entity: str
    id: str
    version: int
    texts: FieldTexts
    hub: FieldTexts
    edits: dict[str, Edit] = field(default_factory=dict)

    def text(self, name: str) -> Texts:
        """The field's text as the reader sees it."""
        return self.texts.get(name)

    @property
    def unsent(self) -> bool:
        """Whether an edit is not yet settled with the hub."""
        return any(each.settled is None for each in self.edits.values())


@dataclass(frozen=True, slots=True)
class Edit:
    """One edited field; `settled` is the version at which the hub took it."""

    old: Texts
    new: Texts
    sequence: int
    settled: int | None


def dump(texts: Texts) -> str:
    """A field's texts as they are kept in the file."""
    return json.dumps(texts, ensure_ascii=False)


def load(text: str) -> Texts:
    """Undo `dump`."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def store(db: sqlite3.Connection, records: Iterable[WireRecord]) -> None:
    """Store records of a page; edits that the hub had taken by then give way to its values."""
    page = columns(records)
    db.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", page)
    if db.execute("SELECT 1 FROM dirty WHERE settled IS NOT NULL LIMIT 1").fetchone():
        arrived = [each[:3] for each in page]
        db.executemany("DELETE FROM dirty WHERE entity = ? AND id = ? AND settled <= ?", arrived)


def columns(records: Iterable[WireRecord]) -> list[tuple[str, str, int, str, bytes]]:
    """The rows of records: entity, id, version, fragment, hash."""
    return [
        (each.entity, each.id, each.version, each.fragment, _hash(each.entity, each.id, each.version, each.fragment))
        for each in records
    ]


def merged(db: sqlite3.Connection, patches: Iterable[tuple[str, Patch]]) -> Iterator[WireRecord]:
    """The records that patches make of the rows held.

    A row that is not there or cannot be read is left as it is: the digest will differ, and healing brings it whole.
    """
    for entity, patch in patches:
        key = (entity, patch.id)
        row = db.execute("SELECT fragment FROM staged WHERE entity = ? AND id = ?", key).fetchone()
        row = row or db.execute("SELECT fragment FROM rows WHERE entity = ? AND id = ?", key).fetchone()
        try:
            content = merge(row[0], patch) if row and row[0] else None
        except ValueError:
            continue
        if content is not None:
            yield WireRecord(entity, patch.id, patch.version, content)


def _hash(entity: str, record_id: str, version: int, content: str) -> bytes:
    return record_hash(entity, record_id, version, content).to_bytes(8, "big")


def remove(db: sqlite3.Connection, entity: str, record_id: str) -> bool:
    """Take a row off the laptop; its unsent edits stay in the outbox. False where there was none."""
    db.execute("DELETE FROM dirty WHERE entity = ? AND id = ? AND settled IS NOT NULL", (entity, record_id))
    return db.execute("DELETE FROM rows WHERE entity = ? AND id = ?", (entity, record_id)).rowcount > 0


def create(db: sqlite3.Connection, entity: str, record_id: str) -> None:
    """Make the row of a record born here: version 0, outside every digest, replaced by what the hub sends."""
    db.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, 0, ?, x'')", (entity, record_id, f"<id>{record_id}</id>"))


def forget_settled(db: sqlite3.Connection) -> None:
    """After the last page: the hub's word has come for everything it took, so what lies over the rows goes."""
    db.execute("DELETE FROM dirty WHERE settled IS NOT NULL")
    db.execute(
        "DELETE FROM rows WHERE version = 0 AND NOT EXISTS "
        "(SELECT 1 FROM outbox WHERE outbox.entity = rows.entity AND outbox.id = rows.id)"
    )


_SHOWN: Final = "SELECT entity, id, version, fragment FROM rows WHERE version > 0"
_HELD: Final = (
    f"{_SHOWN} AND NOT EXISTS (SELECT 1 FROM staged WHERE staged.entity = rows.entity AND staged.id = rows.id)"
    " UNION ALL SELECT entity, id, version, fragment FROM staged WHERE fragment IS NOT NULL"
)


def manifest(file: LocalFile, which: str = _HELD) -> Iterator[manifests.Held]:
    """Each row of the hub, those on the stage included, with the hash of its content as it lies in the file."""
    for entity, record_id, version, content in file.db.execute(which):
        yield manifests.Held(entity, record_id, version, record_hash(entity, record_id, version, content))


def digest(file: LocalFile) -> Digest:
    """The digest of everything held."""
    return Digest.of(each.hash for each in manifest(file))


def damaged(file: LocalFile) -> int:
    """How many rows are not as they were stored: a disk's fault, which the next sync mends."""
    kept = {(entity, key): digest for entity, key, digest in file.db.execute("SELECT entity, id, hash FROM rows")}
    return sum(kept[each.entity, each.id] != each.hash.to_bytes(8, "big") for each in manifest(file, _SHOWN))


def read(file: LocalFile, entity: str, lists: Container[str], record_id: str | None = None) -> list[Held]:
    """The records of an entity (or the one of this id), in the order of their ids."""
    one, key = ("AND id = ?", (entity, record_id)) if record_id is not None else ("", (entity,))
    found: dict[str, Held] = {}
    for identity, version, content in file.db.execute(
        f"SELECT id, version, fragment FROM rows WHERE entity = ? {one} ORDER BY id", key
    ):
        texts = _texts(content, lists)
        found[identity] = Held(entity, identity, version, dict(texts), texts)
    for identity, name, old, new, sequence, settled in file.db.execute(
        f"SELECT id, field, old, new, sequence, settled FROM dirty WHERE entity = ? {one}", key
    ):
        if name == DELETED:
            found.pop(identity, None)
        elif (held := found.get(identity)) is not None:
            _lay_over(held, name, Edit(load(old), load(new), sequence, settled))
    return list(found.values())


def one(file: LocalFile, entity: str, lists: Container[str], record_id: str) -> Held | None:
    """The record of this id, or None."""
    return next(iter(read(file, entity, lists, record_id)), None)


def any_of(file: LocalFile, entity: str) -> bool:
    """Whether any record of the entity is held."""
    return file.db.execute("SELECT 1 FROM rows WHERE entity = ? LIMIT 1", (entity,)).fetchone() is not None


def counts(file: LocalFile) -> dict[str, int]:
    """How many records of each entity are held."""
    return dict(file.db.execute("SELECT entity, count(*) FROM rows GROUP BY entity ORDER BY entity"))


def _texts(content: str, lists: Container[str]) -> FieldTexts:
    """The fields of a stored fragment; a row that was damaged on disk reads as empty until the next sync mends it."""
    try:
        texts = fragments.to_texts(content, lists)
    except ValueError:
        return {}
    return {name: text for name, text in texts.items() if name not in ("id", "version", "x:ext")}


def _lay_over(held: Held, name: str, edit: Edit) -> None:
    held.edits[name] = edit
    if edit.new is None or edit.new == ():
        held.texts.pop(name, None)
    else:
        held.texts[name] = edit.new

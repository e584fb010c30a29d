"""Plain tables: the same records without a hub, for the floor, the peers, and as the judge of what a device must hold.

Belongs here: one SQLite file with a table for each entity, the standard scope as SQL, a day's changes. May not know:
Saddlebag. It is standard library only, so that a peer's own interpreter can use it.

The standard scope of a rep: customers of her open deals with today <= closeDate < today + 7 days; of those all
contacts, all deals with their lines, and the invoices of the last 365 days; the products on the closing deals with
their stock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

WINDOW_DAYS = 7
BILLED_DAYS = 365
OPEN = ("prospect", "qualify", "propose", "negotiate")

INDEXES = (
    ("Deal", "owner, stage, closeDate"),
    ("Deal", "customer"),
    ("Contact", "customer"),
    ("Activity", "customer"),
    ("Invoice", "customer, issuedOn"),
    ("DealLine", "customer"),
    ("DealLine", "deal"),
    ("StockLevel", "product"),
    ("Customer", "owner"),
)
_STAGES = ", ".join(f"'{each}'" for each in OPEN)
CLOSING = f"owner = :rep AND stage IN ({_STAGES}) AND closeDate >= :today AND closeDate < :until"
_CUSTOMERS = f"SELECT customer FROM Deal WHERE {CLOSING}"
_PRODUCTS = f"SELECT product FROM DealLine WHERE deal IN (SELECT id FROM Deal WHERE {CLOSING})"
SCOPE: Mapping[str, str] = {
    "Customer": f"id IN ({_CUSTOMERS})",
    "Contact": f"customer IN ({_CUSTOMERS})",
    "Deal": f"customer IN ({_CUSTOMERS})",
    "DealLine": f"customer IN ({_CUSTOMERS})",
    "Invoice": f"customer IN ({_CUSTOMERS}) AND issuedOn >= :year",
    "Product": f"id IN ({_PRODUCTS})",
    "StockLevel": f"product IN ({_PRODUCTS})",
}

Key = tuple[str, str]
Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `texts` of the fields that change, None for one that loses its value; `gone` deletes the record."""

    entity: str
    id: str
    texts: Mapping[str, str | None]
    new: bool = False
    gone: bool = False


def bound(rep: str, today: date) -> dict[str, str]:
    """The values of the scope's parameters."""
    return {
        "rep": rep,
        "today": str(today),
        "until": str(today + timedelta(days=WINDOW_DAYS)),
        "year": str(today - timedelta(days=BILLED_DAYS)),
    }


class Plain:
    """The plain tables in one file; every column is text, `id` first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.link = sqlite3.connect(path, isolation_level=None)

    def close(self) -> None:
        """Close the file."""
        self.link.close()

    def create(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Make the tables, given the fields of each entity."""
        self.link.execute("PRAGMA journal_mode = OFF")
        for entity, names in tables.items():
            columns = ", ".join(f'"{each}"' for each in names)
            self.link.execute(f"CREATE TABLE {entity} (id PRIMARY KEY, {columns}) WITHOUT ROWID")

    def fill(self, entity: str, rows: Iterable[Sequence[str | None]]) -> None:
        """Insert an entity's records, id first and the fields in their order."""
        marks = ", ".join("?" * len(self.columns(entity)))
        self.link.execute("BEGIN")
        self.link.executemany(f"INSERT INTO {entity} VALUES ({marks})", rows)
        self.link.execute("COMMIT")

    def finish(self) -> None:
        """Index what the scope looks up."""
        for entity, columns in INDEXES:
            name = f"{entity}_{columns.replace(', ', '_')}"
            self.link.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {entity} ({columns})")
        self.link.execute("ANALYZE")

    def columns(self, entity: str) -> list[str]:
        """The columns of an entity, id first."""
        return [each[1] for each in self.link.execute(f"PRAGMA table_info({entity})")]

    @property
    def entities(self) -> list[str]:
        """The entities that have a table."""
        found = self.link.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return [each[0] for each in found]

    def count(self) -> int:
        """Records of all entities."""
        return sum(self.link.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in self.entities)

    def record(self, entity: str, record_id: str) -> Texts | None:
        """The fields of a record that have a value, or None where there is no such record."""
        cursor = self.link.execute(f"SELECT * FROM {entity} WHERE id = ?", (record_id,))
        row = cursor.fetchone()
        return None if row is None else _texts(cursor, row)

    def ids(self, entity: str, where: str = "1", values: Mapping[str, Any] | Sequence[Any] = ()) -> list[str]:
        """Ids in their order."""
        return [each[0] for each in self.link.execute(f"SELECT id FROM {entity} WHERE {where} ORDER BY id", values)]

    def apply(self, changes: Iterable[Change]) -> None:
        """Write changes."""
        self.link.execute("BEGIN")
        for each in changes:
            self._apply(each)
        self.link.execute("COMMIT")

    def _apply(self, change: Change) -> None:
        if change.gone:
            self.link.execute(f"DELETE FROM {change.entity} WHERE id = ?", (change.id,))
            return
        names = list(change.texts)
        values = [*change.texts.values(), change.id]
        if change.new:
            columns = ", ".join(f'"{each}"' for each in [*names, "id"])
            marks = ", ".join("?" * len(values))
            self.link.execute(f"INSERT INTO {change.entity} ({columns}) VALUES ({marks})", values)
        elif names:
            sets = ", ".join(f'"{each}" = ?' for each in names)
            self.link.execute(f"UPDATE {change.entity} SET {sets} WHERE id = ?", values)

    def scope(self, rep: str, today: date) -> Iterator[tuple[str, Texts]]:
        """The records of a rep's standard scope on a day as (entity, fields)."""
        values = bound(rep, today)
        for entity, where in SCOPE.items():
            cursor = self.link.execute(f"SELECT * FROM {entity} WHERE {where}", values)
            for row in cursor:
                yield entity, _texts(cursor, row)

    def held(self, rep: str, today: date) -> dict[Key, Texts]:
        """The same by key."""
        return {(entity, texts["id"]): texts for entity, texts in self.scope(rep, today)}

    def size(self, rep: str, today: date) -> int:
        """How many records that are."""
        values = bound(rep, today)
        counts = (f"SELECT count(*) FROM {entity} WHERE {where}" for entity, where in SCOPE.items())
        return sum(self.link.execute(each, values).fetchone()[0] for each in counts)

    def reps_by_size(self, today: date) -> list[tuple[int, str]]:
        """(size of her scope, rep) of every rep, smallest first."""
        return sorted((self.size(rep, today), rep) for rep in self.ids("User"))

    def median_rep(self, today: date) -> str:
        """The rep whose scope has the median number of records."""
        reps = self.reps_by_size(today)
        return reps[len(reps) // 2][1]


def moved(before: Mapping[Key, Texts], after: Mapping[Key, Texts]) -> tuple[int, int, int]:
    """How many records came in, went out and changed between two states of a scope."""
    both = before.keys() & after.keys()
    return len(after.keys() - both), len(before.keys() - both), sum(before[each] != after[each] for each in both)


def copied(source: Path, target: Path) -> Plain:
    """The tables in a file of their own."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return Plain(target)


def _texts(cursor: sqlite3.Cursor, row: Sequence[str | None]) -> Texts:
    names = (each[0] for each in cursor.description)
    return {name: text for name, text in zip(names, row, strict=True) if text is not None}

"""Stage: pages that have come and are not shown yet, so that all of a sync becomes visible at once.

Belongs here: putting pages there, showing them, what the file holds with them. May not know: the network, cursors.

A page goes on the stage together with its cursor, in one transaction, and is proved by it as one that is shown: a kill
costs one page, whatever was on the stage before stays. The last page shows everything in the transaction that stores
it. What is revoked is not waited with: it leaves the rows and the stage at once. A device that has little room does
without the stage and shows each page as it comes (`sync --page-wise`).

    staged   entity, id, version, fragment, hash as in rows; without a fragment: the row leaves
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from saddlebag.kernel.nodes import WireRecord
from saddlebag_client import rows
from saddlebag_client.messages import Eviction, Page

REVOKED = "revoked"


def take(db: sqlite3.Connection, page: Page, *, at_once: bool) -> None:
    """Store a page: on the stage until the last one has come where `at_once` is set, else where it is seen."""
    records = [*page.records, *rows.merged(db, page.patches)]
    if at_once and (page.more or _anything(db)):
        _put(db, page.evictions, records)
        if not page.more:
            show(db)
    else:
        show(db)
        for each in page.evictions:
            rows.remove(db, each.entity, each.id)
        rows.store(db, records)
    if not page.more:
        rows.forget_settled(db)


def show(db: sqlite3.Connection) -> None:
    """Let the rows be what is on the stage."""
    if not _anything(db):
        return
    gone = "(entity, id) IN (SELECT entity, id FROM staged WHERE fragment IS NULL)"
    db.execute(f"DELETE FROM dirty WHERE settled IS NOT NULL AND {gone}")
    db.execute(f"DELETE FROM rows WHERE {gone}")
    db.execute("INSERT OR REPLACE INTO rows SELECT * FROM staged WHERE fragment IS NOT NULL")
    db.execute(
        "DELETE FROM dirty WHERE settled <= "
        "(SELECT version FROM staged WHERE staged.entity = dirty.entity AND staged.id = dirty.id)"
    )
    db.execute("DELETE FROM staged")


def _anything(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM staged LIMIT 1").fetchone() is not None


def _put(db: sqlite3.Connection, evictions: Iterable[Eviction], records: Iterable[WireRecord]) -> None:
    for each in evictions:
        if each.reason == REVOKED:
            rows.remove(db, each.entity, each.id)
            db.execute("DELETE FROM staged WHERE entity = ? AND id = ?", (each.entity, each.id))
        else:
            db.execute("INSERT OR REPLACE INTO staged VALUES (?, ?, 0, NULL, x'')", (each.entity, each.id))
    db.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?)", rows.columns(records))

"""Stamp cursors: how far a feed of time stamps has been read, so that nothing is lost to late commits.

Belongs here: the arithmetic. May not know: any system's query language.

Stamps are the start times of transactions that commit later, and bulk writes share them. So a run reads from `overlap`
before the cursor (what it has seen already is recognised by content hash), pages by (stamp, id), and never moves the
cursor past the system's own now minus `lag`: a transaction still open now may yet commit with an older stamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from saddlebag.kernel.canon import read_datetime, write_datetime


@dataclass(frozen=True, slots=True)
class Window:
    """How long before the cursor reading starts again, and how far behind now the cursor stays."""

    overlap: timedelta = timedelta(minutes=5)
    lag: timedelta = timedelta(minutes=1)

    def start(self, cursor: datetime | None) -> datetime | None:
        """The stamp to read from, inclusive; None for everything."""
        return None if cursor is None else cursor - self.overlap

    def advance(self, cursor: datetime | None, seen: datetime | None, now: datetime) -> datetime | None:
        """The cursor after reading up to `seen` at the system's time `now`; it never goes back."""
        if seen is None:
            return cursor
        reached = min(seen, now - self.lag)
        return reached if cursor is None else max(cursor, reached)


def write_cursor(cursor: datetime | None) -> str | None:
    """The cursor as text of a state."""
    return None if cursor is None else write_datetime(cursor)


def read_cursor(text: object) -> datetime | None:
    """The cursor of a state's text."""
    return read_datetime(text) if isinstance(text, str) and text else None

"""The change feed: which rows of a source changed, page by page, and how far it has been read.

Belongs here: paging by stamp. May not know: what rows become.

`write_date` is null until the first write, in 6.0 always and later for rows that a module loads, and rows put in by SQL
may have no stamp at all. So a source is read in three phases, each paged by its own keyset: rows without any stamp
(every time, as nothing tells when they change), rows only created, rows written. A row that is written meanwhile moves
to a later phase, never to an earlier one. Stamps are shared by bulk writes: the id breaks ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saddlebag.bridge.stamps import Window, read_cursor, write_cursor
from saddlebag_adapters.tryton.shape import Shape
from saddlebag_adapters.tryton.streams import Source

PAGE = 100
"""Rows of a source asked for at once."""

_NO_WRITE: list[Any] = ["write_date", "=", None]
_PHASES: tuple[tuple[str, list[Any]], ...] = (
    ("", [_NO_WRITE, ["create_date", "=", None]]),
    ("create_date", [_NO_WRITE, ["create_date", "!=", None]]),
    ("write_date", [["write_date", "!=", None]]),
)
"""The stamp that each phase is ordered by, and the rows that it is about."""


@dataclass(frozen=True, slots=True)
class Page:
    """Ids of the stream's rows that changed, the newest stamp among what was read, and where the source stands now."""

    ids: tuple[int, ...]
    stamp: datetime | None
    cursors: Mapping[str, str | None]


class SourceFeed:
    """One source of a stream, read from its cursors on."""

    def __init__(
        self, shape: Shape, source: Source, domain: list[Any], cursors: Mapping[str, str | None], window: Window
    ) -> None:
        self._shape = shape
        self._source = source
        self._domain = domain
        self._cursors = dict(cursors)
        self._window = window

    def pages(self, now: datetime) -> Iterator[Page]:
        """What changed, oldest first; `now` is the system's own time, which no cursor passes."""
        for stamp, domain in _PHASES:
            yield from self._phase(stamp, [*self._domain, *domain], now)

    def _phase(self, stamp: str, domain: list[Any], now: datetime) -> Iterator[Page]:
        cursor = read_cursor(self._cursors.get(stamp))
        start = self._window.start(cursor)
        after: list[Any] = [] if not stamp or start is None else [[stamp, ">=", start]]
        order = [[stamp, "ASC"], ["id", "ASC"]] if stamp else [["id", "ASC"]]
        fields = sorted({"id", self._source.leads_to, *([stamp] if stamp else [])})
        while True:
            rows = self._shape.search_read(self._source.model, [*domain, *after], fields, limit=PAGE, order=order)
            if not rows:
                return
            newest = rows[-1][stamp] if stamp else None
            if stamp:
                cursor = self._window.advance(cursor, newest, now)
                self._cursors[stamp] = write_cursor(cursor)
            yield Page(self._leads(rows), newest, dict(self._cursors))
            if len(rows) < PAGE:
                return
            after = [_beyond(stamp, newest, rows[-1]["id"])]

    def _leads(self, rows: list[dict[str, Any]]) -> tuple[int, ...]:
        found: list[int] = []
        for row in rows:
            lead = row[self._source.leads_to]
            found.extend(lead if isinstance(lead, list) else [lead] if lead is not None else [])
        return tuple(dict.fromkeys(int(each) for each in found))


def _beyond(stamp: str, newest: datetime | None, last: int) -> list[Any]:
    """The rows after the last one, by (stamp, id)."""
    if not stamp:
        return ["id", ">", last]
    return ["OR", [[stamp, ">", newest]], [[stamp, "=", newest], ["id", ">", last]]]

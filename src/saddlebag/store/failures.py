"""Failures: what a database says, as errors of the catalogue.

Belongs here: reading driver errors. May not know: statements. No message carries SQL, values or a URL.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

from psycopg import Error as PostgresError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from saddlebag.kernel.errors import BUSY, DUPLICATE_KEY, SCHEMA_OUTDATED, UNAVAILABLE, ErrorKind, SaddlebagError

RETRY_SECONDS = 1
"""How long a caller is asked to wait when the database was too busy or away."""

_LOST_STATES = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not to be had in time (PostgreSQL, appendix A)."""
_OUTDATED_STATES = frozenset({"42P01", "42703"})
"""No such table, no such column."""
_UNIQUE_STATE = "23505"
_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (?:index '(?P<index>\w+)'|(?P<columns>.*))")
_SQLITE_LOST = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class LostRace(SaddlebagError):
    """Another transaction was faster; calling again may end well. Outside `Store.run` it is what its `kind` says."""

    def __init__(self, kind: ErrorKind = BUSY, *, entity: str | None = None, field: str | None = None) -> None:
        retry_after = RETRY_SECONDS if kind is BUSY else None
        super().__init__(kind, entity=entity, field=field, retry_after=retry_after)


def translate(problem: DBAPIError | PoolTimeout, keys: Mapping[str, tuple[str, str]]) -> Exception:
    """The catalogued error for a driver's; `keys` gives (entity, field) by index. A defect of ours stays itself."""
    if isinstance(problem, PoolTimeout):
        return SaddlebagError(BUSY, retry_after=RETRY_SECONDS)
    original = problem.orig
    if isinstance(original, sqlite3.Error):
        return _sqlite(original, keys) or problem
    if isinstance(original, PostgresError):
        return _postgres(original, keys, problem.connection_invalidated) or problem
    return problem


def _sqlite(problem: sqlite3.Error, keys: Mapping[str, tuple[str, str]]) -> SaddlebagError | None:
    unique = _SQLITE_UNIQUE.match(str(problem))
    if unique is not None:
        return _duplicate(unique["index"] or _sqlite_index(unique["columns"]), keys)
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_LOST:
        return LostRace()
    if str(problem).startswith(("no such table", "no such column")) or "has no column named" in str(problem):
        return SaddlebagError(SCHEMA_OUTDATED)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY):
        return _unavailable()
    return None


def _sqlite_index(columns: str) -> str:
    """The index's name from `e_deal.tenant, e_deal.number`, which is all that SQLite tells."""
    table, _, column = columns.rpartition(", ")[2].partition(".")
    return f"uq_{table.removeprefix('e_')}_{column}"


def _postgres(problem: PostgresError, keys: Mapping[str, tuple[str, str]], lost: bool) -> SaddlebagError | None:
    state = problem.sqlstate
    if state == _UNIQUE_STATE:
        return _duplicate(problem.diag.constraint_name or "", keys)
    if state in _LOST_STATES:
        return LostRace()
    if state in _OUTDATED_STATES:
        return SaddlebagError(SCHEMA_OUTDATED)
    away = state is None or state[:2] in ("08", "53", "57", "58") or state == "3D000"
    return _unavailable() if lost or away else None


def _duplicate(index: str, keys: Mapping[str, tuple[str, str]]) -> LostRace:
    """A taken key; a taken id of a new record as well, which only a race or a caller's own id brings about."""
    entity, field = keys.get(index, (None, "id"))
    return LostRace(DUPLICATE_KEY, entity=entity, field=field)


def _unavailable() -> SaddlebagError:
    return SaddlebagError(UNAVAILABLE, retry_after=RETRY_SECONDS)

"""Connections: how each database is opened, and how a transaction begins and ends on it.

Belongs here: pools, pragmas, isolation, SQLite's one writer. May not know: tables, records.

SQLite: write-ahead log with synchronous=NORMAL. A commit is in the log, with the operating system, before it is
answered, so a killed process loses nothing; only a power cut may take the last commits, never the file's wholeness.
Readers keep the snapshot that they began with and never wait. A writer takes its turn in `FairLock`, then begins
IMMEDIATE: a transaction that began as a reader could not become a writer without losing its snapshot.

PostgreSQL: readers REPEATABLE READ, one snapshot for the transaction. Writers READ COMMITTED: they wait for the row
locks of `get(lock=True)` and of the tenant's counter, and then must see what the other has committed; under REPEATABLE
READ each such wait would end in a serialisation failure.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from saddlebag.kernel.errors import BUSY, SETTING_INVALID, SaddlebagError
from saddlebag.store.failures import RETRY_SECONDS

LOCK_SECONDS = 20
"""How long a writer waits for its turn or for a row before it gives up."""

POOL_SIZE = 20
"""Connections kept open where the caller names no number; as many again may be opened for a while."""


class FairLock:
    """A lock that serves threads in the order of their coming; `threading.Lock` may starve one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: int | None = None

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Hold the lock for the block; raises BUSY when the turn does not come in time."""
        self._take(seconds)
        try:
            yield
        finally:
            self._pass_on()

    def _take(self, seconds: float) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder is None:
                self._holder = me
                return
            if self._holder == me:
                raise RuntimeError("a write transaction was begun inside another of the same thread")
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        came = gate.acquire(timeout=seconds)
        with self._guard:
            if not came and gate in self._waiting:
                self._waiting.remove(gate)
                raise SaddlebagError(BUSY, retry_after=RETRY_SECONDS)
            self._holder = me

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._holder = 0
                self._waiting.popleft().release()
            else:
                self._holder = None


_writers: WeakValueDictionary[str, FairLock] = WeakValueDictionary()
_writers_guard = threading.Lock()


def parse_url(url: str) -> URL:
    """The URL with its driver; raises SETTING_INVALID for another database or for SQLite in memory."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SaddlebagError(SETTING_INVALID, "The database URL cannot be read.", field="database") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    message = "The database URL must begin with sqlite:/// and name a file, or with postgresql://."
    raise SaddlebagError(SETTING_INVALID, message, field="database")


def open_engine(url: URL, connections: int = POOL_SIZE) -> Engine:
    """An engine whose connections are set up; nothing is connected yet."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=url.drivername != "sqlite",
        hide_parameters=True,
    )
    sqlite = engine.dialect.name == "sqlite"
    event.listen(engine, "connect", _prepare_sqlite if sqlite else _prepare_postgres)
    if sqlite:
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def writer_lock(url: URL) -> FairLock | None:
    """The lock of a SQLite file's writers, one for all stores of this process on the file; None for PostgreSQL."""
    if url.drivername != "sqlite" or url.database is None:
        return None
    path = str(Path(url.database).resolve())
    with _writers_guard:
        lock = _writers.get(path)
        if lock is None:
            lock = _writers[path] = FairLock()
        return lock


@contextmanager
def transaction(engine: Engine, *, read_only: bool) -> Iterator[Connection]:
    """A connection in a transaction that commits when the block ends well; the caller holds the writer lock."""
    with engine.connect() as plain:
        if read_only and engine.dialect.name == "sqlite":
            # SQLAlchemy's own begin and commit take ten times what SQLite's do. Nothing is there to commit: the pool
            # rolls back whatever comes back to it.
            _begin(plain, "BEGIN")
            yield plain
            return
        connection = plain
        if read_only:
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Take transactions out of the driver's hands (it would begin them late), and set the file up."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {LOCK_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "temp_store = MEMORY",
        "cache_size = -8192",
        "journal_size_limit = 67108864",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgres(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = {LOCK_SECONDS * 1000}")
    cursor.close()
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    """Begin to write, unless `transaction` has begun to read."""
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        _begin(connection, "BEGIN IMMEDIATE")


def _begin(connection: Connection, statement: str) -> None:
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(statement)
    except sqlite3.Error as problem:
        raise DBAPIError(statement, None, problem, hide_parameters=True) from problem

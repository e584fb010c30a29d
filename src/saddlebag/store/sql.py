"""The SQL store: the port's `Store` on SQLite and PostgreSQL.

Belongs here: opening, beginning, committing, trying again, tenants. May not know: what a transaction does.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from saddlebag.kernel.errors import DUPLICATE_KEY, SCHEMA_OUTDATED, TENANT_EXISTS, UNKNOWN_TENANT, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.store import engine as engines
from saddlebag.store import versions
from saddlebag.store.base import Tenant
from saddlebag.store.build import Statements
from saddlebag.store.derive import tables_for
from saddlebag.store.failures import LostRace, translate
from saddlebag.store.gateway import RowStatements
from saddlebag.store.prepared import Reader
from saddlebag.store.transaction import SqlTransaction, Toolbox
from saddlebag.store.writing import Writer

R = TypeVar("R")

ATTEMPTS = 6
"""How often `run` calls its function when races are lost, before the caller is told BUSY."""

DUPLICATE_ATTEMPTS = 2
"""How often when a key was taken: the second call sees the record that took it and can say so."""

FIRST_PAUSE_SECONDS = 0.01
"""Before the second attempt; doubled before each further one, and shortened by chance so that rivals part."""

TENANT_SECONDS = 3.0
"""How long a tenant is believed to be as it was read."""


class SqlStore:
    """A store in one SQL database; see `saddlebag.store.base.Store`."""

    def __init__(
        self,
        url: str,
        schema: Schema = BUILTIN,
        *,
        clock: Callable[[], float] = time.monotonic,
        connections: int = engines.POOL_SIZE,
    ) -> None:
        parsed = engines.parse_url(url)
        self._schema = schema
        self._clock = clock
        self._engine = engines.open_engine(parsed, connections)
        self._lock = engines.writer_lock(parsed)
        tables = tables_for(schema)
        dialect = self._engine.dialect
        statements = Statements(schema, tables, dialect.name)
        rows = RowStatements(tables, dialect.name, Reader(dialect))
        self._tools = Toolbox(schema, tables, statements, rows, Writer(tables, dialect))
        self._tenants: dict[str, tuple[Tenant, float]] = {}

    @property
    def schema(self) -> Schema:
        """The entities that the tables were derived from."""
        return self._schema

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite or postgresql."""
        return self._engine.dialect.name

    @property
    def statements_kept(self) -> int:
        """How many different statements have been built; it stays small whatever values callers search for."""
        return len(self._tools.statements)

    def run(self, tenant: str, work: Callable[[SqlTransaction], R], *, read_only: bool = False) -> R:
        """Call `work` in a transaction and commit; on a lost race call it again. Raises UNKNOWN_TENANT."""
        attempt = 1
        while True:
            try:
                found = self.tenant(tenant)
                with self.connection(read_only=read_only) as connection:
                    return work(SqlTransaction(connection, self._tools, found, read_only))
            except LostRace as lost:
                if attempt >= (DUPLICATE_ATTEMPTS if lost.kind is DUPLICATE_KEY else ATTEMPTS):
                    raise
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))
            attempt += 1

    @contextmanager
    def begin(self, tenant: str, *, read_only: bool = False) -> Iterator[SqlTransaction]:
        """A transaction that commits when the block ends well and rolls back otherwise; lost races surface as BUSY."""
        found = self.tenant(tenant)
        with self.connection(read_only=read_only) as connection:
            yield SqlTransaction(connection, self._tools, found, read_only)

    @contextmanager
    def connection(self, *, read_only: bool = False) -> Iterator[Connection]:
        """A connection in a transaction of no tenant, for the store's own tables and for looking at query plans."""
        turn = nullcontext() if read_only or self._lock is None else self._lock.turn(engines.LOCK_SECONDS)
        try:
            with turn, engines.transaction(self._engine, read_only=read_only) as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as problem:
            told = translate(problem, self._tools.tables.keys)
            if told is problem:
                raise
            raise told from None

    def create_tenant(self, tenant: Tenant) -> None:
        """Add a tenant; raises TENANT_EXISTS."""
        tables = self._tools.tables
        try:
            with self.connection() as connection:
                values = {each.name: getattr(tenant, each.name) for each in tables.tenants.c}
                connection.execute(tables.tenants.insert(), values)
                connection.execute(tables.counter.insert(), {"tenant": tenant.name, "value": 0})
        except LostRace as lost:
            if lost.kind is not DUPLICATE_KEY:
                raise
            raise SaddlebagError(TENANT_EXISTS) from None

    def tenants(self) -> list[Tenant]:
        """All tenants by name."""
        held = self._tools.tables.tenants
        with self.connection(read_only=True) as connection:
            return [Tenant(*each) for each in connection.execute(select(held).order_by(held.c.name))]

    def tenant(self, name: str) -> Tenant:
        """One tenant, from a cache of at most a few seconds; raises UNKNOWN_TENANT."""
        now = self._clock()
        kept = self._tenants.get(name)
        if kept is not None and now < kept[1]:
            return kept[0]
        held = self._tools.tables.tenants
        with self.connection(read_only=True) as connection:
            row = connection.execute(select(held).where(held.c.name == name)).first()
        if row is None:
            self._tenants.pop(name, None)
            raise SaddlebagError(UNKNOWN_TENANT)
        found = Tenant(*row)
        self._tenants[name] = (found, now + TENANT_SECONDS)
        return found

    def check(self) -> None:
        """Raise UNAVAILABLE or SCHEMA_OUTDATED when the store cannot serve."""
        with self.connection(read_only=True) as connection:
            if versions.current(connection) != versions.head():
                raise SaddlebagError(SCHEMA_OUTDATED)

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

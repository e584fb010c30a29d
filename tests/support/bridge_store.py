"""Stores for tests of the bridge: one PostgreSQL database for the session, emptied for each test; a SQLite file a test.

Making and dropping a PostgreSQL database for each test takes longer than the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

import throwaway_postgres
from saddlebag.bridge.testing import OTHER, TENANT
from saddlebag.store import init_store, open_store
from saddlebag.store.base import Store, Tenant


@pytest.fixture(scope="session")
def bridge_database(postgres_server: throwaway_postgres.Server) -> Iterator[str]:
    """The URL of a PostgreSQL database that the tests of the bridge have to themselves."""
    url = postgres_server.create_database()
    init_store(url)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with the kit's tenants, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'bridge.sqlite'}"
        init_store(url)
    else:
        url = request.getfixturevalue("bridge_database")
        _empty(url)
    with _opened(url) as opened:
        yield opened


def _empty(url: str) -> None:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        tables = [name for name in sa.inspect(connection).get_table_names() if not name.startswith("alembic")]
        # Not TRUNCATE: for a few rows it is slower by far, as it makes a new file of each table and index.
        connection.execute(sa.text("; ".join(f'DELETE FROM "{name}"' for name in tables)))
    engine.dispose()


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    opened = open_store(url)
    for name in (TENANT, OTHER):
        opened.create_tenant(Tenant(name, name.title(), "UTC", b"s" * 32, datetime.now(UTC)))
    yield opened
    opened.close()

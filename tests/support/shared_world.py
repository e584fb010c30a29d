"""Fixtures: the organisation of `records_world` as a tenant of its own for each test, in databases made once.

A database costs far more than a tenant: making one for each test took PostgreSQL most of the time of the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

import throwaway_postgres
from records_world import World, opened, settled
from saddlebag.store.sql import SqlStore

_numbers = count()


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """A store for all tests of the session, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        with opened(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.sqlite'}") as store:
            yield store
        return
    server: throwaway_postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    with opened(url) as store:
        yield store
    server.drop_database(url)


@pytest.fixture
def world(shared_store: SqlStore) -> World:
    """The organisation as a tenant that this test has to itself."""
    return settled(shared_store, f"acme-{next(_numbers)}")

"""Stores for tests: one of the kit's schema on each database for the whole session; each test has its own tenants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from saddlebag.store import init_store, open_store
from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import KIT_SCHEMA


def _opened(url: str) -> Iterator[SqlStore]:
    init_store(url, KIT_SCHEMA)
    store = open_store(url, KIT_SCHEMA)
    yield store
    store.close()


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    folder: Path = tmp_path_factory.mktemp("store")
    yield from _opened(f"sqlite:///{folder / 'kit.sqlite'}")


@pytest.fixture(scope="session")
def postgres_store(postgres_url: str) -> Iterator[SqlStore]:
    yield from _opened(postgres_url)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_store(request: pytest.FixtureRequest) -> SqlStore:
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    store: SqlStore = request.getfixturevalue(name)
    return store

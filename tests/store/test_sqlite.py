"""The SQLite store passes the kit."""

from __future__ import annotations

import pytest

from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import StoreKit


class TestSqlite(StoreKit):
    @pytest.fixture
    def store(self, sqlite_store: SqlStore) -> SqlStore:
        return sqlite_store

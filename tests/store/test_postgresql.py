"""The PostgreSQL store passes the kit."""

from __future__ import annotations

import pytest

from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import StoreKit


@pytest.mark.postgres
class TestPostgresql(StoreKit):
    @pytest.fixture
    def store(self, postgres_store: SqlStore) -> SqlStore:
        return postgres_store

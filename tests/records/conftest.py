"""The organisation that the tests of records act in, on SQLite and on PostgreSQL."""

from __future__ import annotations

from shared_world import shared_store, world

__all__ = ["shared_store", "world"]

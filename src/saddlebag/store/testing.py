"""The kit that every store must pass.

Subclass `StoreKit` where tests are collected, and give it a fixture `store`: an open store of `KIT_SCHEMA` on an empty
database. The tests make their own tenants, so one store may serve them all. Importing this module needs no test runner.
"""

from __future__ import annotations

from saddlebag.store.kit.make import KIT_SCHEMA, NOW, SAMPLE, Desk, create, delete, meaning, record_of, refuses, update
from saddlebag.store.kit.queries import QueryPromises
from saddlebag.store.kit.races import RacePromises
from saddlebag.store.kit.records import RecordPromises
from saddlebag.store.kit.rows import RowPromises

__all__ = [
    "KIT_SCHEMA",
    "NOW",
    "SAMPLE",
    "Desk",
    "StoreKit",
    "create",
    "delete",
    "meaning",
    "record_of",
    "refuses",
    "update",
]


class StoreKit(RecordPromises, QueryPromises, RowPromises, RacePromises):
    """Every promise of `saddlebag.store.base`, as test methods that take the fixture `store`."""

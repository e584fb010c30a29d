"""The running Tryton as the kit wants it, and a store for each test."""

from __future__ import annotations

import pytest

from bridge_store import bridge_database, store
from tryton_server import TrytonServer
from tryton_world import TrytonWorld

__all__ = ["bridge_database", "store", "world"]


@pytest.fixture
def world(tryton: TrytonServer) -> TrytonWorld:
    return TrytonWorld(tryton)

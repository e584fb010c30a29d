"""The organisation of `records_world` on each database, and a laptop of one of its reps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from model_device import Laptop
from records_world import World, opened, settled
from saddlebag.store.sql import SqlStore
from shared_world import shared_store

__all__ = ["shared_store"]

_numbers = count()


@pytest.fixture
def hub(shared_store: SqlStore) -> World:
    """The organisation, as a tenant that this test has to itself."""
    return settled(shared_store, f"sync-{next(_numbers)}")


@pytest.fixture
def laptop(hub: World) -> Laptop:
    """Rita's laptop after its first sync."""
    made = Laptop.registered(hub, "rita")
    made.sync()
    return made


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """A store for what asks the engine and not the database."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('engine') / 'store.sqlite'}") as store:
        yield store

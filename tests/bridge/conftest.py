"""A tenant in a store of its own, and a folder of CSV files as its outside system."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_store import bridge_database, store
from csv_world import CsvWorld

__all__ = ["bridge_database", "store", "world"]


@pytest.fixture
def world(tmp_path: Path) -> CsvWorld:
    folder = tmp_path / "export"
    folder.mkdir()
    return CsvWorld(folder)

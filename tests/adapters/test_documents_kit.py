"""The documents adapter keeps the port's promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from csv_world import CsvWorld
from saddlebag.bridge.testing import AdapterKit


class TestDocuments(AdapterKit):
    @pytest.fixture
    def world(self, tmp_path: Path) -> CsvWorld:
        folder = tmp_path / "export"
        folder.mkdir()
        return CsvWorld(folder)

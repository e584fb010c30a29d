"""What the laptop client's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from laptop import Laptop
from memory_hub import MemoryHub


@pytest.fixture
def hub() -> MemoryHub:
    """A hub with a customer and two deals."""
    made = MemoryHub()
    made.write("User", "u1", name="Rita Rep")
    made.write("Customer", "c1", name="Acme & Söhne", status="active", owner="u1", creditLimit="500.00")
    made.write("Deal", "d-one", title="Pumps", customer="c1", owner="u1", stage="prospect", amount="100.00")
    made.write("Deal", "d-two", title="Valves", customer="c1", owner="u1", stage="prospect")
    return made


@pytest.fixture
def laptop(tmp_path: Path, hub: MemoryHub) -> Laptop:
    """A laptop that was never used."""
    return Laptop(tmp_path / "rep.sqlite", hub)


@pytest.fixture
def synced(laptop: Laptop) -> Laptop:
    """A laptop that is logged in and holds all."""
    laptop.login()
    laptop.good("sync")
    return laptop

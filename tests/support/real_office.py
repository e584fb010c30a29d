"""An office with the real hub, and the laptop of one of its reps, joined in memory.

Every call goes through both ends' own code: client, front, services, sync engine and store.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from front_transport import FrontTransport
from laptop import Laptop
from records_world import TENANT, World, create, world
from saddlebag.records import access

PASSWORD = "correct horse battery"


class Rita(Laptop):
    """Rita's laptop: it logs in as her, and its clock is the hub's."""

    def login(self) -> None:
        self.password = PASSWORD
        self.good("login", "https://hub.example", "--tenant", TENANT, "--user", "rita")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[World]:
    """A hub where rita works on two deals of this week."""
    with world(f"sqlite:///{tmp_path / 'hub.sqlite'}") as made:
        soon = made.now.date() + timedelta(days=3)
        deal = {"customer": "c-rita", "owner": "rita", "stage": "propose", "closeDate": soon}
        made.write(
            "hub", create("Product", "p-1", sku="P-1", name="Pump"), create("Product", "p-2", sku="P-2", name="Valve")
        )
        made.write(
            "hub",
            create("Deal", "d-1", title="Pumps & more <1>", **deal),
            create("Deal", "d-2", title="Valves", **deal),
        )
        made.write(
            "hub",
            create("DealLine", "l-1", deal="d-1", product="p-1", quantity=2),
            create("DealLine", "l-2", deal="d-2", product="p-2", quantity=1),
            create("Contact", "k-1", customer="c-rita", lastName="Käufer"),
        )
        made.store.run(
            TENANT, lambda tx: access.set_password(tx, "rita", "rita", PASSWORD, made.now, lambda: "salt-salt-salt")
        )
        yield made


@pytest.fixture
def rita(office: World, tmp_path: Path) -> Rita:
    """Her laptop, logged in and synced."""
    made = Rita(tmp_path / "rita.sqlite", FrontTransport(office), now=office.now)  # type: ignore[arg-type]
    made.login()
    made.good("sync")
    return made


def stored(office: World, laptop: Laptop) -> dict[tuple[str, str], tuple[int, str]]:
    """What the hub has stored of what the laptop holds."""
    found = {key: office.stored(*key) for key in laptop.held()}
    return {key: (record.version, record.fragment) for key, record in found.items()}

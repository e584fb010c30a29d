"""`saddlebag device`: an operator lists, disables, enables and removes a tenant's laptops."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.store import open_store
from saddlebag.store.base import Tenant
from saddlebag.store.tables import Device, ManifestSlot

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A hub with a tenant and two devices, one of which holds records."""
    hub = make_hub(tmp_path / "hub", ["crm.example.com"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    store = open_store(hub.database)
    store.create_tenant(Tenant("acme", "Acme", "UTC", b"s" * 32, NOW))
    for number, name in enumerate(("one", "two")):
        row = Device(f"dev-{number}", "u", name, "test", "", 1, 0, 0, True, NOW, NOW)
        store.run("acme", lambda tx, row=row: tx.rows.put(row))
    store.run("acme", lambda tx: tx.rows.put(ManifestSlot("dev-1", 1, b"")))
    store.close()
    return tmp_path / "hub" / "saddlebag.toml"


def run(config: Path, *words: str) -> int:
    """One command line."""
    return command.main(["device", *words, "--config", str(config)])


def test_devices_are_disabled_enabled_and_removed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "disable", "acme", "dev-0") == 0
    assert run(config, "disable", "acme", "dev-1") == 0
    assert run(config, "list", "acme") == 0
    said = capsys.readouterr().out
    assert "it holds no records" in said
    assert "disabled, empty" in said
    assert "disabled, still holds records" in said
    assert run(config, "enable", "acme", "dev-0") == 0
    assert run(config, "remove", "acme", "dev-1") == 0
    capsys.readouterr()
    assert run(config, "list", "acme", "--user", "u") == 0
    said = capsys.readouterr().out
    assert "dev-0" in said
    assert "disabled" not in said
    assert "dev-1" not in said


def test_a_device_that_is_not_there_is_said_to_be_unknown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "disable", "acme", "dev-9") == 2
    assert "SB6002" in capsys.readouterr().err

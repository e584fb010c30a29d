"""`saddlebag device`: an operator lists, disables, enables and removes a tenant's laptops."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.principal import Principal, Role
from saddlebag.server import keyfile
from saddlebag.store import open_store
from saddlebag.store.base import Tenant
from saddlebag.store.tables import Device, ManifestSlot
from saddlebag.sync import keys

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


def test_the_time_of_a_lease_is_shown_and_set(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "lease", "acme") == 0
    assert run(config, "lease", "acme", "5") == 0
    assert capsys.readouterr().out.splitlines() == [
        "a lease of a laptop's key lasts 72 hours",
        "a lease of a laptop's key lasts 5 hours",
    ]
    assert run(config, "lease", "acme", "0") == 2
    assert "SB3005" in capsys.readouterr().err


def test_rotation_keeps_every_device_key_and_lets_old_master_keys_go(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = config.with_name("master.keys")
    store = open_store(f"sqlite:///{config.with_name('hub.sqlite')}")
    first, secrets = keyfile.load(file), iter("abc")
    owner = Principal("acme", "u", Role.REP)

    def lease(masters: MasterKeys) -> bytes:
        return store.run("acme", lambda tx: keys.lease(tx, owner, "dev-0", masters, NOW, lambda: next(secrets))).key

    key = lease(first)
    for _ in range(2):
        assert run(config, "rotate-key") == 0
        assert lease(keyfile.load(file)) == key
    assert file.stat().st_mode & 0o077 == 0
    assert len([each for each in file.read_text().splitlines() if not each.startswith("#")]) == 2
    with pytest.raises(SaddlebagError, match="SB8007"):
        lease(first)
    store.close()
    assert run(config, "list", "acme") == 0
    assert "key leased until 2026-03-05 09:00" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_said_to_be_unknown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "disable", "acme", "dev-9") == 2
    assert "SB6002" in capsys.readouterr().err

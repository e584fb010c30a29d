"""`saddlebag init`, `doctor`, `tenant`: a folder becomes a hub, and what is wrong with one is said with its cure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from saddlebag.cli import main as command
from saddlebag.cli.doctor import examine
from saddlebag.cli.setup import make_hub
from saddlebag.server.config import Settings


@pytest.fixture
def hub(tmp_path: Path) -> Settings:
    return make_hub(tmp_path / "hub", ["crm.example.com"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")


def _wrong(settings: Settings) -> dict[str, str]:
    return {finding.what: finding.cure for finding in examine(settings) if finding.cure}


def test_a_fresh_hub_lacks_only_a_tenant(hub: Settings) -> None:
    assert _wrong(hub).keys() == {"tenants"}


def test_a_new_version_brings_its_client_along(hub: Settings) -> None:
    assert hub.client_file is not None
    built = hub.client_file.read_bytes()
    hub.client_file.write_bytes(b"of an older version")
    assert command.main(["migrate", "--config", str(hub.client_file.parent / "saddlebag.toml")]) == 0
    assert hub.client_file.read_bytes() == built


def test_secrets_are_readable_by_their_owner_only(hub: Settings) -> None:
    assert hub.key.stat().st_mode & 0o077 == 0
    assert hub.key.parent.parent.stat().st_mode & 0o077 == 0
    assert hub.master_keys is not None
    assert hub.master_keys.stat().st_mode & 0o077 == 0


def test_a_hub_from_before_gets_master_keys_with_its_upgrade_and_keeps_them(hub: Settings) -> None:
    assert hub.master_keys is not None
    migrate = ["migrate", "--config", str(hub.key.parent.parent / "saddlebag.toml")]
    hub.master_keys.unlink()
    assert _wrong(hub).keys() == {"tenants", "master keys"}
    command.main(migrate)
    made = hub.master_keys.read_bytes()
    command.main(migrate)
    assert hub.master_keys.read_bytes() == made
    assert _wrong(hub).keys() == {"tenants"}
    hub.master_keys.chmod(0o640)
    assert "chmod 600" in _wrong(hub)["master keys"]
    hub.master_keys.write_text("not a key\n")
    assert "not Base64" in _wrong(hub)["master keys"]


def test_nothing_that_exists_is_overwritten(hub: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = hub.key.read_bytes()
    assert command.main(["init", str(hub.key.parent.parent)]) == 2
    assert "holds a hub already" in capsys.readouterr().err
    assert hub.key.read_bytes() == before


def test_the_doctor_names_what_is_wrong_with_its_cure(hub: Settings, tmp_path: Path) -> None:
    hub.key.chmod(0o644)
    sick = replace(
        hub,
        public_url="http://other.example.com/path",
        certificate=tmp_path / "none.pem",
        client_authority=tmp_path / "none.pem",
        database=f"sqlite:///{tmp_path / 'nowhere' / 'hub.sqlite'}",
    )
    assert _wrong(sick).keys() >= {"public address", "TLS certificate", "private key", "client authority", "database"}


def test_the_doctor_sees_a_certificate_for_another_name(hub: Settings) -> None:
    assert "other.example.com" in _wrong(replace(hub, public_url="https://other.example.com"))["TLS certificate"]


def test_the_doctor_looks_at_the_key_that_signs_answers(hub: Settings) -> None:
    assert "key that signs answers" not in _wrong(hub)
    alone = replace(hub, signing_key=hub.key)
    assert "set together" in _wrong(alone)["key that signs answers"]
    strangers = replace(alone, signing_certificate=hub.client_authority)
    assert "do not belong together" in _wrong(strangers)["key that signs answers"]


def test_tenants_are_added_and_listed(hub: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(hub.key.parent.parent / "saddlebag.toml")]
    assert command.main(["tenant", "add", "acme", "--time-zone", "Europe/Berlin", *config]) == 0
    assert command.main(["tenant", "list", *config]) == 0
    assert "Europe/Berlin" in capsys.readouterr().out
    assert command.main(["tenant", "add", "acme", *config]) == 2
    assert "SB8005" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "zone"), [("Not A Name", "UTC"), ("ok", "Mars/Olympus")])
def test_a_tenant_that_cannot_be_is_refused(
    hub: Settings, name: str, zone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(hub.key.parent.parent / "saddlebag.toml")]
    assert command.main(["tenant", "add", name, "--time-zone", zone, *config]) == 2
    assert "SB3005" in capsys.readouterr().err


def test_a_command_without_a_hub_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["doctor", "--config", str(tmp_path / "none.toml")]) == 2
    assert "saddlebag init" in capsys.readouterr().err

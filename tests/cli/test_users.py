"""`saddlebag user`: accounts are made, changed, bound to certificates and shut; nothing secret is on a command line."""

from __future__ import annotations

import io
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.server import pki
from saddlebag.store import open_store
from saddlebag.store.tables import Certificate, Credential, Session


@pytest.fixture
def config(tmp_path: Path) -> Path:
    make_hub(tmp_path / "hub", ["localhost"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    path = tmp_path / "hub" / "saddlebag.toml"
    assert command.main(["tenant", "add", "acme", "--config", str(path)]) == 0
    return path


def _user(config: Path, monkeypatch: pytest.MonkeyPatch, *words: str, password: str = "long enough") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    return command.main(["user", *words, "--config", str(config)])


def _rows(config: Path, cls: type) -> list[object]:
    store = open_store(f"sqlite:///{config.parent / 'hub.sqlite'}")
    try:
        return store.run("acme", lambda tx: list(tx.rows.select(cls)), read_only=True)
    finally:
        store.close()


def test_a_user_is_added_listed_and_disabled(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _user(config, monkeypatch, "add", "acme", "alice", "--role", "rep", "--password-stdin") == 0
    assert _user(config, monkeypatch, "disable", "acme", "alice") == 0
    assert _user(config, monkeypatch, "list", "acme") == 0
    assert "alice                rep           disabled" in capsys.readouterr().out


def test_passwords_are_kept_as_hashes_and_short_ones_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _user(config, monkeypatch, "add", "acme", "alice", "--password-stdin", password="short") == 2
    assert "at least 8" in capsys.readouterr().err
    assert _user(config, monkeypatch, "add", "acme", "alice", "--password-stdin") == 0
    (kept,) = _rows(config, Credential)
    assert isinstance(kept, Credential)
    assert "long enough" not in kept.password


def test_a_new_password_ends_the_users_sessions(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _user(config, monkeypatch, "add", "acme", "alice", "--password-stdin") == 0
    (kept,) = _rows(config, Credential)
    assert isinstance(kept, Credential)
    store = open_store(f"sqlite:///{config.parent / 'hub.sqlite'}")
    now = datetime.now(UTC)
    store.run("acme", lambda tx: tx.rows.put(Session("h", kept.user, "", now, now)))
    store.close()
    assert _user(config, monkeypatch, "password", "acme", "alice", "--password-stdin", password="another one") == 0
    assert _rows(config, Session) == []


def test_a_certificate_stands_for_a_service_account(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    pair = pki.make_client_certificate(pki.make_authority("test", now), "erp", now)
    pem = tmp_path / "erp.pem"
    pem.write_bytes(pair.certificate)
    words = ("add", "acme", "erp", "--role", "integration", "--certificate", str(pem))
    assert _user(config, monkeypatch, *words) == 0
    (bound,) = _rows(config, Certificate)
    assert isinstance(bound, Certificate)
    assert bound.fingerprint == pki.fingerprint(pair.certificate)


def test_a_certificate_is_made_with_the_hubs_own_authority(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem, key = tmp_path / "erp.pem", tmp_path / "erp.key"
    words = ("add", "acme", "erp", "--role", "integration", "--new-certificate", str(pem))
    assert _user(config, monkeypatch, *words) == 0
    ssl.create_default_context().load_cert_chain(pem, key)
    assert key.stat().st_mode & 0o077 == 0
    (bound,) = _rows(config, Certificate)
    assert isinstance(bound, Certificate)
    assert bound.fingerprint == pki.fingerprint(pem.read_bytes())
    assert _user(config, monkeypatch, *words) == 2
    assert "exists already" in capsys.readouterr().err


def test_without_the_authoritys_key_no_certificate_is_made(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "tls" / "authority.key").unlink()
    assert _user(config, monkeypatch, "add", "acme", "erp", "--new-certificate", str(tmp_path / "erp.pem")) == 2
    assert "SB8003" in capsys.readouterr().err
    assert not (tmp_path / "erp.pem").exists()


def test_unknown_users_and_territories_are_named(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _user(config, monkeypatch, "password", "acme", "nobody", "--password-stdin") == 2
    assert "nobody" in capsys.readouterr().err
    assert _user(config, monkeypatch, "add", "acme", "eve", "--territory", "MOON", "--password-stdin") == 2
    assert "MOON" in capsys.readouterr().err

"""`saddlebag user` and `saddlebag tenant`: secrets, signing certificates and policies of WS-Security."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conformance.wss_messages import pair

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.records import wss
from saddlebag.server import keyfile
from saddlebag.store import open_store
from saddlebag.store.tables import WssCertificate, WssSecret

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_hub(tmp_path / "hub", ["localhost"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    path = tmp_path / "hub" / "saddlebag.toml"
    monkeypatch.setenv("SADDLEBAG_CONFIG", str(path))
    client = tmp_path / "client.pem"
    client.write_bytes(pair("client", NOW).pem)
    run(path, "tenant", "add", "acme")
    run(path, "user", "add", "acme", "erp", "--role", "integration", "--certificate", str(client))
    return path


def run(config: Path, *words: str) -> None:
    assert command.main([*words, "--config", str(config)]) == 0


def rows(config: Path, cls: type) -> list[object]:
    store = open_store(f"sqlite:///{config.parent / 'hub.sqlite'}")
    try:
        return store.run("acme", lambda tx: list(tx.rows.select(cls)), read_only=True)
    finally:
        store.close()


def opened(config: Path) -> tuple[str, str]:
    store = open_store(f"sqlite:///{config.parent / 'hub.sqlite'}")
    keys = keyfile.load(config.parent / "master.keys")
    try:
        return store.run("acme", lambda tx: wss.digest_secret(tx, "erp", keys), read_only=True)
    finally:
        store.close()


def test_a_secret_is_shown_once_sealed_at_rest_and_outlives_new_master_keys(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    run(config, "user", "wss-secret", "acme", "erp")
    secret = capsys.readouterr().out.strip()
    (kept,) = rows(config, WssSecret)
    assert isinstance(kept, WssSecret)
    assert secret.encode() not in kept.sealed
    for _ in range(3):
        run(config, "device", "rotate-key")
    assert opened(config)[1] == secret
    run(config, "user", "wss-secret", "acme", "erp", "--remove")
    assert opened(config) == ("", "")


def test_a_signing_certificate_is_registered_listed_and_removed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "signer.pem"
    file.write_bytes(pair("signer", NOW).pem)
    capsys.readouterr()
    run(config, "user", "signing-certificate", "acme", "erp", "--add", str(file))
    fingerprint = capsys.readouterr().out.strip()
    run(config, "user", "signing-certificate", "acme", "erp", "--list")
    assert capsys.readouterr().out == f"{fingerprint}  until {NOW + timedelta(days=30):%Y-%m-%d}  O=Acme,CN=signer\n"
    run(config, "user", "signing-certificate", "acme", "erp", "--remove", fingerprint.upper())
    assert rows(config, WssCertificate) == []


@pytest.mark.parametrize("bits", [1024, 4608])
def test_a_key_that_is_too_weak_or_too_dear_is_not_registered(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], bits: int
) -> None:
    file = tmp_path / "signer.pem"
    file.write_bytes(pair(f"rsa{bits}", NOW, bits=bits).pem)
    words = ["user", "signing-certificate", "acme", "erp", "--add", str(file), "--config", str(config)]
    assert command.main(words) == 2
    assert "2048" in capsys.readouterr().err


def test_a_certificate_stands_for_one_user(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "signer.pem"
    file.write_bytes(pair("signer", NOW).pem)
    run(config, "user", "add", "acme", "shop", "--role", "integration", "--certificate", str(file))
    run(config, "user", "signing-certificate", "acme", "erp", "--add", str(file))
    words = ["user", "signing-certificate", "acme", "shop", "--add", str(file), "--config", str(config)]
    assert command.main(words) == 2
    assert "another user" in capsys.readouterr().err


def test_proofs_are_set_and_shown_for_tenant_and_account(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run(config, "tenant", "security", "acme")
    assert "accepts session password digest certificate signature\n" in capsys.readouterr().out
    run(config, "tenant", "security", "acme", "--accept", "signature,digest", "--sign-answers", "always")
    told = capsys.readouterr().out
    assert "accepts digest signature\nsigns answers to all callers\n" in told
    assert "laptops cannot sync" in told
    run(config, "user", "proofs", "acme", "erp", "--accept", "signature session")
    assert capsys.readouterr().out == "signature\n"
    run(config, "user", "proofs", "acme", "erp", "--accept", "tenant")
    assert capsys.readouterr().out == "digest signature\n"
    assert command.main(["tenant", "security", "acme", "--accept", "telepathy", "--config", str(config)]) == 2
    assert "some of" in capsys.readouterr().err


def test_nobody_unknown_gets_a_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["user", "wss-secret", "acme", "nobody", "--config", str(config)]) == 2
    assert "nobody" in capsys.readouterr().err

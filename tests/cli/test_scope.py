"""`saddlebag scope`: rules go from a file to the tenant and back, and wrong ones change nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub

RULES = {"rules": [{"name": "all", "entity": "Deal"}]}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_hub(tmp_path / "hub", ["localhost"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    path = tmp_path / "hub" / "saddlebag.toml"
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough\n"))
    assert command.main(["tenant", "add", "acme", "--config", str(path)]) == 0
    assert command.main(["user", "add", "acme", "alice", "--password-stdin", "--config", str(path)]) == 0
    return path


def scope(config: Path, *words: str) -> int:
    return command.main(["scope", *words, "--config", str(config)])


def shown(config: Path, capsys: pytest.CaptureFixture[str], name: str) -> list[str]:
    capsys.readouterr()
    assert scope(config, "show", "acme", name) == 0
    return [each["name"] for each in json.loads(capsys.readouterr().out)["rules"]]


def test_the_default_is_shown_changed_and_shown_again(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "closing" in shown(config, capsys, "default")
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES))
    assert scope(config, "check", "acme", "default", str(file)) == 0
    assert "closing" in shown(config, capsys, "default")
    assert scope(config, "set", "acme", "default", str(file)) == 0
    assert scope(config, "set", "acme", "default", str(file)) == 0
    assert "version 2" in capsys.readouterr().out
    assert shown(config, capsys, "default") == ["all"]


def test_a_user_is_named_by_login(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES))
    assert scope(config, "set", "acme", "user:alice", str(file), "--version", "0") == 0
    assert shown(config, capsys, "user:alice") == ["all"]
    assert scope(config, "set", "acme", "user:alice", str(file), "--version", "0") == 2
    assert "SB4001" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("default", '{"rules": [{"name": "all", "entity": "Boat"}]}', "SB6007"),
        ("user:bob", json.dumps(RULES), "SB3"),
        ("default", None, "SB3"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, code: str
) -> None:
    file = tmp_path / "rules.json"
    if text is not None:
        file.write_text(text)
    assert scope(config, "set", "acme", name, str(file)) == 2
    assert code in capsys.readouterr().err
    assert "closing" in shown(config, capsys, "default")

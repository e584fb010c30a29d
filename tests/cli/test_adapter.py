"""`saddlebag adapter`: a system is configured, checked, run and looked at from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from csv_world import CsvWorld
from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.model.condition import ALWAYS
from saddlebag.store import open_store

Tool = Callable[..., int]


@pytest.fixture
def world(tmp_path: Path) -> CsvWorld:
    folder = tmp_path / "export"
    folder.mkdir()
    return CsvWorld(folder)


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """`saddlebag adapter ...` on a fresh hub with the tenant acme."""
    make_hub(tmp_path / "hub", ["crm.example.com"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    config = ["--config", str(tmp_path / "hub" / "saddlebag.toml")]
    assert command.main(["tenant", "add", "acme", *config]) == 0
    return lambda verb, *words: command.main(["adapter", verb, *map(str, words), *config])


@pytest.fixture
def settings(tmp_path: Path, world: CsvWorld) -> Path:
    path = tmp_path / "files.json"
    path.write_text(json.dumps(world.settings()))
    return path


def test_a_system_runs_with_settings_from_a_file(
    tool: Tool, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool("run", "acme", "documents", "--settings", settings) == 0
    shown = capsys.readouterr().out
    assert "created 3" in next(line for line in shown.splitlines() if " customers " in line)
    assert tool("run", "acme", "documents", "--settings", settings) == 0
    assert "created" not in capsys.readouterr().out


def test_a_configured_system_runs_by_its_name_and_keeps_a_history(
    tool: Tool, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[customers.fields]\nstatus = {value = "active"}\n')
    words = ("--adapter", "documents", "--settings", settings, "--mapping", mapping)
    assert tool("set", "acme", "export", *words) == 0
    assert tool("check", "acme", "export") == 0
    assert "CSV files" in capsys.readouterr().out
    assert tool("run", "acme") == 0
    assert tool("history", "acme", "export", "--limit", "1") == 0
    shown = capsys.readouterr().out.splitlines()
    assert "payments" in shown[-1]
    store = open_store(f"sqlite:///{tmp_path / 'hub' / 'hub.sqlite'}")
    found = store.run("acme", lambda tx: tx.find("Customer", ALWAYS))
    store.close()
    assert {each.values["status"] for each in found} == {"active"}


def test_refused_records_are_shown_and_replayed(
    tool: Tool, settings: Path, world: CsvWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool("run", "acme", "documents", "--settings", settings, "--stream", "invoices") == 0
    capsys.readouterr()
    assert tool("letters", "acme", "documents") == 0
    letter, rest = capsys.readouterr().out.split("  ", 1)
    assert "invoices i1: SB3007" in rest
    assert tool("replay", "acme", "documents", "--settings", settings, "--letter", letter) == 1
    assert tool("run", "acme", "documents", "--settings", settings, "--stream", "customers") == 0
    assert tool("replay", "acme", "documents", "--settings", settings) == 0
    capsys.readouterr()
    assert tool("letters", "acme", "documents") == 0
    assert capsys.readouterr().out == ""


def test_a_secret_is_not_kept_but_where_to_find_it(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"url": "http://127.0.0.1:9", "database": "d", "user": "u", "password": "open-sesame"}
    path = tmp_path / "tryton.json"
    path.write_text(json.dumps(given))
    assert tool("set", "acme", "erp", "--adapter", "tryton", "--settings", path) == 2
    assert "password" in capsys.readouterr().err
    path.write_text(json.dumps({**given, "password": "env:ERP_PASSWORD"}))
    assert tool("set", "acme", "erp", "--adapter", "tryton", "--settings", path) == 0
    assert tool("check", "acme", "erp") == 2
    assert "ERP_PASSWORD" in capsys.readouterr().err
    monkeypatch.setenv("ERP_PASSWORD", "open-sesame")
    assert tool("check", "acme", "erp") == 2
    assert "open-sesame" not in "".join(capsys.readouterr())


def test_one_dead_system_does_not_keep_another_from_running(
    tool: Tool, settings: Path, world: CsvWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone.json"
    gone.write_text(json.dumps({"folder": str(tmp_path / "no-such-folder")}))
    (world.folder / "stock.csv").write_bytes(b"\xff\xfe")
    assert tool("set", "acme", "good", "--adapter", "documents", "--settings", settings) == 0
    assert tool("set", "acme", "bad", "--adapter", "documents", "--settings", gone) == 0
    assert tool("run", "acme") == 1
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("good", "bad"))]
    outcomes = {(words[0], words[1]): words[2] for words in shown}
    assert outcomes["good", "customers"] == "done"
    assert outcomes["good", "stock"] == outcomes["bad", "customers"] == "failed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "acme"), "no system"),
        (("run", "acme", "nobody"), "nobody"),
        (("check", "acme", "nobody"), "nobody"),
        (("set", "acme", "x", "--adapter", "nothing", "--settings", "SETTINGS"), "documents"),
        (("run", "acme", "documents", "--settings", "SETTINGS", "--stream", "nope"), "customers"),
        (("run", "nowhere", "documents", "--settings", "SETTINGS"), "tenant"),
    ],
)
def test_what_is_wrong_is_said(
    tool: Tool, settings: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool(*(settings if word == "SETTINGS" else word for word in words)) != 0
    assert said in capsys.readouterr().err


def test_adapters_and_their_settings_are_listed(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool("list") == 0
    assert {"documents", "tryton"} <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert tool("list", "--settings-of", "tryton") == 0
    assert json.loads(capsys.readouterr().out)["properties"]["password"]["writeOnly"] is True

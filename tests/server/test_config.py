"""Settings: the file and the environment fill one table, and a wrong setting is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server import config

ROOT = Path(__file__).parents[2]


def _write(folder: Path, text: str) -> Path:
    path = folder / config.FILE_NAME
    path.write_text(text)
    return path


def test_defaults_serve_without_a_file() -> None:
    assert config.load(None, {}).port == 8443


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path, "[hub]\nport = 1\nlisten = '0.0.0.0'\n")
    settings = config.load(path, {"SADDLEBAG_HUB_PORT": "9443"})
    assert (settings.port, settings.listen) == (9443, "0.0.0.0")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = config.load(_write(tmp_path, "[tls]\nkey = 'k.pem'\n"), {})
    assert settings.key == tmp_path / "k.pem"
    assert settings.database == f"sqlite:///{tmp_path / 'hub.sqlite'}"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[hub]\nprot = 1\n", "prot"),
        ("[hub]\nport = 70000\n", "port"),
        ("[hub]\nport = 'many'\n", "port"),
        ("[soap]\nsender_status = 418\n", "sender_status"),
        ("[nowhere]\nx = 1\n", "nowhere"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        config.load(_write(tmp_path, text), {})
    assert caught.value.kind is SETTING_INVALID
    assert named in caught.value.message


def test_broken_toml_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SaddlebagError, match="cannot be read"):
        config.load(_write(tmp_path, "[hub"), {})
    with pytest.raises(SaddlebagError, match="saddlebag init"):
        config.load(tmp_path / "none.toml", {})


def test_the_settings_page_is_generated_from_the_table() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == config.document()

"""`saddlebag init` and `saddlebag migrate`: make a hub in a folder, and bring it up to date with this version.

Belongs here: files and folders. May not know: what the hub does with them. Nothing that exists is ever overwritten.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlebag.cli.client_build import build_pyz
from saddlebag.cli.main import add_config, settings_of
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server import config, keyfile, pki
from saddlebag.store import init_store
from saddlebag.store.versions import migrate

_SECRET_MODE = 0o600
_FOLDER_MODE = 0o700


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add both commands."""
    init = commands.add_parser("init", help="make a hub in a folder: settings, certificates, database, laptop client")
    init.add_argument("folder", type=Path, nargs="?", default=Path("hub"))
    init.add_argument("--host", action="append", help="DNS name or address that callers use; may repeat")
    init.add_argument("--listen", default="127.0.0.1", help="network address to listen on; 0.0.0.0 for all")
    init.add_argument("--port", type=int, default=8443)
    init.add_argument("--database", default="sqlite:///hub.sqlite", help="SQLAlchemy URL; SQLite is relative to FOLDER")
    init.set_defaults(run=_init)
    upgrade = commands.add_parser("migrate", help="bring the database and the laptop client to this version")
    upgrade.set_defaults(run=_migrate)
    add_config(upgrade)


def make_hub(folder: Path, hosts: Sequence[str], *, listen: str, port: int, database: str) -> config.Settings:
    """Make the folder with settings, an authority, the hub's certificate, an empty database and the client."""
    file = folder / config.FILE_NAME
    if file.exists():
        raise SaddlebagError(SETTING_INVALID, "The folder holds a hub already.")
    (folder / "tls").mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    names = list(dict.fromkeys([*hosts, "localhost", "127.0.0.1"]))
    now = datetime.now(UTC)
    authority = pki.make_authority("Saddlebag hub authority", now)
    hub = pki.make_server_certificate(authority, names, now)
    for name, pair in (("authority", authority), ("hub", hub)):
        write_new(folder / "tls" / f"{name}.pem", pair.certificate)
        write_new(folder / "tls" / f"{name}.key", pair.key)
    public_url = f"https://{names[0]}" + ("" if port == 443 else f":{port}")
    write_new(file, _settings_file(public_url, listen, port, database).encode())
    settings = config.load(file, {})
    init_store(settings.database)
    _make_master_keys(settings)
    _build_client(settings)
    return settings


def _build_client(settings: config.Settings) -> None:
    if settings.client_file is not None:
        build_pyz(settings.client_file)


def _make_master_keys(settings: config.Settings) -> None:
    if settings.master_keys is not None:
        keyfile.make(settings.master_keys)


def _settings_file(public_url: str, listen: str, port: int, database: str) -> str:
    return (
        "# Every setting, its default and its meaning: docs/settings.md\n"
        f"[hub]\npublic_url = {_quoted(public_url)}\nlisten = {_quoted(listen)}\nport = {port}\n"
        f"database = {_quoted(database)}\n\n"
        '[tls]\ncertificate = "tls/hub.pem"\nkey = "tls/hub.key"\nclient_authority = "tls/authority.pem"\n'
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_new(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; one that exists is an error."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET_MODE)
    except FileExistsError:
        raise SaddlebagError(SETTING_INVALID, f"The file {path.name} exists already.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _init(arguments: argparse.Namespace) -> int:
    settings = make_hub(
        arguments.folder,
        arguments.host or ["localhost"],
        listen=arguments.listen,
        port=arguments.port,
        database=arguments.database,
    )
    sys.stdout.write(
        f"a hub for {settings.public_url} stands in {arguments.folder}; give callers its tls/authority.pem\n"
        f"next: cd {arguments.folder}, saddlebag tenant add NAME, saddlebag user add NAME LOGIN, saddlebag serve\n"
    )
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    init_store(settings.database)
    copy = migrate(settings.database)
    _make_master_keys(settings)
    _build_client(settings)
    if copy is not None:
        sys.stdout.write(f"the database was copied to {copy.name} before its upgrade\n")
    sys.stdout.write("the database is of this version's schema, and the laptop client of this version\n")
    return 0

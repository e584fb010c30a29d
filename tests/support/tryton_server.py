"""A real Tryton for tests: installed once, filled once, copied and started for whoever asks.

The environment and the filled database are kept in a cache folder, named after what they are made from, so that only
the first test run on a machine waits for them (about 90 s). Each caller gets a copy of the database and a server of its
own on loopback, so that tests may change what they like and run side by side.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from saddlebag.bridge.settings import checked
from saddlebag_adapters.tryton import SETTINGS
from saddlebag_adapters.tryton.rpc import Rpc

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parents[1] / "requirements" / "tryton.txt"
DATA = HERE / "tryton_data.py"
DATABASE = "shop"
USER = "admin"

CONFIGURATION = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
super_pwd =
"""


class NoTryton(Exception):
    """A Tryton cannot be had here; the message says why."""


@dataclass
class TrytonServer:
    """A running Tryton: where it listens, and how to log in."""

    url: str
    password: str
    database: str = DATABASE
    user: str = USER

    def settings(self) -> dict[str, Any]:
        """What the adapter is to be given."""
        return {"url": self.url, "database": self.database, "user": self.user, "password": self.password}

    def skus(self) -> list[str]:
        """The codes of the products, as Tryton has them."""
        return [str(row["code"]) for row in self._read("product.product", [["code", "!=", None]], ["code"])]

    def first_invoice_total(self) -> str:
        """The total of the one invoice of the first of the numbered customers."""
        where = [["party.name", "like", "Customer 000%"]]
        (row,) = self._read("account.invoice", where, ["total_amount"])
        return str(row["total_amount"])

    def stock_of_first_product(self) -> str:
        """What the warehouses hold of the product of the first code."""
        call, context = self._log_in()
        places = call("model.stock.location.search", [["type", "=", "warehouse"]], 0, None, None, context)
        here = {**context, "locations": places}
        where = [["code", "=", self.skus()[0]]]
        (row,) = call("model.product.product.search_read", where, 0, None, None, ["quantity"], here)
        return str(row["quantity"])

    def _read(self, model: str, where: list[Any], fields: list[str]) -> list[Any]:
        call, context = self._log_in()
        return list(call(f"model.{model}.search_read", where, 0, None, [["id", "ASC"]], fields, context))

    def _log_in(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        rpc = Rpc(checked(SETTINGS, self.settings()), lambda: datetime.now(UTC))

        def call(method: str, *params: Any) -> Any:
            return rpc.call(method, *params[:-1], context=params[-1])

        return call, call("model.res.user.get_preferences", True, {})


def cache() -> Path:
    """The folder that environments and filled databases are kept in."""
    given = os.environ.get("SADDLEBAG_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(given) / "saddlebag" if given else Path.home() / ".cache" / "saddlebag"


def prepared() -> tuple[Path, Path]:
    """The environment, and the folder with the filled database and its password; made if they are not there yet."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = cache() / f"tryton-{_mark(version.encode(), REQUIREMENTS.read_bytes())}"
    filled = environment / f"filled-{_mark(DATA.read_bytes(), str(date.today().year).encode())}"
    filled.mkdir(parents=True, exist_ok=True, mode=0o700)
    _once(environment, lambda: _install(environment / "venv"))
    _once(filled, lambda: _fill(environment / "venv" / "bin", filled))
    return environment / "venv", filled


def _mark(*parts: bytes) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _once(folder: Path, make: Callable[[], None]) -> None:
    """Make what belongs into the folder unless it is there; several test processes wait for the one that makes it."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            make()
            (folder / "ready").touch()


def _install(venv: Path) -> None:
    _run(sys.executable, "-m", "venv", "--clear", venv)
    pip = (venv / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "-r", REQUIREMENTS)


def _fill(programs: Path, folder: Path) -> None:
    shutil.rmtree(folder / "database", ignore_errors=True)
    (folder / "database").mkdir()
    (folder / "password").write_text(secrets.token_urlsafe(16))
    (folder / "database" / f"{DATABASE}.sqlite").touch()
    settings = folder / "trytond.conf"
    settings.write_text(CONFIGURATION.format(folder=folder / "database", port=0))
    admin = (programs / "trytond-admin", "-c", settings, "-d", DATABASE, "--all", "--email", "admin@example.com")
    _run(*admin, "-u", "ir", "res", TRYTONPASSFILE=str(folder / "password"))
    _run(programs / "python", DATA, settings, DATABASE)


def _run(*command: str | Path, **environment: str) -> None:
    result = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise NoTryton(f"{Path(command[0]).name} failed: {result.stdout.strip()[-600:]}")


@contextmanager
def running() -> Iterator[TrytonServer]:
    """A Tryton with the data of `tryton_data.py`, the caller's to change, until the block ends."""
    venv, source = prepared()
    with tempfile.TemporaryDirectory(prefix="saddlebag-tryton-") as folder:
        shutil.copytree(source / "database", Path(folder) / "database")
        port = _free_port()
        settings = Path(folder) / "trytond.conf"
        settings.write_text(CONFIGURATION.format(folder=Path(folder) / "database", port=port))
        command = [str(venv / "bin" / "trytond"), "-c", str(settings), "-d", DATABASE]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, Path(folder) / "log")
            yield TrytonServer(url, (source / "password").read_text())
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:  # any answer is an answer
            return
        except OSError:
            time.sleep(0.2)
    raise NoTryton(f"trytond ended: {log.read_text()[-600:]}")

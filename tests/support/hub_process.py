"""A hub as an operator runs it: made, filled, served, killed and started again through the command `saddlebag` alone.

Belongs here: processes and addresses for integration tests. May not know: the hub's insides.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import zeep

TENANT = "acme"
PASSWORD = "correct horse battery"
_COMMAND = (sys.executable, "-m", "saddlebag.cli")


def free_port() -> int:
    """A TCP port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def saddlebag(*words: str, stdin: str = "", cwd: Path | None = None) -> str:
    """Run one command to its end and give what it printed; fails the test with its words when it fails."""
    done = subprocess.run([*_COMMAND, *words], input=stdin, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"saddlebag {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


class HubProcess:
    """One hub in a folder of its own, on one port for its whole life, whatever kills it."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.config = folder / "saddlebag.toml"
        self.ca = folder / "tls" / "authority.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, zeep.Client] = {}
        words = ["init", str(folder), "--host", "localhost", "--port", str(self.port)]
        saddlebag(*words, *(["--database", database] if database else []))
        self.run("tenant", "add", TENANT, "--time-zone", "UTC")

    def run(self, *words: str, stdin: str = "") -> str:
        """One command on this hub's settings."""
        return saddlebag(*words, "--config", str(self.config), stdin=stdin)

    def add_user(self, login: str, role: str, *more: str) -> None:
        """A user with the password that all share."""
        self.run("user", "add", TENANT, login, "--role", role, "--password-stdin", *more, stdin=PASSWORD + "\n")

    def start(self) -> None:
        """Serve, and wait until calls are accepted."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with (self.folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_COMMAND, "serve", "--config", str(self.config)],
                env={**os.environ, "SADDLEBAG_HUB_READY_FILE": str(ready)},
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
            )
        # As long as it takes: on a busy machine a minute was too short.
        while not (ready.exists() and ready.read_text().strip()):
            assert self._process.poll() is None, (self.folder / "hub.log").read_text()[-4000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as a service manager does."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        """Kill and start again."""
        self.kill()
        self.start()

    def service(self, name: str, tenant: str = TENANT) -> Any:
        """A strict zeep client's proxy of one service."""
        address = f"{self.url}/{tenant}/{name}/v1?wsdl"
        if address not in self._clients:
            http = requests.Session()
            # Else REQUESTS_CA_BUNDLE, where it is set, wins over the authority given here.
            http.trust_env = False
            http.verify = str(self.ca)
            self._clients[address] = zeep.Client(address, transport=zeep.Transport(session=http))
        return self._clients[address].service

    def login(self, login: str, password: str = PASSWORD) -> dict[str, Any]:
        """The SOAP headers of a fresh session."""
        return {"Session": {"token": self.service("session").Login(user=login, password=password).token}}


class Laptop:
    """A rep's laptop: the one-file client, run as she runs it, on a Python without any site packages."""

    def __init__(self, pyz: Path, folder: Path) -> None:
        self._pyz = pyz
        self._file = folder / "laptop.sqlite"

    def run(self, *words: str, stdin: str = "", status: int = 0) -> str:
        """One command; fails the test when its exit status is another."""
        command: Sequence[str] = [sys.executable, "-I", str(self._pyz), "--file", str(self._file), "--json", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == status, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

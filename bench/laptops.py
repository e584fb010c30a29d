"""Laptops of one rep: the real client against the measured hub, in this process or as the packed file.

Belongs here: running the client's commands and reading what they cost. May not know: what a harness makes of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.wire import Tenant

from bench.figures import cpu_seconds_of, family
from bench.plain import Change
from bench.prepared import TENANT, Prepared
from saddlebag_client.main import main as client_main

Run = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync as it went: wall milliseconds, the hub's CPU milliseconds, what the client told."""

    milliseconds: float
    server_ms: float
    told: dict[str, Any]

    @property
    def received(self) -> int:
        """Records that came."""
        return sum(self.told["received"].values())

    @property
    def removed(self) -> int:
        """Records that went."""
        return len(self.told["removed"])

    @property
    def wire(self) -> int:
        """Bytes on the wire both ways, handshake included, as the client counted them."""
        return int(self.told["bytes_up"] + self.told["bytes_down"])

    def step(self, name: str) -> dict[str, Any]:
        """One exchange of the sync; the first carries the connection's handshake."""
        return next(each for each in self.told["steps"] if each["name"] == name)


class Laptops:
    """Laptops of one rep."""

    def __init__(self, ready: Prepared, who: Tenant) -> None:
        self.ready, self.who = ready, who
        self.folder = Path(tempfile.mkdtemp(prefix="laptops-", dir=ready.folder))
        self._made = 0

    def new(self, port: int = 0) -> Path:
        """Log in from a new file; `port` is a proxy's before the hub where one is given."""
        self._made += 1
        file = self.folder / f"{self._made}.sqlite"
        url = f"https://localhost:{port or self.ready.hub.port}"
        words = ("login", url, "--tenant", TENANT, "--user", self.who.user, "--ca", str(self.ready.hub.ca))
        self.in_process(file, *words, "--password-stdin", stdin=self.who.password)
        return file

    def in_process(self, file: Path, *words: str, stdin: str = "") -> dict[str, Any]:
        """A command of the client in this process: no start of an interpreter in the figure."""
        out, given = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(f"{stdin}\n")
        try:
            with contextlib.redirect_stdout(out):
                code = client_main(["--file", str(file), "--json", *words])
        finally:
            sys.stdin = given
        if code:
            raise RuntimeError(f"the client failed at {words[0]}: {out.getvalue()[-1000:]}")
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    def packed(self, file: Path, *words: str) -> dict[str, Any]:
        """A command of the packed client, as a rep types it."""
        done = subprocess.run(self.command(file, *words), capture_output=True, check=True)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def command(self, file: Path, *words: str) -> list[str]:
        """The same as a command line."""
        pyz = self.ready.hub.folder / "saddlebag.pyz"
        return [sys.executable, "-I", str(pyz), "--file", str(file), "--json", *words]

    def sync(self, file: Path, run: Run | None = None) -> Sync:
        """One sync with its wall time and the hub's CPU time."""
        assert self.ready.hub.process is not None
        pids = family(self.ready.hub.process.pid)
        used, started = cpu_seconds_of(pids), time.perf_counter()
        told = (run or self.in_process)(file, "sync")
        milliseconds = (time.perf_counter() - started) * 1000
        return Sync(milliseconds, (cpu_seconds_of(pids) - used) * 1000, told)

    def synced(self, count: int) -> list[Path]:
        """New laptops that are up to date."""
        files = [self.new() for _ in range(count)]
        for each in files:
            self.sync(each)
        return files

    def edit(self, file: Path, changes: Iterable[Change]) -> list[Change]:
        """Make changes offline, with the client's commands; the changes as made, new records with their ids."""
        made = []
        for each in changes:
            fields: Sequence[str] = [f"{name}={text}" for name, text in each.texts.items()]
            if each.new:
                told = self.in_process(file, "new", each.entity, *fields)
                made.append(Change(each.entity, told["id"], each.texts, new=True))
            else:
                self.in_process(file, "edit", each.entity, each.id, *fields)
                made.append(each)
        return made

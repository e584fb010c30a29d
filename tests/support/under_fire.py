"""A fleet under fire: hub processes, laptops and the network between them, any of which may be killed at any moment.

Belongs here: processes, sockets, signals, and what is true of the fleet afterwards. May not know: which history is
played (`tests/integration/test_sync_under_fire.py`).
"""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

from hub_process import PASSWORD, TENANT, HubProcess, Laptop, free_port
from saddlebag.cli.client_build import build_pyz
from saddlebag.kernel.canon import write_datetime
from saddlebag.security.principal import Principal, Role
from saddlebag.store import open_store
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Conflict
from saddlebag.sync.target import evaluate, question
from saddlebag_client import edits
from saddlebag_client.local import open_file

Row = tuple[str, str]
"""Entity and id."""


class Unsettled(NamedTuple):
    """An operation that waits on a laptop; `fields` are name to (old, new), `code` is the hub's reason to refuse it."""

    entity: str
    id: str
    status: str
    code: str | None
    fields: dict[str, tuple[str | None, str | None]]


class Twin(HubProcess):
    """A second hub process on the database of the first: the same settings and certificate, another port."""

    def __init__(self, first: HubProcess, folder: Path) -> None:
        shutil.copytree(first.folder, folder)
        self.folder, self.port = folder, free_port()
        self.url = f"https://localhost:{self.port}"
        self.config, self.ca = folder / "saddlebag.toml", folder / "tls" / "authority.pem"
        self.config.write_text(self.config.read_text().replace(str(first.port), str(self.port)))
        self._process = None
        self._clients = {}


class _Forward(socketserver.BaseRequestHandler):
    """One connection, carried to the next hub that accepts it."""

    def handle(self) -> None:
        for port in self.server.next_ports():  # type: ignore[attr-defined]
            try:
                hub = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                continue
        else:
            return
        with hub:
            back = threading.Thread(target=_pump, args=(hub, self.request), daemon=True)
            back.start()
            _pump(self.request, hub)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes until one side ends; then end the other, as a broken line does."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class Balancer(socketserver.ThreadingTCPServer):
    """A round robin at TCP level: a laptop's connections reach now this hub process, now that."""

    daemon_threads = True

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self._ports = list(ports)
        self._turn = count()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A killed peer is what this is for."""

    def next_ports(self) -> list[int]:
        """All ports, beginning with the one whose turn it is."""
        turn = next(self._turn) % len(self._ports)
        return self._ports[turn:] + self._ports[:turn]

    @property
    def url(self) -> str:
        """Where laptops connect."""
        return f"https://localhost:{self.server_address[1]}"


class FieldLaptop(Laptop):
    """A laptop whose sync can be killed, and whose file can be looked into."""

    def __init__(self, pyz: Path, folder: Path) -> None:
        folder.mkdir()
        super().__init__(pyz, folder)
        self.path = folder / "laptop.sqlite"
        self.said: dict[str, str] = {}

    def start_sync(self) -> subprocess.Popen[str]:
        """Begin a sync and do not wait."""
        command = [sys.executable, "-I", str(self._pyz), "--file", str(self._file), "--json", "sync"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def held(self) -> dict[Row, tuple[int, str]]:
        """Version and fragment of each row of the hub."""
        with closing(sqlite3.connect(self.path)) as db:
            found = db.execute("SELECT entity, id, version, fragment FROM rows WHERE version > 0").fetchall()
        return {(entity, key): (version, text) for entity, key, version, text in found}

    def create_together(self, rows: Sequence[tuple[str, str, dict[str, str]]], group: str) -> None:
        """Make records offline that are created whole or not at all."""
        file = open_file(self.path)
        try:
            with file.transaction():
                for entity, key, values in rows:
                    edits.create(file, entity, key, values, write_datetime(datetime.now(UTC)), group)
        finally:
            file.close()

    def unsettled(self) -> list[Unsettled]:
        """The operations that are not settled, refused ones included."""
        with closing(sqlite3.connect(self.path)) as db:
            found = db.execute("SELECT entity, id, status, payload, result FROM outbox WHERE status <> 'conflict'")
            return [
                Unsettled(entity, key, status, json.loads(result or "{}").get("code"), json.loads(payload)["fields"])
                for entity, key, status, payload, result in found
            ]


class Fleet:
    """Hubs on one database, two laptops of one rep, and the office."""

    def __init__(self, folder: Path, database: str, hubs: int) -> None:
        first = HubProcess(folder / "hub-0", database)
        self.database = database or f"sqlite:///{_sqlite_file(first.folder)}"
        build_pyz(first.folder / "saddlebag.pyz")
        for login in ("alice", "bob"):
            first.add_user(login, "rep")
        first.add_user("office", "integration")
        first.add_user("boss", "admin")
        self.hubs = [first, *(Twin(first, folder / f"hub-{number}") for number in range(1, hubs))]
        try:
            for each in self.hubs:
                each.start()
        except BaseException:
            for each in self.hubs:
                each.stop()
            raise
        self.balancer = Balancer([each.port for each in self.hubs])
        self.laptops = [FieldLaptop(first.folder / "saddlebag.pyz", folder / name) for name in ("one", "two")]
        for laptop in self.laptops:
            words = ("login", self.balancer.url, "--tenant", TENANT, "--user", "alice", "--ca", str(first.ca))
            laptop.run(*words, "--password-stdin", stdin=PASSWORD + "\n")

    def projection(self, user: str) -> dict[Row, tuple[int, str]]:
        """What a device of the rep should hold, evaluated in full from the database."""
        principal = Principal(TENANT, user, Role.REP)

        def read(tx: Transaction) -> dict[Row, tuple[int, str]]:
            target = evaluate(tx, question(tx, principal, datetime.now(UTC)))
            found = {}
            for entity, stamps in target.stamps.items():
                texts = target.carried.cut(entity, tx.renderings_of(entity, [each.id for each in stamps]))
                found |= {(entity, each.id): (each.version, texts[each.id].fragment) for each in stamps}
            return found

        with self._store() as store:
            return store.run(TENANT, read, read_only=True)

    def there(self, rows: Iterable[Row]) -> list[bool]:
        """Whether the hub has each of these records, made exactly once; raises AssertionError for one made twice."""
        wanted = list(rows)

        def read(tx: Transaction) -> list[bool]:
            made = Counter(
                (each.entity, each.id) for each in tx.changes(after=0, limit=100_000) if each.kind == "create"
            )
            assert not [each for each in wanted if made[each] > 1], made
            return [made[each] == 1 for each in wanted]

        with self._store() as store:
            return store.run(TENANT, read, read_only=True)

    def effects(self) -> tuple[list[str], dict[str, str]]:
        """The ids of activities in the order in which they were made, and the notes of each deal with its conflicts."""

        def read(tx: Transaction) -> tuple[list[str], dict[str, str]]:
            log = tx.changes(after=0, limit=100_000, entities=("Activity",))
            made = [str(each.id) for each in log if each.kind == "create"]
            deals = tx.get("Deal", [each.id for each in tx.changes(after=0, limit=100_000, entities=("Deal",))])
            lost = tx.rows.select(Conflict)
            assert not [each for each in lost if each.field == "notes"], lost
            return made, {key: str(each.values.get("notes") or "") for key, each in deals.items()}

        with self._store() as store:
            return store.run(TENANT, read, read_only=True)

    @contextmanager
    def _store(self) -> Iterator[object]:
        store = open_store(self.database)
        try:
            yield store
        finally:
            store.close()

    def end(self) -> None:
        """Stop everything."""
        self.balancer.shutdown()
        self.balancer.server_close()
        for each in self.hubs:
            each.stop()


def _sqlite_file(folder: Path) -> Path:
    (found,) = [*folder.glob("*.sqlite"), *folder.glob("*.db")]
    return found

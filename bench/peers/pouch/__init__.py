"""CouchDB's protocol: express-pouchdb with a database for each rep, and PouchDB on the device, both on LevelDB.

Belongs here: both in Node, and the office that keeps the rep's database up as her scope changes. May not know: the hub.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from bench.children import Client, free_port, server
from bench.peers.base import Held, Peer, Service, World, document
from bench.peers.install import Node
from bench.plain import Change, Key, Texts

PINS = Path(__file__).parent


class Pouch(Peer):
    """express-pouchdb and PouchDB, ready to be measured."""

    name = "PouchDB"

    def __init__(self, cache: Path) -> None:
        self._node = Node(cache, PINS)

    @contextmanager
    def served(self, world: World) -> Iterator[Service]:
        modules = self._node.modules()
        for each in ("server.js", "device.js", "../obey.js"):  # Node looks for modules from the script's own folder
            shutil.copy(PINS / each, modules)
        port = free_port()
        databases = world.folder / "pouch"
        databases.mkdir()
        command = ["node", str(modules / "server.js"), str(port), str(databases)]
        with server(command, port, world.folder / "pouch.log") as pid:
            serving = _Serving(port, pid, modules, world)
            try:
                serving.fill()
                yield serving
            finally:
                serving.close()


class _Serving(Service):
    def __init__(self, port: int, pid: int, modules: Path, world: World) -> None:
        self.port, self._pid, self._modules, self._world = port, pid, modules, world
        self._office = self.client(-1, port)

    def close(self) -> None:
        """End the office's client."""
        self._office.close()

    def fill(self) -> None:
        """Write the rep's database as her scope is now."""
        held = self._world.plain.held(self._world.rep, self._world.today)
        self._office.ask("write", put=[_document(key, texts) for key, texts in held.items()], gone=[])

    def processes(self) -> Sequence[int]:
        return [self._pid]

    def client(self, number: int, port: int) -> Client:
        url = f"http://127.0.0.1:{port}/{self._world.rep.lower()}"
        folder = self._world.folder / f"pouch-device{number}"
        return Client(["node", str(self._modules / "device.js"), url, str(folder)])

    def become(self, changes: Sequence[Change], today: date, before: Held, after: Held) -> int:
        """Write into the rep's database what her scope's change means for it."""
        put = [_document(key, texts) for key, texts in after.items() if before.get(key) != texts]
        gone = [record for entity, record in before.keys() - after.keys()]
        self._office.ask("write", put=put, gone=gone)
        return len(put) + len(gone)


def _document(key: Key, texts: Texts) -> dict[str, str]:
    made = document(key, texts)
    made["_id"] = made.pop("id")
    return made

"""Kinto on PostgreSQL, a collection for each rep: the server side keeps the collection up as her scope changes.

Belongs here: Kinto behind Waitress, its own Python client into SQLite. May not know: the hub. The client runs in the
peers' own interpreter; so does Kinto.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from bench.children import Client, free_port, obey, server
from bench.peers.base import Held, Peer, Service, Unavailable, World, document
from bench.peers.install import Python
from bench.plain import Change

_BUCKET = "crm"
_BATCH = 200
_SETTINGS = """
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {database}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {database}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = bench
multiauth.policies = basicauth
multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy
kinto.bucket_create_principals = system.Authenticated
kinto.bucket_write_principals = system.Authenticated
kinto.batch_max_requests = {batch}
kinto.paginate_by = 10000

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 4
"""


class Kinto(Peer):
    """Kinto, ready to be measured."""

    name = "Kinto"

    def __init__(self, python: Python) -> None:
        self._python = python

    @contextmanager
    def served(self, world: World) -> Iterator[Service]:
        python = self._python.program()
        port = free_port()
        with _database(world.postgres) as database:
            settings = world.folder / "kinto.ini"
            text = _SETTINGS.format(database=database, port=port, batch=_BATCH)
            settings.write_text(text, encoding="utf-8")
            program = str(Path(python).with_name("kinto"))
            migrated = subprocess.run([program, "migrate", "--ini", str(settings)], capture_output=True, text=True)
            if migrated.returncode:
                raise Unavailable(f"kinto migrate failed: {migrated.stderr[-300:]}")
            with server([program, "start", "--ini", str(settings)], port, world.folder / "kinto.log") as pid:
                serving = _Serving(port, pid, python, world, database)
                try:
                    serving.fill()
                    yield serving
                finally:
                    serving.close()


@contextmanager
def _database(postgres: str) -> Iterator[str]:
    import psycopg
    from psycopg import sql

    name = f"saddlebag_bench_{uuid.uuid4().hex[:12]}"
    try:
        with psycopg.connect(postgres, autocommit=True, connect_timeout=10) as link:
            link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as problem:
        raise Unavailable(f"no PostgreSQL server: {problem}") from None
    try:
        yield f"{postgres.rsplit('/', 1)[0]}/{name}"
    finally:
        with psycopg.connect(postgres, autocommit=True) as link:
            link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class _Serving(Service):
    def __init__(self, port: int, pid: int, python: str, world: World, database: str) -> None:
        self.port, self._pid, self._python, self._world, self._database = port, pid, python, world, database
        self._office = self.client(-1, port)

    def close(self) -> None:
        """End the office's client."""
        self._office.close()

    def fill(self) -> None:
        """Write the rep's collection as her scope is now."""
        held = self._world.plain.held(self._world.rep, self._world.today)
        self._office.ask("fill", documents=[document(key, texts) for key, texts in held.items()])

    def processes(self) -> Sequence[int]:
        """Kinto, and PostgreSQL's processes that serve it."""
        import psycopg

        with psycopg.connect(self._world.postgres, autocommit=True) as link:
            name = self._database.rsplit("/", 1)[1]
            serving = link.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (name,)).fetchall()
        return [self._pid, *(each for (each,) in serving)]

    def client(self, number: int, port: int) -> Client:
        file = self._world.folder / f"kinto{number}.sqlite"
        return Client([self._python, "-m", "bench.peers.kinto", str(port), str(file), self._world.rep])

    def become(self, changes: Sequence[Change], today: date, before: Held, after: Held) -> int:
        """Write into the rep's collection what her scope's change means for it."""
        put = [document(key, texts) for key, texts in after.items() if before.get(key) != texts]
        gone = [record for entity, record in before.keys() - after.keys()]
        self._office.ask("write", put=put, gone=gone)
        return len(put) + len(gone)


class Device:
    """A device: records in SQLite, and how far it has read."""

    def __init__(self, port: int, file: Path, rep: str) -> None:
        import kinto_http

        self._hub = kinto_http.Client(
            server_url=f"http://127.0.0.1:{port}/v1", auth=("device", "bench"), bucket=_BUCKET, collection=rep
        )
        self._link = sqlite3.connect(file, isolation_level=None)
        self._link.execute("CREATE TABLE IF NOT EXISTS held (id PRIMARY KEY, entity, modified, texts) WITHOUT ROWID")
        self._since = ""
        self._edits: list[tuple[dict[str, Any], str | None]] = []

    def fill(self, documents: list[dict[str, Any]]) -> dict[str, Any]:
        """The office: make the collection."""
        self._hub.create_bucket(if_not_exists=True)
        self._hub.create_collection(if_not_exists=True)
        return self.write(documents, [])

    def write(self, put: list[dict[str, Any]], gone: list[str]) -> dict[str, Any]:
        """The office: put and delete records, a batch at a time."""
        work: list[Any] = [*put, *gone]
        for start in range(0, len(work), _BATCH):
            with self._hub.batch() as batch:
                for each in work[start : start + _BATCH]:
                    if isinstance(each, str):
                        batch.delete_record(id=each, safe=False)
                    else:
                        batch.update_record(data=each, safe=False)
        return {}

    def pull(self) -> dict[str, Any]:
        """What is new since the last pull, committed."""
        found = self._hub.get_records(**({"_since": self._since} if self._since else {}))
        self._link.execute("BEGIN")
        for each in found:
            self._since = max(self._since, str(each["last_modified"]))
            if each.get("deleted"):
                self._link.execute("DELETE FROM held WHERE id = ?", (each["id"],))
            else:
                row = (each["id"], each["type"], each["last_modified"], json.dumps(each))
                self._link.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", row)
        self._link.execute("COMMIT")
        return {"received": len(found)}

    def edit(self, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """Make edits offline."""
        self._edits = []
        for each in changes:
            row = self._link.execute("SELECT texts, modified FROM held WHERE id = ?", (each["id"],)).fetchone()
            known = json.loads(row[0]) if row else {"id": each["id"], "type": each["entity"]}
            known.pop("last_modified", None)
            self._edits.append(({**known, **each["texts"]}, row[1] if row else None))
        return {}

    def push(self) -> dict[str, Any]:
        """Send the edits in one batch; each is refused where the record has changed meanwhile."""
        with self._hub.batch() as batch:
            for texts, modified in self._edits:
                if modified is None:
                    batch.create_record(data=texts, id=texts["id"])
                else:
                    batch.update_record(data=texts, if_match=modified)
        return {"results": len(batch.results())}

    def keys(self) -> dict[str, Any]:
        """What the device holds."""
        return {"keys": self._link.execute("SELECT entity, id FROM held").fetchall()}


def main(port: str, file: str, rep: str) -> None:
    """A device, or the office, under orders."""
    logging.disable()
    device = Device(int(port), Path(file), rep)
    operations = {name: getattr(device, name) for name in ("fill", "write", "edit", "push", "keys")}
    obey({**operations, "first": device.pull, "delta": device.pull})


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    main(*sys.argv[1:])

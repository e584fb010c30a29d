"""The bare design: a device holds a small SQLite database, the server a shadow of it, and changesets go between them.

Belongs here: SQLite's session extension (by apsw) behind plain HTTP. No TLS, authentication, validation, tenancy or
log: the least that a server could do which keeps an exact scope. May not know: the hub. Server and client run in the
peers' own interpreter.

    GET /first?device=D    zstandard of a new database with the scope; it stays here as the device's shadow
    GET /delta?device=D    zstandard of the changeset from the shadow to the scope as it is now
    POST /push             zstandard of a changeset; applied in one transaction that is on disk before the answer
"""

from __future__ import annotations

import http.client
import http.server
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bench.children import Client, free_port, obey, server
from bench.peers.base import Held, Peer, Service, World
from bench.peers.install import Python
from bench.plain import SCOPE, Change, bound

_LEVEL = 3
_MOST = 1 << 28
_PUSHED = "Activity"
"""The entity that devices make new records of; no part of the scope."""


class Session(Peer):
    """The bare design, ready to be measured."""

    name = "SQLite session"

    def __init__(self, python: Python) -> None:
        self._python = python

    @contextmanager
    def served(self, world: World) -> Iterator[Service]:
        python = self._python.program()
        today = world.folder / "today"
        today.write_text(str(world.today), encoding="utf-8")
        port = free_port()
        command = [python, "-m", "bench.peers.session", "serve", str(world.plain.path), str(world.folder), world.rep]
        with server([*command, str(port)], port, world.folder / "session.log") as pid:
            yield _Serving(port, pid, python, world.folder, today)


class _Serving(Service):
    def __init__(self, port: int, pid: int, python: str, folder: Path, today: Path) -> None:
        self.port, self._pid, self._python, self._folder, self._today = port, pid, python, folder, today

    def processes(self) -> Sequence[int]:
        return [self._pid]

    def client(self, number: int, port: int) -> Client:
        file = self._folder / f"device{number}.sqlite"
        return Client([self._python, "-m", "bench.peers.session", "device", str(number), str(port), str(file)])

    def become(self, changes: Sequence[Change], today: date, before: Held, after: Held) -> int:
        """The server reads the plain tables themselves: the changes are there, and nothing else is written."""
        self._today.write_text(str(today), encoding="utf-8")
        return len(changes)


def _packed(data: bytes) -> bytes:
    import zstandard

    return bytes(zstandard.ZstdCompressor(level=_LEVEL).compress(data))


def _unpacked(data: bytes) -> bytes:
    import zstandard

    return bytes(zstandard.ZstdDecompressor().decompress(data, _MOST))


def _create(link: Any, source: str, entities: Sequence[str]) -> None:
    for entity in entities:
        sql = link.execute(f"SELECT sql FROM {source}.sqlite_master WHERE name = ?", (entity,)).get
        link.execute(sql.replace(f"CREATE TABLE {entity}", f"CREATE TABLE small.{entity}"))


class Scopes:
    """The server's side: a rep's scope as a database, and shadows of devices."""

    def __init__(self, database: Path, folder: Path, rep: str) -> None:
        self._database, self._folder, self._rep = database, folder, rep

    def first(self, device: str) -> bytes:
        """A new device's whole database."""
        fresh, shadow = self._fresh(device)
        os.replace(fresh, shadow)
        return _packed(shadow.read_bytes())

    def delta(self, device: str) -> bytes:
        """What turns the device's database into the scope as it is now."""
        import apsw

        fresh, shadow = self._fresh(device)
        link = apsw.Connection(str(fresh))
        link.execute("ATTACH ? AS shadow", (str(shadow),))
        session = apsw.Session(link, "main")
        for entity in SCOPE:
            session.attach(entity)
            session.diff("shadow", entity)
        changes = session.changeset()
        session.close()
        link.close()
        os.replace(fresh, shadow)
        return _packed(changes)

    def push(self, packed: bytes) -> bytes:
        """Apply a device's changeset; an edit of a record that has changed meanwhile wins."""
        import apsw

        link = apsw.Connection(str(self._database))
        link.execute("PRAGMA synchronous = FULL")
        apply_changes(link, _unpacked(packed))
        link.close()
        return b"{}"

    def _fresh(self, device: str) -> tuple[Path, Path]:
        import apsw

        shadow = self._folder / f"shadow-{device}.sqlite"
        fresh = shadow.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        today = date.fromisoformat((self._folder / "today").read_text(encoding="utf-8"))
        link = apsw.Connection(str(self._database))
        link.execute("ATTACH ? AS small", (str(fresh),))
        link.execute("PRAGMA small.journal_mode = OFF; PRAGMA small.synchronous = OFF")
        link.execute("BEGIN")
        _create(link, "main", [*SCOPE])
        for entity, where in SCOPE.items():
            link.execute(f"INSERT INTO small.{entity} SELECT * FROM {entity} WHERE {where}", bound(self._rep, today))
        link.execute("COMMIT")
        link.close()
        return fresh, shadow


def apply_changes(link: Any, changes: bytes) -> None:
    """Apply a changeset in one transaction; the changeset wins over what it meets."""
    import apsw

    def meet(reason: int, _change: Any) -> int:
        replaceable = reason in (apsw.SQLITE_CHANGESET_DATA, apsw.SQLITE_CHANGESET_CONFLICT)
        return int(apsw.SQLITE_CHANGESET_REPLACE if replaceable else apsw.SQLITE_CHANGESET_OMIT)

    with link:
        apsw.Changeset.apply(changes, link, conflict=meet)


def serve(database: str, folder: str, rep: str, port: int) -> None:
    """Answer devices until the process is ended."""
    scopes = Scopes(Path(database), Path(folder), rep)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            answer = {"/first": scopes.first, "/delta": scopes.delta}[parts.path]
            self._say(answer(dict(parse_qsl(parts.query))["device"]))

        def do_POST(self) -> None:
            self._say(scopes.push(self.rfile.read(int(self.headers["Content-Length"]))))

        def _say(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nothing: the others log nothing either."""

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


class Device:
    """The device's side."""

    def __init__(self, number: str, port: int, file: Path) -> None:
        self._number, self._port, self._file = number, port, file
        self._edits = b""

    def first(self) -> dict[str, Any]:
        """The whole database."""
        import apsw

        self._file.write_bytes(_unpacked(self._exchange("GET", f"/first?device={self._number}")))
        link = apsw.Connection(str(self._file))
        link.execute(f"CREATE TABLE {_PUSHED} (id PRIMARY KEY, customer, kind, subject, owner, body) WITHOUT ROWID")
        link.close()
        return {}

    def delta(self) -> dict[str, Any]:
        """What changed."""
        import apsw

        changes = _unpacked(self._exchange("GET", f"/delta?device={self._number}"))
        link = apsw.Connection(str(self._file))
        link.execute("PRAGMA synchronous = FULL")
        apply_changes(link, changes)
        link.close()
        return {}

    def edit(self, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """Make edits offline and remember them as a changeset."""
        import apsw

        link = apsw.Connection(str(self._file))
        session = apsw.Session(link, "main")
        for entity in (*SCOPE, _PUSHED):
            session.attach(entity)
        with link:
            for each in changes:
                self._edit(link, each)
        self._edits = session.changeset()
        session.close()
        link.close()
        return {}

    def _edit(self, link: Any, change: dict[str, Any]) -> None:
        names, values = list(change["texts"]), [*change["texts"].values(), change["id"]]
        if change["new"]:
            marks = ", ".join("?" * len(values))
            link.execute(f"INSERT INTO {change['entity']} ({', '.join([*names, 'id'])}) VALUES ({marks})", values)
        else:
            sets = ", ".join(f"{name} = ?" for name in names)
            link.execute(f"UPDATE {change['entity']} SET {sets} WHERE id = ?", values)

    def push(self) -> dict[str, Any]:
        """Send the changeset."""
        self._exchange("POST", "/push", _packed(self._edits))
        return {}

    def keys(self) -> dict[str, Any]:
        """What the device holds."""
        import apsw

        link = apsw.Connection(str(self._file))
        return {"keys": [[each, key] for each in SCOPE for (key,) in link.execute(f"SELECT id FROM {each}")]}

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> bytes:
        link = http.client.HTTPConnection("127.0.0.1", self._port)
        link.request(method, path, body)
        answer = link.getresponse()
        data = answer.read()
        link.close()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {data[:200]!r}")
        return data


def main(role: str, *words: str) -> None:
    """`serve DATABASE FOLDER REP PORT`, or `device NUMBER PORT FILE` under orders."""
    if role == "serve":
        serve(words[0], words[1], words[2], int(words[3]))
        return
    device = Device(words[0], int(words[1]), Path(words[2]))
    operations = {name: getattr(device, name) for name in ("first", "delta", "edit", "push", "keys")}
    obey(operations)


if __name__ == "__main__":
    main(*sys.argv[1:])

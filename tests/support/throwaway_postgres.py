"""A PostgreSQL for the tests: the machine's own, or one started from the Debian package and removed after.

Knows nothing of Saddlebag; gives SQLAlchemy URLs of empty databases that nobody else uses.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

LOCAL_CANDIDATES = (
    "postgresql://postgres@127.0.0.1:5432/postgres",
    "postgresql://root@127.0.0.1:5432/postgres",
)
BINARY_FOLDERS = "/usr/lib/postgresql"


class NoPostgres(Exception):
    """No PostgreSQL can be had here; the message says what was tried."""


@dataclass(frozen=True)
class Server:
    """A running server, reached as a role that may create databases."""

    admin: str

    def create_database(self) -> str:
        """Create an empty database under a name of its own; the answer is its SQLAlchemy URL."""
        name = f"saddlebag_test_{uuid.uuid4().hex}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        base, _, query = self.admin.partition("?")
        url = f"postgresql+psycopg://{base.split('://', 1)[1].rsplit('/', 1)[0]}/{name}"
        return f"{url}?{query}" if query else url

    def drop_database(self, url: str) -> None:
        """Drop a database this server created, closing whatever is still connected to it."""
        name = url.partition("?")[0].rsplit("/", 1)[1]
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)


@contextmanager
def server() -> Iterator[Server]:
    """Yield a server: SADDLEBAG_TEST_POSTGRES, else the local one, else one started for the occasion.

    Raises NoPostgres when none can be had.
    """
    given = os.environ.get("SADDLEBAG_TEST_POSTGRES")
    if given:
        admin = given.replace("postgresql+psycopg://", "postgresql://", 1)
        if not answers(admin):
            raise NoPostgres("the server named by SADDLEBAG_TEST_POSTGRES does not answer")
        yield Server(admin)
        return
    for candidate in LOCAL_CANDIDATES:
        if answers(candidate):
            yield Server(candidate)
            return
    with started() as fresh:
        yield fresh


def answers(admin: str) -> bool:
    """True when the role of this URL can log in and may create databases."""
    try:
        with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and bool(row[0])


def _binaries() -> Path:
    versions = [path for path in Path(BINARY_FOLDERS).glob("*/bin") if (path / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise NoPostgres("no server on 127.0.0.1:5432 and no PostgreSQL package (apt-get install postgresql)")
    return Path(found).resolve().parent


def _owner() -> str:
    """The user the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root and there is no user to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started() -> Iterator[Server]:
    """Yield a server made from the installed binaries, on a free port, with nothing kept afterwards."""
    binaries, owner = _binaries(), _owner()
    folder = Path(tempfile.mkdtemp(prefix="saddlebag-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, owner)
    data, port = folder / "data", _free_port()
    try:
        _as(
            owner,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        control = (binaries / "pg_ctl", "-D", data, "-w")
        _as(owner, *control, "-l", folder / "log", "-o", options, "start")
        try:
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        finally:
            _as(owner, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as(owner: str, *command: str | Path) -> None:
    """Run a PostgreSQL program as its owner, from a folder that owner can read."""
    user = owner if os.geteuid() == 0 else None
    result = subprocess.run(
        [str(part) for part in command],
        user=user,
        group=pwd.getpwnam(owner).pw_gid if user else None,
        extra_groups=[] if user else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise NoPostgres(f"{Path(command[0]).name} failed: {result.stderr.strip()[-400:]}")

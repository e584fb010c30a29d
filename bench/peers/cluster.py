"""A PostgreSQL cluster of one's own, for a peer that needs settings which a shared server does not have.

Belongs here: made in a folder from the machine's package, started, stopped, and filled with the plain tables. May not
know: the peer.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.children import free_port
from bench.peers.base import Unavailable
from bench.plain import INDEXES, Plain

_PACKAGES = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; `pid` is its first process."""

    url: str
    pid: int


@contextmanager
def cluster(folder: Path, settings: str) -> Iterator[Cluster]:
    """A cluster for a block; raises Unavailable."""
    found = sorted(_PACKAGES.glob("*/bin"), key=lambda each: float(each.parent.name))
    if not found:
        raise Unavailable("PostgreSQL is not installed (apt-get install postgresql)")
    data, port = folder / "postgres", free_port()
    data.mkdir()
    prefix = _account(data)
    try:
        _run([*prefix, str(found[-1] / "initdb"), "-D", str(data), "-U", _ACCOUNT, "-A", "trust", "-E", "UTF8"])
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n{settings}\n")
        control = [*prefix, str(found[-1] / "pg_ctl"), "-D", str(data), "-w"]
        _run([*control, "-l", str(data / "log"), "start"])
        try:
            pid = int((data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
            yield Cluster(f"postgresql://{_ACCOUNT}@127.0.0.1:{port}/postgres", pid)
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _account(data: Path) -> list[str]:
    """PostgreSQL does not run as root: what to put before its commands."""
    if os.geteuid() != 0:
        return []
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        raise Unavailable("PostgreSQL does not run as root and there is no account for it") from None
    os.chown(data, entry.pw_uid, entry.pw_gid)
    for each in data.parents:  # the account has to reach the folder
        if each.stat().st_uid == 0 and str(each).count("/") > 1:
            each.chmod(each.stat().st_mode | 0o011)
    return ["runuser", "-u", _ACCOUNT, "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
    if done.returncode:
        raise Unavailable(f"{command[-1]}: {done.stderr.strip()[-300:]}")


def fill(url: str, plain: Plain) -> None:
    """Copy the plain tables there, with their indexes."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as link:
        for entity in plain.entities:
            columns = ", ".join(f'"{each}" text' for each in plain.columns(entity)[1:])
            link.execute(f'CREATE TABLE "{entity}" (id text PRIMARY KEY, {columns})'.encode())
            with link.cursor().copy(f'COPY "{entity}" FROM STDIN'.encode()) as into:
                for row in plain.link.execute(f"SELECT * FROM {entity}"):
                    into.write_row(row)
        for entity, names in INDEXES:
            quoted = ", ".join(f'"{each}"' for each in names.split(", "))
            link.execute(f'CREATE INDEX ON "{entity}" ({quoted})'.encode())
        link.execute("VACUUM ANALYZE")

"""Schema versions: making a fresh database, and bringing an older one up to date.

Belongs here: what Alembic is told. May not know: records. The steps are in `saddlebag.store.migrations`.

A fresh database is made from the declarations and stamped with the newest version; an older one is upgraded step by
step. Tests hold the two equal. A SQLite file is copied beside itself before it is upgraded.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from saddlebag.kernel.errors import UNAVAILABLE, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.store import engine as engines
from saddlebag.store import statistics
from saddlebag.store.derive import tables_for
from saddlebag.store.failures import RETRY_SECONDS, translate

_UPGRADE_LOCK = 0x5ADD1EBA6
"""The advisory lock of upgrades (PostgreSQL 13.3.5)."""


@lru_cache(maxsize=1)
def head() -> str:
    """The newest version."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise RuntimeError("the package holds no schema version")
    return newest


def current(connection: Connection) -> str | None:
    """The version that the database is of; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def initialise(url: str, schema: Schema = BUILTIN) -> None:
    """Make every table in an empty database; one that has a version is left as it is, for `migrate`."""
    parsed = engines.parse_url(url)
    engine = engines.open_engine(parsed)
    try:
        _make_private(parsed.database if parsed.drivername == "sqlite" else None)
        with engines.transaction(engine, read_only=False) as connection:
            _wait_for_others(connection)
            if current(connection) is None:
                tables_for(schema).metadata.create_all(connection)
                statistics.declare(connection)
                command.stamp(_config(connection), "head")
    except DBAPIError as problem:
        _explain(problem)
    finally:
        engine.dispose()


def migrate(url: str, target: str = "head") -> Path | None:
    """Upgrade to `target`; the copy that was made of a SQLite file before, or None where nothing had to be done."""
    parsed = engines.parse_url(url)
    engine = engines.open_engine(parsed)
    try:
        with engines.transaction(engine, read_only=True) as connection:
            before = current(connection)
        if before == (head() if target == "head" else target):
            return None
        copy = back_up(url) if before is not None else None
        _upgrade(engine, target)
        return copy
    except DBAPIError as problem:
        _explain(problem)
        return None
    finally:
        engine.dispose()


def _upgrade(engine: Engine, target: str) -> None:
    """All steps in one transaction: on both databases a failed upgrade leaves nothing behind."""
    with engines.transaction(engine, read_only=False) as connection:
        _wait_for_others(connection)
        command.upgrade(_config(connection), target)
        statistics.declare(connection)


def back_up(url: str) -> Path | None:
    """Copy a SQLite file beside itself, whatever is being written to it; None for PostgreSQL: it has its own ways."""
    parsed = engines.parse_url(url)
    if parsed.drivername != "sqlite" or parsed.database is None:
        return None
    source = Path(parsed.database)
    with closing(sqlite3.connect(source)) as held:
        (version,) = held.execute("SELECT version_num FROM alembic_version").fetchone()
        copy = source.with_name(f"{source.name}.of-{version}")
        _make_private(str(copy))
        with closing(sqlite3.connect(copy)) as kept:
            held.backup(kept)
    return copy


def _make_private(file: str | None) -> None:
    """Make a SQLite file that only its owner may read, as SQLite itself would not; one that exists is left as it is."""
    try:
        if file is not None:
            Path(file).touch(mode=0o600)
    except OSError:
        raise SaddlebagError(UNAVAILABLE, retry_after=RETRY_SECONDS) from None


def _wait_for_others(connection: Connection) -> None:
    """Several nodes may be told to upgrade one PostgreSQL at the same time; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _explain(problem: DBAPIError) -> None:
    told = translate(problem, {})
    if told is problem:
        raise problem
    raise told from None

"""Schema versions: an upgraded database equals a fresh one, and an outdated one is refused, on both databases."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from saddlebag.kernel.errors import SCHEMA_OUTDATED, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import ALWAYS
from saddlebag.model.fields import Field, Kind
from saddlebag.store import init_store, open_store, versions
from saddlebag.store.kit.make import tenant_of
from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import create, refuses

OLDEST = "0001"


def _shape(url: str) -> dict[str, Any]:
    """Everything about the tables that the database can tell, the version's own table apart."""
    engine = create_engine(url)
    inspector = inspect(engine)
    told = {
        name: {
            "columns": [{**each, "type": str(each["type"])} for each in inspector.get_columns(name)],
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "indexes": sorted(
                (each["name"], each["column_names"], each["unique"]) for each in inspector.get_indexes(name)
            ),
            "unique": inspector.get_unique_constraints(name),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }
    if engine.dialect.name == "sqlite":
        told["sql"] = _sqlite_texts(url)
    else:
        told["sql"] = _postgres_texts(url)
    engine.dispose()
    return told


def _sqlite_texts(url: str) -> dict[str, str]:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        rows = file.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        stats = file.execute("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2").fetchall()
    file.close()
    return {**{name: " ".join(sql.replace('"', "").split()) for name, sql in rows}, "statistics": str(stats)}


def _postgres_texts(url: str) -> dict[str, str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        indexes = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        told = {name: definition for name, definition in indexes if name != "alembic_version_pkc"}
        collations = connection.execute(
            text(
                "SELECT c.table_name || '.' || c.column_name, c.collation_name FROM information_schema.columns c"
                " WHERE c.table_schema = 'public' AND c.table_name <> 'alembic_version'"
            )
        )
        told |= {name: str(collation) for name, collation in collations}
    engine.dispose()
    return told


@pytest.fixture
def fresh_url(store_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A second empty database, beside `store_url`."""
    if store_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'fresh.sqlite'}"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


def test_an_upgraded_database_equals_a_fresh_one(store_url: str, fresh_url: str) -> None:
    versions.migrate(store_url, OLDEST)
    versions.migrate(store_url)
    init_store(fresh_url)
    assert _shape(store_url) == _shape(fresh_url)


def test_an_upgrade_keeps_the_records(store_url: str) -> None:
    versions.migrate(store_url, OLDEST)
    versions.migrate(store_url)
    store = open_store(store_url)
    store.create_tenant(tenant_of("t"))
    store.run("t", lambda tx: create(tx, "Customer", "c1", {"name": "n"}))
    store.close()
    assert versions.migrate(store_url) is None
    store = open_store(store_url)
    assert [each.id for each in store.run("t", lambda tx: tx.find("Customer", ALWAYS))] == ["c1"]
    store.close()


def test_a_database_of_another_version_is_refused_until_it_is_upgraded(store_url: str) -> None:
    init_store(store_url)
    store = open_store(store_url)
    store.check()
    _set_version(store, "0000")
    with refuses(SCHEMA_OUTDATED) as caught:
        store.check()
    assert caught
    _set_version(store, versions.head())
    store.check()
    store.close()


def test_an_empty_database_is_refused(store_url: str) -> None:
    store = open_store(store_url)
    with refuses(SCHEMA_OUTDATED) as on_check:
        store.check()
    with refuses(SCHEMA_OUTDATED) as on_use:
        store.run("t", lambda tx: tx.sequence())
    assert (len(on_check), len(on_use)) == (1, 1)
    store.close()


def test_making_a_database_ready_twice_changes_nothing(store_url: str) -> None:
    init_store(store_url)
    before = _shape(store_url)
    init_store(store_url)
    assert _shape(store_url) == before


def test_a_sqlite_file_is_copied_before_it_is_upgraded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    init_store(url)
    store = open_store(url)
    store.create_tenant(tenant_of("kept"))
    copy = versions.back_up(url)
    store.create_tenant(tenant_of("later"))
    assert copy is not None
    old = open_store(f"sqlite:///{copy}")
    assert [each.name for each in old.tenants()] == ["kept"]
    assert [each.name for each in store.tenants()] == ["kept", "later"]
    store.close()
    old.close()


def test_a_database_file_and_its_copy_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite"
    init_store(f"sqlite:///{file}")
    copy = versions.back_up(f"sqlite:///{file}")
    assert copy is not None
    assert [each.stat().st_mode & 0o077 for each in (file, copy)] == [0, 0]


def test_an_upgrade_that_fails_leaves_nothing_behind(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox (was INTEGER)"))
    with pytest.raises(DBAPIError):
        versions.migrate(store_url)
    assert set(inspect(engine).get_table_names()) == {"outbox"}
    engine.dispose()


def test_nodes_that_start_together_make_one_database(store_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(init_store, store_url) for _ in range(3)]:
            each.result()
    store = open_store(store_url)
    store.check()
    assert store.tenants() == []
    store.close()


def test_a_field_added_to_a_declaration_has_a_column(store_url: str) -> None:
    schema = BUILTIN.with_fields("Deal", Field("mood", Kind.STRING, "How the buyer felt."))
    init_store(store_url, schema)
    store = open_store(store_url, schema)
    store.create_tenant(tenant_of("t"))
    store.run("t", lambda tx: create(tx, "Deal", "d1", {"title": "x", "customer": "c", "mood": "keen"}))
    assert store.run("t", lambda tx: tx.get("Deal", ["d1"]))["d1"].values["mood"] == "keen"
    store.close()


def test_a_database_without_a_declared_field_is_outdated(store_url: str) -> None:
    init_store(store_url)
    store = open_store(store_url, BUILTIN.with_fields("Deal", Field("mood", Kind.STRING, "How the buyer felt.")))
    store.create_tenant(tenant_of("t"))
    with pytest.raises(SaddlebagError) as caught:
        store.run("t", lambda tx: tx.find("Deal", ALWAYS))
    assert caught.value.kind is SCHEMA_OUTDATED
    store.close()


def _set_version(store: SqlStore, version: str) -> None:
    with store.connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})

"""What a caller is told when the database is away, busy or broken; and what survives a killed process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from saddlebag.kernel.errors import BUSY, SETTING_INVALID, UNAVAILABLE, UNKNOWN_TENANT, SaddlebagError
from saddlebag.model.condition import ALWAYS
from saddlebag.store import init_store, open_store
from saddlebag.store.base import Transaction
from saddlebag.store.engine import FairLock, open_engine, parse_url
from saddlebag.store.failures import LostRace
from saddlebag.store.kit.make import tenant_of
from saddlebag.store.sql import ATTEMPTS, TENANT_SECONDS, SqlStore
from saddlebag.store.testing import Desk, create, refuses

WRITER = """
import sys
from saddlebag.store import open_store
from saddlebag.store.testing import KIT_SCHEMA, create
store = open_store(sys.argv[1], KIT_SCHEMA)
number = 0
while True:
    number += 1
    store.run("t", lambda tx: create(tx, "Sample", f"s{number}", {"number": number}))
    print(number, flush=True)
"""


@pytest.fixture
def ready_url(store_url: str) -> str:
    init_store(store_url)
    return store_url


@pytest.fixture
def ready(ready_url: str) -> Iterator[SqlStore]:
    store = open_store(ready_url)
    yield store
    store.close()


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:hidden@127.0.0.1:1/none", "sqlite:////no-such-folder/hidden/store.sqlite"]
)
def test_a_database_that_is_away_is_unavailable_and_its_address_stays_secret(url: str) -> None:
    store = open_store(url)
    for call in (store.check, store.tenants, lambda: store.run("t", lambda tx: tx.sequence())):
        with refuses(UNAVAILABLE) as caught:
            call()
        assert caught[0].retry_after
        assert "hidden" not in str(caught[0])
    with refuses(UNAVAILABLE):
        init_store(url)


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_another_database_is_refused_as_a_setting(url: str) -> None:
    with refuses(SETTING_INVALID) as caught:
        open_store(url)
    assert caught[0].field == "database"


def test_as_many_connections_are_kept_as_threads_will_use() -> None:
    pool = open_engine(parse_url("postgresql://host/name"), 3).pool
    assert isinstance(pool, QueuePool)
    assert pool.size() == 3


def test_a_lost_race_is_tried_again_and_then_told(ready: SqlStore) -> None:
    ready.create_tenant(tenant_of("t"))
    calls: list[int] = []

    def lose(upto: int) -> int:
        def work(tx: Transaction) -> int:
            calls.append(tx.allocate(1))
            if len(calls) < upto:
                raise LostRace
            return len(calls)

        return ready.run("t", work)

    assert lose(3) == 3
    assert calls == [1, 1, 1]
    calls.clear()
    with refuses(BUSY) as caught:
        lose(100)
    assert len(calls) == ATTEMPTS
    assert caught[0].retry_after


def test_a_tenant_is_believed_for_seconds_only(ready_url: str) -> None:
    now = 100.0
    store = open_store(ready_url, clock=lambda: now)
    store.create_tenant(tenant_of("t"))
    assert store.tenant("t").enabled
    with store.connection() as connection:
        connection.execute(text("UPDATE tenant SET enabled = :off"), {"off": False})
    assert store.tenant("t").enabled
    now += TENANT_SECONDS
    assert not store.tenant("t").enabled
    with store.connection() as connection:
        connection.execute(text("DELETE FROM tenant"))
    now += TENANT_SECONDS
    with refuses(UNKNOWN_TENANT):
        store.tenant("t")
    store.close()


def test_what_was_answered_survives_a_killed_process(sqlite_store: SqlStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'killed.sqlite'}"
    init_store(url, sqlite_store.schema)
    store = open_store(url, sqlite_store.schema)
    store.create_tenant(tenant_of("t"))
    for _ in range(3):
        with store.connection() as connection:
            connection.execute(text("DELETE FROM e_sample"))
        answered = _write_until_killed(url)
        held = store.run("t", lambda tx: {each.id for each in tx.find("Sample", ALWAYS)})
        assert {f"s{each}" for each in range(1, answered + 1)} <= held
        assert len(held) <= answered + 1
    store.close()
    with sqlite3.connect(tmp_path / "killed.sqlite") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


def test_writers_get_their_turn_in_the_order_of_their_coming() -> None:
    lock, order = FairLock(), []
    arrived = [threading.Event() for _ in range(5)]

    def work(number: int) -> None:
        arrived[number].set()
        with lock.turn(10):
            order.append(number)

    with ThreadPoolExecutor(5) as pool:
        with lock.turn(1):
            waiting = []
            for number in range(5):
                waiting.append(pool.submit(work, number))
                arrived[number].wait()
                while lock.waiting < number + 1:
                    pass
        for each in waiting:
            each.result()
    assert order == list(range(5))


def test_a_writer_whose_turn_does_not_come_is_told_busy() -> None:
    lock = FairLock()

    def impatient() -> None:
        with lock.turn(0.01):
            raise AssertionError("two held the lock")

    with lock.turn(1), ThreadPoolExecutor(1) as pool, refuses(BUSY):
        pool.submit(impatient).result()
    with lock.turn(0.01):
        assert lock.waiting == 0


def test_a_write_transaction_inside_another_is_a_defect_and_no_deadlock(sqlite_store: SqlStore) -> None:
    desk = Desk(sqlite_store)
    with pytest.raises(RuntimeError, match="inside another"), sqlite_store.begin(desk.tenant):
        sqlite_store.run(desk.tenant, lambda tx: create(tx, "Sample", "s1", {}))
    assert desk.found(ALWAYS) == set()


def test_a_file_that_another_process_writes_is_busy_not_broken(
    sqlite_store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saddlebag.store.engine.LOCK_SECONDS", 0)
    path = tmp_path / "shared.sqlite"
    init_store(f"sqlite:///{path}")
    store = open_store(f"sqlite:///{path}")
    store.create_tenant(tenant_of("t"))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SaddlebagError) as caught:
            store.run("t", lambda tx: tx.allocate(1))
        other.execute("ROLLBACK")
    other.close()
    assert caught.value.kind is BUSY
    assert store.run("t", lambda tx: tx.allocate(1)) == 1
    store.close()


def _write_until_killed(url: str) -> int:
    """Start a writer, kill it in the middle of its work, and tell the last number that it was answered."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None
        for _ in range(40):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    return max([40, *[int(each) for each in rest[:-1] if each]])

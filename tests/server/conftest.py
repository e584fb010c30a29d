"""The probe service of `soap_probe` on a hub of its own, on SQLite."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saddlebag.contract.codec import codec_for
from saddlebag.kernel.digest import record_hash
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import access
from saddlebag.records.call import Hub
from saddlebag.server.front import Options
from saddlebag.server.root import make_front
from saddlebag.store import init_store, open_store
from saddlebag.store.base import ChangeKind, RecordWrite, Store, StoredRecord, Transaction
from saddlebag.store.tables import Certificate
from soap_probe import FINGERPRINT, NOW, SERVICE, TENANT, Caller


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the tenant acme, the user u1 and her client certificate; made once, copied for each test."""
    file = tmp_path_factory.mktemp("probe") / "filled.sqlite"
    init_store(f"sqlite:///{file}")
    opened = open_store(f"sqlite:///{file}")
    opened.create_tenant(TENANT)
    opened.run(TENANT.name, _add_user)
    opened.close()
    return file


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    """An open store for this test alone."""
    file = shutil.copy(filled, tmp_path / "probe.sqlite")
    opened = open_store(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def hub(store: Store) -> Hub:
    """A hub whose clock stands still."""
    return Hub(store, lambda: "new-id", lambda: "new-secret", lambda: NOW, "1.2.3", "https://hub.example", b"PYZ")


@pytest.fixture
def make_caller(hub: Hub) -> Callable[..., Caller]:
    """Makes a caller of the probe service, with the front's options."""
    return lambda **options: Caller(make_front(hub, [SERVICE], Options(**options)))


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    """A caller of the probe service."""
    return make_caller()


@pytest.fixture
def token(store: Store) -> str:
    """The token of a session of u1."""

    def log_in(tx: Transaction) -> str:
        return access.log_in(tx, "ada", "correct horse", NOW, lambda: "session-token")[0]

    return store.run(TENANT.name, log_in)


def _add_user(tx: Transaction) -> None:
    values = {"name": "Ada", "login": "ada", "role": "rep", "active": True}
    version = tx.allocate(1)
    fragment, tail = codec_for(BUILTIN)["User"].render("u1", version, values, NOW, NOW)
    digest = record_hash("User", "u1", version, fragment)
    record = StoredRecord("User", "u1", version, version, values, {}, fragment, tail, digest, NOW, NOW, "")
    tx.write([RecordWrite(record, ChangeKind.CREATE, tuple(values))])
    access.set_password(tx, "u1", "ada", "correct horse", NOW, lambda: "salt")
    tx.rows.put(Certificate(FINGERPRINT, "u1", NOW))

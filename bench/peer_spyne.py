"""The peer of `soap`: plain Spyne's WSGI application with the same operations, types and data, behind Cheroot's TLS.

Belongs here: a customer service as a careful user of Spyne would write it: lxml validation, a session looked up at each
call, customers read from SQLite. May not know: the hub's server, contract or records; only the declaration of the
customer's fields is shared, so that both sides carry the same record, and the switch that makes Spyne importable.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import local
from typing import Any

import saddlebag.server.compat  # noqa: F401 - before Spyne, which does not import without it on Python 3.12
from bench.workload import Values
from saddlebag.model.builtin import CUSTOMER
from saddlebag.model.fields import Field, Kind

SERVICE = "urn:saddlebag:customer:v1"
TYPES = "urn:saddlebag:types:v1"
THREADS = 8
"""As many as the hub has by default."""
_COLUMNS = ("id", "version", *(each.name for each in CUSTOMER.fields), "createdAt", "modifiedAt")
_PAGE = 200
_READERS: dict[Kind, Any] = {
    Kind.DECIMAL: Decimal,
    Kind.BOOLEAN: bool,
    Kind.DATE: date.fromisoformat,
    Kind.DATETIME: datetime.fromisoformat,
    Kind.TAGS: lambda text: text.split("\x1f"),
}


class Tables:
    """The peer's own database: customers by id and by country, and one session."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._link = sqlite3.connect(path)
        self._link.execute("PRAGMA journal_mode = WAL")
        columns = ", ".join(f'"{name}"' for name in _COLUMNS[1:])
        self._link.execute(f"CREATE TABLE customer (id PRIMARY KEY, {columns}) WITHOUT ROWID")
        self._link.execute("CREATE TABLE session (hash PRIMARY KEY, user) WITHOUT ROWID")

    def fill(self, rows: Iterable[tuple[str, Values]]) -> None:
        """Insert the customers."""
        marks = ", ".join("?" * len(_COLUMNS))
        now = datetime.now(UTC).isoformat()
        cells = (
            [record, number, *(_cell(values.get(name)) for name in _COLUMNS[2:-2]), now, now]
            for number, (record, values) in enumerate(rows)
        )
        self._link.executemany(f"INSERT INTO customer VALUES ({marks})", cells)

    def finish(self, token: str) -> None:
        """Index, add the session, commit."""
        self._link.execute("CREATE INDEX customer_country ON customer (country, id)")
        self._link.execute("INSERT INTO session VALUES (?, ?)", (_hash(token), "admin"))
        self._link.commit()
        self._link.close()


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return "\x1f".join(value) or None
    return str(value) if isinstance(value, (Decimal, date)) else value


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@contextmanager
def served(database: Path, certificate: Path, key: Path) -> Iterator[tuple[int, int]]:
    """The peer as a process for a block: its port and process id."""
    command = [sys.executable, "-m", "bench.peer_spyne", str(database), str(certificate), str(key)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[1])
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the Spyne peer did not start")
        yield int(line), process.pid
    finally:
        process.terminate()
        process.wait()


class Customers:
    """Reads customers; a connection for each thread."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._local = local()

    def _link(self) -> sqlite3.Connection:
        if not hasattr(self._local, "link"):
            self._local.link = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)
        return self._local.link  # type: ignore[no-any-return]

    def check(self, token: str | None) -> None:
        """Refuse a session that is not known."""
        if not self._link().execute("SELECT user FROM session WHERE hash = ?", (_hash(token or ""),)).fetchone():
            from spyne.error import InvalidCredentialsError

            raise InvalidCredentialsError("no session")

    def by_id(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of these ids that there are."""
        marks = ", ".join("?" * len(ids))
        return self._read(f"SELECT * FROM customer WHERE id IN ({marks})", ids)

    def where(self, terms: Sequence[tuple[str, str]], limit: int) -> list[dict[str, Any]]:
        """The first customers that meet all terms, by id."""
        clauses = " AND ".join(f'"{name}" = ?' for name, _ in terms if name in _COLUMNS) or "1"
        values = [value for _, value in terms]
        return self._read(f"SELECT * FROM customer WHERE {clauses} ORDER BY id LIMIT ?", [*values, limit])

    def _read(self, sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
        kinds = {each.name: _READERS.get(each.kind) for each in CUSTOMER.fields}
        kinds |= {"createdAt": datetime.fromisoformat, "modifiedAt": datetime.fromisoformat}
        found = []
        for row in self._link().execute(sql, values):
            cells = zip(_COLUMNS, row, strict=True)
            found.append(
                {name: kinds[name](cell) if kinds.get(name) else cell for name, cell in cells if cell is not None}
            )
        return found


def application(customers: Customers) -> Any:
    """The WSGI application."""
    from spyne import Application, ServiceBase, rpc
    from spyne.model.complex import ComplexModel
    from spyne.model.primitive import Integer, Unicode
    from spyne.protocol.soap import Soap11
    from spyne.server.wsgi import WsgiApplication

    def model(name: str, /, **members: Any) -> Any:
        ordered = list(members.items())
        return type(ComplexModel)(name, (ComplexModel,), {"__namespace__": TYPES, "_type_info": ordered})

    customer = model("Customer", **{name: _type(name) for name in _COLUMNS})
    session = model("Session", token=Unicode(max_len=128, min_occurs=1))
    term = model(
        "Filter",
        field=Unicode(max_len=60, min_occurs=1),
        op=Unicode(values=("eq",), min_occurs=1),
        value=Unicode.customize(max_occurs=_PAGE),
    )
    many = customer.customize(max_occurs="unbounded")

    class CustomerService(ServiceBase):  # type: ignore[misc]
        __in_header__ = session

        @rpc(
            Unicode.customize(max_occurs=_PAGE),
            _in_arg_names={"ids": "id"},
            _returns=many,
            _out_variable_name="customer",
        )
        def GetCustomers(ctx, ids):  # type: ignore[no-untyped-def]
            customers.check(ctx.in_header.token)
            return [customer(**each) for each in customers.by_id(ids)]

        @rpc(
            term.customize(max_occurs=20), Integer, _in_arg_names={"terms": "filter"}, _returns=many,
            _out_variable_name="customer",
        )  # fmt: skip
        def SearchCustomers(ctx, terms, limit):  # type: ignore[no-untyped-def]
            customers.check(ctx.in_header.token)
            pairs = [(each.field, each.value[0]) for each in terms]
            return [customer(**each) for each in customers.where(pairs, min(limit or _PAGE, _PAGE))]

    built = Application(
        [CustomerService], SERVICE, name="Customer", in_protocol=Soap11(validator="lxml"), out_protocol=Soap11()
    )
    return WsgiApplication(built)


def _type(name: str) -> Any:
    from spyne.model.primitive import Boolean, Date, DateTime, Integer, Unicode
    from spyne.model.primitive import Decimal as SpyneDecimal

    found = next((each for each in CUSTOMER.fields if each.name == name), None)
    if found is None:
        return {"version": Integer, "createdAt": DateTime, "modifiedAt": DateTime}.get(name, Unicode(max_len=36))
    simple: dict[Kind, Any] = {Kind.BOOLEAN: Boolean, Kind.INTEGER: Integer, Kind.DATE: Date, Kind.DATETIME: DateTime}
    if found.kind in simple:
        return simple[found.kind]
    if found.kind is Kind.DECIMAL:
        return SpyneDecimal(found.digits, found.scale)
    return _text_type(found, Unicode)


def _text_type(found: Field, unicode: Any) -> Any:
    if found.kind is Kind.CODE:
        return unicode(values=found.values)
    many = {"max_occurs": "unbounded"} if found.kind is Kind.TAGS else {}
    return unicode(max_len=found.length or 36, **many)


def serve(database: str, certificate: str, key: str) -> None:
    """Serve until the process is ended."""
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), application(Customers(database)), numthreads=THREADS)
    server.ssl_adapter = BuiltinSSLAdapter(certificate, key)
    server.prepare()
    print(server.bind_addr[1], flush=True)
    server.serve()


if __name__ == "__main__":
    serve(*sys.argv[1:4])

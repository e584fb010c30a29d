"""The floor of a first sync: the least that selecting, rendering, packing, encrypting, parsing and keeping cost.

Belongs here: bare Python over SQLite, no SOAP, no authentication, no scope rules, no manifest, no validation. May not
know: the hub. The same records travel as in the hub's default scope: my open deals that close within 7 days, their
customers, contacts, activities and 12 months of invoices, the lines, products, stock and warehouses.

    request   the rep's id and a line feed
    answer    4 bytes of length, big-endian, then gzip of <page><Entity><field>text</field>...</Entity>...</page>
"""

from __future__ import annotations

import gzip
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from bench.workload import OPEN, Values
from saddlebag.model.builtin import BUILTIN

GZIP_LEVEL = 6
_INDEXES = (
    ("Deal", "owner, stage, closeDate"),
    ("Contact", "customer"),
    ("Activity", "customer"),
    ("Invoice", "customer, issuedOn"),
    ("DealLine", "deal"),
    ("StockLevel", "product"),
)
_STAGES = ", ".join(f"'{each}'" for each in OPEN)
_CLOSING = f"owner = :rep AND stage IN ({_STAGES}) AND closeDate >= :today AND closeDate < :until"
_DEALS = f"SELECT id FROM Deal WHERE {_CLOSING}"
_CUSTOMERS = f"SELECT customer FROM Deal WHERE {_CLOSING}"
_PRODUCTS = f"SELECT product FROM DealLine WHERE deal IN ({_DEALS})"
SCOPE = {
    "Deal": _CLOSING,
    "Customer": f"id IN ({_CUSTOMERS})",
    "Contact": f"customer IN ({_CUSTOMERS})",
    "Activity": f"customer IN ({_CUSTOMERS})",
    "Invoice": f"customer IN ({_CUSTOMERS}) AND issuedOn >= :year",
    "DealLine": f"deal IN ({_DEALS})",
    "Product": f"id IN ({_PRODUCTS})",
    "StockLevel": f"product IN ({_PRODUCTS})",
    "Warehouse": f"id IN (SELECT warehouse FROM StockLevel WHERE product IN ({_PRODUCTS}))",
}


class Tables:
    """The floor's own database, filled from the same generator."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._link = sqlite3.connect(path)
        for entity in BUILTIN.entities:
            columns = ", ".join(f'"{each.name}"' for each in entity.fields)
            self._link.execute(f"CREATE TABLE {entity.name} (id PRIMARY KEY, {columns}) WITHOUT ROWID")

    def fill(self, entity: str, rows: Iterable[tuple[str, Values]]) -> None:
        """Insert an entity's records."""
        names = [each.name for each in BUILTIN.entity(entity).fields]
        marks = ", ".join("?" * (len(names) + 1))
        texts = ([record, *(_text(values.get(name)) for name in names)] for record, values in rows)
        self._link.executemany(f"INSERT INTO {entity} VALUES ({marks})", texts)

    def finish(self) -> None:
        """Index and commit."""
        for entity, columns in _INDEXES:
            self._link.execute(f"CREATE INDEX {entity}_scope ON {entity} ({columns})")
        self._link.commit()
        self._link.execute("ANALYZE")
        self._link.close()


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def render(link: sqlite3.Connection, rep: str, today: date) -> str:
    """A rep's records as one document."""
    year = today.replace(year=today.year - 1, day=min(today.day, 28) if today.month == 2 else today.day)
    bound = {"rep": rep, "today": str(today), "until": str(today + timedelta(days=7)), "year": str(year)}
    parts = ["<page>"]
    for entity, where in SCOPE.items():
        cursor = link.execute(f"SELECT * FROM {entity} WHERE {where}", bound)
        names = [each[0] for each in cursor.description]
        for row in cursor:
            fields = (
                f"<{name}>{escape(text)}</{name}>" for name, text in zip(names, row, strict=True) if text is not None
            )
            parts.append(f"<{entity}>{''.join(fields)}</{entity}>")
    parts.append("</page>")
    return "".join(parts)


def fetch(port: int, context: ssl.SSLContext, rep: str, file: Path) -> int:
    """Fetch a rep's records into a new file and commit; how many there were."""
    with socket.create_connection(("localhost", port)) as bare:
        over = context.wrap_socket(bare, server_hostname="localhost")
        over.sendall(rep.encode() + b"\n")
        stream = over.makefile("rb")
        (length,) = struct.unpack(">I", stream.read(4))
        packed = stream.read(length)
        over.close()
    rows = []
    for record in ElementTree.fromstring(gzip.decompress(packed)):
        fields = {each.tag: each.text for each in record}
        rows.append((record.tag, fields["id"], "\x1f".join(f"{name}={text}" for name, text in fields.items())))
    link = sqlite3.connect(file)
    link.execute("CREATE TABLE record (entity, id, fields, PRIMARY KEY (entity, id)) WITHOUT ROWID")
    link.executemany("INSERT INTO record VALUES (?, ?, ?)", rows)
    link.commit()
    link.close()
    return len(rows)


@contextmanager
def served(database: Path, certificate: Path, key: Path, today: date) -> Iterator[tuple[int, int]]:
    """The floor's server as a process for a block: its port and process id."""
    command = [sys.executable, "-m", "bench.floor", str(database), str(certificate), str(key), str(today)]
    root = Path(__file__).resolve().parents[1]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait()


def serve(database: str, certificate: str, key: str, today: date) -> None:
    """Answer one connection after another until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    link = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            bare, _ = listener.accept()
            try:
                with context.wrap_socket(bare, server_side=True) as over:
                    rep = over.makefile("rb").readline().decode().strip()
                    packed = gzip.compress(render(link, rep, today).encode(), GZIP_LEVEL)
                    over.sendall(struct.pack(">I", len(packed)) + packed)
            except OSError:
                time.sleep(0)  # a caller that went away: the next one is waiting


if __name__ == "__main__":
    serve(*sys.argv[1:4], date.fromisoformat(sys.argv[4]))

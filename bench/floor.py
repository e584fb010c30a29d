"""The floor of a first sync: the least that selecting, rendering, packing, encrypting, parsing and keeping cost.

Belongs here: bare Python over SQLite, no SOAP, no authentication, no scope rules, no manifest, no validation;
standard library only, beside zstandard where it is installed. May not know: the hub. The records are those of the
standard scope.

    request   the coding ("gzip" or "zstd"), a space, the rep's id and a line feed
    answer    4 bytes of length, big-endian, then packed <page><Entity><field>text</field>...</Entity>...</page>
"""

from __future__ import annotations

import gzip
import socket
import sqlite3
import ssl
import struct
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

from bench.children import obey
from bench.plain import Plain

GZIP_LEVEL = 6
ZSTD_LEVEL = 1
_MOST = 1 << 28


def render(plain: Plain, rep: str, today: date) -> str:
    """A rep's records as one document."""
    parts = ["<page>"]
    for entity, texts in plain.scope(rep, today):
        fields = "".join([f"<{name}>{_escape(text)}</{name}>" for name, text in texts.items()])
        parts.append(f"<{entity}>{fields}</{entity}>")
    parts.append("</page>")
    return "".join(parts)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pack(coding: str) -> Callable[[bytes], bytes]:
    """The packer of a coding; raises ImportError where it is not installed."""
    if coding == "gzip":
        return lambda data: gzip.compress(data, GZIP_LEVEL)
    import zstandard

    return lambda data: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)


def unpack(coding: str) -> Callable[[bytes], bytes]:
    """The unpacker of a coding; raises ImportError where it is not installed."""
    if coding == "gzip":
        return gzip.decompress
    import zstandard

    return lambda data: zstandard.ZstdDecompressor().decompress(data, _MOST)


class Fetcher:
    """The floor's client."""

    def __init__(self, ca: str) -> None:
        self._context = ssl.create_default_context(cafile=ca)

    def first(self, port: int, coding: str, rep: str, file: str) -> dict[str, int]:
        """Fetch a rep's records into a new file and commit; how many there were."""
        with socket.create_connection(("localhost", port)) as bare:
            over = self._context.wrap_socket(bare, server_hostname="localhost")
            over.sendall(f"{coding} {rep}\n".encode())
            stream = over.makefile("rb")
            (length,) = struct.unpack(">I", stream.read(4))
            packed = stream.read(length)
            over.close()
        rows = []
        for record in ElementTree.fromstring(unpack(coding)(packed)):
            fields = {each.tag: each.text for each in record}
            rows.append((record.tag, fields["id"], "\x1f".join([f"{name}={text}" for name, text in fields.items()])))
        link = sqlite3.connect(file)
        link.execute("CREATE TABLE record (entity, id, fields, PRIMARY KEY (entity, id)) WITHOUT ROWID")
        link.executemany("INSERT INTO record VALUES (?, ?, ?)", rows)
        link.commit()
        link.close()
        return {"records": len(rows)}


def serve(database: str, certificate: str, key: str, today: date, port: int) -> None:
    """Answer one connection after another until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    plain = Plain(Path(database))
    with socket.create_server(("127.0.0.1", port)) as waiting:
        while True:
            bare, _ = waiting.accept()
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(bare, server_side=True) as over:
                    coding, rep = over.makefile("rb").readline().decode().split()
                    packed = pack(coding)(render(plain, rep, today).encode())
                    over.sendall(struct.pack(">I", len(packed)) + packed)
            except (OSError, ValueError):
                bare.close()  # a caller that only looked whether the port is open


def main(role: str, *words: str) -> None:
    """`serve DATABASE CERTIFICATE KEY TODAY PORT`, or `fetch CA` under orders."""
    if role == "serve":
        serve(words[0], words[1], words[2], date.fromisoformat(words[3]), int(words[4]))
    else:
        obey({"first": Fetcher(words[0]).first})


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Other SOAP servers with the hub's own contract and customers: plain Spyne, node-soap, PHP's SoapServer.

Belongs here: starting each for a block. May not know: what is asked of them, or the hub's inside.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import peer_spyne
from bench.children import free_port, server
from bench.peers import node_soap, php_soap
from bench.peers.base import Unavailable
from bench.peers.install import Node
from bench.workload import Sizes, Workload

_PHP_PROCESSES = "8"
"""As many as the hub has threads by default."""
_READY = 200
"""Records that lie ready for a search: the most that a page may hold."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server under measurement; without an authority it speaks plain HTTP."""

    name: str
    port: int
    pid: int
    path: str
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """What all servers are given: sizes of the workload, the hub's certificate, its WSDL in one document, a session."""

    sizes: Sizes
    folder: Path
    tls: Path
    wsdl: bytes
    token: str

    @property
    def ca(self) -> str:
        """The authority of the certificate."""
        return str(self.tls / "authority.pem")

    @property
    def pair(self) -> tuple[Path, Path]:
        """Certificate and key."""
        return self.tls / "hub.pem", self.tls / "hub.key"


@contextmanager
def spyne(contract: Contract, _cache: Path) -> Iterator[Server]:
    """Plain Spyne's WSGI application behind Cheroot."""
    tables = peer_spyne.Tables(contract.folder / "spyne.sqlite")
    tables.fill(Workload(contract.sizes).customers())
    tables.finish(contract.token)
    with peer_spyne.served(tables.path, *contract.pair) as (port, pid):
        yield Server("plain Spyne", port, pid, "/", contract.ca)


@contextmanager
def node(contract: Contract, cache: Path) -> Iterator[Server]:
    """node-soap's server, all customers in memory; raises Unavailable."""
    pins = Path(node_soap.__file__).parent
    modules = Node(cache, pins).modules()
    shutil.copy(pins / "server.js", modules)
    wsdl, data = contract.folder / "customer.wsdl", contract.folder / "customers.json"
    wsdl.write_bytes(contract.wsdl)
    data.write_text(json.dumps(list(_records(contract.sizes))), encoding="utf-8")
    port = free_port()
    command = ["node", str(modules / "server.js"), str(port), str(wsdl), str(data), *map(str, contract.pair)]
    with server([*command, contract.token], port, contract.folder / "node-soap.log") as pid:
        yield Server("node-soap", port, pid, "/", contract.ca)


@contextmanager
def php(contract: Contract, _cache: Path) -> Iterator[Server]:
    """PHP's SoapServer behind PHP's web server, which has no TLS; raises Unavailable."""
    if shutil.which("php") is None:
        raise Unavailable("PHP is not installed (apt-get install php-cli php-soap)")
    if "soap" not in subprocess.run(["php", "-m"], capture_output=True, text=True).stdout.split():
        raise Unavailable("PHP has no SOAP extension (apt-get install php-soap)")
    folder = contract.folder / "php"
    folder.mkdir()
    (folder / "customer.wsdl").write_bytes(contract.wsdl)
    _lay_ready(folder, contract.sizes)
    environment = {
        "SADDLEBAG_FOLDER": str(folder),
        "SADDLEBAG_TOKEN": contract.token,
        "PHP_CLI_SERVER_WORKERS": _PHP_PROCESSES,
    }
    port = free_port()
    router = str(Path(php_soap.__file__).parent / "router.php")
    command = ["php", "-d", "soap.wsdl_cache_dir=" + str(folder), "-S", f"127.0.0.1:{port}", router]
    with server(command, port, contract.folder / "php.log", environment) as pid:
        yield Server("PHP SoapServer, no TLS", port, pid, "/")


SERVERS: Sequence[Callable[[Contract, Path], AbstractContextManager[Server]]] = (spyne, node, php)


def _records(sizes: Sizes) -> Iterator[Mapping[str, object]]:
    for number, (record, values) in enumerate(Workload(sizes).customers()):
        texts = {name: _text(value) for name, value in values.items() if value not in (None, ())}
        stamp = "2026-03-01T06:00:00Z"
        yield {"id": record, "version": number + 1, **texts, "createdAt": stamp, "modifiedAt": stamp}


def _text(value: object) -> object:
    return list(value) if isinstance(value, tuple) else str(value)


def _lay_ready(folder: Path, sizes: Sizes) -> None:
    """The files that PHP reads: one customer, and the first of each country."""
    countries: dict[str, list[Mapping[str, object]]] = {}
    for number, each in enumerate(_records(sizes)):
        if number == sizes.customers // 2:
            (folder / f"id-{each['id']}.json").write_text(json.dumps([each]), encoding="utf-8")
        first = countries.setdefault(str(each["country"]), [])
        if len(first) < _READY:
            first.append(each)
    for country, first in countries.items():
        (folder / f"country-{country}.json").write_text(json.dumps(first), encoding="utf-8")

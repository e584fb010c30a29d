"""The floor's figures: `bench.floor` as a server and a client of their own, in each coding.

Belongs here: running it, and checking that it carries the whole scope. May not know: what is compared with it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from bench.children import ChildFailed, Client, free_port, server
from bench.exact import check
from bench.figures import Report, counting, cpu_seconds, median
from bench.peers.base import Unavailable
from bench.peers.install import Python
from bench.prepared import Prepared


def measure(report: Report, ready: Prepared, runs: int, python: Python | None) -> None:
    """The first sync of the floor: in the peers' interpreter where there is one, for it has Zstandard; else in this."""
    program, codings = _interpreter(report, python)
    tls, port = ready.hub.folder / "tls", free_port()
    command = [program, "-m", "bench.floor", "serve", str(ready.plain.path), str(tls / "hub.pem"), str(tls / "hub.key")]
    with server([*command, str(ready.today), str(port)], port, ready.folder / "floor.log") as pid:
        client = Client([program, "-m", "bench.floor", "fetch", str(ready.hub.ca)])
        try:
            for coding in codings:
                _in(report, ready, coding, client, port, pid, runs)
        except ChildFailed as problem:
            report.skip("sync.first, floor", str(problem))
        finally:
            client.close()


def _interpreter(report: Report, python: Python | None) -> tuple[str, list[str]]:
    """An interpreter, and the codings that it has."""
    if python is not None:
        try:
            return python.program(), ["gzip", "zstd"]
        except Unavailable as problem:
            report.skip("sync.first, floor zstd", str(problem))
    return sys.executable, ["gzip", "zstd"] if find_spec("zstandard") else ["gzip"]


def _in(report: Report, ready: Prepared, coding: str, client: Client, port: int, pid: int, runs: int) -> None:
    made, wanted, name = 0, ready.plain.size(ready.rep, ready.today), f"floor {coding}"

    def fetch(to: int) -> float:
        nonlocal made
        made += 1
        told = client.ask("first", port=to, coding=coding, rep=ready.rep, file=str(ready.folder / f"{name}{made}"))
        check(told["records"] == wanted, f"the floor has {told['records']} records, wanted {wanted}")
        return float(told["seconds"]) * 1000

    fetch(port)
    walls, cpus = [], []
    for _ in range(runs):
        used = cpu_seconds(pid)
        walls.append(fetch(port))
        cpus.append((cpu_seconds(pid) - used) * 1000)
    report.add_all("sync.first.wall", walls, "ms", name)
    report.add("sync.first.server_cpu", median(cpus), "ms", name)
    with counting(port) as proxy:
        fetch(proxy.port)
        report.add("sync.first.wire", proxy.traffic(), "bytes", name)

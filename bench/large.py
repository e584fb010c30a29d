"""`memory`: the most that hub and client hold at once at a scope of 100,000 records; `footprint`: the packed client.

Belongs here: one rep who carries everything of many customers; the client as a process of its own. May not know: how
either keeps small.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from conformance.hub import run

from bench.exact import check
from bench.figures import Report, family, median, peak_megabytes
from bench.laptops import Laptops
from bench.prepared import TENANT, prepared
from bench.workload import Sizes

RECORDS = 100_000
_CUSTOMERS = 100_000
_STARTS = 11


def memory(report: Report, arguments: argparse.Namespace) -> None:
    """Peaks of hub and client in the first sync of a large scope, and after it in an empty one."""
    with prepared(Sizes(customers=max(arguments.customers, _CUSTOMERS)), arguments.cache) as ready:
        who = ready.hub.user(TENANT, "large", "admin")
        rules = ready.folder / "large.json"
        everything = ready.plain.ids("Deal")
        check(len(everything) > RECORDS, f"the workload has no {RECORDS} deals")
        where = {"field": "number", "op": "lt", "value": everything[RECORDS]}  # a deal's number is its id here
        rule = {"name": "many", "entity": "Deal", "where": where}
        rules.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
        ready.hub.command("scope", "set", TENANT, "role:admin", str(rules))
        ready.hub.start()
        assert ready.hub.process is not None
        laptops = Laptops(ready, who)
        file = laptops.new()
        report.add("memory.hub.idle", _peak(ready.hub.process.pid), "MB")
        for name, records in (("first", RECORDS), ("empty", 0)):
            sync, peak = _metered(laptops, file)
            check(sum(sync["received"].values()) == records, f"the {name} sync brought {sync['received']}")
            report.add(f"memory.{name}.wall", sync["wall"] * 1000, "ms")
            report.add(f"memory.{name}.client", peak, "MB")
            report.add(f"memory.{name}.hub", _peak(ready.hub.process.pid), "MB")


def _peak(pid: int) -> float:
    """The most that a hub's processes have held, each."""
    return max(peak_megabytes(each) for each in family(pid))


def _metered(laptops: Laptops, file: Path) -> tuple[dict[str, Any], float]:
    """A sync by the packed client, and the most memory that it held at once, in megabytes."""
    command = laptops.command(file, "sync")
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        told = json.loads(output.read())
    check(process.returncode == 0, f"the client failed: {told}")
    return {**told, "wall": time.perf_counter() - started}, usage.ru_maxrss / 1024


def footprint(report: Report, _arguments: argparse.Namespace) -> None:
    """The packed client's size, and from its start to its answer on an empty file."""
    with tempfile.TemporaryDirectory(prefix="saddlebag-bench-") as name:
        pyz = Path(name, "saddlebag.pyz")
        run("client", "build", str(pyz))
        report.add("footprint.size", pyz.stat().st_size / 1000, "kB")
        for words in (["--version"], ["--file", str(Path(name, "none.sqlite")), "status"]):
            report.add(
                f"footprint.start.{words[-1].strip('-')}", median([_start(pyz, words) for _ in range(_STARTS)]), "ms"
            )


def _start(pyz: Path, words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", str(pyz), *words], capture_output=True, check=False)
    return (time.perf_counter() - started) * 1000

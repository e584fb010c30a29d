"""The command `bench/run`: which harnesses, of which size, into which report.

Belongs here: the command line. May not know: any harness's inside.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import goals, growth, large, soap, sync, throughput
from bench.figures import Report

HARNESSES = {
    "soap": soap.measure,
    "sync": sync.measure,
    "throughput": throughput.measure,
    "growth": growth.measure,
    "memory": large.memory,
    "footprint": large.footprint,
}


_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


def _cache() -> Path:
    """The folder for what can be made again (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "saddlebag-bench"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the harnesses named; their figures go to standard output as JSON, and to a file where one is asked for."""
    arguments = _parser().parse_args(argv)
    unknown = sorted(set(arguments.names) - set(HARNESSES))
    if unknown:
        raise SystemExit(f"bench/run: there is no harness {unknown[0]}; there are {', '.join(HARNESSES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers, databases and copies go with the run
    report = Report()
    for name in arguments.names or list(HARNESSES):
        HARNESSES[name](report, arguments)
    goals.judge(report)
    sys.stdout.write(report.text)
    if arguments.json:
        arguments.json.write_text(report.text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/run", description="Measure the hub beside peers and floors.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(HARNESSES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is printed to a file as well")
    parser.add_argument("--customers", type=int, default=10_000, help="customers of the workload (default 10000)")
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each kind in soap (default 2000)")
    parser.add_argument("--connections", type=int, default=4, help="keep-alive connections in soap (default 4)")
    parser.add_argument("--runs", type=int, default=11, help="times that each sync is repeated (default 11)")
    parser.add_argument("--devices", type=int, default=160, help="devices that pull in throughput (default 160)")
    sizes = "10000,100000,1000000"
    parser.add_argument("--growth", default=sizes, metavar="N,N,...", help=f"customers of the hubs in growth ({sizes})")
    parser.add_argument("--peers", action="store_true", help="install and measure the peers of sync as well")
    parser.add_argument("--postgres", default=_POSTGRES, metavar="URL", help="a server's administrator, for peers")
    parser.add_argument("--cache", type=Path, default=_cache(), metavar="FOLDER", help="where full hubs and peers stay")
    return parser

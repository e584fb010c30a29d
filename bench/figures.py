"""Figures: what a harness reports, and how they are read off clocks and processes.

Belongs here: the report's value, medians, CPU time of another process, a proxy that counts bytes. May not know: any
single benchmark.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: its name, value and unit, and the same of whom or what it stands beside ("" for nobody)."""

    figure: str
    value: float
    unit: str
    versus: str = ""


@dataclass
class Report:
    """The figures of one run, told on standard error as they come."""

    figures: list[Figure] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, versus: str = "") -> None:
        """Take one figure."""
        rounded = round(value, 3) if abs(value) < 100 else round(value, 1)
        self.figures.append(Figure(name, rounded, unit, versus))
        self.note(f"{name:<44} {rounded:>12,} {unit:<10} {versus}")

    def add_all(self, name: str, values: Sequence[float], unit: str, versus: str = "") -> None:
        """Take the median of what was measured again and again, and the least as `NAME.least`."""
        self.add(name, median(values), unit, versus)
        self.add(f"{name}.least", min(values), unit, versus)

    def skip(self, name: str, reason: str) -> None:
        """Take down what could not be measured, and why."""
        self.skipped[name] = reason
        self.note(f"{name} skipped: {reason}")

    def note(self, text: str) -> None:
        """Tell people something that is no figure."""
        print(text, file=sys.stderr, flush=True)

    def of(self, name: str, versus: str = "") -> float | None:
        """A figure that was taken, or None."""
        return next((each.value for each in self.figures if (each.figure, each.versus) == (name, versus)), None)

    @property
    def text(self) -> str:
        """All figures as a JSON list."""
        told: list[dict[str, object]] = [asdict(each) for each in self.figures]
        told += [
            {"figure": name, "value": None, "unit": "skipped", "versus": why} for name, why in self.skipped.items()
        ]
        return json.dumps(told, indent=1) + "\n"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far, in nanosecond steps: Linux's clock of another process."""
    return time.clock_gettime((~pid << 3) | 2)


def family(pid: int) -> list[int]:
    """A process and all that it started, and they again."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, task.read_text(encoding="ascii").split())
    return found


def cpu_seconds_of(pids: Sequence[int]) -> float:
    """CPU time of several processes."""
    return sum(cpu_seconds(each) for each in pids)


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held at once."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError("the kernel tells no peak memory")


class CountingProxy:
    """Forwards TCP connections to a port and counts bytes both ways: what TLS really put on the wire."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self.up = self.down = self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Start counting at nothing."""
        with self._lock:
            self.up = self.down = self.connections = 0

    def traffic(self) -> int:
        """Bytes both ways since the count began, which begins anew."""
        with self._lock:
            counted = self.up + self.down
            self.up = self.down = self.connections = 0
        return counted

    def close(self) -> None:
        """Accept no more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            with self._lock:
                self.connections += 1
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    self.up += len(data) if upward else 0
                    self.down += 0 if upward else len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()  # one side has gone: so has the other


@contextmanager
def counting(port: int) -> Iterator[CountingProxy]:
    """A counting proxy for a block."""
    proxy = CountingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()

"""The load generator: a process of its own that sends one request again and again over connections kept alive.

Belongs here: sending, timing, checking that each answer is the same kind as the first. May not know: SOAP, servers.

    standard input   a JSON object, see `Order`
    standard output  {"seconds", "milliseconds": [of each call], "bytes": of one answer}
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, over TLS where there is an authority `ca`; `count` is how often `marker` is in a right answer."""

    port: int
    ca: str
    path: str
    headers: Mapping[str, str]
    body: str
    marker: str
    count: int
    connections: int
    calls: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; `milliseconds` are those of each call after the warm-up."""

    seconds: float
    milliseconds: list[float]
    bytes: int


def run(order: Order) -> Load:
    """Send the load from a process of its own, so that its work is not done by the measured one."""
    command = [sys.executable, "-m", "bench.load"]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, input=json.dumps(asdict(order)), capture_output=True, text=True, cwd=root)
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr[-2000:]}")
    return Load(**json.loads(done.stdout))


class _Caller(threading.Thread):
    """One connection that is kept alive, and its calls one after another."""

    def __init__(self, order: Order, calls: int) -> None:
        super().__init__()
        self.order, self.calls = order, calls
        self.milliseconds: list[float] = []
        self.size = 0
        self.problem: Exception | None = None
        self.link = http.client.HTTPConnection("127.0.0.1", order.port, timeout=300)
        if order.ca:
            context = ssl.create_default_context(cafile=order.ca)
            self.link = http.client.HTTPSConnection("localhost", order.port, context=context, timeout=300)

    def run(self) -> None:
        try:
            for _ in range(self.calls):
                started = time.perf_counter()
                self._once()
                self.milliseconds.append((time.perf_counter() - started) * 1000)
        except Exception as problem:  # noqa: BLE001 - the main thread raises it again
            self.problem = problem
        finally:
            self.link.close()

    def _once(self) -> None:
        self.link.request("POST", self.order.path, self.order.body.encode(), dict(self.order.headers))
        answer = self.link.getresponse()
        data = answer.read()
        self.size = len(data)
        if answer.status != 200 or data.count(self.order.marker.encode()) != self.order.count:
            raise ValueError(f"a wrong answer: {answer.status} {data[:1500]!r}")


def _send(order: Order, calls: int) -> Load:
    callers = [_Caller(order, calls // order.connections) for _ in range(order.connections)]
    started = time.perf_counter()
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    seconds = time.perf_counter() - started
    for each in callers:
        if each.problem:
            raise each.problem
    return Load(seconds, [value for each in callers for value in each.milliseconds], callers[0].size)


def main() -> None:
    """Read the order, warm up, send, print what came of it."""
    order = Order(**json.load(sys.stdin))
    if order.warm_up:
        _send(order, order.warm_up)
    json.dump(asdict(_send(order, order.calls)), sys.stdout)


if __name__ == "__main__":
    main()

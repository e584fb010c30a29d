"""Processes that a harness starts: servers that are ended with their block, clients that take orders line by line.

Belongs here: starting, asking, ending; standard library only, so that a peer's own interpreter can use it. May not
know: what any of them does.

A client reads one JSON object a line, {"op": NAME, ...}, and answers each with one, to which `seconds` is added: what
the operation took inside the client. {"error": TEXT} stands for one that failed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
"""How long a server may take to listen: a guard against hanging."""

Operation = Callable[..., dict[str, Any]]


class ChildFailed(Exception):
    """A server did not start, or a client could not do what it was told."""


class Client:
    """A client process under orders."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, op: str, **arguments: object) -> dict[str, Any]:
        """Have an operation done; raises ChildFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        while line and not line.startswith("{"):
            line = self._process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": f"it ended with {self._process.wait()}"}
        if "error" in told:
            raise ChildFailed(f"{op}: {told['error']}")
        return told

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def obey(operations: Mapping[str, Operation]) -> None:
    """The client's side: do what standard input orders until it ends."""
    for line in sys.stdin:
        order = json.loads(line)
        started = time.perf_counter()
        try:
            told = operations[order.pop("op")](**order) or {}
        except Exception as problem:  # noqa: BLE001 - it is told to the harness, which stops
            told = {"error": repr(problem)[:1000]}
        told["seconds"] = time.perf_counter() - started
        print(json.dumps(told), flush=True)


@contextmanager
def server(command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A server process for a block, once it listens on the port: its process id. Raises ChildFailed."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server with all that it started: some leave their children behind."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):  # the group is empty: all have ended
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise ChildFailed(f"it did not start: {log.read_text(errors='replace')[-1500:]}") from None
            time.sleep(0.05)


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])

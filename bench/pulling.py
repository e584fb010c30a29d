"""The load of many laptops at once: processes of their own that pull for one device after another, as bare as can be.

Belongs here: a TLS connection for each pull, a message made beforehand, the cursor for the next one read from the
answer. May not know: scopes, stages. No local file is written, so that the machine's time goes to the hub.

    standard input   a line {"port", "ca", "path"}; then for each order a line [[device's session header, cursor,
                     records that it must end up with], ...]
    standard output  for each order a line {"seconds", "cursors": [...]} or {"error"}
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.wire import MEDIA, SOAP11, envelope

_HEADERS = {"Content-Type": MEDIA[SOAP11], "SOAPAction": '"urn:saddlebag:sync:v1/Pull"', "Accept-Encoding": "gzip"}
_CURSOR = re.compile(rb"<(?:\w+:)?cursor>([^<]+)<")
_COUNT = re.compile(rb"<(?:\w+:)?count>(\d+)<")

Device = tuple[str, str, int]
"""Its session header, its cursor, and how many records it must end up with."""


class Puller:
    """One process of the load."""

    def __init__(self, port: int, ca: Path, path: str) -> None:
        command = [sys.executable, "-m", "bench.pulling"]
        root = Path(__file__).resolve().parents[1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        self._say({"port": port, "ca": str(ca), "path": path})

    def begin(self, devices: Sequence[Device]) -> None:
        """Order a pull for each device."""
        self._say(devices)

    def end(self) -> list[str]:
        """Wait until all are done: the devices' new cursors. Raises RuntimeError for a wrong answer."""
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        if "error" in told:
            raise RuntimeError(f"a pull failed: {told['error']}")
        return list(told["cursors"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _say(self, told: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()


def together(pullers: Sequence[Puller], devices: Sequence[Device]) -> tuple[float, list[str]]:
    """Pull for all devices, shared out among the processes: the seconds that took, and the new cursors in order."""
    started = time.perf_counter()
    for number, each in enumerate(pullers):
        each.begin(devices[number :: len(pullers)])
    shares = [each.end() for each in pullers]
    seconds = time.perf_counter() - started
    return seconds, [shares[number % len(pullers)][number // len(pullers)] for number in range(len(devices))]


def pull(context: ssl.SSLContext, port: int, path: str, device: Device) -> str:
    """One pull over a connection of its own: the cursor that it gave. Raises ValueError for a wrong answer."""
    session, cursor, records = device
    inner = f"<m:Pull><m:cursor>{cursor}</m:cursor><m:maxBytes>1048576</m:maxBytes></m:Pull>"
    link = http.client.HTTPSConnection("localhost", port, context=context, timeout=300)
    link.request("POST", path, envelope(inner, session, service="sync"), _HEADERS)
    answer = link.getresponse()
    data = answer.read()
    link.close()
    if answer.getheader("Content-Encoding") == "gzip":
        data = gzip.decompress(data)
    found = _CURSOR.search(data)
    if answer.status != 200 or found is None or not _ends_with(records, data):
        raise ValueError(f"{answer.status}, wanted {records} records: {data[:1000]!r} ... {data[-1500:]!r}")
    return found[1].decode()


def _ends_with(records: int, data: bytes) -> bool:
    """Whether the answer's digests say that the device then holds so many."""
    counts = [int(each) for each in _COUNT.findall(data)]
    return records in counts or sum(counts) == records


def main() -> None:
    """Obey until standard input ends."""
    first = json.loads(sys.stdin.readline())
    context = ssl.create_default_context(cafile=first["ca"])
    for line in sys.stdin:
        started = time.perf_counter()
        try:
            cursors = [pull(context, first["port"], first["path"], tuple(each)) for each in json.loads(line)]
            told: dict[str, object] = {"seconds": time.perf_counter() - started, "cursors": cursors}
        except (OSError, ValueError, http.client.HTTPException) as problem:
            told = {"error": str(problem)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

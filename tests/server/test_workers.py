"""Worker processes: replaced when they die, ended with their parent, one hub to whoever calls it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import Any

import pytest

from hub_process import PASSWORD, TENANT, HubProcess
from saddlebag.contract import namespaces
from saddlebag.server.workers import Place

PARENT = """
import os, signal, sys
from saddlebag.server.workers import Parent

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def work(number, lifeline, ready):
    say("at work", number, os.getpid())
    ready()
    os.read(lifeline, 1)

Parent(2, work, 5, lambda: say("ready"), lambda number: say("ended", number), lambda: say("stopping")).run()
say("all ended")
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A parent with two workers that wait for their lifeline to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _lines(parent: subprocess.Popen[str], count: int) -> list[str]:
    assert parent.stdout is not None
    return [parent.stdout.readline().strip() for _ in range(count)]


def _started(parent: subprocess.Popen[str]) -> dict[str, int]:
    """The workers' process ids by number, once the parent has said that all are ready."""
    lines = _lines(parent, 3)
    assert lines[2] == "ready"
    return {line.split()[2]: int(line.split()[3]) for line in lines[:2]}


def test_a_worker_that_is_killed_is_replaced_and_the_parent_says_ready_once(parent: subprocess.Popen[str]) -> None:
    first = _started(parent)
    os.kill(first["1"], signal.SIGKILL)
    ended, again = _lines(parent, 2)
    assert ended == "ended 1"
    assert again.startswith("at work 1 ")
    assert int(again.split()[3]) not in first.values()


def test_a_hub_whose_workers_never_get_ready_is_given_up() -> None:
    code = PARENT.replace('say("at work", number, os.getpid())', "raise SystemExit('no')").replace(
        ".run()", ".run() or say('hopeless')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ready" not in done.stdout
    assert done.stdout.splitlines()[-2:] == ["hopeless", "all ended"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_workers_and_then_the_parent(parent: subprocess.Popen[str], how: signal.Signals) -> None:
    _started(parent)
    parent.send_signal(how)
    lines = _lines(parent, 4)
    assert (lines[0], sorted(lines[1:3]), lines[3]) == ("stopping", ["ended 0", "ended 1"], "all ended")
    assert parent.wait() == 0


def test_workers_do_not_outlive_their_parent(parent: subprocess.Popen[str]) -> None:
    _started(parent)
    parent.kill()
    assert parent.stdout is not None
    assert parent.stdout.read() == "", "the pipe ends when the last process that could write to it has ended"


def test_a_worker_that_dies_again_and_again_is_started_ever_later_until_one_is_steady() -> None:
    place, now, delays = Place(0), 100.0, []
    for _ in range(8):
        place.started(1, now)
        now += 1
        delays.append(place.ended(now))
        now = place.due
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    place.started(1, now)
    assert place.ended(now + 60) == 0.5


class Pair:
    """A hub with two workers, and connections of which it is known who serves them."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self._open: list[HTTPSConnection] = []

    def connection(self) -> HTTPSConnection:
        context = create_default_context(cafile=str(self.hub.ca))
        self._open.append(HTTPSConnection("localhost", self.hub.port, context=context))
        return self._open[-1]

    def one_of_each(self) -> list[HTTPSConnection]:
        """A connection to each worker: they share connections out, so a few will do."""
        found: dict[object, HTTPSConnection] = {}
        while len(found) < 2:
            over = self.connection()
            request_id = call(over, "session", "GetServerTime")[2]
            found.setdefault(self.line_of(request_id)["worker"], over)
        return list(found.values())

    def line_of(self, request_id: str) -> dict[str, Any]:
        """What the log says of a call."""
        (line,) = [each for each in self.log() if each.get("request_id") == request_id]
        return line

    def log(self) -> list[dict[str, Any]]:
        text = (self.hub.folder / "hub.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def processes(self) -> dict[int, int]:
        """The process ids of the workers that were started last."""
        return {each["worker"]: each["pid"] for each in self.log() if each["message"] == "worker started"}

    def close(self) -> None:
        for over in self._open:
            over.close()
        self.hub.stop()


def call(over: HTTPSConnection, service: str, operation: str, inner: str = "", token: str = "") -> tuple[int, str, str]:
    """Status, body and request id of a SOAP 1.1 call."""
    header = f"<s:Header><t:Session><t:token>{token}</t:token></t:Session></s:Header>" if token else ""
    body = (
        f'<s:Envelope xmlns:s="{namespaces.SOAP11}" xmlns:t="{namespaces.TYPES}" '
        f'xmlns:m="{namespaces.service(service)}">{header}<s:Body><m:{operation}>{inner}</m:{operation}></s:Body>'
        "</s:Envelope>"
    )
    over.request("POST", f"/{TENANT}/{service}/v1", body.encode(), {"Content-Type": "text/xml; charset=utf-8"})
    answer = over.getresponse()
    return answer.status, answer.read().decode(), answer.headers["X-Request-Id"]


def _token(answer: str) -> str:
    return answer.partition("<s:token>")[2].partition("</s:token>")[0]


@pytest.fixture
def pair(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A hub with two workers on either database."""
    monkeypatch.setenv("SADDLEBAG_HUB_WORKERS", "2")
    hub = HubProcess(tmp_path / "hub", store_url)
    hub.add_user("ada", "admin")
    hub.start()
    pair = Pair(hub)
    yield pair
    pair.close()


def resumed(over: HTTPSConnection, port: int) -> bool:
    """Whether a TLS 1.3 session of a connection is taken up by whichever worker accepts the next one."""
    context, session = over._context, over.sock.session  # type: ignore[attr-defined]
    with (
        socket.create_connection(("localhost", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as again,
    ):
        return bool(again.session_reused)


LOGIN = f"<m:user>ada</m:user><m:password>{PASSWORD}</m:password>"


def test_two_workers_are_one_hub_and_end_as_one(pair: Pair) -> None:
    """A session of one holds at the other and ends there, too; a killed one is replaced; all write to one log."""
    one, other = pair.one_of_each()
    assert resumed(one, pair.hub.port)
    token = _token(call(one, "session", "Login", LOGIN)[1])
    assert call(other, "session", "GetUserInfo", token=token)[0] == 200
    assert call(other, "session", "Logout", token=token)[0] == 200
    assert "SB2003" in call(one, "session", "GetUserInfo", token=token)[1]

    pids = pair.processes()
    os.kill(pids[0], signal.SIGKILL)
    while pair.processes()[0] == pids[0]:
        time.sleep(0.02)
    pair.one_of_each()

    pair.hub.stop()
    stopped = [str(each.get("worker")) for each in pair.log() if each["message"] == "stopped"]
    assert sorted(stopped) == ["0", "1", "None"]
    assert not (pair.hub.folder / "ready").exists()

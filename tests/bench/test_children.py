"""Clients do what they are told and say what went wrong; servers are there for their block and gone after it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from bench.children import ChildFailed, Client, free_port, server
from bench.figures import family

_CLIENT = """
from bench.children import obey
def double(number): return {"doubled": 2 * number}
def fail(): raise ValueError("not today")
print("a line that is no answer", flush=True)
obey({"double": double, "fail": fail})
"""
_SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as waiting:
    while True: waiting.accept()
"""

_FORKING = """
import os, socket, sys
waiting = socket.socket()
waiting.bind(("127.0.0.1", int(sys.argv[1])))
os.fork()
waiting.listen()
while True: waiting.accept()
"""


@pytest.fixture
def client() -> Client:
    return Client([sys.executable, "-c", _CLIENT])


def test_a_client_answers_and_tells_how_long_it_took(client: Client) -> None:
    told = client.ask("double", number=21)
    client.close()
    assert told["doubled"] == 42
    assert told["seconds"] >= 0


def test_a_client_that_fails_says_why_and_goes_on(client: Client) -> None:
    with pytest.raises(ChildFailed, match="not today"):
        client.ask("fail")
    assert client.ask("double", number=1)["doubled"] == 2
    client.close()


def test_a_client_that_ended_by_itself_is_told() -> None:
    client = Client([sys.executable, "-c", "input(); raise SystemExit(3)"])
    with pytest.raises(ChildFailed, match="ended with 3"):
        client.ask("double", number=1)


def test_a_server_listens_in_its_block_and_not_after(tmp_path: Path) -> None:
    port = free_port()
    with server([sys.executable, "-c", _SERVER, str(port)], port, tmp_path / "log"):
        socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_what_a_server_has_started_ends_with_it(tmp_path: Path) -> None:
    """Two processes hold the port, which opens once there are two; neither ends the other."""
    port = free_port()
    with server([sys.executable, "-c", _FORKING, str(port)], port, tmp_path / "log") as pid:
        assert len(family(pid)) == 2
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_server_that_does_not_start_says_what_it_wrote(tmp_path: Path) -> None:
    with (
        pytest.raises(ChildFailed, match="no such setting"),
        server([sys.executable, "-c", "raise SystemExit('no such setting')"], free_port(), tmp_path / "log"),
    ):
        pass

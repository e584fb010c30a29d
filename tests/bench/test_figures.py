"""Figures are read off clocks and sockets as they say."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading

import pytest
from bench.figures import Report, counting, cpu_seconds, family, median, peak_megabytes, percentile
from bench.main import main


def test_the_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(1, 101)]
    assert percentile(values, 0.50) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert median([3, 1, 2]) == 2


def test_cpu_time_and_memory_of_a_process_are_its_own() -> None:
    before = cpu_seconds(os.getpid())
    assert sum(number * number for number in range(200_000)) > 0
    assert cpu_seconds(os.getpid()) > before
    assert peak_megabytes(os.getpid()) > 5


def test_the_proxy_passes_every_byte_on_and_counts_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(100, socket.MSG_WAITALL)
                link.sendall(b"x" * 5000)

        server = threading.Thread(target=answer)
        server.start()
        with counting(listener.getsockname()[1]) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port)) as link:
                link.sendall(b"y" * 100)
                assert link.recv(5000, socket.MSG_WAITALL) == b"x" * 5000
            server.join()
            assert (proxy.up, proxy.down, proxy.connections) == (100, 5000, 1)


def test_the_report_is_a_json_list_and_people_read_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.add("a.b", 1.23456, "ms", "floor")
    report.add("a.c", 12345.67, "bytes")
    assert json.loads(report.text) == [
        {"figure": "a.b", "value": 1.235, "unit": "ms", "versus": "floor"},
        {"figure": "a.c", "value": 12345.7, "unit": "bytes", "versus": ""},
    ]
    told = capsys.readouterr()
    assert "a.b" in told.err
    assert told.out == ""


def test_what_could_not_be_measured_is_told_with_its_reason() -> None:
    report = Report()
    report.add_all("a.wall", [3, 1, 2], "ms")
    report.skip("b", "no server")
    assert (report.of("a.wall"), report.of("a.wall.least"), report.of("b")) == (2, 1, None)
    assert json.loads(report.text)[-1] == {"figure": "b", "value": None, "unit": "skipped", "versus": "no server"}


def test_a_process_and_those_that_it_started_are_one_family() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(family(os.getpid()))
        assert family(child.pid) == [child.pid]
        child.kill()


def test_a_harness_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="no harness nosuch"):
        main(["nosuch"])

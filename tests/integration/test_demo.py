"""The demonstration: it ends well, writes what it promises, and its first sync is a sliver of a full replica."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep

_SECONDS = 120


def _started(folder: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    told = folder / "demo.json"
    command = [sys.executable, "-m", "saddlebag.cli", "demo", "--json", str(told), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True), told


def test_the_days_figures_hold_and_are_written(tmp_path: Path) -> None:
    process, told = _started(tmp_path, "--once")
    out, err = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0, err
    figures: dict[str, Any] = json.loads(told.read_text())
    assert {"url", "ca", "tenant", "user", "password"} <= figures.keys()
    assert figures["services"]["deal"] == f"{figures['url']}/demo/deal/v1"
    names = [step["name"] for step in figures["steps"]]
    assert names == [
        "install", "login", "first sync", "offline edit", "push", "change at the hub", "second sync", "empty sync",
    ]  # fmt: skip
    assert all(step.keys() == {"name", "records", "bytes_up", "bytes_down", "seconds"} for step in figures["steps"])
    assert figures["first_sync_bytes"] <= 0.01 * figures["full_replica_bytes"]
    assert figures["empty_sync_body_bytes"] <= 400
    assert figures["evicted"] > 0
    assert not Path(figures["ca"]).exists(), "the demonstration leaves nothing behind"
    assert "first sync" in out


@pytest.mark.heavy
def test_the_hub_stays_up_with_the_credentials_it_gives(tmp_path: Path) -> None:
    process, told = _started(tmp_path)
    try:
        figures = _awaited(process, told)
        http = requests.Session()
        http.trust_env = False
        http.verify = figures["ca"]

        def service(name: str) -> Any:
            wsdl = figures["services"][name] + "?wsdl"
            return zeep.Client(wsdl, transport=zeep.Transport(session=http)).service

        token = service("session").Login(user=figures["user"], password=figures["password"]).token
        stage = {"field": "stage", "op": "eq", "value": ["negotiate"]}
        headers = {"Session": {"token": token}}
        found = service("deal").SearchDeals(filter=[stage], limit=5, _soapheaders=headers)
        assert {deal.stage for deal in found.deal} == {"negotiate"}
    finally:
        process.terminate()
        process.communicate(timeout=_SECONDS)


def _awaited(process: subprocess.Popen[str], told: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _SECONDS
    while not told.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    figures: dict[str, Any] = json.loads(told.read_text())
    return figures

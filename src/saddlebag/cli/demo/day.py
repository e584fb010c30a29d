"""A rep's day, played with the real client against the running hub.

Belongs here: the steps, in order, each with what it moved. May not know: how the hub or the client does it: the
laptop is the packed file run by a bare Python, the back office is zeep over TLS.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import requests
import zeep

from saddlebag.cli.demo.hub import OFFICE, TENANT
from saddlebag.kernel.errors import UNAVAILABLE, SaddlebagError


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the day: records moved, bytes on the wire each way, seconds, and a sentence for people."""

    name: str
    records: int
    bytes_up: int
    bytes_down: int
    seconds: float
    story: str = ""
    body_bytes: int = 0
    evicted: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What the day needs to know: where the hub is, whose day it is, and who takes a deal over."""

    url: str
    ca: Path
    rep: str
    other_rep: str
    password: str
    folder: Path
    today: date


class Laptop:
    """The rep's machine: the downloaded file and a Python without site packages."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.pyz = setting.folder / "saddlebag.pyz"
        self._file = setting.folder / "laptop.sqlite"

    def install(self) -> Step:
        """Download the client and compare its hash with the one that the hub gives."""
        started = time.perf_counter()
        context = ssl.create_default_context(cafile=str(self._setting.ca))

        def fetch(name: str) -> bytes:
            with urllib.request.urlopen(f"{self._setting.url}/client/{name}", context=context, timeout=30) as answer:
                return bytes(answer.read())

        described, data = json.loads(fetch("version.json")), fetch("saddlebag.pyz")
        if hashlib.sha256(data).hexdigest() != described["sha256"]:
            raise SaddlebagError(UNAVAILABLE, "The downloaded client is not the one that the hub describes.")
        self.pyz.write_bytes(data)
        story = f"version {described['version']}, {len(data) / 1024:.0f} KB, hash checked"
        return Step("install", 0, 0, len(data), time.perf_counter() - started, story)

    def run(self, *words: str, stdin: str = "") -> dict[str, Any]:
        """One command of the client; its JSON."""
        command = [sys.executable, "-I", str(self.pyz), "--file", str(self._file), "--json", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SaddlebagError(UNAVAILABLE, f"The client failed at {words[0]}: {done.stderr.strip()[-500:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def login(self) -> Step:
        """Log in and register the laptop."""
        started = time.perf_counter()
        setting = self._setting
        words = ("login", setting.url, "--tenant", TENANT, "--user", setting.rep, "--ca", str(setting.ca))
        told = self.run(*words, "--password-stdin", stdin=setting.password + "\n")
        seconds = time.perf_counter() - started
        return Step("login", 0, told.get("bytes_up", 0), told.get("bytes_down", 0), seconds, f"as {setting.rep}")

    def sync(self, name: str) -> Step:
        """One sync; what went up, came down and left."""
        started = time.perf_counter()
        told = self.run("sync")
        seconds = time.perf_counter() - started
        sent, removed = told["sent"], told["removed"]
        received = sum(told["received"].values())
        story = f"{len(sent)} sent, {received} received, {len(removed)} removed"
        if removed:
            reasons = sorted({each["reason"] for each in removed})
            story += f" ({', '.join(reasons)})"
        moved = len(sent) + received + len(removed)
        up, down = told["bytes_up"], told["bytes_down"]
        return Step(name, moved, up, down, seconds, story, told["body_bytes"], len(removed))


class Office:
    """The back office: zeep, as any partner would use it."""

    def __init__(self, setting: Setting) -> None:
        http = requests.Session()
        # Else REQUESTS_CA_BUNDLE, where it is set, wins over the authority given here.
        http.trust_env = False
        http.verify = str(setting.ca)
        self._base = f"{setting.url}/{TENANT}"
        self._transport: Any = zeep.Transport(session=http)  # type: ignore[no-untyped-call]
        token = self._service("session").Login(user=OFFICE, password=setting.password).token
        self._headers = {"Session": {"token": token}}

    def _service(self, name: str) -> Any:
        client: Any = zeep.Client(f"{self._base}/{name}/v1?wsdl", transport=self._transport)  # type: ignore[no-untyped-call]
        return client.service

    def update_deal(self, deal: str, **values: Any) -> None:
        """Change fields of a deal; a result that is no success ends the demonstration."""
        service = self._service("deal")
        results = service.UpdateDeals(deal=[{"id": deal, **values}], _soapheaders=self._headers)
        if not results[0].success:
            raise SaddlebagError(UNAVAILABLE, f"The hub refused the office's change: {results[0].error.message}")


def play(setting: Setting, deals: list[str], customer: str) -> Iterator[Step]:
    """The day's steps as they happen; `deals` are the rep's deals of the week, of `customer` the first."""
    laptop = Laptop(setting)
    yield laptop.install()
    yield laptop.login()
    yield laptop.sync("first sync")
    yield _offline(laptop, deals[0], customer)
    yield laptop.sync("push")
    yield _at_the_hub(Office(setting), setting, deals)
    yield laptop.sync("second sync")
    yield laptop.sync("empty sync")


def _offline(laptop: Laptop, deal: str, customer: str) -> Step:
    started = time.perf_counter()
    laptop.run("edit", "Deal", deal, "nextStep=Send the signed offer", "probability=90")
    laptop.run("log", "visit", customer, "Saw the new plant", "--deal", deal)
    return Step("offline edit", 2, 0, 0, time.perf_counter() - started, "a deal edited, a visit logged, no connection")


def _at_the_hub(office: Office, setting: Setting, deals: list[str]) -> Step:
    started = time.perf_counter()
    office.update_deal(deals[1], amount="12345.67")
    office.update_deal(deals[-1], owner=setting.other_rep)
    story = "the office corrects one amount and gives one deal to another rep"
    return Step("change at the hub", 2, 0, 0, time.perf_counter() - started, story)

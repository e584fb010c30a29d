"""An encrypted laptop and a hub as processes, over TLS: killed, rotated, disabled, locked and unlocked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_process import PASSWORD, TENANT, HubProcess, Laptop
from saddlebag.kernel import errors

pytestmark = pytest.mark.heavy

NO_CONNECTION, STRANGER = 3, 4


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub with a rep and an administrator."""
    made = HubProcess(tmp_path / "hub")
    made.add_user("alice", "rep")
    made.add_user("boss", "admin")
    made.start()
    yield made
    made.stop()


def told(laptop: Laptop, *words: str, status: int = 0, stdin: str = "") -> Any:
    """What a command says to scripts."""
    return json.loads(laptop.run(*words, status=status, stdin=stdin))


def refused(laptop: Laptop, *words: str, status: int, stdin: str = "") -> str:
    """The code of a command that fails."""
    return str(told(laptop, *words, status=status, stdin=stdin)["error"]["code"])


def test_an_encrypted_laptop_outlives_whatever_happens_to_it_and_to_its_hub(hub: HubProcess, tmp_path: Path) -> None:
    laptop, lease = Laptop(hub.folder / "saddlebag.pyz", tmp_path), tmp_path / "laptop.sqlite.lease"
    login = ["login", hub.url, "--tenant", TENANT, "--user", "alice", "--ca", str(hub.ca), "--password-stdin"]
    device = told(laptop, *login, stdin=PASSWORD + "\n")["device"]
    laptop.run("encrypt")
    soon = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    laptop.run("new", "Customer", "name=Blue Mills", "kind=company")
    laptop.run("new", "Deal", "title=New looms", "customer=Blue Mills", "stage=qualify", f"closeDate={soon}")
    laptop.run("sync")
    key = bytes.fromhex(json.loads(lease.read_bytes())["key"])

    hub.kill()  # she works on, while nobody answers and the operator rotates keys
    laptop.run("edit", "Deal", "New looms", "nextStep=Send the offer")
    assert refused(laptop, "sync", status=NO_CONNECTION) == errors.NO_CONNECTION.code
    hub.run("device", "rotate-key")
    hub.start()
    hub.run("device", "rotate-key")  # a hub that runs needs no restart
    hub.service("device").DisableDevice(device=device, _soapheaders=hub.login("boss"))

    answer = told(laptop, "sync", status=1)
    assert answer["error"]["code"] == errors.LEASE_REFUSED.code
    assert (answer["unsent"], len(answer["removed"])) == (1, 2)
    lease.unlink()  # as after its end
    assert refused(laptop, "status", status=STRANGER) == errors.LEASE_ENDED.code
    assert refused(laptop, "sync", status=STRANGER) == errors.LEASE_ENDED.code
    unlock = ["unlock", "--password-stdin"]
    assert refused(laptop, *unlock, status=STRANGER, stdin=PASSWORD + "\n") == errors.LEASE_REFUSED.code
    assert refused(laptop, *unlock, status=STRANGER, stdin="guessed\n") == errors.INVALID_CREDENTIALS.code

    hub.run("device", "enable", TENANT, device)
    told(laptop, *unlock, stdin=PASSWORD + "\n")
    assert bytes.fromhex(json.loads(lease.read_bytes())["key"]) == key
    answer = told(laptop, "sync")
    assert [each["status"] for each in answer["sent"]] == ["applied"]
    assert told(laptop, "status")["records"] == {"Customer": 1, "Deal": 1}
    deals = hub.service("deal").SearchDeals(_soapheaders=hub.login("boss")).deal
    assert [(each.title, each.nextStep) for each in deals] == [("New looms", "Send the offer")]

    said = b"".join(each.read_bytes() for each in hub.folder.iterdir() if each.is_file())
    assert hub.url.encode() in said
    assert not any(form in said for form in (key, key.hex().encode(), base64.b64encode(key)))

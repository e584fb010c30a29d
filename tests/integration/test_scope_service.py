"""An administrator weighs, sets and pins over SOAP, and a laptop carries what she said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from zeep.exceptions import Fault

from hub_process import PASSWORD, TENANT, HubProcess, Laptop
from saddlebag.cli.client_build import build_pyz

pytestmark = pytest.mark.heavy

RULES = {
    "grace": 0,
    "rules": [
        {
            "name": "mine",
            "entity": "Deal",
            "where": {"field": "owner", "op": "eq", "value": {"param": "me"}},
            "fields": ["stage"],
            "cap": 5,
        }
    ],
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    made = HubProcess(tmp_path / "hub")
    made.add_user("alice", "rep")
    made.add_user("adam", "admin")
    made.start()
    yield made
    made.stop()


def make_deals(hub: HubProcess, owner: str) -> tuple[str, list[str]]:
    admin = hub.login("adam")
    customer = {"name": "Alpha", "owner": owner, "currency": "EUR"}
    (made,) = hub.service("customer").CreateCustomers(customer=[customer], _soapheaders=admin)
    deals = [
        {"title": f"Pumps {n}", "customer": made.id, "owner": owner, "amount": Decimal(5), "stage": "won"}
        for n in range(2)
    ]
    return made.id, [each.id for each in hub.service("deal").CreateDeals(deal=deals, _soapheaders=admin)]


def test_a_scope_set_over_soap_is_what_a_laptop_carries(hub: HubProcess, tmp_path: Path) -> None:
    scope, admin = hub.service("scope"), hub.login("adam")
    alice = str(hub.service("session").GetUserInfo(_soapheaders=hub.login("alice")).userId)
    customer, deals = make_deals(hub, alice)
    build_pyz(tmp_path / "saddlebag.pyz")
    laptop = Laptop(tmp_path / "saddlebag.pyz", tmp_path)
    words = ("login", hub.url, "--tenant", TENANT, "--user", "alice", "--ca", str(hub.ca), "--password-stdin")
    laptop.run(*words, stdin=PASSWORD + "\n")

    told = scope.EstimateScope(user=alice, rules=json.dumps(RULES), _soapheaders=admin)
    assert [(each.rule, each.records) for each in told.step] == [("mine", 2)]
    assert scope.SaveScope(name="role:rep", version=0, rules=json.dumps(RULES), _soapheaders=admin) == 1
    assert received(laptop) == {"Deal": 2}

    scope.PinRecord(entity="Customer", id=customer, _soapheaders=hub.login("alice"))
    scope.DeleteScope(name="role:rep", version=1, _soapheaders=admin)
    assert received(laptop) == {"Customer": 1}

    wrong = json.dumps({"rules": [{"name": "mine", "entity": "Deal", "where": {"missing": "colour"}}]})
    with pytest.raises(Fault) as caught:
        scope.SaveScope(name="default", version=0, rules=wrong, _soapheaders=admin)
    detail: Any = caught.value.detail
    texts = {each.tag.rpartition("}")[2]: each.text for each in detail.iter()}
    assert (texts["code"], texts["rule"], texts["field"]) == ("SB6007", "mine", "colour")
    assert len(deals) == 2


def received(laptop: Laptop) -> dict[str, int]:
    found: dict[str, int] = json.loads(laptop.run("sync"))["received"]
    return found

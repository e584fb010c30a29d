"""The main job, end to end, on real input: ERP -> adapter -> hub -> zeep and a laptop, and back.

The same scenario runs undisturbed and with the hub killed (SIGKILL) after every step; both must end in the same state.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub_process import PASSWORD, TENANT, HubProcess, Laptop
from saddlebag.cli.client_build import build_pyz
from throwaway_postgres import Server
from tryton_server import TrytonServer

pytestmark = [pytest.mark.heavy, pytest.mark.postgres]


class Scenario:
    """The actors and what they have learned so far."""

    def __init__(self, folder: Path, database: str, tryton: TrytonServer) -> None:
        self.hub = HubProcess(folder / "hub", database)
        self._tryton = tryton
        self._folder = folder
        build_pyz(self.hub.folder / "saddlebag.pyz")
        self.laptop = Laptop(self.hub.folder / "saddlebag.pyz", folder)
        for login in ("alice", "bob"):
            self.hub.add_user(login, "rep")
        self.hub.add_user("office", "integration")
        self.hub.start()
        self.today = datetime.now(UTC).date()
        self.held: set[tuple[str, str]] = set()
        self.users: dict[str, str] = {}
        self.customers: list[Any] = []
        self.deals: dict[str, str] = {}

    def office(self, service: str, operation: str, **members: Any) -> Any:
        """One call of the back office, each in a session of its own, so that no step leans on another's."""
        call = getattr(self.hub.service(service), operation)
        return call(**members, _soapheaders=self.hub.login("office"))

    def steps(self) -> list[Callable[[], None]]:
        """Everything that happens, in order."""
        return [
            self.bring_records_over,
            self.read_over_soap,
            self.upsert_deals,
            self.first_sync,
            self.edit_offline,
            self.push,
            self.see_the_edit,
            self.hand_over,
            self.second_sync,
            self.nothing_new,
        ]

    def bring_records_over(self) -> None:
        """The adapter reads Tryton; a second run finds nothing to do."""
        settings = self._folder / "tryton.json"
        settings.write_text(json.dumps(self._tryton.settings()))
        words = ("adapter", "run", TENANT, "tryton", "--settings", str(settings))
        self.hub.run(*words)
        last = self._last_change()
        self.hub.run(*words)
        assert self.office("metadata", "GetChanges", after=last).change == []

    def _last_change(self) -> int:
        last, more = 0, True
        while more:
            page = self.office("metadata", "GetChanges", after=last, limit=200)
            last, more = page.last, page.more
        return int(last)

    def read_over_soap(self) -> None:
        """zeep reads the customer, her invoices and stock."""
        found = self.office("customer", "SearchCustomers", order=[{"field": "name"}], limit=50)
        self.customers = [each for each in found.customer if each.name.startswith("Customer 0")]
        first = self.customers[0]
        assert "& Søn <" in first.name
        history = self.office("billing", "GetBillingHistory", customer=first.id)
        (bill,) = history.bill
        assert bill.invoice.total == Decimal(self._tryton.first_invoice_total())
        assert len(bill.invoiceLine) == 2
        stock = self.office("inventory", "GetStock", sku=[self._tryton.skus()[0]])
        assert stock.stock[0].onHand == Decimal(self._tryton.stock_of_first_product())

    def upsert_deals(self) -> None:
        """Two deals of alice for two customers, sharing one product; upserting twice is one effect."""
        users = self.office("metadata", "SearchUsers").user
        self.users = {each.name: each.id for each in users}
        products = self.office("inventory", "SearchProducts", order=[{"field": "sku"}], limit=10).product
        for number, customer in enumerate(self.customers[:2]):
            deal = {
                "number": f"DEAL-{number}",
                "customer": customer.id,
                "owner": self.users["alice"],
                "title": f"Pumps for {customer.name}",
                "stage": "propose",
                "amount": Decimal("1234.50"),
                "currency": "EUR",
                "closeDate": self.today + timedelta(days=3),
            }
            for _ in range(2):
                result = self.office("deal", "UpsertDeals", keyField="number", deal=[deal])[0]
                assert result.success
            self.deals[deal["number"]] = result.id
            lines = [
                {"deal": result.id, "product": product.id, "quantity": 2, "unitPrice": Decimal("12.34"), "position": at}
                for at, product in enumerate((products[0], products[number + 1]))
            ]
            assert all(each.success for each in self.office("deal", "CreateDealLines", dealLine=lines))

    def first_sync(self) -> None:
        """The laptop gets the two deals and what hangs on them."""
        words = ("login", self.hub.url, "--tenant", TENANT, "--user", "alice", "--ca", str(self.hub.ca))
        self.laptop.run(*words, "--password-stdin", stdin=PASSWORD + "\n")
        told = json.loads(self.laptop.run("sync"))
        assert told["received"]["Deal"] == 2
        assert told["received"]["Customer"] == 2
        assert told["received"]["Product"] == 3
        assert told["received"]["StockLevel"] >= 3
        assert told["received"]["Invoice"] >= 2
        self.held = self._rows()

    def edit_offline(self) -> None:
        """No connection is needed to edit."""
        deal = self.deals["DEAL-0"]
        self.laptop.run("edit", "Deal", deal, "nextStep=Bring the samples", "probability=70")
        assert json.loads(self.laptop.run("status"))["unsent"] == 1

    def push(self) -> None:
        """The edit meets a change of another field at the hub; both stay."""
        changed = {"id": self.deals["DEAL-0"], "amount": Decimal("2000.00")}
        assert self.office("deal", "UpdateDeals", deal=[changed])[0].success
        told = json.loads(self.laptop.run("sync"))
        assert [each["status"] for each in told["sent"]] in (["applied"], ["merged"])
        assert told["received"] == {"Deal": 1}

    def see_the_edit(self) -> None:
        """zeep sees both edits, each with the version of its field."""
        deal = self.deals["DEAL-0"]
        record = self.office("deal", "GetDeals", id=[deal]).deal[0]
        assert (record.nextStep, record.probability, record.amount) == ("Bring the samples", 70, Decimal("2000.00"))
        versions = {
            each.field: each.version for each in self.office("metadata", "GetFieldVersions", entity="Deal", id=deal)
        }
        assert versions["nextStep"] == record.version
        assert versions["title"] < versions["amount"] < versions["nextStep"]

    def hand_over(self) -> None:
        """The deal goes to another rep."""
        changed = {"id": self.deals["DEAL-0"], "owner": self.users["bob"]}
        assert self.office("deal", "UpdateDeals", deal=[changed])[0].success

    def second_sync(self) -> None:
        """What hung on the deal leaves with it; what the other deal holds stays."""
        told = json.loads(self.laptop.run("sync"))
        left = {(each["entity"], each["id"]) for each in told["removed"]}
        assert ("Deal", self.deals["DEAL-0"]) in left
        assert ("Customer", self.customers[0].id) in left
        reasons = {each["entity"]: each["reason"] for each in told["removed"]}
        # She saw the customer by her deal alone; products anybody sees.
        assert (reasons["Customer"], reasons["Product"]) == ("revoked", "left-scope")
        assert self._rows() == self.held - left
        kept = Counter(entity for entity, _ in self._rows())
        assert (kept["Deal"], kept["DealLine"], kept["Customer"], kept["Product"]) == (1, 2, 1, 2)

    def nothing_new(self) -> None:
        """One request, at most 400 bytes of body."""
        told = json.loads(self.laptop.run("sync"))
        assert (told["requests"], told["received"], told["removed"]) == (1, {}, [])
        assert told["body_bytes"] <= 400

    def _rows(self) -> set[tuple[str, str]]:
        entities = json.loads(self.laptop.run("status"))["records"]
        return {
            (entity, row["id"]) for entity in entities for row in json.loads(self.laptop.run("list", entity))["records"]
        }

    def end_state(self) -> dict[str, list[str]]:
        """What the laptop shows at the end, without ids that each run makes anew."""
        return {
            entity: sorted(row["label"] for row in json.loads(self.laptop.run("list", entity))["records"])
            for entity in json.loads(self.laptop.run("status"))["records"]
        }


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    """An empty PostgreSQL database."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.mark.parametrize("disturb", [False, True], ids=["undisturbed", "killed-between-steps"])
def test_records_travel_from_the_erp_to_the_laptop_and_back(
    tmp_path: Path, database: str, tryton: TrytonServer, disturb: bool
) -> None:
    scenario = Scenario(tmp_path, database, tryton)
    try:
        for step in scenario.steps():
            step()
            if disturb:
                scenario.hub.restart()
        assert scenario.end_state()["Deal"] == ["Pumps for Customer 001 & Søn <1>"]
    finally:
        scenario.hub.stop()

"""What a rep's device should hold, worked out from all records one by one: no query, no condition, no code of sync.

It judges the engine, so it shares nothing with it but the model's entity names and the store's plain reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from records_world import World
from saddlebag.model.condition import ALWAYS
from saddlebag.store.tables import Pin

Key = tuple[str, str]
OPEN = ("prospect", "qualify", "propose", "negotiate")
CATALOGUE = ("Product", "Warehouse", "StockLevel", "Territory", "Partner", "User")


@dataclass
class Oracle:
    """All live records of a world at one moment, and one of its reps."""

    world: World
    who: str

    def __post_init__(self) -> None:
        def read(tx: Any) -> None:
            self.records = {
                entity.name: {each.id: each for each in tx.find(entity.name, ALWAYS)} for entity in tx.schema.entities
            }
            self.pins = [(pin.entity, pin.record) for pin in tx.rows.select(Pin, user=self.who)]

        self.world.run(read, read_only=True)
        self.territories = self.world.principal(self.who).territories
        self.today = self.world.now.astimezone(ZoneInfo("Europe/Berlin")).date()
        self.customers = {each for each, record in self.records["Customer"].items() if self._sees(each, record.values)}

    def _sees(self, customer: str, values: Mapping[str, Any]) -> bool:
        mine = any(
            deal.values.get("owner") == self.who and deal.values["customer"] == customer
            for deal in self.records["Deal"].values()
        )
        return mine or values.get("owner") == self.who or values.get("territory") in self.territories

    def visible(self, key: Key) -> bool:
        """Whether the rep may see the record."""
        entity, record_id = key
        if entity in CATALOGUE:
            return True
        if entity == "Customer":
            return record_id in self.customers
        return self.records[entity][record_id].values["customer"] in self.customers

    def expected(self, rules: str) -> dict[Key, str]:
        """The fragments that her device should hold under the named set of rules."""
        keys = set().union(*(_SETS[name](self) for name in rules.split("+")))
        return {(entity, each): self.records[entity][each].fragment for entity, each in keys}

    def deals(self, first: int, last: int) -> set[Key]:
        """Her open deals that close from `first` to `last` days from today."""
        return {
            ("Deal", each)
            for each, record in self.records["Deal"].items()
            if record.values.get("owner") == self.who
            and record.values["stage"] in OPEN
            and (day := record.values.get("closeDate"))
            and self.today + timedelta(days=first) <= day <= self.today + timedelta(days=last)
        }

    def pinned(self, entity: str) -> set[Key]:
        """What she pinned of an entity, as far as she sees it."""
        return {key for key in self.pins if key[0] == entity and key[1] in self.records[entity] and self.visible(key)}

    def around_customers(self, customers: set[Key]) -> set[Key]:
        """Customers with people, activities, a year of invoices and payments."""
        found = set(customers)
        for entity in ("Contact", "Activity"):
            found |= self._children(entity, "customer", customers)
        leap = (self.today.month, self.today.day) == (2, 29)
        year_ago = self.today.replace(year=self.today.year - 1, day=28 if leap else self.today.day)
        invoices = {
            key
            for key in self._children("Invoice", "customer", customers)
            if self.records["Invoice"][key[1]].values["issuedOn"] >= year_ago
        }
        for entity in ("InvoiceLine", "Payment"):
            found |= {key for key in self._children(entity, "invoice", invoices) if self.visible(key)}
        return found | invoices

    def around_deals(self, deals: set[Key]) -> set[Key]:
        """Deals with their customers and lines, the products on them, their stock and its places."""
        customers = {("Customer", self.records["Deal"][each].values["customer"]) for _, each in deals}
        lines = self._children("DealLine", "deal", deals)
        products = {("Product", self.records["DealLine"][each].values["product"]) for _, each in lines}
        stock = self._children("StockLevel", "product", products)
        places = {("Warehouse", self.records["StockLevel"][each].values["warehouse"]) for _, each in stock}
        return deals | self.around_customers(customers) | lines | products | stock | places

    def _children(self, entity: str, field: str, parents: set[Key]) -> set[Key]:
        ids = {each for _, each in parents}
        return {(entity, each) for each, record in self.records[entity].items() if record.values.get(field) in ids}


_SETS: Mapping[str, Callable[[Oracle], set[Key]]] = {
    "closing": lambda oracle: oracle.around_deals(oracle.deals(0, 6)),
    "overdue": lambda oracle: oracle.around_deals(oracle.deals(-30, -1)),
    "pinned-deals": lambda oracle: oracle.around_deals(oracle.pinned("Deal")),
    "pinned-customers": lambda oracle: oracle.around_customers(oracle.pinned("Customer")),
}

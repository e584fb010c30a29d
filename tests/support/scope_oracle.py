"""What a rep's device should hold, worked out from all records one by one: no query, no condition, no code of sync.

It judges the engine, so it shares nothing with it but the model's entity names and the store's plain reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from records_world import World
from saddlebag.kernel.fragment import join, split
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import ALWAYS
from saddlebag.store.tables import Pin

Key = tuple[str, str]
Names = frozenset[str] | None
"""The elements that a record is carried with, None for all."""
Records = Mapping[str, Mapping[str, Any]]
"""All live records by entity and id."""

OPEN = ("prospect", "qualify", "propose", "negotiate")
CATALOGUE = ("Product", "Warehouse", "StockLevel", "Territory", "Partner", "User")
AROUND_CUSTOMERS = ("Customer", "Contact", "Activity", "Invoice", "InvoiceLine", "Payment", "Attachment")
AROUND_DEALS = (*AROUND_CUSTOMERS, "Deal", "DealLine", "Product", "StockLevel", "Warehouse")

SHORT = "-short"
"""Ends the name of a rule that carries some fields only."""
FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("closing-short", "Deal"): ("stage", "probability", "nextStep", "notes", "closeDate"),
    ("closing-short", "Customer"): ("notes", "phone"),
    ("closing-short", "Activity"): ("body",),
    ("overdue-short", "Deal"): ("stage", "probability", "nextStep", "notes", "amount"),
    ("overdue-short", "Customer"): ("notes", "number"),
    ("overdue-short", "Contact"): ("notes",),
}
"""What the rule carries of an entity beside what always goes along; what is not named goes whole."""


@dataclass(frozen=True)
class ScopeSet:
    """A scope: names of rules, joined by +; hours of grace; caps of all and of each rule's root, 0 for none."""

    rules: str = "closing+pinned-deals+pinned-customers"
    grace: int = 0
    cap: int = 0
    roots: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the rules."""
        return self.rules.split("+")

    def uncapped(self) -> ScopeSet:
        """The same without caps."""
        return replace(self, cap=0, roots=0)


def read_records(world: World) -> Records:
    """All live records."""

    def read(tx: Any) -> Records:
        return {entity.name: {each.id: each for each in tx.find(entity.name, ALWAYS)} for entity in tx.schema.entities}

    return world.run(read, read_only=True)


class Oracle:
    """All live records of a world at one moment, and one of its reps."""

    def __init__(self, world: World, who: str, records: Records | None = None, *, revoked: bool = False) -> None:
        self.who = who
        self.world = world
        self.records = read_records(world) if records is None else records
        self.revoked = revoked
        """Whether she, or the device that is asked about, has lost its rights."""
        pins = world.run(lambda tx: tx.rows.select(Pin, user=who), read_only=True)
        self.pins = [(pin.entity, pin.record) for pin in pins]
        self.moment = int(world.now.timestamp())
        self.today = world.now.astimezone(ZoneInfo("Europe/Berlin")).date()
        self.territories = self._territories()
        self.customers = {each for each, record in self.records["Customer"].items() if self._sees(each, record.values)}

    def _territories(self) -> set[str]:
        """Hers and all below it."""
        start = self.records["User"][self.who].values.get("territory")
        met: set[str] = set()
        level = {start} if start else set()
        while level:
            met |= level
            level = {each for each, its in self.records["Territory"].items() if its.values.get("parent") in level} - met
        return met

    def _sees(self, customer: str, values: Mapping[str, Any]) -> bool:
        mine = any(
            deal.values.get("owner") == self.who and deal.values["customer"] == customer
            for deal in self.records["Deal"].values()
        )
        return mine or values.get("owner") == self.who or values.get("territory") in self.territories

    def lives(self, key: Key) -> bool:
        """Whether there is such a record."""
        return key[1] in self.records[key[0]]

    def merged(self, key: Key) -> bool:
        """Whether a record that is gone became part of another."""
        return bool(self.world.stored(*key).merged_into)

    def visible(self, key: Key) -> bool:
        """Whether the rep may see the record."""
        entity, record_id = key
        if self.revoked:
            return False
        if entity in CATALOGUE:
            return True
        if entity == "Customer":
            return record_id in self.customers
        return self.records[entity][record_id].values["customer"] in self.customers

    def expected(self, scope: ScopeSet, stays: Iterable[Key] = ()) -> dict[Key, str]:
        """The fragments that her device should hold, with those that stay by grace."""
        widths = self._widths(scope)
        carried = {**{key: widths.get(key[0]) for key in stays}, **self.carried(scope)}
        return {
            (entity, each): _cut(self.records[entity][each].fragment, names)
            for (entity, each), names in carried.items()
        }

    def carried(self, scope: ScopeSet) -> dict[Key, Names]:
        """What the rules claim, and with which elements: with all that any of them carries."""
        found: dict[Key, Names] = {}
        for rule, keys in self._claims(scope):
            for key in keys:
                names = _names(rule, key[0])
                before = found.get(key, frozenset())
                found[key] = None if names is None or before is None else before | names
        return found

    def capped(self, scope: ScopeSet, name: str) -> list[tuple[str, int, int]]:
        """The caps that a pull may name, with rule (the scope's name for that of all), count and limit."""
        if self.revoked:
            return []
        roots = [(name, len(_SETS[_plain(name)](self)[0]), scope.roots) for name in self._awake(scope)]
        over = [each for each in roots if scope.roots and each[1] > scope.roots]
        total = len(self.carried(scope))
        return over or ([(name, total, scope.cap)] if scope.cap and total > scope.cap else [])

    def out(self, scope: ScopeSet, held: Iterable[Key], before: Mapping[Key, int]) -> dict[Key, int]:
        """Since when each record that is held is out of the scope, where a pull says so now."""
        claimed = self.carried(scope)
        listed = [key for key in held if key not in claimed] if scope.grace else []
        return {key: min(before.get(key, self.moment), self.moment) for key in listed}

    def staying(self, scope: ScopeSet, out: Mapping[Key, int]) -> set[Key]:
        """What may still stay of that."""
        within = [key for key, since in out.items() if self.moment - since < scope.grace * 3600]
        return {key for key in within if self.lives(key) and self.visible(key)}

    def _awake(self, scope: ScopeSet) -> list[str]:
        """The rules that may claim anything: a rule over pins does not where nothing is pinned."""
        pinned = {"pinned-deals": "Deal", "pinned-customers": "Customer"}
        entities = {entity for entity, _ in self.pins}
        return [name for name in scope.names if pinned.get(name, name) == name or pinned[name] in entities]

    def _claims(self, scope: ScopeSet) -> Iterator[tuple[str, set[Key]]]:
        for name in () if self.revoked else self._awake(scope):
            yield name, _SETS[_plain(name)](self)[1]

    def _widths(self, scope: ScopeSet) -> dict[str, Names]:
        """What all rules together carry of an entity, whether they claim any of it or not."""
        widths: dict[str, Names] = {}
        for rule in self._awake(scope):
            for entity in AROUND_CUSTOMERS if rule == "pinned-customers" else AROUND_DEALS:
                names, before = _names(rule, entity), widths.get(entity, frozenset())
                widths[entity] = None if names is None or before is None else before | names
        return widths

    def deals(self, first: int, last: int) -> set[Key]:
        """Her open deals that close from `first` to `last` days from today."""
        return {
            ("Deal", each)
            for each, record in self.records["Deal"].items()
            if record.values.get("owner") == self.who
            and record.values["stage"] in OPEN
            and (day := record.values.get("closeDate"))
            and self.today + timedelta(days=first) <= day <= self.today + timedelta(days=last)
            and self.visible(("Deal", each))
        }

    def pinned(self, entity: str) -> set[Key]:
        """What she pinned of an entity, as far as she sees it."""
        return {key for key in self.pins if key[0] == entity and self.lives(key) and self.visible(key)}

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


def _plain(name: str) -> str:
    return name.removesuffix(SHORT)


def _names(rule: str, entity: str) -> Names:
    fields = FIELDS.get((rule, entity))
    if fields is None:
        return None
    declared = BUILTIN.entity(entity)
    always = {each.name for each in declared.device_fields if each.required or each.target}
    return frozenset({"id", "version", *fields, *always})


def _cut(fragment: str, names: Names) -> str:
    return fragment if names is None else join((name, text) for name, text in split(fragment) if name in names)


def _of_deals(oracle: Oracle, deals: set[Key]) -> tuple[set[Key], set[Key]]:
    return deals, oracle.around_deals(deals)


def _of_customers(oracle: Oracle, customers: set[Key]) -> tuple[set[Key], set[Key]]:
    return customers, oracle.around_customers(customers)


_SETS: Mapping[str, Callable[[Oracle], tuple[set[Key], set[Key]]]] = {
    "closing": lambda oracle: _of_deals(oracle, oracle.deals(0, 6)),
    "overdue": lambda oracle: _of_deals(oracle, oracle.deals(-30, -1)),
    "pinned-deals": lambda oracle: _of_deals(oracle, oracle.pinned("Deal")),
    "pinned-customers": lambda oracle: _of_customers(oracle, oracle.pinned("Customer")),
}
"""Each rule's roots, and all that it claims."""

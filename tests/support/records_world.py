"""A small sales organisation for tests of records, security and services.

Territories: north (with north-1 below it) and south. Users: rita (rep, north-1), sam (rep, south), mona (manager,
north), inga (integration), adam (admin). Customer `c-rita` is rita's, `c-north` lies in north-1 and is nobody's,
`c-sam` is sam's in the south.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TypeVar

from sqlalchemy import event

from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Value
from saddlebag.records.base import Loser, Outcome, Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store import init_store, open_store
from saddlebag.store.base import StoredRecord, Tenant, Transaction
from saddlebag.store.sql import SqlStore

T = TypeVar("T")

TENANT = "acme"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

PRINCIPALS = {
    "rita": Principal(TENANT, "rita", Role.REP, frozenset({"north-1"})),
    "sam": Principal(TENANT, "sam", Role.REP, frozenset({"south"})),
    "mona": Principal(TENANT, "mona", Role.MANAGER, frozenset({"north", "north-1"})),
    "inga": Principal(TENANT, "inga", Role.INTEGRATION),
    "adam": Principal(TENANT, "adam", Role.ADMIN),
    "hub": Principal(TENANT, "hub", Role.SYSTEM, origin="system:test"),
}


def create(entity: str, record_id: str | None = None, /, **values: Value) -> Write:
    """A CREATE of one record."""
    return Write(Verb.CREATE, entity, record_id, values=values)


def update(entity: str, record_id: str, /, **values: Value) -> Write:
    """An UPDATE of one record."""
    return Write(Verb.UPDATE, entity, record_id, values=values)


def delete(entity: str, record_id: str) -> Write:
    """A DELETE of one record."""
    return Write(Verb.DELETE, entity, record_id)


def undelete(entity: str, record_id: str) -> Write:
    """An UNDELETE of one record."""
    return Write(Verb.UNDELETE, entity, record_id)


def merge(entity: str, master: str, /, *losers: str) -> Write:
    """A MERGE of the losers into the master."""
    return Write(Verb.MERGE, entity, master, losers=tuple(map(Loser, losers)))


@dataclass
class World:
    """A store with one tenant, a clock that ticks, and a way to act as each of its users."""

    store: SqlStore
    now: datetime = START
    tenant: str = TENANT
    _ids: Iterator[int] = field(default_factory=count)

    def new_id(self) -> str:
        """Ids in order: new-0, new-1, ..."""
        return f"new-{next(self._ids)}"

    def tick(self, **step: int) -> datetime:
        """Let time pass: a second, or the step given."""
        self.now += timedelta(**step or {"seconds": 1})
        return self.now

    def run(self, work: Callable[[Transaction], T], *, read_only: bool = False) -> T:
        """Run `work` in one transaction of the organisation."""
        return self.store.run(self.tenant, work, read_only=read_only)

    def principal(self, who: str) -> Principal:
        """This user as a caller."""
        return replace(PRINCIPALS[who], tenant=self.tenant)

    def apply(self, who: str, *writes: Write, all_or_none: bool = False) -> list[Outcome]:
        """Carry out writes as this user."""
        self.tick()
        return self.run(lambda tx: self._records(tx, who).apply(writes, all_or_none=all_or_none))

    def write(self, who: str, *writes: Write) -> list[Outcome]:
        """Carry out writes that must all succeed."""
        outcomes = self.apply(who, *writes)
        for each in outcomes:
            if each.error is not None:
                raise each.error
        return outcomes

    def read(self, who: str, work: Callable[[Records], object]) -> object:
        """Read as this user."""
        return self.run(lambda tx: work(self._records(tx, who)), read_only=True)

    def sees(self, who: str, entity: str, record_id: str) -> bool:
        """Whether this user sees the record."""
        return bool(self.read(who, lambda records: records.get(entity, [record_id])))

    def stored(self, entity: str, record_id: str) -> StoredRecord:
        """The record as it is stored, deleted or not."""
        return self.run(lambda tx: tx.get(entity, [record_id], deleted=True)[record_id], read_only=True)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL statements of the block, for tests of how many there are."""
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        engine = self.store._engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    def _records(self, tx: Transaction, who: str) -> Records:
        return Records(tx, self.principal(who), now=self.now, new_id=self.new_id)


def error(outcome: Outcome) -> SaddlebagError:
    """The error of a refused write."""
    assert outcome.error is not None, outcome
    return outcome.error


@contextmanager
def world(url: str, schema: Schema = BUILTIN) -> Iterator[World]:
    """The organisation in a fresh database."""
    with opened(url, schema) as store:
        yield settled(store)


@contextmanager
def opened(url: str, schema: Schema = BUILTIN) -> Iterator[SqlStore]:
    """A store in a fresh database."""
    init_store(url, schema)
    store = open_store(url, schema)
    try:
        yield store
    finally:
        store.close()


def settled(store: SqlStore, tenant: str = TENANT) -> World:
    """The organisation as a new tenant of a store that does not have it yet."""
    store.create_tenant(Tenant(tenant, "Acme", "Europe/Berlin", b"s" * 32, START))
    made = World(store, tenant=tenant)
    made.write("hub", *_people(), *_catalogue(), *_customers())
    return made


def _people() -> list[Write]:
    def user(name: str, role: str, territory: str | None = None) -> Write:
        return create("User", name, name=name.title(), login=name, role=role, territory=territory)

    return [
        create("Territory", "north", code="N", name="North"),
        create("Territory", "north-1", code="N1", name="North 1", parent="north"),
        create("Territory", "south", code="S", name="South"),
        user("rita", "rep", "north-1"),
        user("sam", "rep", "south"),
        user("mona", "manager", "north"),
        user("inga", "integration"),
        user("adam", "admin"),
    ]


def _catalogue() -> list[Write]:
    return [
        create("Product", "p1", sku="SKU-1", name="Pump", listPrice=Decimal("10.5"), currency="EUR"),
        create("Product", "p2", sku="SKU-2", name="Valve", listPrice=Decimal("3"), currency="EUR"),
        create("Warehouse", "w1", code="W1", name="Main"),
        create("Warehouse", "w2", code="W2", name="Spare"),
        create("StockLevel", "s1", product="p1", warehouse="w1", onHand=Decimal(5), available=Decimal(4)),
        create("StockLevel", "s2", product="p1", warehouse="w2", onHand=Decimal(1), available=Decimal(1)),
    ]


def _customers() -> list[Write]:
    return [
        create("Customer", "c-rita", number="K1", name="Alpha", owner="rita", currency="EUR"),
        create("Customer", "c-north", number="K2", name="Beta", territory="north-1", currency="EUR"),
        create("Customer", "c-sam", number="K3", name="Gamma", owner="sam", territory="south", currency="EUR"),
        create("Contact", "k-rita", customer="c-rita", lastName="Abel"),
        create("Contact", "k-sam", customer="c-sam", lastName="Bach"),
        create(
            "Deal",
            "d-rita",
            number="D1",
            customer="c-rita",
            owner="rita",
            title="Pumps",
            stage="qualify",
            amount=Decimal("1000"),
            currency="EUR",
            closeDate=date(2026, 3, 6),
        ),
        create("Deal", "d-sam", number="D2", customer="c-sam", owner="sam", title="Valves", stage="propose"),
        create("DealLine", "l-rita", deal="d-rita", product="p1", quantity=Decimal(3)),
    ]

"""Queries: conditions mean what `saddlebag.model.condition.holds` says, orders and pages lose nothing.

Belongs here: promises about finding records. May not know: SQL.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from saddlebag.model.condition import ALWAYS, NEVER, And, Compare, Condition, Missing, Not, Op, Or, Within, eq
from saddlebag.model.fields import Value
from saddlebag.store.base import Order, Store, Transaction
from saddlebag.store.kit.make import NOW, Desk, meaning

SAMPLES: dict[str, dict[str, Value]] = {
    "s1": {"code": "Alpha", "number": 1, "amount": Decimal("1.10"), "flag": True, "labels": ("vip", "new")},
    "s2": {"code": "alpha", "number": 2, "amount": Decimal("-1.10"), "flag": False, "labels": ("VIP",)},
    "s3": {"code": "50%_\\x", "number": 3, "amount": Decimal("0.00"), "labels": (",", "a,b")},
    "s4": {"code": "éÉ", "huge": Decimal("0.0000000001"), "day": date(2026, 3, 1), "labels": ('"', "\\")},
    "s5": {"body": "z", "huge": Decimal("-0.0000000001"), "day": date(2026, 3, 2), "parent": "s1"},
    "s6": {"body": "Z", "moment": NOW, "parent": "s2", "customer": "c1", "labels": ()},
    "s7": {"body": "é", "moment": datetime(1900, 1, 1, tzinfo=UTC), "parent": "s6", "customer": "c2"},
    "s8": {"choice": "two", "parent": "none"},
}
CUSTOMERS: dict[str, dict[str, Value]] = {
    "c1": {"name": "One", "owner": "u1", "number": "1"},
    "c2": {"name": "Two"},
    "c3": {"name": "Three", "owner": "u1", "parent": "c1"},
}
ALL = {"Sample": SAMPLES, "Customer": CUSTOMERS}
OWNED = eq("owner", "u1")


def _each(field: str, op: Op, *values: Any) -> list[Condition]:
    return [Compare(field, op, value) for value in values]


LEAVES: list[Condition] = [
    *[Compare("number", op, value) for op in Op if op not in (Op.IN, Op.HAS, Op.PREFIX, Op.CONTAINS)
      for value in (2, -(2**70), 2**70, Decimal("1.5"))],
    *[Compare("amount", op, value) for op in (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE)
      for value in (Decimal("1.10"), Decimal("1.1"), Decimal("1.095"), Decimal("-1.105"), 0, Decimal("1E+30"))],
    *_each("huge", Op.GT, Decimal(0), Decimal("-0.00000000005"), Decimal("-1E+40")),
    *_each("huge", Op.EQ, Decimal("0.0000000001"), Decimal("0.00000000010"), Decimal("0.00000000011")),
    *_each("flag", Op.EQ, True, False),
    *_each("flag", Op.NE, True),
    *_each("flag", Op.LT, True),
    *_each("day", Op.LE, date(2026, 3, 1), date(1, 1, 1)),
    *_each("moment", Op.LT, NOW, datetime(9999, 12, 31, tzinfo=UTC)),
    *_each("code", Op.EQ, "Alpha", "", None),
    *_each("code", Op.NE, "Alpha", None),
    *_each("code", Op.PREFIX, "AL", "5", "50%", "50_", "É", "é", ""),
    *_each("code", Op.CONTAINS, "PH", "%", "_", "\\", "\\X", "É", "zz", ""),
    *_each("code", Op.IN, ("Alpha", "éÉ", "nothing"), (), ("x",) * 3, tuple(map(str, range(3000)))),
    *_each("number", Op.IN, (1, 3, 2**80), (Decimal("1.5"),)),
    *_each("amount", Op.IN, (Decimal("0"), Decimal("1.1"), Decimal("1.101"))),
    *_each("day", Op.IN, (date(2026, 3, 2), date(2020, 1, 1))),
    *_each("labels", Op.HAS, "vip", "VIP", ",", "a", "b", "a,b", '"', "\\", "", '","', "vi"),
    *_each("labels", Op.EQ, ("vip", "new"), ("new", "vip"), ()),
    *_each("body", Op.GT, "Z", "a"),
    *_each("number", Op.PREFIX, "1"),
    *_each("id", Op.IN, ("s1", "s2", "nobody")),
    *_each("id", Op.GE, "s5"),
    *[Missing(field) for field in ("code", "flag", "labels", "parent", "huge")],
    Within("customer", "Customer", OWNED),
    Within("customer", "Customer", Within("id", "Customer", ALWAYS, select="parent")),
    Within("id", "Sample", ALWAYS, select="parent"),
    Within("id", "Sample", NEVER, select="parent"),
    Within("parent", "Sample", And((eq("flag", True), Missing("body")))),
    ALWAYS,
    NEVER,
]  # fmt: skip


class QueryPromises:
    """What a store finds."""

    def test_every_comparison_and_its_negation_mean_what_the_reference_says(self, store: Store) -> None:
        desk = _filled(store)
        for leaf in LEAVES:
            for condition in (leaf, Not(leaf), Not(Not(leaf))):
                assert desk.found(condition) == meaning(condition, ALL, "Sample"), condition

    def test_groups_mean_what_the_reference_says(self, store: Store) -> None:
        desk = _filled(store)
        for left, right in zip(LEAVES, LEAVES[7:] + LEAVES[:7], strict=True):
            for condition in (And((left, right)), Or((left, Not(right))), Not(Or((left, And((right, left)))))):
                assert desk.found(condition) == meaning(condition, ALL, "Sample"), condition

    def test_system_fields_are_found_by(self, store: Store) -> None:
        desk = _filled(store)
        version = desk.get("Sample", "s3").version
        assert desk.found(Compare("version", Op.EQ, version)) == {"s3"}
        assert desk.found(Compare("modifiedAt", Op.LE, NOW)) == set(SAMPLES)
        assert desk.found(Not(Compare("createdAt", Op.GE, NOW))) == set()

    def test_values_without_an_order_are_refused(self, store: Store) -> None:
        desk = Desk(store)
        unordered: dict[str, Value] = {"number": "1", "labels": ("a",), "day": NOW, "body": 1}
        for field, value in unordered.items():
            try:
                desk.found(Compare(field, Op.LT, value))
            except ValueError:
                continue
            raise AssertionError(f"{field} was compared with {value!r}")

    def test_text_is_ordered_by_code_point(self, store: Store) -> None:
        desk = Desk(store)
        texts = ["", " ", "-", "10", "9", "A", "B", "Z", "_", "a", "b", "z", "É", "é", "\uffee", "\U0001f40e"]
        desk.samples({f"s{index}": {"body": text} for index, text in enumerate(reversed(texts))})
        found = desk.read(lambda tx: tx.find("Sample", ALWAYS, order=[Order("body")]))
        assert [each.values["body"] for each in found] == texts

    def test_numbers_and_times_are_ordered_by_value_and_no_value_comes_first(self, store: Store) -> None:
        desk = _filled(store)
        for field in ("number", "amount", "huge", "day", "moment", "flag"):
            for descending in (False, True):
                terms = [Order(field, descending)]
                found = [each.id for each in desk.read(lambda tx, terms=terms: tx.find("Sample", ALWAYS, order=terms))]  # type: ignore[misc]
                assert found == _sorted(field, descending), (field, descending)

    def test_pages_join_to_the_whole_list(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples(
            {
                f"s{each:02}": {"number": each % 3 or None, "body": str(each % 4), "amount": Decimal(each % 2)}
                for each in range(40)
            }
        )
        for order in (
            (),
            (Order("number"),),
            (Order("number", True),),
            (Order("body", True), Order("number"), Order("amount", True)),
            (Order("id", True),),
        ):
            whole = desk.read(lambda tx, order=order: tx.find("Sample", Not(eq("body", "3")), order=order))  # type: ignore[misc]
            for size in (1, 7):
                assert _paged(desk, order, size) == [each.id for each in whole]

    def test_totals_are_exact_beyond_64_bits(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples(
            {
                f"s{each}": {
                    "choice": "one" if each % 3 else None,
                    "amount": Decimal("99999999999999.99") if each else None,
                    "huge": Decimal("-999999999999999999.9999999999"),
                }
                for each in range(1500)
            }
        )
        totals = desk.read(lambda tx: tx.total("Sample", "amount", ALWAYS, "choice"))
        assert totals == {"one": Decimal("99999999999999.99") * 1000, "": Decimal("99999999999999.99") * 499}
        assert all(isinstance(each, Decimal) for each in totals.values())
        huge = desk.read(lambda tx: tx.total("Sample", "huge", eq("choice", "one"), "choice"))
        assert huge == {"one": Decimal("-999999999999999999999.9999999")}
        assert desk.read(lambda tx: tx.total("Sample", "amount", eq("id", "s0"), "choice")) == {"": Decimal(0)}

    def test_thousands_of_ids_are_read_at_once(self, store: Store) -> None:
        desk = _filled(store)
        ids = [*SAMPLES, *[f"none{each}" for each in range(40_000)]]
        assert set(desk.read(lambda tx: tx.get("Sample", ids))) == set(SAMPLES)
        assert set(desk.read(lambda tx: tx.renderings_of("Sample", ids))) == set(SAMPLES)
        assert desk.read(lambda tx: tx.get("Sample", [])) == {}

    def test_limits_bound_every_listing(self, store: Store) -> None:
        desk = _filled(store)

        def check(tx: Transaction) -> None:
            assert [each.id for each in tx.find("Sample", ALWAYS, limit=2)] == ["s1", "s2"]
            assert [each.id for each in tx.renderings("Sample", ALWAYS, after=["s2"], limit=1)] == ["s3"]
            assert [each.id for each in tx.stamps("Sample", ALWAYS, order=[Order("id", True)], limit=1)] == ["s8"]
            assert tx.find("Sample", ALWAYS, limit=0) == []

        desk.read(check)


def _filled(store: Store) -> Desk:
    desk = Desk(store)
    for entity, records in ALL.items():
        desk.create(entity, records)
    return desk


def _sorted(field: str, descending: bool) -> list[str]:
    """By value with no value first, the other way round when descending, but ids upwards within one value."""
    valued = [each for each in SAMPLES if SAMPLES[each].get(field) is not None]
    valued.sort(key=lambda each: SAMPLES[each][field], reverse=descending)  # type: ignore[arg-type,return-value]
    empty = [each for each in SAMPLES if each not in valued]
    return [*valued, *empty] if descending else [*empty, *valued]


def _paged(desk: Desk, order: tuple[Order, ...], size: int) -> list[str]:
    ids: list[str] = []
    after: list[Value] | None = None
    while True:
        position = after
        page = desk.read(
            lambda tx: tx.find("Sample", Not(eq("body", "3")), order=order, after=position, limit=size)  # noqa: B023
        )
        if not page:
            return ids
        ids += [each.id for each in page]
        last = page[-1]
        after = [*[last.id if term.field == "id" else last.values[term.field] for term in order], last.id]

"""Random conditions find, on both databases, what the reference meaning says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import examples
from saddlebag.model.condition import And, Compare, Condition, Missing, Not, Op, Or, Within, eq
from saddlebag.model.fields import Value
from saddlebag.store.base import Order
from saddlebag.store.sql import SqlStore
from saddlebag.store.testing import Desk, meaning

ORDERED = (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE)
TEXTS = st.sampled_from(["", "a", "A", "ab", "aB%", "_", "é", "\\", "'", "\U0001f40e", "z"])
TAGS = st.sampled_from(["a", "A", ",", '"', "a,b", "\\", ""])
NUMBERS = st.sampled_from([-(2**63), -1, 0, 1, 2, 2**63 - 1])
DAYS = st.sampled_from([date(1, 1, 1), date(2026, 2, 28), date(2026, 3, 1), date(9999, 12, 31)])
MOMENTS = st.sampled_from([datetime(2026, 3, 1, tzinfo=UTC) + timedelta(microseconds=each) for each in (-1, 0, 1)])
IDS = st.sampled_from([f"s{each}" for each in range(6)])


def _amounts(places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-250, 250).map(lambda each: Decimal(each).scaleb(-places))


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "body": TEXTS,
        "choice": st.sampled_from(["one", "two"]),
        "flag": st.booleans(),
        "number": NUMBERS,
        "amount": _amounts(2),
        "huge": _amounts(10),
        "day": DAYS,
        "moment": MOMENTS,
        "labels": st.lists(TAGS, max_size=3).map(tuple),
        "parent": IDS,
    },
)
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Compare, st.sampled_from(["body", "choice"]), st.sampled_from(ORDERED), TEXTS),
    st.builds(Compare, st.just("body"), st.sampled_from([Op.PREFIX, Op.CONTAINS]), TEXTS),
    st.builds(Compare, st.sampled_from(["body", "parent", "id"]), st.just(Op.IN), st.lists(TEXTS | IDS).map(tuple)),
    st.builds(Compare, st.just("labels"), st.just(Op.HAS), TAGS),
    st.builds(Compare, st.just("labels"), st.sampled_from([Op.EQ, Op.NE]), st.lists(TAGS, max_size=2).map(tuple)),
    st.builds(Compare, st.just("flag"), st.sampled_from(ORDERED), st.booleans()),
    st.builds(Compare, st.just("number"), st.sampled_from(ORDERED), NUMBERS | st.integers() | _amounts(1)),
    st.builds(Compare, st.just("amount"), st.sampled_from(ORDERED), _amounts(2) | _amounts(3) | st.integers()),
    st.builds(Compare, st.just("huge"), st.sampled_from(ORDERED), _amounts(10) | _amounts(12) | st.integers()),
    st.builds(Compare, st.just("day"), st.sampled_from(ORDERED), DAYS),
    st.builds(Compare, st.just("moment"), st.sampled_from(ORDERED), MOMENTS),
    st.builds(Missing, st.sampled_from(["body", "flag", "number", "labels", "parent"])),
)


def _widen(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    groups = st.lists(inner, max_size=3).map(tuple)
    steps = st.sampled_from([("parent", "id"), ("id", "parent"), ("parent", "parent"), ("body", "body")])
    return st.one_of(
        groups.map(And),
        groups.map(Or),
        inner.map(Not),
        st.builds(
            lambda ids, part: And((Compare("id", Op.IN, ids), part)), st.lists(IDS, max_size=3).map(tuple), inner
        ),
        st.builds(lambda name, part: And((part, eq("parent", name))), IDS, inner),
        st.builds(lambda step, where: Within(step[0], "Sample", where, step[1]), steps, inner),
    )


CONDITIONS = st.recursive(LEAVES, _widen, max_leaves=8)
RECORDS = st.dictionaries(IDS, VALUES, min_size=1)


@settings(max_examples=examples(60))
@given(records=RECORDS, conditions=st.lists(CONDITIONS, min_size=1, max_size=6))
def test_a_condition_finds_what_the_reference_meaning_says(
    either_store: SqlStore, records: dict[str, dict[str, Value]], conditions: list[Condition]
) -> None:
    desk = Desk(either_store)
    desk.samples(records)
    for condition in conditions:
        expected = meaning(condition, {"Sample": records}, "Sample")
        assert desk.found(condition) == expected
        assert desk.read(lambda tx, asked=condition: tx.count("Sample", asked)) == len(expected)


ORDERS = st.lists(
    st.builds(Order, st.sampled_from(["body", "flag", "number", "amount", "huge", "day", "moment"]), st.booleans()),
    max_size=3,
)


@settings(max_examples=examples(30))
@given(records=RECORDS, order=ORDERS)
def test_the_records_after_a_position_are_the_rest_of_the_list(
    either_store: SqlStore, records: dict[str, dict[str, Value]], order: list[Order]
) -> None:
    desk = Desk(either_store)
    desk.samples(records)
    whole = desk.read(lambda tx: tx.find("Sample", And(), order=order))
    for index, record in enumerate(whole):
        position = [*[record.values[term.field] for term in order], record.id]
        rest = desk.read(lambda tx, after=position: tx.find("Sample", And(), order=order, after=after))
        assert [each.id for each in rest] == [each.id for each in whole[index + 1 :]]


@pytest.mark.parametrize("size", [1, 3, 200])
def test_searches_that_differ_in_values_share_one_statement(sqlite_store: SqlStore, size: int) -> None:
    desk = Desk(sqlite_store)
    desk.samples({"s1": {"body": "a", "amount": Decimal(1)}})
    desk.found(_search("x", 1, Decimal("0.001")))
    before = sqlite_store.statements_kept
    assert desk.found(_search("a", size, Decimal(0))) == {"s1"}
    assert sqlite_store.statements_kept == before


def _search(text: str, size: int, amount: Decimal) -> Condition:
    among = Compare("body", Op.IN, tuple(f"{text}{each or ''}" for each in range(size)))
    return And((among, Not(Compare("amount", Op.LE, amount)), Within("id", "Sample", Compare("body", Op.GE, text))))

"""The benchmarks' organisation is the same every time, holds together, and is what the hub accepts."""

from __future__ import annotations

import hashlib

import pytest
from bench.workload import TODAY, Sizes, Values, Workload

from saddlebag.contract.codec import codec_for
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Kind

Made = dict[str, list[tuple[str, Values]]]
SIZES = Sizes(customers=1_000, reps=10, products=50)


def _made(seed: int = 1) -> Made:
    return {entity: list(rows) for entity, rows in Workload(SIZES, TODAY, seed).records()}


@pytest.fixture(scope="module")
def made() -> Made:
    return _made()


def _hash(records: object) -> str:
    return hashlib.sha256(repr(records).encode()).hexdigest()


def test_the_same_seed_gives_the_same_records_and_another_seed_others() -> None:
    assert _hash(_made()) == _hash(_made())
    assert _hash(_made()) != _hash(_made(seed=2))


def test_every_reference_points_at_a_record_that_came_before_and_no_id_comes_twice(made: Made) -> None:
    known: dict[str, set[str]] = {}
    for entity, rows in made.items():
        references = [each for each in BUILTIN.entity(entity).fields if each.kind is Kind.REFERENCE]
        for record, values in rows:
            for each in references:
                assert values.get(each.name) is None or values[each.name] in known[each.target], (record, each.name)
        known[entity] = {record for record, _ in rows}
        assert len(known[entity]) == len(rows)


def test_the_hub_accepts_every_value(made: Made) -> None:
    codecs = codec_for(BUILTIN)
    for entity, rows in made.items():
        required = {each.name for each in BUILTIN.entity(entity).fields if each.required}
        for _, values in rows:
            checked = codecs[entity].check(values)
            assert all(checked.get(name) is not None for name in required)


def test_the_sizes_follow_from_the_customers(made: Made) -> None:
    counts = {entity: len(rows) for entity, rows in made.items()}
    assert (counts["Customer"], counts["User"], counts["StockLevel"]) == (1_000, 10, 200)
    assert (counts["Contact"], counts["Deal"], counts["DealLine"]) == (1_249, 2_010, 2_513)
    assert (counts["Activity"], counts["Invoice"]) == (1_001, 1_497)


def test_no_customer_has_more_of_anything_than_its_kind_allows(made: Made) -> None:
    most = {"Contact": ("customer", 1, 2), "Deal": ("customer", 0, 4), "DealLine": ("deal", 1, 2)}
    parents = {"customer": "Customer", "deal": "Deal"}
    for entity, (name, least, largest) in most.items():
        counts = dict.fromkeys((record for record, _ in made[parents[name]]), 0)
        for _, values in made[entity]:
            counts[values[name]] += 1
        assert min(counts.values()) == least
        assert max(counts.values()) == largest

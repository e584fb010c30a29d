"""The benchmarks' organisation is the same every time, holds together, and is what the hub accepts."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench.workload import Sizes, Values, Workload

from bench import floor
from saddlebag.contract.codec import codec_for
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Kind

TODAY = date(2026, 3, 2)
Made = tuple[Workload, dict[str, list[tuple[str, Values]]]]
SIZES = Sizes(customers=1_000, reps=10, products=50)


def _made(seed: int = 1) -> Made:
    work = Workload(SIZES, TODAY, seed)
    return work, {entity: list(rows) for entity, rows in work.records()}


@pytest.fixture(scope="module")
def made() -> Made:
    return _made()


def _hash(records: object) -> str:
    return hashlib.sha256(repr(records).encode()).hexdigest()


def test_the_same_seed_and_day_give_the_same_records_and_another_seed_others() -> None:
    assert _hash(_made()[1]) == _hash(_made()[1])
    assert _hash(_made()[1]) != _hash(_made(seed=2)[1])


def test_every_reference_names_a_record_that_came_before(
    made: Made,
) -> None:
    known: dict[str, set[str]] = {}
    for entity, rows in made[1].items():
        references = [each for each in BUILTIN.entity(entity).fields if each.kind is Kind.REFERENCE]
        for record, values in rows:
            for each in references:
                assert values.get(each.name) is None or values[each.name] in known[each.target], (record, each.name)
        known[entity] = {record for record, _ in rows}
        assert len(known[entity]) == len(rows)


def test_the_hub_accepts_every_value(made: Made) -> None:
    codecs = codec_for(BUILTIN)
    for entity, rows in made[1].items():
        required = {each.name for each in BUILTIN.entity(entity).fields if each.required}
        for _, values in rows:
            checked = codecs[entity].check(values)
            assert all(checked.get(name) is not None for name in required)


def test_the_sizes_follow_from_the_customers(made: Made) -> None:
    counts = {entity: len(rows) for entity, rows in made[1].items()}
    assert counts["Customer"] == 1_000
    assert counts["Deal"] == 2_000
    assert counts["Invoice"] == 1_500
    assert counts["StockLevel"] == 200
    assert 1_150 < counts["Contact"] < 1_350
    assert 2_300 < counts["DealLine"] < 2_700


def test_the_focus_rep_has_as_many_records_as_the_floor_selects_for_her(made: Made, tmp_path: Path) -> None:
    """The generator's own count and the floor's SQL are two ways to the same number, up to the warehouses."""
    work, records = made
    tables = floor.Tables(tmp_path / "floor.sqlite")
    for entity, rows in records.items():
        tables.fill(entity, rows)
    tables.finish()
    link = sqlite3.connect(tmp_path / "floor.sqlite")
    counts = work.scope_counts()
    for rep, count in enumerate(counts):
        page = ElementTree.fromstring(floor.render(link, f"R{rep:07d}", TODAY))
        assert len([each for each in page if each.tag != "Warehouse"]) == count
    assert counts[int(work.focus_rep()[1:])] == sorted(counts)[len(counts) // 2]


def test_a_days_churn_touches_the_focus_rep_and_only_records_that_exist(
    made: Made,
) -> None:
    work, records = made
    focus = work.focus_rep()
    known = {(entity, record): values for entity, rows in records.items() for record, values in rows}
    changes = work.churn(focus)
    assert changes == work.churn(focus)
    assert {(entity, record) for entity, record, _ in changes} <= known.keys()
    given = [each for each in changes if each[2] and each[2].get("owner") not in (None, focus)]
    taken = [each for each in changes if each[2] and each[2].get("owner") == focus]
    assert given
    assert taken
    assert all(known[entity, record]["owner"] == focus for entity, record, _ in given if entity == "Deal")

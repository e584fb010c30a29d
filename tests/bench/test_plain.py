"""The plain tables select the standard scope, which the hub's own rules select as well."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from bench.plain import OPEN, Change, Plain, moved
from bench.workload import TODAY

from saddlebag.model.builtin import BUILTIN
from saddlebag.sync.rules import read_scope

Records = dict[str, dict[str, dict[str, str]]]


def _all(plain: Plain) -> Records:
    found: Records = {}
    for entity in plain.entities:
        found[entity] = {each: plain.record(entity, each) or {} for each in plain.ids(entity)}
    return found


def _by_hand(records: Records, rep: str, today: date) -> set[tuple[str, str]]:
    """The scope as its definition reads, record by record."""
    until, year = str(today + timedelta(days=7)), str(today - timedelta(days=365))
    closing = {
        key
        for key, deal in records["Deal"].items()
        if deal["owner"] == rep and deal["stage"] in OPEN and str(today) <= deal["closeDate"] < until
    }
    customers = {records["Deal"][key]["customer"] for key in closing}
    products = {line["product"] for line in records["DealLine"].values() if line["deal"] in closing}
    held = {("Customer", each) for each in customers} | {("Product", each) for each in products}
    for entity in ("Contact", "Deal", "DealLine", "Invoice"):
        for key, record in records[entity].items():
            if record["customer"] in customers and record.get("issuedOn", year) >= year:
                held.add((entity, key))
    return held | {("StockLevel", key) for key, each in records["StockLevel"].items() if each["product"] in products}


def test_the_scope_is_what_its_definition_says(plain: Plain) -> None:
    records = _all(plain)
    for rep in plain.ids("User"):
        held = plain.held(rep, TODAY)
        assert held.keys() == _by_hand(records, rep, TODAY)
        assert plain.size(rep, TODAY) == len(held) > 0


def test_the_median_rep_stands_in_the_middle(plain: Plain) -> None:
    sizes = sorted(plain.size(each, TODAY) for each in plain.ids("User"))
    assert plain.size(plain.median_rep(TODAY), TODAY) == sizes[2]


def test_changes_are_written_and_seen_by_the_scope(plain: Plain) -> None:
    rep = plain.median_rep(TODAY)
    before = plain.held(rep, TODAY)
    gone = next(key for entity, key in before if entity == "Contact")
    edited = next(key for entity, key in before if entity == "Customer")
    made = Change("Contact", "K9000000", {"customer": edited, "lastName": "Neu"}, new=True)
    plain.apply(
        [Change("Contact", gone, {}, gone=True), Change("Customer", edited, {"notes": None, "city": "X"}), made]
    )
    after = plain.held(rep, TODAY)
    assert moved(before, after) == (1, 1, 1)
    assert after["Customer", edited]["city"] == "X"
    assert "notes" not in after["Customer", edited]


def test_the_rules_that_the_hub_is_given_are_accepted_by_it() -> None:
    text = (Path(__file__).resolve().parents[2] / "bench" / "rules.json").read_text(encoding="utf-8")
    scope = read_scope("role:rep", 1, text, BUILTIN)
    (rule,) = scope.rules
    assert [each.name for each in rule.hops] == [each["name"] for each in json.loads(text)["rules"][0]["hops"]]

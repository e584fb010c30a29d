"""Scope rules: written down, checked against the schema, bound to a user and a day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.errors import INVALID_SCOPE_RULE, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import ALWAYS, Compare, Op, Within, both, either, eq, holds
from saddlebag.model.entities import Schema
from saddlebag.sync.defaults import DEFAULT, OVERDUE, default_for
from saddlebag.sync.rules import read_scope, write_scope
from saddlebag.sync.scope import Circumstances, Scope, rule_claims, shifted
from saddlebag.sync.target import joined

RULE = {
    "name": "mine",
    "entity": "Deal",
    "where": {"all": [{"field": "owner", "op": "eq", "value": {"param": "me"}}, {"missing": "lossReason"}]},
    "hops": [{"name": "customers", "entity": "Customer", "by": "customer"}],
}


def read(rule: dict[str, Any]) -> Scope:
    return read_scope("default", 1, json.dumps({"rules": [rule]}), BUILTIN)


def known(now: datetime, zone: str = "UTC") -> Circumstances:
    return Circumstances("rita", ("north",), {"Deal": ("d1",)}, now, zone)


@pytest.mark.parametrize("scope", [DEFAULT, Scope("default", 0, (OVERDUE,))])
def test_what_is_written_down_is_read_again(scope: Scope) -> None:
    assert read_scope(scope.name, scope.version, write_scope(scope, BUILTIN), BUILTIN) == scope


def test_every_claim_of_the_default_names_a_declared_entity_and_reference() -> None:
    claimed = {claim.entity for rule in DEFAULT.rules for claim in rule_claims(rule).values()}
    assert claimed <= {each.name for each in BUILTIN.entities}
    assert {"Deal", "Customer", "Contact", "Activity", "Invoice", "Product", "StockLevel"} <= claimed


def test_a_schema_without_deals_has_no_default_rules() -> None:
    assert default_for(Schema((BUILTIN.entity("Product"),))).rules == ()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": "Not Allowed"}, None, "lower-case"),
        ({"entity": "Boat"}, None, "no such entity"),
        ({"cap": -1}, None, "cap"),
        ({"cap": "many"}, None, "cap"),
        ({"where": {"field": "colour", "op": "eq", "value": "red"}}, "colour", "no such field"),
        ({"where": {"field": "stage", "op": "like", "value": "x"}}, "stage", "comparison"),
        ({"where": {"field": "notes", "op": "eq", "value": "x"}}, "notes", "cannot be compared"),
        ({"where": {"field": "closeDate", "op": "lt", "value": "soon"}}, "closeDate", "date"),
        ({"where": {"field": "stage", "op": "in", "value": "won"}}, "stage", "list of texts"),
        ({"where": {"field": "closeDate", "op": "lt", "value": {"param": "me"}}}, "closeDate", "parameter"),
        ({"where": {"field": "customer", "op": "eq", "value": {"param": "me"}}}, "customer", "parameter"),
        ({"where": {"field": "closeDate", "op": "lt", "value": {"param": "today+7h"}}}, "closeDate", "parameter"),
        ({"where": {"field": "owner", "op": "in", "value": {"param": "pins"}}}, "owner", "parameter"),
        ({"where": "everything"}, None, "object"),
        ({"hops": [{"name": "x", "entity": "Product", "by": "customer"}]}, "customer", "reference"),
        ({"hops": [{"name": "x", "entity": "Customer", "by": "nothing"}]}, "nothing", "reference"),
        ({"hops": [{"name": "x", "from": "later", "entity": "Customer", "by": "customer"}]}, None, "before it"),
        ({"hops": [RULE["hops"][0], RULE["hops"][0]]}, None, "twice"),  # type: ignore[index]
        ({"hops": "all"}, None, "list"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_name_and_field(
    change: dict[str, Any], field: str | None, words: str
) -> None:
    with pytest.raises(SaddlebagError) as caught:
        read({**RULE, **change})
    assert caught.value.kind is INVALID_SCOPE_RULE
    assert (caught.value.rule, caught.value.field) == ("mine" if "name" not in change else None, field)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rules": []}', '{"rules": [1]}', '{"rules": ' + "[" * 50])
def test_what_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        read_scope("default", 1, text, BUILTIN)
    assert caught.value.kind is INVALID_SCOPE_RULE


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(SaddlebagError, match="one name"):
        read_scope("default", 1, json.dumps({"rules": [RULE, RULE]}), BUILTIN)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["all", "any", "not", "missing", "field", "op", "value", "param"]), inner)
        ),
        max_leaves=10,
    )
)
def test_no_condition_breaks_the_reader(where: Any) -> None:
    """Anything is either a condition or a typed refusal."""
    try:
        scope = read({**RULE, "where": where})
    except SaddlebagError as problem:
        assert problem.kind is INVALID_SCOPE_RULE  # noqa: PT017
    else:
        assert read_scope("default", 1, write_scope(scope, BUILTIN), BUILTIN).rules == scope.rules


def test_parameters_are_bound_to_user_day_and_zone() -> None:
    """At 23:30 UTC it is tomorrow in Berlin."""
    claim = rule_claims(DEFAULT.rules[0])[""]
    bound = known(datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "Europe/Berlin").bind(claim, "Deal")
    deal = {"id": "d1", "owner": "rita", "stage": "qualify", "closeDate": date(2026, 3, 3)}
    assert holds(bound, deal, lambda _: frozenset())
    assert holds(bound, {**deal, "closeDate": date(2026, 3, 9)}, lambda _: frozenset())
    past, far = {"closeDate": date(2026, 3, 2)}, {"closeDate": date(2026, 3, 10)}
    for change in (past, far, {"owner": "sam"}, {"stage": "won"}):
        assert not holds(bound, {**deal, **change}, lambda _: frozenset())


@pytest.mark.parametrize(
    ("day", "amount", "unit", "moved"),
    [
        ("2026-03-31", -1, "m", "2026-02-28"),
        ("2024-02-29", 1, "y", "2025-02-28"),
        ("2026-01-15", -12, "m", "2025-01-15"),
        ("2026-12-31", 1, "m", "2027-01-31"),
        ("2026-03-02", 7, "d", "2026-03-09"),
        ("2026-03-31", -13, "m", "2025-02-28"),
    ],
)
def test_days_move_by_the_calendar(day: str, amount: int, unit: str, moved: str) -> None:
    assert shifted(date.fromisoformat(day), amount, unit).isoformat() == moved


CONTACTS = [("k1", "c1"), ("k2", "c2"), ("k3", "c3"), ("k4", None)]
CUSTOMERS = {"c1": ("rita", "n"), "c2": ("rita", "s"), "c3": ("sam", "n")}


def contact_ids(where: Any) -> set[str]:
    """The contacts that meet a condition, by the reference meaning of conditions."""

    def subquery(within: Within) -> frozenset[Any]:
        if within.entity == "Contact":
            rows: list[dict[str, Any]] = [{"id": each, "customer": customer} for each, customer in CONTACTS]
        else:
            rows = [{"id": each, "owner": owner, "territory": where} for each, (owner, where) in CUSTOMERS.items()]
        return frozenset(row[within.select] for row in rows if holds(within.where, row, subquery))

    return {each for each, customer in CONTACTS if holds(where, {"id": each, "customer": customer}, subquery)}


SEEN = Within("customer", "Customer", eq("owner", "rita"))
CLAIMED = Within("customer", "Customer", eq("territory", "n"))


@pytest.mark.parametrize(
    "claimed",
    [
        CLAIMED,
        both(Compare("id", Op.NE, "k9"), CLAIMED),
        either(CLAIMED, eq("id", "k2")),
        eq("id", "k3"),
        ALWAYS,
        Compare("id", Op.IN, ("k1", "k2", "k3", "k4")),
    ],
)
@pytest.mark.parametrize("seen", [SEEN, ALWAYS, eq("customer", "c1")])
def test_joining_visibility_to_a_claim_means_that_both_hold(claimed: Any, seen: Any) -> None:
    assert contact_ids(joined("Contact", claimed, seen)) == contact_ids(claimed) & contact_ids(seen)

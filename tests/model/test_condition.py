"""Conditions: the meaning on values that every store's SQL must have."""

from __future__ import annotations

import pytest

from saddlebag.model.condition import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Missing,
    Not,
    Op,
    Or,
    Param,
    Within,
    bind,
    both,
    either,
    eq,
    holds,
)
from saddlebag.model.fields import Value

_RECORD: dict[str, Value] = {"id": "D1", "stage": "won", "amount": 5, "segments": ("a", "b"), "title": "Big Äpfel"}


def _nothing(_: Within) -> frozenset[Value]:
    return frozenset({"D1"})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ALWAYS, True),
        (NEVER, False),
        (eq("stage", "won"), True),
        (eq("lost", "won"), False),
        (Not(eq("lost", "won")), True),
        (Compare("lost", Op.NE, "won"), False),
        (Compare("amount", Op.GE, 5), True),
        (Compare("amount", Op.LT, 5), False),
        (Compare("stage", Op.IN, ("won", "lost")), True),
        (Compare("segments", Op.HAS, "b"), True),
        (Compare("title", Op.PREFIX, "bIG"), True),
        (Compare("title", Op.CONTAINS, "äPF"), False),
        (Missing("lost"), True),
        (Within("id", "Deal", ALWAYS), True),
        (Within("lost", "Deal", ALWAYS), False),
    ],
)
def test_what_a_condition_means(condition: Condition, expected: bool) -> None:
    assert holds(condition, _RECORD, _nothing) is expected


def test_joining_flattens_what_is_trivial() -> None:
    one, two = eq("a", 1), eq("b", 2)
    assert both(ALWAYS, one) == one
    assert both(one, NEVER) == NEVER
    assert either(NEVER, one) == one
    assert either(one, ALWAYS) == ALWAYS
    assert both(one, two) == And((one, two))
    assert either(one, two) == Or((one, two))


def test_binding_reaches_every_depth_and_misses_none() -> None:
    nested = Not(Or((And((eq("owner", Param("me")),)), Within("x", "Deal", eq("owner", Param("me"))))))
    bound = bind(nested, {"me": "U1"})
    assert bound == Not(Or((And((eq("owner", "U1"),)), Within("x", "Deal", eq("owner", "U1")))))
    with pytest.raises(KeyError):
        bind(nested, {})
    with pytest.raises(ValueError, match="not bound"):
        holds(eq("stage", Param("me")), _RECORD, _nothing)

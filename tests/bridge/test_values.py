"""Settings, plain data, stamps and waiting: the small values that the bridge is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.bridge import plain
from saddlebag.bridge.backoff import Backoff, Breaker
from saddlebag.bridge.mastership import on_update, seen_texts
from saddlebag.bridge.rules import FieldRule, StreamMapping
from saddlebag.bridge.settings import Setting, checked, json_schema
from saddlebag.bridge.stamps import Window, read_cursor, write_cursor
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError
from saddlebag.model.builtin import CUSTOMER

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

SETTINGS = (
    Setting("url", "Where.", required=True),
    Setting("key", "Secret.", secret=True),
    Setting("size", "How many.", "integer", default=5, minimum=1),
    Setting("mode", "Which.", choices=("a", "b")),
)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.dates()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
)
PLAIN = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@pytest.mark.parametrize(
    ("given_values", "field"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "x", "size": 0}, "size"),
        ({"url": "x", "size": True}, "size"),
        ({"url": "x", "mode": "c"}, "mode"),
        ({"url": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_named(given_values: dict[str, Any], field: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        checked(SETTINGS, given_values)
    assert (caught.value.kind, caught.value.field) == (ADAPTER_CONFIGURATION, field)


def test_settings_have_defaults_and_a_json_schema() -> None:
    assert checked(SETTINGS, {"url": "x"}) == {"url": "x", "key": None, "size": 5, "mode": None}
    schema = json_schema(SETTINGS)
    assert schema["required"] == ["url"]
    assert schema["properties"]["key"]["writeOnly"] is True
    assert schema["additionalProperties"] is False


@given(PLAIN)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    back = plain.loads(plain.dumps({"value": value}))["value"]
    assert plain.dumps(back) == plain.dumps(value)


def test_a_binary_float_is_not_plain_data() -> None:
    with pytest.raises(TypeError):
        plain.dumps({"amount": 0.1})


def test_equal_data_has_equal_digests_whatever_the_order() -> None:
    first, second = {"a": 1, "b": Decimal("1.10")}, {"b": Decimal("1.10"), "a": 1}
    assert plain.digest(first) == plain.digest(second)
    assert plain.digest(first) != plain.digest({"a": 1, "b": Decimal("1.1")})
    assert plain.digest([date(2026, 1, 1)]) != plain.digest(["2026-01-01"])


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 10_000))
def test_a_cursor_never_goes_back_and_never_passes_now_minus_lag(seconds: list[int], now: int) -> None:
    window = Window(timedelta(minutes=5), timedelta(minutes=1))
    cursor = None
    for each in seconds:
        after = window.advance(cursor, NOON + timedelta(seconds=each), NOON + timedelta(seconds=now))
        assert after is not None
        assert after <= max(cursor or after, NOON + timedelta(seconds=now - 60))
        assert cursor is None or after >= cursor
        cursor = after
    assert window.start(cursor) == (None if cursor is None else cursor - timedelta(minutes=5))
    assert read_cursor(write_cursor(cursor)) == cursor


def test_waiting_doubles_is_jittered_and_bounded() -> None:
    backoff = Backoff(first=1, longest=10)
    assert [backoff.delay(n, lambda: 1.0) for n in (1, 2, 3, 9)] == [1, 2, 4, 10]
    assert [backoff.delay(n, lambda: 0.0) for n in (1, 2, 3, 9)] == [0.5, 1, 2, 5]
    assert backoff.delay(1, lambda: 0.0, asked=30) == 30


def test_a_breaker_leaves_a_system_alone_longer_each_time() -> None:
    breaker = Breaker()
    assert not breaker.is_open(NOON)
    waits = []
    for _ in range(8):
        breaker = Breaker.of_text(breaker.after_failure(NOON).to_text())
        assert breaker.is_open(NOON)
        assert breaker.until is not None
        waits.append((breaker.until - NOON).total_seconds() / 60)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


TEXTS = st.sampled_from([None, "a", "b", "c"])


@given(TEXTS, TEXTS, TEXTS)
def test_a_field_that_the_hub_masters_is_decided_by_who_moved(base: Any, system: Any, hub: Any) -> None:
    rules = StreamMapping("customers", "Customer", (FieldRule(CUSTOMER.field("name"), "hub"),))
    made = on_update(rules, {"name": system}, {"name": system}, {"name": base}, {"name": hub})
    if system in (base, hub):
        assert (made.values, made.disagreements) == ({}, ())
    elif hub == base:
        assert made.values == {"name": system}
    else:
        assert made.values == {}
        assert [(each.base, each.system, each.hub) for each in made.disagreements] == [(base, system, hub)]


@given(TEXTS, TEXTS, TEXTS)
def test_a_field_that_the_system_masters_takes_its_value(base: Any, system: Any, hub: Any) -> None:
    rules = StreamMapping("customers", "Customer", (FieldRule(CUSTOMER.field("creditLimit"), "system"),))
    made = on_update(
        rules, {"creditLimit": system}, {"creditLimit": system}, {"creditLimit": base}, {"creditLimit": hub}
    )
    assert made.values == ({} if system == hub else {"creditLimit": system})
    assert seen_texts(rules, {"creditLimit": system}) == {}

"""A mapping says what is wrong with it before the first record comes, and converts without losing a digit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from saddlebag.bridge import mapping
from saddlebag.bridge.port import Feed, Hygiene, Stream
from saddlebag.kernel.errors import ADAPTER_RECORD, INVALID_MAPPING, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Field, Kind

STREAM = Stream("deals", "Deal", "Deals.", Feed.SCAN, ("a", "b", "list"))
BASE: dict[str, Any] = {"customer": {"from": "a", "binding": True}, "title": "b"}


def load(hygiene: Hygiene | None = None, /, **fields: Any) -> Any:
    table = {"deals": {"fields": {**BASE, **fields}}}
    return mapping.load(table, [STREAM], BUILTIN, hygiene or Hygiene())["deals"]


def value(rule: Any, raw: Any, field: str, hygiene: Hygiene | None = None) -> Any:
    made = mapping.apply(load(hygiene, **{field: rule}), {"a": "c1", "b": "Title", "list": raw})
    return made.values[field]


@pytest.mark.parametrize(
    ("fields", "field", "word"),
    [
        ({"stagee": "b"}, "stagee", "no such field"),
        ({"stage": "nowhere"}, "stage", "no field nowhere"),
        ({"stage": {"from": "b", "codes": {"x": "half-won"}}}, "stage", "half-won"),
        ({"stage": {"form": "b"}}, "stage", "form is unknown"),
        ({"stage": {"value": "half-won"}}, "stage", "code table"),
        ({"amount": {"from": "b", "match": "number"}}, "amount", "for references"),
        ({"amount": {"from": "b", "factor": "many"}}, "amount", "number is expected"),
        ({"amount": {"from": "b", "zone": "Mars/North"}}, "amount", "time zone"),
        ({"amount": {"from": "b", "master": "nobody"}}, "amount", "master"),
        ({"amount": {"round": True}}, "amount", "neither from nor value"),
        ({"amount": {"from": "b..c"}}, "amount", "not a path"),
    ],
)
def test_a_wrong_mapping_is_refused_with_stream_and_field(fields: dict[str, Any], field: str, word: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        load(**fields)
    assert caught.value.kind is INVALID_MAPPING
    assert (caught.value.rule, caught.value.field) == ("deals", field)
    assert word in caught.value.message
    assert "deals" in caught.value.message


def test_a_required_field_without_rule_is_refused() -> None:
    with pytest.raises(SaddlebagError) as caught:
        mapping.load({"deals": {"fields": {"title": "b"}}}, [STREAM], BUILTIN, Hygiene())
    assert caught.value.field == "customer"


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(SaddlebagError) as caught:
        mapping.load({"dales": {"fields": BASE}}, [STREAM], BUILTIN, Hygiene())
    assert caught.value.rule == "dales"


@pytest.mark.parametrize(
    ("field", "rule", "raw", "wanted"),
    [
        ("amount", {"from": "list", "round": True}, Decimal("2.345"), Decimal("2.34")),
        ("amount", {"from": "list", "round": True}, Decimal("2.355"), Decimal("2.36")),
        ("amount", {"from": "list", "factor": "0.001"}, 1230, Decimal("1.230")),
        ("amount", "list", "12.3400", Decimal("12.3400")),
        ("probability", {"from": "list", "factor": 100, "round": True}, Decimal("0.35"), 35),
        ("stage", {"from": "list", "codes": {"7": "won"}}, 7, "won"),
        ("stage", {"from": "list", "default": "qualify"}, "who knows", "qualify"),
        ("closeDate", "list", "2026-11-21", date(2026, 11, 21)),
        ("closeDate", {"from": "list", "zone": "Asia/Tokyo"}, datetime(2026, 11, 21, 16, 0), date(2026, 11, 21)),
        ("notes", {"from": "list", "unescape": True}, "a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
        ("notes", "list", "one\r\ntwo\r", "one\ntwo"),
        ("nextStep", {"from": "list", "lines": ", "}, "one\n\n two ", "one, two"),
        ("nextStep", {"from": "list", "clip": True}, "x" * 300, "x" * 255),
        ("nextStep", {"from": "list[kind=b].v"}, [{"kind": "a", "v": "1"}, {"kind": "b", "v": "2"}], "2"),
        ("nextStep", {"from": "list[*].v", "join": "/"}, [{"v": "1"}, {"v": None}, {"v": "3"}], "1/3"),
        ("nextStep", {"from": ["list[3].v", "list[0].v"]}, [{"v": "first"}], "first"),
        ("nextStep", {"value": "call"}, None, "call"),
        ("nextStep", {"from": "list", "default": "none yet"}, "  ", "none yet"),
    ],
)
def test_values_are_made_of_the_fields_type(field: str, rule: Any, raw: Any, wanted: Any) -> None:
    assert value(rule, raw, field) == wanted


@pytest.mark.parametrize(
    ("field", "rule", "raw"),
    [
        ("amount", "list", 1.5),
        ("amount", "list", "1e5"),
        ("amount", "list", True),
        ("amount", "list", Decimal("NaN")),
        ("probability", "list", Decimal("0.5")),
        ("stage", "list", "half-won"),
        ("closeDate", "list", "21.11.2026"),
        ("notes", "list", "a\x00b"),
    ],
)
def test_what_cannot_be_converted_refuses_the_record_and_names_the_field(field: str, rule: Any, raw: Any) -> None:
    """The value itself stays out of the message: it is the dead letter's."""
    with pytest.raises(SaddlebagError) as caught:
        value(rule, raw, field)
    assert caught.value.kind is ADAPTER_RECORD
    assert caught.value.field == field
    assert str(raw) not in caught.value.message


def test_the_systems_hygiene_holds_for_every_rule() -> None:
    """Text that comes escaped is undone exactly once; times without offset are in the system's zone."""
    made = load(Hygiene("Europe/Paris", escaped_text=True), notes="list")
    assert mapping.apply(made, {"a": "1", "b": "A &amp; B", "list": "x"}).values["title"] == "A & B"
    schema = BUILTIN.with_fields("Deal", Field("seenAt", Kind.DATETIME, "When it was seen."))
    table = {"deals": {"fields": {**BASE, "seenAt": "list"}}}
    rules = mapping.load(table, [STREAM], schema, Hygiene("Europe/Paris"))["deals"]
    seen = mapping.apply(rules, {"a": "1", "b": "t", "list": datetime(2026, 7, 1, 12, 0)}).values["seenAt"]
    assert seen == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def test_a_tenants_own_field_can_be_mapped() -> None:
    schema = BUILTIN.with_fields("Deal", Field("channel", Kind.STRING, "Where it came from."))
    table = {"deals": {"fields": {**BASE, "channel": "list"}}}
    rules = mapping.load(table, [STREAM], schema, Hygiene())["deals"]
    assert mapping.apply(rules, {"a": "1", "b": "t", "list": "fair"}).values["channel"] == "fair"


def test_a_tenants_changes_are_laid_over_the_default() -> None:
    default = {"deals": {"match": ["number"], "fields": {**BASE, "notes": "a", "nextStep": "b"}}}
    changes = {"deals": {"fields": {"notes": None, "nextStep": {"value": "call"}}, "match": []}}
    merged = mapping.overlay(default, changes)
    assert merged == {"deals": {"match": [], "fields": {**BASE, "nextStep": {"value": "call"}}}}
    assert default["deals"]["match"] == ["number"]

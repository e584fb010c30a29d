"""The codec: a value means the same on every way into the hub, and equal values give equal bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from contract_samples import EVERY
from declared_values import IDS, TIMES, values_of
from examples import examples
from saddlebag.contract.codec import codec_for
from saddlebag.contract.namespaces import TYPES, XSI
from saddlebag.contract.spec import RecordInput
from saddlebag.kernel.errors import INVALID_ID, INVALID_VALUE, SCHEMA_INVALID, UNKNOWN_FIELD, SaddlebagError
from saddlebag.model.builtin import BUILTIN, CUSTOMER
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Kind, Value

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCHEMA = Schema((EVERY,))
CODEC = codec_for(SCHEMA)["Every"]
ENTITIES = pytest.mark.parametrize("entity", [*BUILTIN.entities, EVERY], ids=lambda each: each.name)


def _element(content: str, schema_name: str = "every") -> etree._Element:
    return etree.fromstring(f'<{schema_name} xmlns="{TYPES}" xmlns:xsi="{XSI}">{content}</{schema_name}>')


def _read(content: str) -> RecordInput:
    return CODEC.read(_element(content))


def _codec_of(entity: Entity) -> Any:
    return codec_for(SCHEMA if entity is EVERY else BUILTIN)[entity.name]


@ENTITIES
@settings(max_examples=examples(40))  # for each of fifteen entities
@given(data=st.data())
def test_a_rendering_reads_back_as_what_was_rendered(entity: Entity, data: st.DataObject) -> None:
    """By the text reader that devices use, and by an XML parser, as any client would."""
    codec = _codec_of(entity)
    record_id, version = data.draw(IDS), data.draw(st.integers(0, 2**63 - 1))
    values = data.draw(values_of(entity))
    fragment, tail = codec.render(record_id, version, values, data.draw(TIMES), data.draw(TIMES))
    assert codec.values(fragment + tail) == values
    assert codec.read(_element(fragment + tail)) == RecordInput(entity.name, record_id, version, values)


@ENTITIES
@settings(max_examples=examples(40))  # for each of fifteen entities
@given(data=st.data())
def test_every_text_of_a_value_gives_the_value_back(entity: Entity, data: st.DataObject) -> None:
    codec = _codec_of(entity)
    values = data.draw(values_of(entity))
    assert {name: codec.value(name, codec.text(name, value)) for name, value in values.items()} == values
    assert codec.check(values) == values


def test_a_rendering_stands_in_declared_order_and_keeps_hub_fields_apart() -> None:
    values: dict[str, Value] = {"secret": "s", "tags": ("x", "y"), "name": "n", "flag": False}
    fragment, tail = CODEC.render("r1", 7, values, NOW, NOW + timedelta(seconds=1))
    assert fragment == ("<id>r1</id><version>7</version><name>n</name><flag>false</flag><tags>x</tags><tags>y</tags>")
    assert tail == (
        "<secret>s</secret><createdAt>2026-03-01T12:00:00Z</createdAt><modifiedAt>2026-03-01T12:00:01Z</modifiedAt>"
    )


def test_a_field_without_value_has_no_element() -> None:
    fragment, _ = CODEC.render("r1", 7, {"name": None, "body": "", "tags": ()}, NOW, NOW)
    assert fragment == "<id>r1</id><version>7</version>"


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        ("price", (Decimal("1.5"), Decimal("1.50"), Decimal("15E-1"))),
        ("price", (Decimal("0"), Decimal("-0.00"), 0)),
        ("share", (Decimal("1E-7"), Decimal("0.00000010"))),
        ("at", (NOW, NOW.astimezone(timezone(timedelta(hours=-3, minutes=-30))))),
        ("tags", (("b", "a"), ("a", "b", "a"))),
        ("body", ("a\r\nb", "a\nb", "a\rb")),
    ],
)
def test_equal_values_give_equal_bytes(name: str, equal: tuple[Value, ...]) -> None:
    rendered = {CODEC.render("r", 1, CODEC.check({name: each}), NOW, NOW) for each in equal}
    assert len(rendered) == 1


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        ("<at>2026-01-01T10:00:00-03:30</at>", "at", datetime(2026, 1, 1, 13, 30, tzinfo=UTC)),  # V1
        ("<flag> true\n</flag>", "flag", True),  # V2
        ("<day> 2026-01-31 </day>", "day", date(2026, 1, 31)),  # V2
        ("<code>\n  b\n</code>", "code", "b"),  # V2
        ("<other> r9 </other>", "other", "r9"),  # V2
        ("<price> 0012.5000 </price>", "price", Decimal("12.50")),
        ('<name xsi:nil="false">kept</name>', "name", "kept"),  # S23
        ('<name xsi:nil=" true "/>', "name", None),
        ('<tags xsi:nil="1"/>', "tags", None),
        ("<at>2026-01-01T24:00:00Z</at>", "at", datetime(2026, 1, 2, tzinfo=UTC)),  # S25
        ("<name/>", "name", None),
        ("<name>  two  spaces </name>", "name", "  two  spaces "),
        ("<name>a<!-- b -->c</name>", "name", "ac"),
        ("<tags> b  c </tags><tags>a</tags><tags>a</tags>", "tags", ("a", "b c")),
        ("<clear>name</clear>", "name", None),
    ],
)
def test_elements_are_read_as_their_types_say(content: str, name: str, expected: Value) -> None:
    assert _read(content).values == {name: expected}


def test_a_record_can_be_sent_back_as_it_was_got() -> None:
    fragment, tail = CODEC.render("r1", 7, {"name": "n"}, NOW, NOW)
    assert _read(fragment + tail) == RecordInput("Every", "r1", 7, {"name": "n"})


def test_an_empty_id_or_version_is_none() -> None:
    assert _read('<id/><version xsi:nil="true"/><name>n</name>') == RecordInput("Every", None, None, {"name": "n"})


@pytest.mark.parametrize(
    ("content", "kind", "field"),
    [
        ("<flag>yes</flag>", INVALID_VALUE, "flag"),
        ("<flag/>", INVALID_VALUE, "flag"),
        ("<count>1_000</count>", INVALID_VALUE, "count"),  # S24
        ("<count>6</count>", INVALID_VALUE, "count"),
        ("<big>9223372036854775808</big>", INVALID_VALUE, "big"),
        ("<price>1.2E-7</price>", INVALID_VALUE, "price"),  # V4
        ("<price>1.005</price>", INVALID_VALUE, "price"),
        ("<price>10000</price>", INVALID_VALUE, "price"),
        ("<price>NaN</price>", INVALID_VALUE, "price"),
        ("<at>2026-01-01T10:00:00</at>", INVALID_VALUE, "at"),
        ("<day>2026-02-30</day>", INVALID_VALUE, "day"),
        ("<other>not an id</other>", INVALID_VALUE, "other"),
        ("<code>c</code>", INVALID_VALUE, "code"),
        ("<name>123456789012345678901</name>", INVALID_VALUE, "name"),
        ("<tags> </tags>", INVALID_VALUE, "tags"),
        ("<name>a</name><name>b</name>", INVALID_VALUE, "name"),
        ("<name>a</name><clear>name</clear>", INVALID_VALUE, "name"),
        ("<name><b/></name>", SCHEMA_INVALID, None),
        ('<x:name xmlns:x="urn:else"/>', SCHEMA_INVALID, None),
        ("<bogus>1</bogus>", UNKNOWN_FIELD, "bogus"),
        ("<clear>bogus</clear>", UNKNOWN_FIELD, "bogus"),
        ("<id>no id</id>", INVALID_ID, None),
        ("<version>-1</version>", INVALID_VALUE, "version"),
    ],
)
def test_what_a_field_does_not_allow_is_refused_by_name(content: str, kind: object, field: str | None) -> None:
    with pytest.raises(SaddlebagError) as refused:
        _read(content)
    assert (refused.value.kind, refused.value.field) == (kind, field)


@pytest.mark.parametrize("name", [each.name for each in EVERY.fields if each.kind not in (Kind.STRING, Kind.TEXT)])
def test_a_refusal_never_repeats_what_was_sent(name: str) -> None:
    sent = "sEcReT <!> " * 9
    with pytest.raises(SaddlebagError, match=f"Every.{name}") as refused:
        CODEC.value(name, sent)
    assert "sEcReT" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 5),
        ("name", "\0"),
        ("name", "\ud800"),
        ("body", ("a",)),
        ("code", "c"),
        ("flag", 1),
        ("count", True),
        ("count", Decimal(1)),
        ("price", 1.5),
        ("price", Decimal("Infinity")),
        ("day", NOW),
        ("at", datetime(2026, 1, 1)),
        ("at", date(2026, 1, 1)),
        ("other", ""),
        ("tags", "a"),
        ("tags", ("",)),
        ("tags", 3),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: Any) -> None:
    with pytest.raises(SaddlebagError) as refused:
        CODEC.check({name: value})
    assert (refused.value.kind, refused.value.entity, refused.value.field) == (INVALID_VALUE, "Every", name)


@pytest.mark.parametrize(("name", "value"), [("name", "a\0b"), ("name", 5), ("price", "1"), ("at", "now")])
def test_what_cannot_be_read_again_is_never_rendered(name: str, value: Any) -> None:
    with pytest.raises(SaddlebagError) as refused:
        CODEC.render("r", 1, {name: value}, NOW, NOW)
    assert (refused.value.kind, refused.value.field) == (INVALID_VALUE, name)


def test_one_text_is_no_list_and_a_list_is_no_text() -> None:
    assert CODEC.value("tags", "one") == ("one",)
    with pytest.raises(SaddlebagError) as refused:
        CODEC.value("name", ("one", "two"))
    assert refused.value.kind is INVALID_VALUE


def test_no_text_is_no_value() -> None:
    assert CODEC.value("price", None) is None
    assert CODEC.value("tags", ()) is None
    assert CODEC.text("price", None) is None


def test_system_fields_have_texts_too() -> None:
    assert CODEC.value("modifiedAt", "2026-03-01T12:00:00Z") == NOW
    assert CODEC.text("id", "r1") == "r1"


def test_an_unknown_field_is_named() -> None:
    for ask in (lambda: CODEC.check({"bogus": 1}), lambda: CODEC.text("bogus", "x"), lambda: CODEC.value("bogus", "")):
        with pytest.raises(SaddlebagError) as refused:
            ask()
        assert (refused.value.kind, refused.value.field) == (UNKNOWN_FIELD, "bogus")


def test_equal_schemas_share_their_codecs() -> None:
    assert codec_for(Schema((EVERY,))) is codec_for(SCHEMA)
    assert codec_for(SCHEMA)["Every"] is CODEC
    assert codec_for(BUILTIN)["Customer"].entity is CUSTOMER

"""Messages to values and back: lexical forms, nil, order, bounds (S23, S25, V1-V6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.spec import RecordInput
from saddlebag.kernel.errors import (
    INVALID_ID,
    INVALID_VALUE,
    SCHEMA_INVALID,
    TOO_MANY_RECORDS,
    UNKNOWN_FIELD,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.model.builtin import BUILTIN
from saddlebag.server.messages import MessageCodec, compile_service
from saddlebag.store.base import Rendering
from soap_probe import PROBE, SERVICE

CODECS = compile_service(SERVICE, BUILTIN)
ECHO, TAKE, GIVE = (CODECS[f"{{{PROBE}}}{name}"] for name in ("Echo", "Take", "Give"))


def _element(inside: str, name: str = "Echo") -> Any:
    spaces = f'xmlns="{PROBE}" xmlns:t="{namespaces.TYPES}" xmlns:xsi="{namespaces.XSI}"'
    return etree.fromstring(f"<{name} {spaces}>{inside}</{name}>")


def _read(inside: str, codec: MessageCodec = ECHO) -> Mapping[str, Any]:
    values: Mapping[str, Any] = codec.read(_element(inside, codec.operation.name))
    return values


def _refused(inside: str, codec: MessageCodec = ECHO) -> SaddlebagError:
    with pytest.raises(SaddlebagError) as caught:
        _read(inside, codec)
    return caught.value


def _written(values: Mapping[str, Any], codec: MessageCodec = ECHO) -> Any:
    return etree.fromstring(codec.write(values))


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        ("<stringValue> a\tb </stringValue>", " a\tb "),
        ("<stringValue></stringValue>", ""),
        ("<tokenValue>  a \n b </tokenValue>", "a b"),
        ("<idValue> a-1 </idValue>", "a-1"),
        ("<booleanValue> true </booleanValue>", True),
        ("<booleanValue>0</booleanValue>", False),
        ("<intValue>\n+7 </intValue>", 7),
        ("<longValue>-9223372036854775808</longValue>", -(2**63)),
        ("<decimalValue> 1.20 </decimalValue>", Decimal("1.20")),
        ("<dateValue> 2026-02-28Z </dateValue>", date(2026, 2, 28)),
        ("<datetimeValue>2026-01-01T10:00:00-03:30</datetimeValue>", datetime(2026, 1, 1, 13, 30, tzinfo=UTC)),
        ("<datetimeValue>2026-01-01T24:00:00Z</datetimeValue>", datetime(2026, 1, 2, tzinfo=UTC)),
        ("<binaryValue/>", b""),
        ("<binaryValue>aGk=\n</binaryValue>", b"hi"),
        ("<colourValue> red </colourValue>", "red"),
    ],
)
def test_s25_v1_v2_v5_each_lexical_form_is_read_as_xml_schema_means_it(inside: str, value: object) -> None:
    assert list(_read(inside).values()) == [value]


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ("<booleanValue>yes</booleanValue>", INVALID_VALUE),
        ("<intValue>1_000</intValue>", INVALID_VALUE),
        ("<intValue>2147483648</intValue>", INVALID_VALUE),
        ("<longValue>9223372036854775808</longValue>", INVALID_VALUE),
        ("<decimalValue>1E3</decimalValue>", INVALID_VALUE),
        ("<decimalValue>NaN</decimalValue>", INVALID_VALUE),
        ("<dateValue>2026-02-30</dateValue>", INVALID_VALUE),
        ("<datetimeValue>2026-01-01T10:00:00</datetimeValue>", INVALID_VALUE),
        ("<binaryValue>a!b</binaryValue>", INVALID_VALUE),
        ("<colourValue>green</colourValue>", INVALID_VALUE),
        ("<idValue>a b</idValue>", INVALID_ID),
        ("<intValue><t:x/></intValue>", SCHEMA_INVALID),
    ],
)
def test_s24_v6_what_is_no_lexical_form_is_refused(inside: str, kind: ErrorKind) -> None:
    assert _refused(inside).kind is kind


def test_s23_nil_false_with_content_is_content_and_nil_true_is_nothing() -> None:
    assert _read('<stringValue xsi:nil="false">kept</stringValue>') == {"stringValue": "kept"}
    assert _read('<stringValue xsi:nil="true"/><longValue xsi:nil="1"/>') == {"stringValue": None, "longValue": None}


def test_an_absent_member_is_absent() -> None:
    assert _read("") == {}


def test_structs_and_lists_are_read() -> None:
    pair = "<t:left>a</t:left><t:right>1</t:right>"
    read = _read(f"<pair>{pair}</pair><pairs>{pair}</pairs><pairs><t:left/></pairs><words>x</words><words/>")
    assert read == {
        "pair": {"left": "a", "right": 1},
        "pairs": [{"left": "a", "right": 1}, {"left": ""}],
        "words": ["x", ""],
    }


@pytest.mark.parametrize(
    "inside",
    [
        "<unknown/>",
        "<t:stringValue>other namespace</t:stringValue>",
        "<stringValue>a</stringValue><stringValue>b</stringValue>",
        "<pair><t:right>1</t:right></pair>",
        '<pair><t:left xsi:nil="true"/></pair>',
    ],
)
def test_s24_unknown_doubled_and_missing_elements_are_refused_even_without_a_schema(inside: str) -> None:
    assert _refused(inside).kind is SCHEMA_INVALID


def test_records_are_read_by_the_entitys_codec() -> None:
    read = _read("<customer><t:id>c1</t:id><t:name>Ann</t:name><t:clear>email</t:clear></customer>", TAKE)
    assert read["customer"] == [RecordInput("Customer", "c1", None, {"name": "Ann", "email": None})]
    assert _refused("<customer><t:colour>red</t:colour></customer>", TAKE).kind is UNKNOWN_FIELD


def test_more_repetitions_than_declared_are_counted_not_read() -> None:
    TAKE.check_counts(_element("<customer/>" * 200, "Take"))
    with pytest.raises(SaddlebagError) as caught:
        TAKE.check_counts(_element("<customer/>" * 201, "Take"))
    assert (caught.value.kind, caught.value.count, caught.value.limit) == (TOO_MANY_RECORDS, 201, 200)


def test_s33_stored_records_are_copied_into_the_answer_as_they_are() -> None:
    rendering = Rendering("c1", "<id>c1</id><name>A &amp; B</name>", "<taxNumber>9</taxNumber>")
    text = GIVE.write({"customer": [rendering, rendering]})
    assert text.count("<s:customer><id>c1</id><name>A &amp; B</name><taxNumber>9</taxNumber></s:customer>") == 2
    record = etree.fromstring(text)[0]
    assert [each.tag for each in record] == [f"{{{namespaces.TYPES}}}{name}" for name in ("id", "name", "taxNumber")]


def test_v4_decimals_go_out_as_plain_digits() -> None:
    written = _written({"decimalValue": Decimal("1.2E-7")})
    assert written[0].text == "0.00000012"
    assert _written({"decimalValue": Decimal("1E+3")})[0].text == "1000"


@pytest.mark.parametrize(
    "values",
    [
        {"undeclared": 1}, {"booleanValue": 1}, {"decimalValue": Decimal("NaN")}, {"stringValue": "\x00"},
        {"datetimeValue": datetime(2026, 1, 1)}, {"dateValue": datetime(2026, 1, 1)}, {"pair": {"right": 1}},
    ],
)  # fmt: skip
def test_an_answer_that_the_declaration_does_not_allow_is_not_sent(values: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"."):
        ECHO.write(values)


_XML_TEXT = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\ufffe\uffff", min_codepoint=32), max_size=20
)
_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "stringValue": _XML_TEXT,
        "booleanValue": st.booleans(),
        "intValue": st.integers(-(2**31), 2**31 - 1),
        "longValue": st.integers(-(2**63), 2**63 - 1),
        "decimalValue": st.decimals(
            allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
        ),
        "dateValue": st.dates(date(1000, 1, 1)),
        "datetimeValue": st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
        "binaryValue": st.binary(max_size=20),
        "colourValue": st.sampled_from(["red", "blue"]),
        "pair": st.fixed_dictionaries({"left": _XML_TEXT}, optional={"right": st.integers(0, 9)}),
        "words": st.lists(_XML_TEXT, min_size=1, max_size=3),
    },
)


@given(_VALUES)
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    written = _written(values)
    assert written.tag == f"{{{PROBE}}}EchoResponse"
    assert ECHO.read(written) == values

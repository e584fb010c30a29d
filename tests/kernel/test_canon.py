"""Lexical forms: every value has one canonical text, and reading it back gives the value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import canon
from saddlebag.kernel.canon import LexicalError

_XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff").filter(
        lambda each: each >= " " or each in "\t\n\r"
    )
)


@given(_XML_TEXT)
def test_escaped_text_reads_back_as_itself(text: str) -> None:
    assert canon.unescape(canon.escape(text)) == text


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ufffe", "\ud800"])
def test_characters_that_xml_forbids_are_refused(text: str) -> None:
    with pytest.raises(LexicalError):
        canon.clean_text(text)


def test_line_ends_are_one_line_feed() -> None:
    assert canon.clean_text("a\r\nb\rc\nd") == "a\nb\nc\nd"


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_round_trip(moment: datetime) -> None:
    assert canon.read_datetime(canon.write_datetime(moment)) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T24:00:00Z", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-01T10:00:00-03:30", datetime(2026, 1, 1, 13, 30, tzinfo=UTC)),
        (" 2026-01-01T10:00:00.5+01:00\n", datetime(2026, 1, 1, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-01T10:00:00.1234567899Z", datetime(2026, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_times_with_offsets_and_midnights_are_read_right(text: str, expected: datetime) -> None:
    assert canon.read_datetime(text) == expected


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T10:00:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:01Z", "2026-01-01T25:00:00Z",
     "2026-01-01T10:00:00+15:00", "0001-01-01T00:00:00+01:00", "9999-12-31T24:00:00Z", "now"],
)  # fmt: skip
def test_times_that_do_not_exist_or_have_no_zone_are_refused(text: str) -> None:
    with pytest.raises(LexicalError):
        canon.read_datetime(text)


def test_a_time_is_written_in_utc_without_trailing_zeros() -> None:
    moment = datetime(2026, 1, 1, 1, 0, 0, 250000, tzinfo=timezone(timedelta(hours=2)))
    assert canon.write_datetime(moment) == "2025-12-31T23:00:00.25Z"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_decimals_keep_every_digit_and_never_use_an_exponent(number: Decimal) -> None:
    text = canon.write_decimal(number, 4)
    assert "E" not in text.upper()
    assert canon.read_decimal(text) == number


@pytest.mark.parametrize(("number", "scale"), [("1.005", 2), ("1E30", 2)])
def test_digits_are_never_lost_in_silence(number: str, scale: int) -> None:
    with pytest.raises(LexicalError):
        canon.write_decimal(Decimal(number), scale)


def test_minus_nought_is_nought() -> None:
    assert canon.write_decimal(Decimal("-0.00"), 2) == "0.00"


@pytest.mark.parametrize("text", ["1_000", "1e3", "NaN", "INF", "", ".", "+", "9" * 50, "١"])
def test_numbers_in_other_clothes_are_refused(text: str) -> None:
    with pytest.raises(LexicalError):
        canon.read_decimal(text)
    with pytest.raises(LexicalError):
        canon.read_integer(text)


@pytest.mark.parametrize(("text", "value"), [(" true ", True), ("0", False), ("1", True), ("\nfalse", False)])
def test_booleans_are_read_with_white_space_collapsed(text: str, value: bool) -> None:
    assert canon.read_boolean(text) is value


@pytest.mark.parametrize("text", ["yes", "TRUE", ""])
def test_other_booleans_are_refused(text: str) -> None:
    with pytest.raises(LexicalError):
        canon.read_boolean(text)


@given(st.dates())
def test_dates_round_trip(day: date) -> None:
    assert canon.read_date(canon.write_date(day)) == day


@given(st.binary())
def test_binary_round_trips(data: bytes) -> None:
    assert canon.read_binary(canon.write_binary(data)) == data


def test_garbage_is_not_base64_and_empty_is_empty() -> None:
    assert canon.read_binary("") == b""
    with pytest.raises(LexicalError):
        canon.read_binary("!!!!")

"""Column types: every value comes back, and its stored form orders as it does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from saddlebag.store.types import Exact, UtcTime, tag_needle, tags_to_text, to_signed, to_unsigned

SQLITE, POSTGRES = sqlite.dialect(), postgresql.dialect()
TAG = st.text(st.sampled_from('ab",\\[]\u001f\U0001f40e'), max_size=4)
DIGITS = st.sampled_from([(5, 2), (18, 4), (19, 0), (28, 10)])


@given(tags=st.lists(TAG, min_size=1, max_size=4), tag=TAG)
def test_a_tag_is_found_in_the_text_exactly_when_it_is_among_the_tags(tags: list[str], tag: str) -> None:
    held = tags_to_text(tags)
    assert held is not None
    assert (tag_needle(tag) in held) == (tag in tags)
    assert json.loads(held) == tags


@given(unsigned=st.integers(0, 2**64 - 1))
def test_unsigned_numbers_come_back_from_signed_ones(unsigned: int) -> None:
    assert -(2**63) <= to_signed(unsigned) < 2**63
    assert to_unsigned(to_signed(unsigned)) == unsigned


@given(digits=DIGITS, data=st.data())
def test_decimals_come_back_and_keep_their_order(digits: tuple[int, int], data: st.DataObject) -> None:
    exact = Exact(*digits)
    whole = st.integers(-(10 ** digits[0]) + 1, 10 ** digits[0] - 1)
    first, second = (exact.of_whole(data.draw(whole)) for _ in range(2))
    stored = [exact.process_bind_param(each, SQLITE) for each in (first, second)]
    assert [exact.process_result_value(each, SQLITE) for each in stored] == [first, second]
    assert (stored[0] < stored[1]) == (first < second)
    assert exact.process_bind_param(first, POSTGRES) == first


@pytest.mark.parametrize("value", ["0.001", "1000", "-1000", "1E+5"])
def test_a_decimal_that_would_lose_digits_is_refused(value: str) -> None:
    for dialect in (SQLITE, POSTGRES):
        with pytest.raises(ValueError, match="does not fit"):
            Exact(5, 2).process_bind_param(Decimal(value), dialect)


@given(moment=st.datetimes(timezones=st.just(UTC)), later=st.datetimes(timezones=st.just(UTC)))
def test_moments_come_back_and_keep_their_order(moment: datetime, later: datetime) -> None:
    stored = [UtcTime().process_bind_param(each, SQLITE) for each in (moment, later)]
    assert UtcTime().process_result_value(stored[0], SQLITE) == moment
    assert (stored[0] < stored[1]) == (moment < later)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), SQLITE)

"""Cursors: short, signed, bound to tenant and device, and never a way to learn why one is refused."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.cursor import Cursor, read_cursor, write_cursor
from saddlebag.kernel.errors import INVALID_CURSOR, SaddlebagError

SECRET = b"s" * 32
CURSORS = st.builds(
    Cursor,
    st.uuids().map(str),
    st.integers(0, 2**31),
    st.integers(0, 2**40),
    st.integers(0, 2**20),
    st.binary(min_size=8, max_size=8).map(bytes.hex),
)


@given(CURSORS)
def test_a_cursor_comes_back_as_it_was_given_out(cursor: Cursor) -> None:
    text = write_cursor(cursor, "acme", SECRET)
    assert read_cursor(text, "acme", SECRET) == cursor


def test_a_cursor_is_short() -> None:
    cursor = Cursor(str(uuid.UUID(int=1)), 1, 10_000, 12, "0123456789abcdef")
    assert len(write_cursor(cursor, "acme", SECRET)) <= 100


def refusal(text: str, tenant: str = "acme", secret: bytes = SECRET) -> str:
    with pytest.raises(SaddlebagError) as caught:
        read_cursor(text, tenant, secret)
    assert caught.value.kind is INVALID_CURSOR
    return str(caught.value)


@given(CURSORS, st.data())
def test_any_altered_character_is_refused_with_the_same_words(cursor: Cursor, data: st.DataObject) -> None:
    text = write_cursor(cursor, "acme", SECRET)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_=. é").filter(lambda each: each != text[place]))
    assert refusal(text[:place] + letter + text[place + 1 :]) == refusal("")


@given(CURSORS)
def test_another_tenants_cursor_is_refused(cursor: Cursor) -> None:
    text = write_cursor(cursor, "acme", SECRET)
    assert refusal(text, tenant="other") == refusal(text, secret=b"t" * 32) == refusal(text + text) == refusal("")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert refusal(text) is not None

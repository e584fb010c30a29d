"""Content codings and charsets: what is taken, what is refused, and at what size."""

from __future__ import annotations

import gzip
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_CODING, MALFORMED_XML, MEDIA_TYPE, TOO_LARGE, SaddlebagError
from saddlebag.server.coding import accepts_gzip, compress, decode_body, to_utf8

MOST = 1_000_000


def _kind(data: bytes, coding: str, most: int = MOST) -> object:
    with pytest.raises(SaddlebagError) as caught:
        decode_body(data, coding, most)
    return caught.value.kind


@given(st.binary(max_size=2000))
def test_a_body_comes_back_from_gzip_as_it_went(data: bytes) -> None:
    assert decode_body(compress(data), "gzip", MOST) == data
    assert decode_body(compress(data), " GZIP ", MOST) == data
    assert decode_body(data, "", MOST) == decode_body(data, "identity", MOST) == data


def test_equal_answers_are_equal_bytes() -> None:
    assert compress(b"x" * 5000) == compress(b"x" * 5000)


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "x"])
def test_an_unknown_coding_is_refused(coding: str) -> None:
    assert _kind(b"x", coding) is CONTENT_CODING


@pytest.mark.parametrize(
    "data",
    [b"not gzip", gzip.compress(b"x" * 99)[:-1], gzip.compress(b"x") + b"y", gzip.compress(b"x") * 2],
    ids=[
        "no gzip",
        "cut off",
        "followed by more",
        "twice",
    ],  # gzip holds the time: two workers would name them differently
)
def test_damaged_gzip_is_refused(data: bytes) -> None:
    assert _kind(data, "gzip") is CONTENT_CODING


def test_a_body_that_unpacks_to_too_much_is_refused() -> None:
    plain = Random(1).randbytes(500_000)
    assert decode_body(gzip.compress(plain), "gzip", 500_000) == plain
    assert _kind(gzip.compress(plain), "gzip", 499_999) is TOO_LARGE


def test_a_bomb_is_refused_by_its_ratio() -> None:
    """A megabyte of zeros packs to a kilobyte: beyond 64 KiB the ratio counts."""
    assert _kind(gzip.compress(bytes(1_000_000)), "gzip", 10_000_000) is TOO_LARGE
    assert decode_body(gzip.compress(bytes(60_000)), "gzip", MOST) == bytes(60_000)


def test_packed_bytes_have_a_bound_of_their_own() -> None:
    assert _kind(b"x" * (limits.COMPRESSED_BYTES + 1), "gzip") is TOO_LARGE


@pytest.mark.parametrize(
    ("header", "taken"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False),
     ("gzip; q=0.000", False), ("GZIP", True)],
)  # fmt: skip
def test_accept_encoding_is_heard(header: str, taken: bool) -> None:
    assert accepts_gzip(header) is taken


TEXT = "<a>\u00e9\u4e2d\U0001f600</a>"


@pytest.mark.parametrize(
    ("data", "charset", "settled"),
    [
        (TEXT.encode(), None, False),
        (TEXT.encode(), "utf-8", True),
        (TEXT.encode(), '"UTF-8"', True),
        (TEXT.encode("utf-8-sig"), None, True),
        (TEXT.encode("utf-8-sig"), "utf-16", True),
        (TEXT.encode("utf-16"), None, True),
        (TEXT.encode("utf-16"), "utf-16", True),
        (TEXT.encode("utf-16-le"), None, True),
        (TEXT.encode("utf-16-be"), None, True),
        (TEXT.encode("utf-16-le"), "utf-16le", True),
        (TEXT.encode("utf-16-be"), "utf-16BE", True),
    ],
)
def test_a_document_is_turned_into_utf8(data: bytes, charset: str | None, settled: bool) -> None:
    assert to_utf8(data, charset) == (TEXT.encode(), settled)


def test_p11_an_unknown_charset_is_the_callers_fault() -> None:
    with pytest.raises(SaddlebagError) as caught:
        to_utf8(b"<a/>", "klingon")
    assert caught.value.kind is MEDIA_TYPE


def test_p11_bytes_that_the_charset_does_not_allow_are_the_callers_fault() -> None:
    with pytest.raises(SaddlebagError) as caught:
        to_utf8(b"\xff\xfe\x00", None)
    assert caught.value.kind is MALFORMED_XML

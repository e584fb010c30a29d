"""Content codings and charsets: what is taken, what is refused, and at what size."""

from __future__ import annotations

import gzip
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_CODING, MALFORMED_XML, MEDIA_TYPE, TOO_LARGE, SaddlebagError
from saddlebag.kernel.packing import Dictionary, Zstd
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.server.coding import Codings, accepts, compress, dictionary_of, to_utf8
from saddlebag.server.zstd import find_zstd

MOST = 1_000_000


DICTIONARY = dictionary_of(BUILTIN)
OURS = Codings(DICTIONARY)


def decode_body(data: bytes, coding: str, most: int) -> bytes:
    return OURS.decoded(data, coding, most)


def _kind(data: bytes, coding: str, most: int = MOST, codings: Codings = OURS) -> object:
    with pytest.raises(SaddlebagError) as caught:
        codings.decoded(data, coding, most)
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
     ("gzip; q=0.000", False), ("GZIP", True), ("*;q=0, gzip", True), ("gzip;q=0, *", False)],
)  # fmt: skip
def test_accept_encoding_is_heard(header: str, taken: bool) -> None:
    assert accepts(header)("gzip") is taken


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


PAGE = b"<s:put><deal><id>d1</id><version>7</version><title>Pumps</title><stage>qualify</stage></deal></s:put>" * 3


@given(st.binary(max_size=3000))
def test_a_body_comes_back_from_the_dictionary_as_it_went(data: bytes) -> None:
    assert OURS.decoded(DICTIONARY.packed(data), DICTIONARY.coding, MOST) == data
    assert DICTIONARY.packed(data) == DICTIONARY.packed(data)


def test_a_dictionary_is_known_by_its_text_alone() -> None:
    assert dictionary_of(Schema(tuple(reversed(BUILTIN.entities)))).coding == DICTIONARY.coding
    assert Dictionary(DICTIONARY.text).coding == DICTIONARY.coding
    assert dictionary_of(Schema((BUILTIN.entity("Product"),))).coding != DICTIONARY.coding


def test_the_dictionary_is_chosen_by_who_offers_it() -> None:
    body, coding = OURS.encoded(PAGE, f"gzip, {DICTIONARY.coding}")
    assert (coding, OURS.decoded(body, coding, MOST)) == (DICTIONARY.coding, PAGE)
    assert len(body) < len(compress(PAGE))


@pytest.mark.parametrize("header", ["gzip", "gzip, sbd-0123456789ab", "*", f"gzip, {DICTIONARY.coding};q=0"])
def test_who_does_not_offer_this_dictionary_never_sees_it(header: str) -> None:
    body, coding = OURS.encoded(PAGE * 10, header)
    assert (coding, gzip.decompress(body)) == ("gzip", PAGE * 10)


def test_a_body_that_is_not_worth_it_goes_as_it_is() -> None:
    assert OURS.encoded(b"<a/>", f"gzip, {DICTIONARY.coding}") == (b"<a/>", "")
    assert OURS.encoded(PAGE, "gzip") == (PAGE, "")
    assert OURS.encoded(PAGE * 10, "br") == (PAGE * 10, "")


def test_another_dictionary_is_refused() -> None:
    other = Dictionary("another text")
    assert _kind(other.packed(PAGE), other.coding) is CONTENT_CODING
    assert _kind(other.packed(PAGE), DICTIONARY.coding) is CONTENT_CODING
    assert _kind(DICTIONARY.packed(PAGE), DICTIONARY.coding, codings=Codings()) is CONTENT_CODING


@pytest.mark.parametrize("cut", [0, 1, 5, -1])
def test_a_damaged_stream_of_the_dictionary_is_refused(cut: int) -> None:
    assert _kind(DICTIONARY.packed(PAGE)[:cut], DICTIONARY.coding) is CONTENT_CODING
    assert _kind(DICTIONARY.packed(PAGE) + b"x", DICTIONARY.coding) is CONTENT_CODING


def test_a_bomb_in_the_dictionarys_coding_is_refused_by_its_ratio() -> None:
    assert _kind(DICTIONARY.packed(bytes(1_000_000)), DICTIONARY.coding, 10_000_000) is TOO_LARGE
    assert _kind(b"x" * (limits.COMPRESSED_BYTES + 1), DICTIONARY.coding) is TOO_LARGE


def test_zstd_is_refused_where_there_is_none() -> None:
    assert _kind(b"x", "zstd") is CONTENT_CODING
    assert OURS.encoded(PAGE * 10, "zstd") == (PAGE * 10, "")


@pytest.fixture
def zstd() -> Codings:
    found = find_zstd()
    if found is None:
        pytest.skip("neither Python 3.14 nor the package zstandard is here")
    return Codings(DICTIONARY, found)


def _zstd(codings: Codings) -> Zstd:
    assert codings.zstd is not None
    return codings.zstd


def test_zstd_packs_what_is_large_for_who_takes_it(zstd: Codings) -> None:
    large = Random(1).randbytes(50_000).hex().encode()
    body, coding = zstd.encoded(large, f"gzip, zstd, {DICTIONARY.coding}")
    assert (coding, zstd.decoded(body, "zstd", MOST)) == ("zstd", large)
    assert zstd.encoded(PAGE, f"gzip, zstd, {DICTIONARY.coding}")[1] == DICTIONARY.coding
    assert zstd.encoded(PAGE * 10, "gzip, zstd")[1] == "zstd"
    assert zstd.encoded(PAGE * 10, "gzip")[1] == "gzip"


def test_zstd_comes_in_under_the_same_bounds(zstd: Codings) -> None:
    for body in (b"", b"x", PAGE * 100, Random(1).randbytes(200_000)):
        assert zstd.decoded(_zstd(zstd).packed(body), "zstd", MOST) == body
    packed = _zstd(zstd).packed(PAGE)
    for hostile in (b"", b"no zstd", packed[:-1], packed + b"x", packed * 2):
        assert _kind(hostile, "zstd", codings=zstd) is CONTENT_CODING
    assert _kind(_zstd(zstd).packed(bytes(10_000_000)), "zstd", 100_000_000, zstd) is TOO_LARGE
    assert _kind(_zstd(zstd).packed(Random(1).randbytes(5000)), "zstd", 4999, zstd) is TOO_LARGE

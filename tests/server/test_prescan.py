"""The pre-scan refuses before a tree exists, and lets every honest message through (S12, S28, P11-P13)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from saddlebag.kernel import limits
from saddlebag.kernel.errors import FORBIDDEN_XML, MALFORMED_XML, MEDIA_TYPE, TOO_COMPLEX, ErrorKind, SaddlebagError
from saddlebag.server.envelope import parse
from saddlebag.server.prescan import prescan


def _refused(data: bytes, **more: bool) -> SaddlebagError:
    with pytest.raises(SaddlebagError) as caught:
        prescan(data, **more)
    return caught.value


def test_an_honest_message_passes() -> None:
    prescan(b'<?xml version="1.0" encoding="UTF-8"?><a xmlns="urn:a" b="c">text<d/><!-- fine --></a>')
    assert parse(b"<a/>").tag == "a"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', FORBIDDEN_XML),
        (b'<!DOCTYPE a SYSTEM "http://nowhere.invalid/a.dtd"><a/>', FORBIDDEN_XML),
        (b'<?xml version="1.0"?><?xml-stylesheet href="a"?><a/>', FORBIDDEN_XML),
        (b"<a><?php 1 ?></a>", FORBIDDEN_XML),
        (b"<a/><?end ?>", FORBIDDEN_XML),
        (b"", MALFORMED_XML),
        (b"<a>", MALFORMED_XML),
        (b"<a/><b/>", MALFORMED_XML),
        (b"<a>&nbsp;</a>", MALFORMED_XML),
        (b"<a>\xff</a>", MALFORMED_XML),
        (b"<a>\x00</a>", MALFORMED_XML),
        (b'<a b="1" b="2"/>', MALFORMED_XML),
        (b'<?xml version="1.1"?><a/>', MALFORMED_XML),
        (b'<?xml version="1.0" encoding="koi8-r"?><a/>', MEDIA_TYPE),
    ],
)
def test_s12_what_soap_or_xml_forbids_is_refused(data: bytes, kind: ErrorKind) -> None:
    assert _refused(data).kind is kind


def test_a_charset_of_the_transport_counts_more_than_the_declaration() -> None:
    prescan(b'<?xml version="1.0" encoding="iso-8859-1"?><a/>', charset_known=True)
    assert _refused(b'<?xml version="1.0" encoding="iso-8859-1"?><a/>').kind is MEDIA_TYPE


@pytest.mark.parametrize(
    ("rule", "at_most", "make"),
    [
        ("depth", limits.XML_DEPTH, lambda n: b"<a>" * n + b"</a>" * n),
        ("elements", limits.XML_ELEMENTS, lambda n: b"<a>" + b"<b/>" * (n - 1) + b"</a>"),
        (
            "attributes",
            limits.XML_ATTRIBUTES,
            lambda n: b"<a " + b" ".join(b'a%d=""' % i for i in range(n)) + b"/>",
        ),
        (
            "attributes in all",
            limits.XML_ATTRIBUTES_TOTAL,
            lambda n: b"<a>" + b'<b c=""/>' * n + b"</a>",
        ),
        (
            "namespaces",
            limits.XML_NAMESPACES,
            lambda n: b"<r>" + b"".join(b'<a xmlns="urn:%d"/>' % i for i in range(n)) + b"</r>",
        ),
        (
            "namespaces",
            limits.XML_NAMESPACES,
            lambda n: (
                b"<a "
                + b" ".join(b'xmlns:n%d="u"' % i for i in range(n // 2))
                + b"><b>"
                + b"<c "
                + b" ".join(b'xmlns:m%d="u"' % i for i in range(n - n // 2))
                + b"/></b></a>"
            ),
        ),
        ("name length", limits.XML_NAME_LENGTH, lambda n: b"<" + b"a" * n + b"/>"),
        ("name length", limits.XML_NAME_LENGTH, lambda n: b"<a " + b"b" * n + b'=""/>'),
        (
            "names in all",
            limits.XML_NAMES_LENGTH,
            lambda n: (
                b"<r>" + b"<" + b"a" * ((n - 1) % 199) + b"/>" + (b"<" + b"a" * 199 + b"/>") * (n // 199) + b"</r>"
            ),
        ),
        ("text length", limits.XML_TEXT_LENGTH, lambda n: b"<a>" + b"x" * n + b"</a>"),
        ("attribute length", limits.XML_TEXT_LENGTH, lambda n: b'<a b="' + b"x" * n + b'"/>'),
    ],
)
def test_each_bound_lets_its_value_pass_and_refuses_one_more(rule: str, at_most: int, make: object) -> None:
    assert callable(make)
    prescan(make(at_most))
    refused = _refused(make(at_most + 1))
    assert (refused.kind, refused.rule, refused.limit) == (TOO_COMPLEX, rule, at_most)


def test_one_name_may_be_declared_again_and_again() -> None:
    """zeep gives each element a prefix of its own: 200 records are thousands of declarations of one name."""
    prescan(b"<r>" + b"".join(b'<n%d:a xmlns:n%d="urn:a"><b/></n%d:a>' % (i, i, i) for i in range(5000)) + b"</r>")
    assert _refused(b"<r>" + b'<a xmlns:n="urn:a"/>' * 5000 + b"<b " + b'xmlns="urn:b" ' * 2 + b"/></r>")


def test_text_counts_anew_after_each_tag() -> None:
    half = b"x" * (limits.XML_TEXT_LENGTH * 2 // 3)
    prescan(b"<a>" + half + b"<b/>" + half + b"</a>")
    assert _refused(b"<a>" + half + b"<!---->" + half + b"</a>").rule == "text length"


def test_s28_a_flood_of_attributes_costs_next_to_nothing() -> None:
    """80,000 attributes cost lxml's `items()` 76 s; here at most a second on the slowest machine."""
    flood = b"<a " + b" ".join(b'attr%d=""' % i for i in range(80_000)) + b"/>"
    start = time.process_time()
    assert _refused(flood).rule == "attributes"
    assert time.process_time() - start < 1


def test_the_refusal_does_not_repeat_the_message() -> None:
    assert "hunter2" not in str(_refused(b"<a>hunter2</b>"))


_NAMES = st.sampled_from([b"a", b"b", b"soap:Envelope", b"\xc3\xa9"])
_PIECES = st.one_of(
    st.binary(max_size=12),
    _NAMES.map(lambda name: b"<" + name + b">"),
    _NAMES.map(lambda name: b"</" + name + b">"),
    st.sampled_from([b"<!DOCTYPE a>", b"<?p i?>", b"<![CDATA[x]]>", b"<!--c-->", b"&amp;", b"&#0;", b"]]>", b"<a/>"]),
)


@given(st.lists(_PIECES, max_size=12).map(b"".join))
def test_any_bytes_are_either_well_formed_or_refused_by_the_catalogue(data: bytes) -> None:
    outcome: object
    try:
        prescan(data)
        outcome = parse(data)  # refuses what is well-formed, but not with namespaces: an unbound prefix
    except SaddlebagError as problem:
        outcome = problem.kind
    assert isinstance(outcome, etree._Element) or outcome in (MALFORMED_XML, FORBIDDEN_XML)

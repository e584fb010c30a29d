"""HTTP decisions that need no socket: routes, media types, entity tags, compression."""

from __future__ import annotations

import gzip

import pytest

from saddlebag.kernel.errors import MEDIA_TYPE, SaddlebagError
from saddlebag.server.envelope import SOAP11, SOAP12
from saddlebag.server.http_rules import (
    Answer,
    Place,
    Request,
    Route,
    document,
    media_type,
    packed,
    query_names,
    route,
    version_for,
)


def _request(**headers: str) -> Request:
    return Request("GET", "/", "", {name.replace("_", "-"): value for name, value in headers.items()}, b"", "r")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/", Route(Place.INDEX)),
        ("/healthz", Route(Place.HEALTH)),
        ("/client/saddlebag.pyz", Route(Place.CLIENT_FILE)),
        ("/client/version.json", Route(Place.CLIENT_VERSION)),
        ("/acme/customer/v1", Route(Place.SERVICE, "acme", "customer")),
        ("/a-b_2/sync/v1", Route(Place.SERVICE, "a-b_2", "sync")),
        ("/acme/customer/v2", Route(Place.NOTHING)),
        ("/acme/customer/v1/", Route(Place.NOTHING)),
        ("/acme/customer", Route(Place.NOTHING)),
        ("/../etc/v1", Route(Place.NOTHING)),
        ("/ACME/customer/v1", Route(Place.NOTHING)),
        ("/acme/%63ustomer/v1", Route(Place.NOTHING)),
        ("", Route(Place.NOTHING)),
    ],
)
def test_an_address_leads_to_one_place(path: str, where: Route) -> None:
    assert route(path) == where


@pytest.mark.parametrize(
    ("header", "kind", "parameters"),
    [
        ("text/xml", "text/xml", {}),
        ("Text/XML; Charset=UTF-8", "text/xml", {"charset": "UTF-8"}),
        (
            'application/soap+xml;charset=utf-8;action="urn:a;b/\\"c"',
            "application/soap+xml",
            {"charset": "utf-8", "action": 'urn:a;b/"c'},
        ),
        ("text/xml; charset=utf-8; charset=utf-16", "text/xml", {"charset": "utf-8"}),
        ("", "", {}),
        (";;;=", "", {}),
    ],
)
def test_a_media_type_is_taken_apart(header: str, kind: str, parameters: dict[str, str]) -> None:
    assert media_type(header) == (kind, parameters)


def test_each_version_has_its_media_type_and_others_have_none() -> None:
    assert (version_for("text/xml"), version_for("application/soap+xml")) == (SOAP11, SOAP12)
    for kind in ("", "application/json", "application/xml", "text/html", "multipart/related"):
        with pytest.raises(SaddlebagError) as caught:
            version_for(kind)
        assert caught.value.kind is MEDIA_TYPE


def test_query_names_are_heard_in_any_case() -> None:
    assert query_names("WSDL") == {"wsdl": ""}
    assert query_names("Wsdl&soap=1.1") == {"wsdl": "", "soap": "1.1"}
    assert query_names("xsd=types") == {"xsd": "types"}


def test_a_document_that_the_caller_has_is_not_sent_again() -> None:
    sent = document(_request(), "text/xml", b"<a/>")
    tag = sent.headers["ETag"]
    assert (sent.status, sent.body) == (200, b"<a/>")
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = document(_request(if_none_match=known), "text/xml", b"<a/>")
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert document(_request(if_none_match=tag), "text/xml", b"<b/>").status == 200


def test_a_long_answer_is_packed_for_who_takes_it() -> None:
    plain = Answer(200, "text/xml", b"x" * 5000)
    sent = packed(_request(accept_encoding="gzip"), plain)
    assert (gzip.decompress(sent.body), sent.headers["Content-Encoding"]) == (plain.body, "gzip")
    assert sent.headers["Vary"] == packed(_request(), plain).headers["Vary"] == "Accept-Encoding"
    assert packed(_request(), plain).body == plain.body


def test_a_short_answer_is_sent_as_it_is() -> None:
    plain = Answer(200, "text/xml", b"x" * 500)
    assert packed(_request(accept_encoding="gzip"), plain) == plain


def test_a_packed_document_is_known_again_by_its_weak_tag() -> None:
    body = b"<a>" + b"x" * 5000 + b"</a>"
    tag = document(_request(accept_encoding="gzip"), "text/xml", body).headers["ETag"]
    assert tag.startswith("W/")
    assert document(_request(if_none_match=tag), "text/xml", body).status == 304

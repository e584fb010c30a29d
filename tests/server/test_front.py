"""The whole way of a request through the front, without a socket: every refusal is a typed fault."""

from __future__ import annotations

import codecs
import gzip
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel.errors import BUSY, UNAVAILABLE, SaddlebagError
from saddlebag.kernel.packing import Dictionary
from saddlebag.records.call import Hub
from saddlebag.server.coding import dictionary_of
from saddlebag.server.http_rules import Answer, Request
from saddlebag.server.root import make_front
from saddlebag.store.base import Store, Tenant
from soap_probe import FINGERPRINT, NOW, SERVICE, TENANT, Caller, Reply, envelope

PING = envelope("<p:Ping/>")
SESSION = "<t:Session><t:token>{}</t:token></t:Session>"
BOTH = pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12], ids=["1.1", "1.2"])


def _code(answer: Answer) -> str | None:
    return Reply(answer, etree.fromstring(answer.body)).code


@BOTH
def test_a_call_is_answered_in_its_own_version(caller: Caller, version: str) -> None:
    reply = caller.soap("<p:Echo><p:stringValue>A &amp; \u00e9</p:stringValue></p:Echo>", version=version)
    assert (reply.status, reply.text("stringValue")) == (200, ["A & \u00e9"])
    assert reply.root.tag == f"{{{version}}}Envelope"
    kind = "text/xml" if version == namespaces.SOAP11 else "application/soap+xml"
    assert reply.answer.media_type == f"{kind}; charset=utf-8"


@BOTH
def test_an_operation_that_needs_a_caller_is_refused_without_one(caller: Caller, version: str) -> None:
    assert caller.soap("<p:Who/>", version=version).code == "SB2002"


def test_the_session_header_says_who_calls(caller: Caller, token: str) -> None:
    assert caller.soap("<p:Who/>", SESSION.format(token)).text("user") == ["u1"]
    assert caller.soap("<p:Who/>", SESSION.format("wrong")).code == "SB2003"


def test_a_client_certificate_says_who_calls(caller: Caller) -> None:
    assert caller.soap("<p:Who/>", fingerprint=FINGERPRINT).text("user") == ["u1"]
    assert caller.soap("<p:Who/>", fingerprint="cd" * 32).code == "SB2002"


def test_a_session_of_one_tenant_is_worth_nothing_at_another(caller: Caller, store: Store, token: str) -> None:
    """And a tenant that does not exist is refused in the same words."""
    store.create_tenant(Tenant("other", "Other", "UTC", b"o" * 32, NOW))
    texts = {
        caller.soap("<p:Who/>", SESSION.format(token), path=f"/{name}/probe/v1").answer.body for name in ("other", "no")
    }
    assert len(texts) == 1
    assert b"SB2003" in texts.pop()


def test_a_disabled_tenant_is_as_none(caller: Caller, store: Store) -> None:
    store.create_tenant(replace(TENANT, name="closed", enabled=False))
    assert _code(caller.raw(PING, path="/closed/probe/v1")) == "SB1010"


def test_write_headers_reach_the_handler(caller: Caller, token: str) -> None:
    header = (
        SESSION.format(token) + "<t:IdempotencyKey><t:key>k</t:key></t:IdempotencyKey>"
        "<t:AllOrNone><t:value>true</t:value></t:AllOrNone><t:IfVersion><t:value>true</t:value></t:IfVersion>"
    )
    reply = caller.soap("<p:Who/>", header)
    assert (reply.text("key"), reply.text("flags")) == (["k"], ["all_or_none", "if_version"])


def test_the_language_of_the_texts_is_told_to_who_asks_for_one(caller: Caller) -> None:
    locale = "<t:Locale><t:language>tlh</t:language></t:Locale>"
    told = [
        caller.soap(body, header).answer.headers.get("Content-Language")
        for body, header in (
            ("<p:Ping/>", ""),
            ("<p:Ping/>", locale),
            ("<p:Fail><p:how>typed</p:how></p:Fail>", locale),
        )
    ]
    assert told == [None, "en", "en"]


def test_the_program_that_calls_is_named_in_the_log(caller: Caller) -> None:
    reply = caller.soap("<p:Ping/>", "<t:CallOptions><t:client>erp-sync</t:client></t:CallOptions>")
    assert reply.answer.note["client"] == "erp-sync"


def test_records_come_in_as_values_and_go_out_as_stored(caller: Caller) -> None:
    taken = caller.soap("<p:Take><p:customer><t:name>Ann</t:name></p:customer></p:Take>")
    assert taken.text("names") == ["Ann"]
    given = caller.soap("<p:Give><p:count>2</p:count></p:Give>")
    records = list(given.root.iter(f"{{{namespaces.service('probe')}}}customer"))
    assert [each.findtext(f"{{{namespaces.TYPES}}}name") for each in records] == ["A & B", "A & B"]


@BOTH
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<p:Fail><p:how>typed</p:how></p:Fail>", "SB3001"),
        ("<p:Fail><p:how>other</p:how></p:Fail>", "SB8001"),
        ("<p:Fail><p:how>shape</p:how></p:Fail>", "SB8001"),
        ("<p:Fail/>", "SB1007"),
        ("<p:Nothing/>", "SB1006"),
        ("<p:Take>" + "<p:customer/>" * 201 + "</p:Take>", "SB5003"),
        ("", "SB1003"),
    ],
)
def test_whatever_goes_wrong_is_a_typed_fault(caller: Caller, body: str, code: str, version: str) -> None:
    reply = caller.soap(body, version=version)
    assert (reply.status, reply.code) == (500, code)


def test_s31_the_unforeseen_is_logged_with_its_request_id_and_never_sent(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = caller.soap("<p:Fail><p:how>other</p:how></p:Fail>")
    assert b"secret-detail" not in reply.answer.body
    assert b"req-1" in reply.answer.body
    (record,) = caplog.records
    assert (record.__dict__["request_id"], record.__dict__["operation"]) == ("req-1", "Fail")
    assert "secret-detail" in str(record.exc_info)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "SB1001"),
        (b"<broken", "SB1001"),
        (b"\xff\xfe\x01", "SB1001"),
        (b"<!DOCTYPE a>" + PING, "SB1002"),
        (b"<?pi?>" + PING, "SB1002"),
        (b"<html/>", "SB1003"),
        (b'<Envelope xmlns="urn:soap:2030"/>', "SB1004"),
        (b"<a>" * 40 + b"</a>" * 40, "SB5002"),
    ],
)
def test_s12_p11_p12_bytes_that_are_no_message_are_the_callers_fault(caller: Caller, data: bytes, code: str) -> None:
    answer = caller.raw(data)
    assert (answer.status, _code(answer)) == (500, code)
    assert b"Client" in answer.body or b"VersionMismatch" in answer.body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('<p:Echo><p:pair id="a" href="#a"><t:left>x</t:left></p:pair></p:Echo>', "SB1007"),
        ('<p:Echo id="a" href="#a"/>', "SB1007"),
        ("<p:Echo><p:stringValue>&nothing;</p:stringValue></p:Echo>", "SB1001"),
    ],
)
@pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12])
def test_p12_p13_a_reference_that_leads_nowhere_is_the_callers_fault(
    caller: Caller, version: str, body: str, code: str
) -> None:
    """A cyclic href keeps plain Spyne busy for ever, an entity ends it with an empty answer."""
    reply = caller.soap(body, version=version)
    assert (reply.code, reply.status) == (code, 500)


def test_a_header_block_that_must_be_understood_stops_the_call(caller: Caller) -> None:
    assert caller.soap("<p:Ping/>", '<x:A xmlns:x="urn:x" e:mustUnderstand="1"/>').code == "SB1005"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "text/xml; charset=klingon"])
def test_another_media_type_or_charset_is_415(caller: Caller, kind: str) -> None:
    answer = caller.raw(PING, content_type=kind)
    assert (answer.status, _code(answer)) == (415, "SB1008")


@BOTH
def test_the_media_type_must_be_that_of_the_envelope(caller: Caller, version: str) -> None:
    """The fault is of the version that the HTTP client said it speaks."""
    other = "application/soap+xml" if version == namespaces.SOAP11 else "text/xml"
    answer = caller.raw(envelope("<p:Ping/>", version=version), content_type=other)
    assert (answer.status, _code(answer)) == (415, "SB1008")


def test_s11_a_version_mismatch_in_soap12_has_an_upgrade_header(caller: Caller) -> None:
    answer = caller.raw(b'<Envelope xmlns="urn:soap:2030"/>', content_type="application/soap+xml")
    assert b"Upgrade" in answer.body


def test_an_action_that_names_another_operation_is_refused(caller: Caller) -> None:
    action = f'"{namespaces.service("probe")}/Fail"'
    assert caller.soap("<p:Ping/>", soapaction=action).code == "SB1006"
    assert caller.soap("<p:Ping/>", soapaction='""').status == 200
    typed = f"application/soap+xml; action={action}"
    assert caller.soap("<p:Ping/>", version=namespaces.SOAP12, content_type=typed).code == "SB1006"


def test_calls_in_many_threads_do_not_meet(caller: Caller) -> None:
    def call(number: int) -> list[str | None]:
        version = (namespaces.SOAP11, namespaces.SOAP12)[number % 2]
        if number % 7 == 0:
            return [caller.soap("<p:Fail><p:how>typed</p:how></p:Fail>", version=version).code]
        return caller.soap(f"<p:Echo><p:longValue>{number}</p:longValue></p:Echo>", version=version).text("longValue")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(400)))
    assert answers == [["SB3001"] if number % 7 == 0 else [str(number)] for number in range(400)]


def test_gzip_is_taken_and_given(caller: Caller) -> None:
    words = "<p:words>some words to say</p:words>" * 100
    data = gzip.compress(envelope(f"<p:Echo>{words}</p:Echo>"))
    answer = caller.raw(data, content_encoding="gzip", accept_encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body).count(b"some words to say") == 100


def test_a_laptops_dictionary_is_taken_and_given(caller: Caller, store: Store) -> None:
    known = dictionary_of(store.schema)
    words = "<p:words>some words to say</p:words>" * 10
    data = known.packed(envelope(f"<p:Echo>{words}</p:Echo>"))
    answer = caller.raw(data, content_encoding=known.coding, accept_encoding=f"gzip, {known.coding}")
    assert answer.headers["Content-Encoding"] == known.coding
    assert known.unpacked(answer.body, 10_000).count(b"some words to say") == 10


def test_another_dictionary_is_415_and_gets_gzip(caller: Caller) -> None:
    other = Dictionary("another text")
    answer = caller.raw(other.packed(PING), content_encoding=other.coding)
    assert (answer.status, _code(answer)) == (415, "SB1009")
    words = "<p:words>some words to say</p:words>" * 100
    answer = caller.raw(envelope(f"<p:Echo>{words}</p:Echo>"), accept_encoding=f"gzip, {other.coding}")
    assert answer.headers["Content-Encoding"] == "gzip"


def test_a_coding_that_is_not_known_is_415(caller: Caller) -> None:
    answer = caller.raw(PING, content_encoding="br")
    assert (answer.status, _code(answer)) == (415, "SB1009")


def test_a_body_beyond_the_bound_is_413(make_caller: Callable[..., Caller]) -> None:
    caller = make_caller(message_bytes=2000)
    assert caller.raw(PING).status == 200
    for data, coding in ((PING + b" " * 2000, ""), (gzip.compress(PING + b" " * 2000), "gzip")):
        answer = caller.raw(data, content_encoding=coding)
        assert (answer.status, _code(answer)) == (413, "SB5001")


def test_s6_a_message_of_some_megabytes_is_served(caller: Caller) -> None:
    """Spyne's Twisted transport crashes at 3 MB."""
    words = f"<p:words>{'x' * 20_000}</p:words>" * 200
    assert caller.soap(f"<p:Echo>{words}</p:Echo>").text("words") == ["x" * 20_000] * 200


def test_utf16_is_taken(caller: Caller) -> None:
    data = envelope("<p:Echo><p:stringValue>\u4e2d</p:stringValue></p:Echo>").decode().encode("utf-16")
    assert "\u4e2d".encode() in caller.raw(data).body


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_a_call_by_another_method_is_405_and_says_which_is_allowed(caller: Caller, method: str) -> None:
    answer = caller.raw(method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/acme/nothing/v1", "/nobody/probe/v1", "/acme", "/x/y/z/v1"])
def test_a_call_to_no_service_is_a_fault_with_404(caller: Caller, path: str) -> None:
    answer = caller.raw(PING, path=path)
    assert (answer.status, _code(answer)) == (404, "SB1010")


def test_the_setting_for_soap12_sender_faults_is_obeyed(make_caller: Callable[..., Caller]) -> None:
    caller = make_caller(sender_status=400)
    assert caller.soap("<p:Who/>", version=namespaces.SOAP12).status == 400
    assert caller.soap("<p:Who/>", version=namespaces.SOAP11).status == 500
    assert caller.soap("<p:Fail><p:how>other</p:how></p:Fail>", version=namespaces.SOAP12).status == 500


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "Wsdl", "singleWsdl", "wsdl=split"])
def test_s5_the_wsdl_is_served_under_every_spelling(caller: Caller, query: str) -> None:
    answer = caller.raw(method="GET", query=query)
    assert (answer.status, etree.fromstring(answer.body).tag) == (200, f"{{{namespaces.WSDL}}}definitions")
    assert caller.raw(method="GET", query=query, if_none_match=answer.headers["ETag"]).status == 304


def test_w10_head_of_the_wsdl_is_answered(caller: Caller) -> None:
    assert caller.raw(method="HEAD", query="wsdl").status == 200


def test_s21_addresses_come_from_the_configured_url_only(caller: Caller) -> None:
    answer = caller.raw(method="GET", query="wsdl", host="evil.example")
    assert b"evil.example" not in answer.body
    assert answer.body.count(b'location="https://hub.example/acme/probe/v1"') == 2


def test_a_wsdl_without_the_soap12_binding_can_be_had(caller: Caller) -> None:
    answer = caller.raw(method="GET", query="wsdl&soap=1.1")
    assert (answer.body.count(b"<soap:address"), namespaces.WSDL_SOAP12.encode() in answer.body) == (1, False)


def test_schemas_are_served_beside_the_wsdl(caller: Caller) -> None:
    for name in ("types", "probe"):
        answer = caller.raw(method="GET", query=f"xsd={name}")
        assert etree.fromstring(answer.body).tag == f"{{{namespaces.XSD}}}schema"
    assert caller.raw(method="GET", query="xsd=nothing").status == 405
    assert caller.raw(method="GET", query="xsd=../../etc/passwd").status == 405


@pytest.mark.parametrize("path", ["/nobody/probe/v1", "/acme/nothing/v1", "/x"])
def test_there_is_no_wsdl_where_there_is_no_service(caller: Caller, path: str) -> None:
    assert caller.raw(method="GET", path=path, query="wsdl").status == 404


_PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([PING, PING[:-1], b"<a/>", b"<!DOCTYPE a>", b"<?xml version='1.0'?>", codecs.BOM_UTF16_LE, b"\0"]),
    st.text(max_size=10).map(lambda text: envelope(f"<p:Echo><p:stringValue>{text}</p:stringValue></p:Echo>")),
    st.sampled_from(["<p:Echo><p:pair/></p:Echo>", "<p:Take><p:customer><t:id>?</t:id></p:customer></p:Take>"]).map(
        envelope
    ),
)
_KINDS = st.sampled_from(["text/xml", "application/soap+xml", "text/xml; charset=utf-16", "text/html", ";", ""])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_PIECES, max_size=3).map(b"".join), _KINDS, st.sampled_from(["", "gzip"]))
def test_whatever_bytes_come_an_answer_or_a_typed_fault_goes_back(
    caller: Caller, data: bytes, kind: str, coding: str
) -> None:
    answer = caller.raw(data, content_type=kind, content_encoding=coding)
    code = _code(answer)
    assert answer.status in (200, 413, 415, 500)
    assert (code is None) == (answer.status == 200)
    assert code != "SB8001"


@pytest.mark.parametrize("kind", ["text/xml", "application/soap+xml; charset=utf-8"])
def test_a_refused_caller_is_told_when_to_come_again(caller: Caller, kind: str) -> None:
    """Without a look at the body: the version of the fault is that of the media type."""
    request = Request("POST", "/acme/probe/v1", "", {"content-type": kind}, b"", "req-1")
    answer = caller.front.refuse(request, SaddlebagError(BUSY, retry_after=3))
    assert (answer.status, answer.headers["Retry-After"], _code(answer)) == (503, "3", "SB5005")
    assert answer.media_type.startswith(kind.partition(";")[0])


def test_health_says_what_works(caller: Caller) -> None:
    answer = caller.raw(method="GET", path="/healthz")
    said = {"status": "ok", "version": "1.2.3", "database": "ok"}
    assert (answer.status, json.loads(answer.body)) == (200, said)


def test_health_is_503_while_the_store_cannot_serve(hub: Hub) -> None:
    front = make_front(replace(hub, store=_Broken(hub.store)), [SERVICE])
    answer = Caller(front).raw(method="GET", path="/healthz")
    assert (answer.status, json.loads(answer.body)["database"]) == (503, "SB8002")


def test_the_client_is_offered_with_its_checksum(caller: Caller, hub: Hub) -> None:
    file = caller.raw(method="GET", path="/client/saddlebag.pyz")
    version = json.loads(caller.raw(method="GET", path="/client/version.json").body)
    assert (file.body, version["version"], version["size"]) == (b"PYZ", "1.2.3", 3)
    assert version["sha256"] == sha256(b"PYZ").hexdigest()
    without = Caller(make_front(replace(hub, client_file=None), [SERVICE]))
    assert without.raw(method="GET", path="/client/saddlebag.pyz").status == 404


def test_pages_are_for_reading(caller: Caller) -> None:
    assert caller.raw(method="GET", path="/").status == 200
    assert caller.raw(method="POST", path="/healthz").headers["Allow"] == "GET, HEAD"


class _Broken:
    """A store whose database cannot be reached."""

    def __init__(self, store: Store) -> None:
        self.schema = store.schema

    def check(self) -> Any:
        raise SaddlebagError(UNAVAILABLE)


@BOTH
def test_an_answer_has_an_xml_declaration_except_for_our_own_laptop(caller: Caller, version: str) -> None:
    """soap4r loses the namespaces of a document that has none."""
    kind = "text/xml" if version == namespaces.SOAP11 else "application/soap+xml"
    body = envelope("<p:Ping/>", version=version)
    assert caller.raw(body, content_type=kind).body.startswith(b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope')
    assert caller.raw(body, content_type=kind, accept_encoding="sbd-00, gzip").body.startswith(b"<soap:Envelope")

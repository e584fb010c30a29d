"""The wire as the laptop reads and writes it: requests by the contract, answers in whatever dress they come."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import canon, errors, fragment, slices, wire
from saddlebag.kernel.canon import LexicalError
from saddlebag.kernel.errors import Family, Retry, SaddlebagError, Side
from saddlebag.kernel.nodes import Reader, WireRecord

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))
NAME = st.from_regex(r"[a-z][A-Za-z0-9]{0,8}", fullmatch=True).filter(lambda name: name not in ("id", "version"))


def envelope(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="{wire.ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def pull(put: str, more: str = "") -> bytes:
    return envelope(
        f'<PullResponse xmlns="urn:saddlebag:sync:v1"><cursor>c</cursor><put>{put}</put>{more}</PullResponse>'
    )


def record(put: str) -> WireRecord:
    (found,) = wire.answer(pull(put), "Pull", "put").records
    return found


CANONICAL = "<id>d1</id><version>7</version><title>A &amp; B &lt;3</title><segments>x</segments><segments>y</segments>"


def test_a_request_is_an_envelope_with_its_members_in_their_namespaces():
    members = [("device", "d<1"), ("none", None), ("operation", [("sequence", "1"), ("field", [("name", "n")])])]
    root = ElementTree.fromstring(wire.request("sync", "Push", members, "to&ken"))
    tags = [each.tag for each in root.iter()]
    types, sync, soap = f"{{{wire.TYPES}}}", "{urn:saddlebag:sync:v1}", f"{{{wire.ENVELOPE}}}"
    assert tags == [
        f"{soap}Envelope", f"{soap}Header", f"{types}Session", f"{types}token", f"{soap}Body", f"{sync}Push",
        f"{sync}device", f"{sync}operation", f"{types}sequence", f"{types}field", f"{types}name",
    ]  # fmt: skip
    assert [each.text for each in root.iter() if each.tag == f"{types}token"] == ["to&ken"]
    assert wire.soap_action("sync", "Push") == "urn:saddlebag:sync:v1/Push"


def test_without_a_token_there_is_no_header():
    assert b"Header" not in wire.request("session", "Login", [])


def test_text_that_xml_forbids_is_not_sent():
    with pytest.raises(LexicalError):
        wire.request("sync", "Push", [("device", "\x00")])


@given(TEXT)
def test_any_text_comes_back_as_it_was_sent(text):
    root = ElementTree.fromstring(wire.request("sync", "Push", [("device", text)]))
    assert (root[0][0][0].text or "") == canon.clean_text(text)


@pytest.mark.parametrize(
    "put",
    [
        f'<deal xmlns="{wire.TYPES}">{CANONICAL}</deal>',
        f'<q:deal xmlns:q="{wire.TYPES}"><q:id>d1</q:id><q:version>7</q:version><q:title>A &#38; B &lt;3</q:title>'
        "<q:segments>x</q:segments><q:segments>y</q:segments></q:deal>",
        f'<deal xmlns="{wire.TYPES}">\n  <id>d1</id>\n  <version>7</version>\n  <title><![CDATA[A & B <3]]></title>\n'
        "<segments>x</segments><!-- seen --><segments>y</segments>\n</deal>",
        f'<deal xmlns="{wire.TYPES}"><id a="1">d1</id><version>7</version><title>A &amp; B <!-- ? -->&#x3C;3</title>'
        '<segments>x</segments><segments>y</segments><amount xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'i:nil="true"/></deal>',
    ],
    ids=["canonical", "prefixed", "indented with CDATA", "attributes, references and nil"],
)
def test_a_record_is_the_same_in_every_dress(put):
    found = record(put)
    assert (found.entity, found.id, found.version, found.fragment) == ("Deal", "d1", 7, CANONICAL)


@given(st.lists(st.tuples(NAME, TEXT), max_size=8))
def test_a_fragment_survives_the_way_byte_for_byte(pairs):
    content = fragment.join([("id", "x"), ("version", "3"), *pairs])
    assert record(f'<dealLine xmlns="{wire.TYPES}">{content}</dealLine>').fragment == content


PUTS = st.lists(
    st.tuples(st.sampled_from(["deal", "dealLine"]), st.lists(st.tuples(NAME, TEXT), max_size=4)), max_size=4
)


@given(PUTS)
def test_cutting_gives_what_reading_gives(puts):
    """The fast way and the careful way are one: the careful way is judged by expat."""
    content = "".join(
        f'<{name} xmlns="{wire.TYPES}">{fragment.join([("id", "x"), ("version", "3"), *pairs])}</{name}>'
        for name, pairs in puts
    )
    body = pull(content, "<more>true</more>")
    sliced = slices.cut(body, "put")
    reader = Reader(body, "put")
    reader.read()
    assert sliced is not None
    assert sliced[1] == tuple(reader.records)
    assert wire.answer(body, "Pull", "put").root.flag("more")


@pytest.mark.parametrize(
    "content",
    [
        "<deal><id>d</id><version>1</version><title>a > b</title></deal>",
        "<deal><id>d</id><version>1</version><title>&#65;</title></deal>",
        "<deal><id>d</id><version>1</version><title><![CDATA[x]]></title></deal>",
        "<deal><id>d</id><version>1</version><title/></deal>",
        "<deal> <id>d</id><version>1</version></deal>",
        "<deal><version>1</version><id>d</id></deal>",
        "<deal><id>d</id><version>01</version></deal>",
        "<q:deal><id>d</id><version>1</version></q:deal>",
        "<deal><id>d</id><version>1</version></deal>\n",
        "<deal><id>d</id><version>1</version><put></put></deal>",
        "<deal><id>d</id><version>1</version><title>\r</title></deal>",
    ],
)
def test_what_is_not_plainly_canonical_is_left_to_the_careful_way(content):
    assert slices.cut(pull(content), "put") is None


def test_an_extension_is_kept_as_it_came():
    extension = '<x:ext xmlns:x="urn:t"><x:a b="1">Ä<x:c/></x:a></x:ext>'
    found = record(f'<deal xmlns="{wire.TYPES}"><id>d</id><version>1</version>{extension}</deal>')
    assert found.fragment == f"<id>d</id><version>1</version>{extension}"


def test_members_beside_the_records_are_read():
    more = "<more>true</more><evict><entity>Deal</entity><id>z</id><reason>deleted</reason></evict><count>4</count>"
    answer = wire.answer(pull(f'<deal xmlns="{wire.TYPES}"><id>d</id><version>1</version></deal>', more), "Pull", "put")
    assert answer.root.get("cursor") == "c"
    assert answer.root.flag("more")
    assert answer.root.all("evict")[0].get("id") == "z"
    assert answer.root.number("count") == 4
    assert len(answer.records) == 1


FAULT = """<s:Fault><faultcode>s:Client</faultcode><faultstring>Wrong.</faultstring><detail>
<t:SaddlebagFault xmlns:t="urn:saddlebag:types:v1"><t:code>{code}</t:code><t:name>Name</t:name>
<t:message>It is wrong.</t:message>
<t:cause>Cause.</t:cause><t:cure>Cure.</t:cure><t:retry>later</t:retry><t:retryAfter>5</t:retryAfter>
<t:entity>Deal</t:entity>
<t:id>d1</t:id><t:field>amount</t:field><t:count>3</t:count><t:limit>2</t:limit></t:SaddlebagFault></detail></s:Fault>"""


def caught(body: bytes) -> SaddlebagError:
    with pytest.raises(SaddlebagError) as raised:
        wire.answer(body, "Pull")
    return raised.value


def test_a_fault_is_the_typed_error_that_the_hub_meant():
    error = caught(envelope(FAULT.format(code=errors.BUSY.code)))
    assert error.kind is errors.BUSY
    assert error.message == "It is wrong."
    assert (error.entity, error.record_id, error.field) == ("Deal", "d1", "amount")
    assert (error.count, error.limit, error.retry_after) == (3, 2, 5)


def test_a_kind_that_only_a_newer_hub_knows_keeps_its_words():
    kind = caught(envelope(FAULT.format(code="SB5999"))).kind
    assert (kind.code, kind.name, kind.cure, kind.retry) == ("SB5999", "Name", "Cure.", Retry.LATER)
    assert (kind.family, kind.side) == (Family.LIMIT, Side.CLIENT)


def test_a_fault_of_somebody_else_keeps_its_text():
    error = caught(envelope("<s:Fault><faultcode>s:Server</faultcode><faultstring>Proxy down.</faultstring></s:Fault>"))
    assert error.message == "Proxy down."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Bad gateway</body></html>",
        b"<html><body>Bad gateway<br></body></html>",
        envelope(""),
        envelope('<PushResponse xmlns="urn:saddlebag:sync:v1"/>'),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope("<PullResponse/>"),
        pull("<deal><id>d</id></deal>"),
        pull("<deal><version>1</version></deal>"),
        pull("<deal><id>d</id><version>none</version></deal>"),
        pull("<deal><id>d</id><version>1</version><title><b>no</b></title></deal>"),
        pull("<deal><id>d</id>")[:-20],
    ],
)
def test_what_is_no_answer_is_refused_whole(body):
    with pytest.raises(SaddlebagError) as raised:
        wire.answer(body, "Pull", "put")
    assert raised.value.kind is errors.DAMAGED_ANSWER


@given(st.binary(max_size=200), st.integers(0, 400))
def test_garbage_in_an_answer_never_ends_in_anything_but_a_typed_error(noise, place):
    body = pull(f'<deal xmlns="{wire.TYPES}">{CANONICAL}</deal>')
    spoiled = body[:place] + noise + body[place:]
    try:
        found = wire.answer(spoiled, "Pull", "put").records
    except SaddlebagError:
        found = ()
    assert all(each.version > 0 for each in found)


def test_a_number_that_is_none_is_a_damaged_answer():
    answer = wire.answer(envelope("<PullResponse><count>many</count></PullResponse>"), "Pull")
    with pytest.raises(SaddlebagError):
        answer.root.number("count")
    assert answer.root.number("sum", 0) == 0

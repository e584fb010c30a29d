"""MTOM (W3C XOP 1.0): content beside the envelope, byte for byte, both ways; what is no package is refused."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel import limits
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.server.http_rules import Answer
from saddlebag.server.multipart import MultipartReader, PartBegins
from saddlebag.server.spool import Spool
from saddlebag.server.xop import NAMESPACE, Package, takes_packages
from soap_probe import PROBE, Caller, Reply, envelope

BOTH = pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12], ids=["1.1", "1.2"])
LARGE = bytes(range(256)) * (limits.INLINE_BYTES // 256 + 1)
BOUNDARY = "=-frontier"


def soap_type(version: str) -> str:
    return "text/xml" if version == namespaces.SOAP11 else "application/soap+xml"


def package(body: bytes, contents: dict[str, bytes], version: str = namespaces.SOAP11, **changes: str) -> bytes:
    """A multipart message; `changes` replace heads of its envelope's part."""
    head = {
        "Content-Type": f'application/xop+xml; charset=UTF-8; type="{soap_type(version)}"',
        "Content-Transfer-Encoding": "8bit",
        "Content-ID": "<root>",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    parts = [("".join(f"{name}: {value}\r\n" for name, value in head.items()), body)]
    parts += [(f"Content-ID: <{name}>\r\nContent-Type: image/png\r\n", data) for name, data in contents.items()]
    whole = b"".join(b"\r\n--%s\r\n%s\r\n%s" % (BOUNDARY.encode(), each.encode(), data) for each, data in parts)
    return b"preamble" + whole + b"\r\n--%s--\r\nepilogue" % BOUNDARY.encode()


def kind(version: str = namespaces.SOAP11, more: str = '; start="<root>"') -> str:
    info = soap_type(version)
    return f'multipart/related; type="application/xop+xml"; boundary="{BOUNDARY}"; start-info="{info}"{more}'


def hold(href: str = "cid:photo%401") -> str:
    return f'<p:Hold><p:content><x:Include xmlns:x="{NAMESPACE}" href="{href}"/></p:content></p:Hold>'


def send(caller: Caller, inner: str, contents: dict[str, bytes], version: str = namespaces.SOAP11) -> Answer:
    return caller.raw(package(envelope(inner, version=version), contents, version), content_type=kind(version))


def fault_of(answer: Answer) -> str | None:
    return Reply(answer, etree.fromstring(answer.body)).code


def unpacked(answer: Answer) -> tuple[Any, bytes]:
    """The envelope and the one content of a multipart answer, read by the standard library."""
    assert answer.spool is not None
    assert answer.body == b""
    raw = answer.spool.read(0, answer.size)
    head = f"Content-Type: {answer.media_type}\r\nMIME-Version: 1.0\r\n\r\n"
    message = email.message_from_bytes(head.encode() + raw, policy=email.policy.HTTP)
    root, content = message.iter_parts()  # type: ignore[attr-defined]
    tree = etree.fromstring(root.get_payload(decode=True))
    (include,) = tree.iter(f"{{{NAMESPACE}}}Include")
    assert f"<{include.get('href')[4:]}>" == content["content-id"]
    return tree, content.get_payload(decode=True)


@BOTH
@pytest.mark.parametrize("data", [b"", b"\r\n--", b"\r\n--=-frontie", b"photo", LARGE], ids=len)
def test_s30_content_beside_the_envelope_comes_back_beside_it_byte_for_byte(
    caller: Caller, version: str, data: bytes
) -> None:
    answer = send(caller, hold(), {"photo@1": data}, version)
    assert answer.status == 200
    tree, content = unpacked(answer)
    assert (tree.tag, content) == (f"{{{version}}}Envelope", data)


def test_a_caller_that_does_not_speak_mtom_finds_the_content_inside(caller: Caller) -> None:
    text = base64.b64encode(b"photo").decode()
    reply = caller.soap(f"<p:Hold><p:content>{text}</p:content></p:Hold>")
    assert (reply.text("content"), reply.answer.spool) == ([text], None)


def test_a_caller_may_ask_for_the_content_beside_the_answer(caller: Caller) -> None:
    body = envelope(f"<p:Hold><p:content>{base64.b64encode(b'photo').decode()}</p:content></p:Hold>")
    answer = caller.raw(body, accept='multipart/related; type="application/xop+xml", text/xml')
    assert unpacked(answer)[1] == b"photo"


def test_content_that_is_too_large_for_an_envelope_is_refused_there(caller: Caller) -> None:
    inline = base64.b64encode(LARGE).decode()
    answer = caller.raw(envelope(f"<p:Hold><p:content>{inline}</p:content></p:Hold>"))
    assert fault_of(answer) == "SB5001"


def test_a_small_part_may_stand_for_any_binary_member(caller: Caller) -> None:
    inner = f'<p:Echo><p:binaryValue><x:Include xmlns:x="{NAMESPACE}" href="cid:a"/></p:binaryValue></p:Echo>'
    answer = send(caller, inner, {"a": b"\x00\xff"})
    assert Reply(answer, etree.fromstring(answer.body)).text("binaryValue") == ["AP8="]


def test_a_large_part_is_refused_where_no_content_of_its_size_is_taken(caller: Caller) -> None:
    inner = f'<p:Echo><p:binaryValue><x:Include xmlns:x="{NAMESPACE}" href="cid:a"/></p:binaryValue></p:Echo>'
    assert fault_of(send(caller, inner, {"a": LARGE})) == "SB5001"


@pytest.mark.parametrize(
    "inner",
    [
        hold("cid:other"),
        hold("https://elsewhere.example/photo"),
        hold("/etc/passwd"),
        hold("").replace('href=""', ""),
        hold().replace("<p:content>", "<p:content>text"),
        hold().replace("/></p:content>", "/><p:x/></p:content>"),
    ],
)
def test_an_include_that_is_none_is_refused(caller: Caller, inner: str) -> None:
    assert fault_of(send(caller, inner, {"photo@1": b"x"})) == "SB1003"


def test_parts_that_are_included_again_and_again_are_bounded(caller: Caller) -> None:
    data = b"x" * limits.INLINE_BYTES
    inner = "<p:Echo>" + hold()[8:-9].replace("content", "words") * 14 + "</p:Echo>"
    assert fault_of(send(caller, inner, {"photo@1": data})) == "SB5001"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: (body, kind().replace("application/xop+xml", "text/xml")), "SB1008"),
        (lambda body: (body, kind().replace("; start-info", "; x").replace(f'"{BOUNDARY}"', '""')), "SB1003"),
        (lambda body: (body[: body.rindex(b"\r\n--")], kind()), "SB1003"),
        (lambda body: (body.replace(b"<root>", b"<other>"), kind()), "SB1003"),
        (lambda body: (body.replace(b"<photo@1>", b"<>"), kind()), "SB1003"),
        (lambda body: (body.replace(b"Type: image/png", b"Transfer-Encoding: base64"), kind()), "SB1003"),
        (lambda body: (body.replace(b"8bit", b"quoted-printable"), kind()), "SB1003"),
        (lambda body: (body.replace(b"application/xop+xml", b"text/plain"), kind()), "SB1003"),
        (lambda body: (b"", kind()), "SB1003"),
        (lambda body: (body.replace(b"Content-ID: <root>", b"Content-ID <root>"), kind()), "SB1003"),
        (lambda body: (b"--=-frontier trailing" + body, kind()), "SB1003"),
    ],
)  # fmt: skip
def test_what_is_no_package_is_refused(caller: Caller, change: Any, code: str) -> None:
    body, content_type = change(package(envelope(hold()), {"photo@1": b"x"}))
    assert fault_of(caller.raw(body, content_type=content_type)) == code


def test_a_package_is_sent_without_content_coding(caller: Caller) -> None:
    body = package(envelope(hold()), {"photo@1": b"x"})
    assert fault_of(caller.raw(body, content_type=kind(), content_encoding="gzip")) == "SB1009"


def test_more_parts_than_may_be_are_refused(caller: Caller) -> None:
    contents = {str(number): b"" for number in range(limits.MESSAGE_PARTS)}
    assert fault_of(send(caller, hold("cid:1"), contents)) == "SB5002"


def test_an_envelope_beyond_the_bound_is_refused_as_it_comes_in() -> None:
    held = Package({"type": "application/xop+xml", "boundary": BOUNDARY}, most=100)
    with pytest.raises(SaddlebagError, match="TooLarge"):
        held.feed(package(b"x" * 101, {}))


def _cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    ends = [*sorted(each % (len(data) + 1) for each in places), len(data)]
    start = 0
    for end in ends:
        yield data[start:end]
        start = end


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n--=-frontie", b"\r\n", b"--", b"\r\n--=-"]), max_size=4),
    st.lists(st.integers(0, 10_000), max_size=12),
)  # fmt: skip
def test_parts_are_the_same_however_the_bytes_are_cut(contents: list[bytes], places: list[int]) -> None:
    whole = package(b"<root/>", {str(number): data for number, data in enumerate(contents)})
    reader, parts = MultipartReader(BOUNDARY), []
    for piece in _cut(whole, places):
        for event in reader.feed(piece):
            if isinstance(event, PartBegins):
                parts.append(b"")
            else:
                parts[-1] += event
    reader.end()
    assert parts == [b"<root/>", *contents]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_are_parts_or_a_typed_refusal(data: bytes, places: list[int]) -> None:
    reader, refused = MultipartReader(BOUNDARY), "none"
    try:
        for piece in _cut(b"--=-frontier\r\n" + data, places):
            list(reader.feed(piece))
        reader.end()
    except SaddlebagError as problem:
        refused = problem.kind.code
    assert refused in ("none", "SB1003", "SB5002")


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("multipart/related", True),
        ('text/xml, multipart/related; type="application/xop+xml"', True),
        ("application/xop+xml", True),
        ("*/*", False),
        ("text/xml, text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),
        ("", False),
    ],
)
def test_only_who_asks_by_name_gets_a_package(accept: str, takes: bool) -> None:
    assert takes_packages(accept) is takes


def test_a_spool_gives_back_what_was_written_and_forgets_it() -> None:
    spool = Spool()
    spool.write(b"ab")
    spool.write(b"cd")
    assert (spool.size, spool.read(1, 2), spool.read(3, 9)) == (4, b"bc", b"d")
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.read(0, 1)


def test_the_probe_publishes_what_travels_beside_the_envelope() -> None:
    from saddlebag.contract.xsd import messages_schema
    from soap_probe import SERVICE

    schema = etree.tostring(messages_schema(SERVICE))
    assert schema.count(b'xmime:expectedContentTypes="application/octet-stream"') == 2
    assert PROBE.encode() in schema

"""The header pipeline: what is understood is read, what must be understood and is not is refused (S10)."""

from __future__ import annotations

import pytest

from saddlebag.contract import namespaces
from saddlebag.contract.common import HEADERS
from saddlebag.contract.spec import DuplicateAction
from saddlebag.kernel.errors import SCHEMA_INVALID, SaddlebagError
from saddlebag.server.envelope import NotUnderstood, open_envelope, parse
from saddlebag.server.headers import READERS, CallHeaders, read_headers
from soap_probe import envelope


def _read(header: str, version: str = namespaces.SOAP11) -> CallHeaders:
    return read_headers(open_envelope(parse(envelope("<p:Ping/>", header, version))))


def test_every_declared_header_block_is_understood() -> None:
    ours = {f"{{{namespaces.TYPES}}}{name}" for name in HEADERS}
    assert READERS.keys() == ours | {f"{{{namespaces.WSSE}}}Security"}


def test_without_header_blocks_nothing_is_set() -> None:
    assert _read("") == _read("<t:Unknown/>") == CallHeaders()


def test_all_blocks_are_read() -> None:
    given = (
        "<t:Session><t:token> abc </t:token></t:Session><t:IdempotencyKey><t:key>k1</t:key></t:IdempotencyKey>"
        "<t:AllOrNone><t:value>1</t:value></t:AllOrNone><t:IfVersion><t:value> true </t:value></t:IfVersion>"
    )
    assert _read(given) == CallHeaders("abc", "k1", True, True)
    assert _read("<t:AllOrNone><t:value>false</t:value></t:AllOrNone>").all_or_none is False
    more = (
        "<t:CallOptions><t:client> erp-sync/2.1 </t:client></t:CallOptions>"
        "<t:Locale><t:language>de-AT</t:language></t:Locale>"
        "<t:DuplicateRule><t:action>allow</t:action></t:DuplicateRule>"
    )
    read = _read(more)
    assert (read.client, read.language, read.duplicates) == ("erp-sync/2.1", "de-AT", DuplicateAction.ALLOW)


@pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12])
def test_s10_a_block_that_must_be_understood_and_is_not_is_named(version: str) -> None:
    strange = '<x:A xmlns:x="urn:x" e:mustUnderstand="1"/><x:B xmlns:x="urn:x"/><t:C e:mustUnderstand="1"/>'
    with pytest.raises(NotUnderstood) as caught:
        _read(strange, version)
    assert caught.value.names == (("urn:x", "A"), (namespaces.TYPES, "C"))


def test_a_known_block_that_must_be_understood_is() -> None:
    header = '<t:Session e:mustUnderstand="1"><t:token>abc</t:token></t:Session>'
    assert _read(header).session_token == "abc"


@pytest.mark.parametrize(
    "header",
    [
        "<t:Session/>",
        "<t:Session>abc</t:Session>",
        "<t:Session><token>abc</token></t:Session>",
        "<t:Session><t:token/></t:Session>",
        "<t:Session><t:token>a</t:token><t:token>b</t:token></t:Session>",
        "<t:Session><t:token><t:b/></t:token></t:Session>",
        f"<t:Session><t:token>{'x' * 129}</t:token></t:Session>",
        f"<t:IdempotencyKey><t:key>{'x' * 129}</t:key></t:IdempotencyKey>",
        "<t:AllOrNone><t:value>yes</t:value></t:AllOrNone>",
        "<t:CallOptions><t:client>two words</t:client></t:CallOptions>",
        "<t:CallOptions><t:client>line&#10;feed</t:client></t:CallOptions>",
        f"<t:CallOptions><t:client>{'x' * 65}</t:client></t:CallOptions>",
        "<t:Locale><t:language>d e</t:language></t:Locale>",
        f"<t:Locale><t:language>{'-'.join(['abcdefgh'] * 5)}</t:language></t:Locale>",
        "<t:DuplicateRule><t:action>maybe</t:action></t:DuplicateRule>",
        "<t:IfVersion/>",
        "<t:Session><t:token>a</t:token></t:Session><t:Session><t:token>b</t:token></t:Session>",
    ],
)
def test_a_block_of_another_form_is_refused_without_repeating_it(header: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _read(header)
    assert caught.value.kind is SCHEMA_INVALID
    assert "xxx" not in str(caught.value)

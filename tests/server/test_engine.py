"""Spyne inside: what plain Spyne 2.14.0 does, where that is cheap to show, and what we do in its place."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.spec import Service
from saddlebag.contract.validate import validator_for
from saddlebag.kernel.errors import SCHEMA_INVALID, TOO_MANY_RECORDS, UNKNOWN_OPERATION, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Field, Kind
from saddlebag.server import compat
from saddlebag.server.engine import KEPT, MountedService, Mounts, Validate
from saddlebag.server.envelope import VERSIONS, Message, open_envelope, parse
from saddlebag.server.models import Models
from soap_probe import PROBE, SERVICE, envelope

# Compat comes first: without it Spyne does not import.
# isort: split
from spyne.application import Application
from spyne.decorator import rpc
from spyne.model.primitive import DateTime, Integer, Unicode
from spyne.protocol.soap.soap11 import Soap11
from spyne.server.wsgi import WsgiApplication
from spyne.service import ServiceBase

compat.install()


def _validate(service: Service, schema: Schema) -> Validate:
    return validator_for(service, schema).check


@pytest.fixture(scope="module")
def mounted() -> MountedService:
    return MountedService(SERVICE, BUILTIN, _validate(SERVICE, BUILTIN))


def _message(body: str, version: str = namespaces.SOAP11) -> Message:
    return open_envelope(parse(envelope(body, version=version)))


def _exchange(mounted: MountedService, body: str, version: str = namespaces.SOAP11) -> Any:
    return etree.fromstring(mounted.exchange(_message(body, version), None).envelope)


@pytest.mark.parametrize("version", VERSIONS)
def test_s18_both_versions_are_served_by_one_mounted_service(mounted: MountedService, version: str) -> None:
    root = _exchange(mounted, "<p:Echo><p:stringValue>hi</p:stringValue></p:Echo>", version)
    assert root.tag == f"{{{version}}}Envelope"
    assert root.findtext(f"{{{version}}}Body/{{{PROBE}}}EchoResponse/{{{PROBE}}}stringValue") == "hi"


def test_an_operation_without_members_is_served(mounted: MountedService) -> None:
    root = _exchange(mounted, "<p:Ping/>")
    assert [each.tag for each in root[0]] == [f"{{{PROBE}}}PingResponse"]


def test_an_unknown_operation_is_refused(mounted: MountedService) -> None:
    for body in ("<p:Nothing/>", "<Ping/>", "<t:Ping/>"):
        with pytest.raises(SaddlebagError) as caught:
            mounted.operation(_message(body))
        assert caught.value.kind is UNKNOWN_OPERATION


def test_an_action_that_names_another_operation_is_refused(mounted: MountedService) -> None:
    operation = mounted.operation(_message("<p:Ping/>"))
    for harmless in ("", f"{PROBE}/Ping", "Ping", "urn:toolkit:whatever", f"{PROBE}/NoSuchOperation"):
        mounted.check_action(harmless, operation)
    with pytest.raises(SaddlebagError) as caught:
        mounted.check_action(f"{PROBE}/Fail", operation)
    assert caught.value.kind is UNKNOWN_OPERATION


@pytest.mark.parametrize("version", VERSIONS)
def test_s13_s26_an_invalid_request_is_refused_in_our_words(mounted: MountedService, version: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _exchange(mounted, "<p:Echo><p:intValue>1_000</p:intValue></p:Echo>", version)
    assert caught.value.kind is SCHEMA_INVALID
    assert "1_000" not in caught.value.message
    assert "ERROR" not in caught.value.message


@pytest.mark.parametrize(
    "inside",
    [
        "<p:unknown/>",
        "<p:words>a</p:words><p:stringValue>wrong order</p:stringValue>",
        "<p:pair><t:left>a</t:left><t:left>b</t:left></p:pair>",
    ],
)
def test_s24_unknown_and_misplaced_elements_are_refused(mounted: MountedService, inside: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _exchange(mounted, f"<p:Echo>{inside}</p:Echo>")
    assert caught.value.kind is SCHEMA_INVALID


def test_s24_xsi_type_changes_nothing(mounted: MountedService) -> None:
    body = '<p:Echo><p:pair xsi:type="t:Customer"><t:left>a</t:left></p:pair></p:Echo>'
    assert _exchange(mounted, body).findtext(f".//{{{PROBE}}}pair/{{{namespaces.TYPES}}}left") == "a"


def test_s27_id_and_href_are_not_followed(mounted: MountedService) -> None:
    body = '<p:Echo><p:pair href="#x"><t:left>a</t:left></p:pair></p:Echo>'
    with pytest.raises(SaddlebagError) as caught:
        _exchange(mounted, body)
    assert caught.value.kind is SCHEMA_INVALID


def test_too_many_records_are_counted_before_anything_is_validated(mounted: MountedService) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _exchange(mounted, "<p:Take>" + "<p:customer/>" * 201 + "</p:Take>")
    assert (caught.value.kind, caught.value.count) == (TOO_MANY_RECORDS, 201)


def test_s20_one_service_in_many_schemas_is_compiled_for_each_and_shared_by_equal_ones() -> None:
    mounts = Mounts(_validate)
    wider = BUILTIN.with_fields("Customer", Field("shoeSize", Kind.INTEGER, "Size."))
    first = mounts.get(SERVICE, BUILTIN)
    assert mounts.get(SERVICE, Schema(BUILTIN.entities)) is first
    assert mounts.get(SERVICE, wider) is not first
    body = "<p:Take><p:customer><t:shoeSize>44</t:shoeSize></p:customer></p:Take>"
    assert _exchange(mounts.get(SERVICE, wider), body) is not None
    with pytest.raises(SaddlebagError):
        _exchange(first, body)


def test_s20_compiled_services_are_bounded() -> None:
    mounts = Mounts(lambda service, schema: lambda element: None)
    bare = Service("bare", "Bare.", ())
    made = [mounts.get(Service(f"bare{number}", "Bare.", ()), BUILTIN) for number in range(KEPT + 1)]
    assert mounts.get(bare, BUILTIN) is mounts.get(bare, BUILTIN)
    assert mounts.get(made[0].service, BUILTIN) is not made[0]


def test_a_declared_field_is_a_member_of_the_spyne_class() -> None:
    wider = BUILTIN.with_fields("Deal", Field("colour", Kind.CODE, "Colour.", values=("red",)))
    record = Models(wider).record("Deal")
    assert (record.get_type_name(), record.get_namespace()) == ("Deal", namespaces.TYPES)
    assert list(record._type_info)[:3] == ["clear", "id", "version"]
    assert "colour" in record._type_info
    assert "colour" not in Models(BUILTIN).record("Deal")._type_info


# What plain Spyne does: the day one of these fails, a defect is mended there and ours can be looked at again.


class _Plain(ServiceBase):  # type: ignore[misc]  # Spyne has no types
    @rpc(Unicode, Integer, DateTime, _returns=Unicode)  # type: ignore[untyped-decorator]
    def Say(ctx: Any, text: Any, number: Any, at: Any) -> Any:
        return repr((text, number, at))


def _plain(body: str, header: str = "", version: str = namespaces.SOAP11, **options: Any) -> str:
    """The answer of plain Spyne's WSGI application to a Body's content."""
    application = Application([_Plain], PROBE, in_protocol=Soap11(**options), out_protocol=Soap11())
    data = envelope(body, header, version)
    environment = {
        "REQUEST_METHOD": "POST", "CONTENT_TYPE": "text/xml", "CONTENT_LENGTH": str(len(data)), "PATH_INFO": "/",
        "QUERY_STRING": "", "SERVER_NAME": "plain", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
        "wsgi.input": _Body(data),
    }  # fmt: skip
    chunks = WsgiApplication(application)(environment, lambda status, headers, *more: None)
    return b"".join(chunks).decode()


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        data, self._data = self._data, b""
        return data


def test_plain_s9_crashes_on_an_empty_body() -> None:
    with pytest.raises(AttributeError):
        _plain("")


def test_plain_s11_does_not_know_a_version_mismatch() -> None:
    said = _plain("<p:Say/>", version="urn:soap:2030")
    assert "Client.SoapError" in said
    assert "VersionMismatch" not in said


def test_plain_s12_takes_a_second_child_of_body() -> None:
    assert "('a', None, None)" in _plain("<p:Say><p:text>a</p:text></p:Say><p:Say/>")


def test_plain_s16_writes_dotted_fault_codes() -> None:
    assert "soap11env:Client.SchemaValidationError" in _plain("<p:Say><p:x/></p:Say>", validator="lxml")


def test_plain_s23_loses_what_nil_false_holds() -> None:
    assert "(None, None, None)" in _plain('<p:Say><p:text xsi:nil="false">kept</p:text></p:Say>', validator="lxml")


def test_plain_s24_takes_a_number_with_an_underscore() -> None:
    assert "1000" in _plain("<p:Say><p:number>1_000</p:number></p:Say>", validator="soft")


def test_plain_s10_ignores_must_understand() -> None:
    header = '<x:Must xmlns:x="urn:x" e:mustUnderstand="1"/>'
    assert "('a', None, None)" in _plain("<p:Say><p:text>a</p:text></p:Say>", header)


def test_plain_v1_reads_a_western_half_hour_wrongly() -> None:
    """-03:30 is read as -02:30: an hour lost in silence."""
    said = _plain("<p:Say><p:at>2026-01-01T10:00:00-03:30</p:at></p:Say>")
    assert "pytz.FixedOffset(-150)" in said

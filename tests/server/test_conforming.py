"""What the front sends is what the published contract says: answers and faults judged by the schemas themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.documents import published
from saddlebag.kernel.errors import CATALOGUE, ErrorKind, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.server.envelope import SOAP11, SOAP12
from saddlebag.server.faults import render_fault
from soap_probe import SERVICE, Caller


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The probe's published schemas, compiled."""
    folder: Path = tmp_path_factory.mktemp("published")
    for name, data in published([SERVICE], BUILTIN).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return etree.XMLSchema(etree.parse(folder / "schemas/v1/probe.xsd"))


@pytest.mark.parametrize(
    "body",
    [
        "<p:Ping/>",
        "<p:Echo/>",
        "<p:Give><p:count>0</p:count></p:Give>",
        "<p:Take><p:customer><t:name>Ann</t:name></p:customer></p:Take>",
        "<p:Echo><p:stringValue>a</p:stringValue><p:tokenValue> a  b </p:tokenValue><p:idValue>i</p:idValue>"
        "<p:booleanValue>1</p:booleanValue><p:intValue>+1</p:intValue><p:longValue>-1</p:longValue>"
        "<p:decimalValue>.50</p:decimalValue><p:dateValue>2026-01-01+02:00</p:dateValue>"
        "<p:datetimeValue>2026-01-01T24:00:00-03:30</p:datetimeValue><p:binaryValue>aGk=</p:binaryValue>"
        "<p:colourValue>red</p:colourValue><p:pair><t:left/></p:pair><p:pairs><t:left>a</t:left></p:pairs>"
        "<p:words>w</p:words></p:Echo>",
    ],
)
def test_answers_follow_the_published_schema(caller: Caller, schema: Any, body: str) -> None:
    answered = caller.soap(body).root[0][0]
    assert answered.tag.endswith("Response")
    schema.assertValid(answered)


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.code)
def test_the_detail_of_every_fault_follows_the_published_schema(schema: Any, kind: ErrorKind) -> None:
    error = SaddlebagError(kind, entity="Deal", record_id="d1", field="f", rule="r", count=1, limit=2, retry_after=3)
    for version in (SOAP11, SOAP12):
        root = etree.fromstring(render_fault(error, version, "req-1").encode())
        (detail,) = root.iter(f"{{{namespaces.TYPES}}}SaddlebagFault")
        assert schema.validate(detail), schema.error_log

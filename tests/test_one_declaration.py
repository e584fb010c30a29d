"""One declaration, everything derived: a field is added to an entity in one place and appears in all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from contract_samples import every_entity, service_of
from saddlebag.contract import documents
from saddlebag.contract.codec import codec_for
from saddlebag.contract.namespaces import TYPES, XSD
from saddlebag.contract.spec import Member, RecordOf
from saddlebag.contract.validate import validator_for
from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Field, Kind, Policy
from saddlebag.server.models import Models
from saddlebag.store.derive import tables_for
from saddlebag_services._describe import describe_entity

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GRADE = Field(
    "paymentGrade", Kind.CODE, "How reliably the customer pays.", values=("A", "B"), policy=Policy.SERVER_WINS
)
SCHEMA = BUILTIN.with_fields("Customer", GRADE)
ADDRESS = "https://hub.example/acme/whole/v1"


def _typed(document: bytes | None) -> list[str | None]:
    assert document is not None
    found = etree.fromstring(document).findall(f".//{{{XSD}}}complexType[@name='Customer']//*[@name='paymentGrade']")
    return [each.get("type") for each in found]


def test_the_table_has_its_column() -> None:
    assert "payment_grade" in tables_for(SCHEMA).entities["Customer"].table.columns
    assert "payment_grade" not in tables_for(BUILTIN).entities["Customer"].table.columns


def test_the_codec_renders_reads_and_bounds_it() -> None:
    codec = codec_for(SCHEMA)["Customer"]
    fragment, tail = codec.render("c1", 1, {"name": "N", "paymentGrade": "A"}, NOW, NOW)
    assert "<paymentGrade>A</paymentGrade>" in fragment
    assert codec.values(fragment + tail) == {"name": "N", "paymentGrade": "A"}
    with pytest.raises(SaddlebagError) as refused:
        codec.check({"paymentGrade": "C"})
    assert (refused.value.kind, refused.value.field) == (INVALID_VALUE, "paymentGrade")


def test_the_xsd_and_the_wsdl_type_it() -> None:
    whole = every_entity(SCHEMA)
    assert _typed(documents.served_xsd(whole, SCHEMA, "types", ADDRESS)) == ["types:CustomerPaymentGrade"]
    assert _typed(documents.single_wsdl(whole, SCHEMA, ADDRESS)) == ["types:CustomerPaymentGrade"]
    assert _typed(documents.single_wsdl(whole, BUILTIN, ADDRESS)) == []


@pytest.mark.parametrize(("grade", "taken"), [("A", True), ("C", False)])
def test_requests_are_validated_by_it(grade: str, taken: bool) -> None:
    service = service_of((Member("customer", RecordOf("Customer"), "A customer."),))
    request = etree.fromstring(
        f'<Do xmlns="urn:saddlebag:small:v1" xmlns:t="{TYPES}">'
        f"<customer><t:paymentGrade>{grade}</t:paymentGrade></customer></Do>"
    )
    assert _passes(service, request) is taken


def test_spynes_class_has_it() -> None:
    record = Models(SCHEMA).record("Customer")
    assert "paymentGrade" in record.get_flat_type_info(record)


def test_describe_entities_tells_of_it() -> None:
    described = describe_entity(SCHEMA.entity("Customer"), codec_for(SCHEMA)["Customer"], frozenset())
    (told,) = [each for each in described["field"] if each["name"] == "paymentGrade"]
    assert (told["type"], told["value"], told["policy"]) == ("code", ["A", "B"], "server-wins")


def _passes(service: Any, request: etree._Element) -> bool:
    try:
        validator_for(service, SCHEMA).check(request)
    except SaddlebagError:
        return False
    return True

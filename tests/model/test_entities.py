"""Declarations: what cannot be meant is refused when it is declared, and a schema is a value."""

from __future__ import annotations

import pytest

from saddlebag.kernel.errors import UNKNOWN_ENTITY, UNKNOWN_FIELD, SaddlebagError
from saddlebag.model.builtin import BUILTIN, CUSTOMER, DEAL
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind, Policy, SyncClass, Urgency


def test_entities_stand_after_those_that_they_refer_to() -> None:
    seen: set[str] = set()
    for entity in BUILTIN.ordered:
        assert {each.target for each in entity.references} - {entity.name} <= seen
        seen.add(entity.name)


def test_what_deals_need_is_urgent_and_what_happened_is_not_as_far_as_references_allow() -> None:
    place = {each.name: number for number, each in enumerate(BUILTIN.urgent)}
    for entity in BUILTIN.entities:
        assert all(place[each.target] <= place[entity.name] for each in entity.references)
    needed = {"Customer", "Deal", "DealLine", "Product"} | {"User", "Territory", "Partner"}
    history = {"Activity", "Invoice", "InvoiceLine", "Payment", "Attachment"}
    names = [each.name for each in BUILTIN.urgent]
    assert set(names[: len(needed)]) == needed
    assert set(names[-len(history) :]) == history
    assert "Contact" in names[len(needed) : -len(history)]


def test_entities_that_refer_to_each_other_all_have_a_place() -> None:
    def refers(name: str, target: str, urgency: Urgency) -> Entity:
        field = Field("other", Kind.REFERENCE, "The other.", target=target)
        return Entity(name, f"{name}s", "One.", (field,), label="other", urgency=urgency)

    schema = Schema((refers("A", "B", Urgency.LATER), refers("B", "A", Urgency.NOW), refers("C", "C", Urgency.SOON)))
    assert [each.name for each in schema.urgent] == ["A", "B", "C"]
    assert schema.entity("C").nested_by == ("other",)


def test_every_record_but_catalogue_data_knows_its_customer() -> None:
    catalogue = {"User", "Territory", "Partner", "Product", "Warehouse", "StockLevel"}
    assert {each.name for each in BUILTIN.entities if not each.customer} == catalogue


def test_unknown_names_are_named() -> None:
    with pytest.raises(SaddlebagError) as caught:
        BUILTIN.entity("Spaceship")
    assert (caught.value.kind, caught.value.entity) == (UNKNOWN_ENTITY, "Spaceship")
    with pytest.raises(SaddlebagError) as caught:
        CUSTOMER.field("warp")
    assert (caught.value.kind, caught.value.field) == (UNKNOWN_FIELD, "warp")


def test_an_added_field_makes_another_schema_and_leaves_the_first_alone() -> None:
    mood = Field("mood", Kind.STRING, "How they are.", length=10)
    grown = BUILTIN.with_fields("Customer", mood)
    assert grown.entity("Customer").field("mood") is mood
    assert not BUILTIN.entity("Customer").has("mood")
    assert grown.fingerprint != BUILTIN.fingerprint
    assert grown.entity("Customer").device_fields[-1] is mood


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Upper", "kind": Kind.STRING},
        {"name": "ref", "kind": Kind.REFERENCE},
        {"name": "text", "kind": Kind.STRING, "target": "Customer"},
        {"name": "code", "kind": Kind.CODE},
        {"name": "number", "kind": Kind.DECIMAL, "digits": 2, "scale": 3},
    ],
)
def test_a_field_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"field|number"):
        Field(doc="Nothing.", **wrong)  # type: ignore[arg-type]


def test_an_entity_that_contradicts_itself_is_refused() -> None:
    name = Field("name", Kind.STRING, "Name.")
    hidden = Field("hidden", Kind.STRING, "Stays.", sync=SyncClass.HUB)
    for fields in ((name, name), (hidden, name), (Field("version", Kind.INTEGER, "System."),)):
        with pytest.raises(ValueError, match="entity"):
            Entity("Thing", "Things", "A thing.", fields)
    with pytest.raises(ValueError, match="unknown entity"):
        Schema((DEAL,))


def test_columns_are_snake_case() -> None:
    assert CUSTOMER.field("billingPostcode").column == "billing_postcode"


def test_state_machines_declare_their_transitions() -> None:
    for entity in BUILTIN.entities:
        for field in entity.fields:
            assert bool(field.transitions) == (field.policy is Policy.STATE_MACHINE)

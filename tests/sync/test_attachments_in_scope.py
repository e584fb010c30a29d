"""What is attached to a record travels with that record: not without it, and not with another of its customer."""

from __future__ import annotations

import json
from datetime import date

import pytest

from model_device import Laptop
from records_world import World, create, update
from saddlebag.kernel.errors import INVALID_SCOPE_RULE, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import Pin
from saddlebag.sync import engine
from saddlebag.sync.defaults import DEFAULT
from saddlebag.sync.rules import read_scope, write_scope


def attach(hub: World, photo: str, entity: str, record: str) -> None:
    values = {"name": photo, "mediaType": "image/jpeg", "size": 1, "sha256": "0" * 64}
    hub.write("hub", create("Attachment", photo, entity=entity, record=record, **values))


def carried(laptop: Laptop) -> set[str]:
    laptop.sync()
    return {record for entity, record in laptop.rows if entity == "Attachment"}


@pytest.fixture
def office(hub: World) -> World:
    """Photos of a deal that closes this week, of one that does not, and of what belongs to their customer."""
    hub.write("hub", create("Deal", "later", customer="c-rita", owner="rita", title="x", stage="qualify"))
    for entity, record in (
        ("Deal", "d-rita"),
        ("DealLine", "l-rita"),
        ("Deal", "later"),
        ("Customer", "c-rita"),
        ("Customer", "c-north"),
        ("Contact", "k-rita"),
        ("Contact", "k-sam"),
    ):
        attach(hub, f"of-{record}", entity, record)
    return hub


def test_an_attachment_comes_with_the_record_that_it_belongs_to(office: World, laptop: Laptop) -> None:
    assert carried(laptop) == {"of-d-rita", "of-l-rita", "of-c-rita", "of-k-rita"}


def test_it_comes_and_leaves_with_that_record(office: World, laptop: Laptop) -> None:
    office.write("rita", update("Deal", "later", closeDate=date(2026, 3, 4)))
    assert "of-later" in carried(laptop)
    office.write("rita", update("Deal", "d-rita", stage="won"))
    assert carried(laptop) == {"of-later", "of-c-rita", "of-k-rita"}


def test_a_pinned_customer_brings_its_own(office: World, laptop: Laptop) -> None:
    office.run(lambda tx: tx.rows.put(Pin("rita", "Customer", "c-north")))
    office.run(lambda tx: tx.rows.put(Pin("rita", "Customer", "c-sam")))
    assert "of-c-north" in carried(laptop)
    assert "of-k-sam" not in carried(laptop)


def test_an_id_that_two_entities_share_is_no_bridge(hub: World, laptop: Laptop) -> None:
    """An attachment names the entity as well: a deal on the device does not bring what is attached to a contact."""
    hub.write("hub", create("Contact", "d-rita", customer="c-sam", lastName="x"))
    attach(hub, "of-a-contact", "Contact", "d-rita")
    assert carried(laptop) == set()


def test_the_way_to_an_attachment_is_explained(office: World) -> None:
    told = office.run(
        lambda tx: engine.explain(tx, office.principal("rita"), "Attachment", "of-d-rita", office.now), read_only=True
    )
    (path,) = told.paths
    assert path.steps[-1] == "Attachment of-d-rita by its record (closing/deal-attachments)"


def test_rules_of_attachments_are_written_and_read() -> None:
    assert read_scope("default", 0, write_scope(DEFAULT, BUILTIN), BUILTIN) == DEFAULT


@pytest.mark.parametrize(
    "hop",
    [
        {"entity": "Attachment", "by": "record"},
        {"entity": "Attachment", "by": "entity", "backward": True},
        {"entity": "Activity", "by": "record", "backward": True},
    ],
)
def test_only_the_way_back_to_what_is_attached_is_a_step(hop: dict[str, object]) -> None:
    rule = {"name": "mine", "entity": "Deal", "hops": [{"name": "photos", **hop}]}
    with pytest.raises(SaddlebagError) as caught:
        read_scope("default", 1, json.dumps({"rules": [rule]}), BUILTIN)
    assert caught.value.kind is INVALID_SCOPE_RULE


def test_what_leads_to_no_customer_has_no_attachments() -> None:
    rule = {"name": "all", "entity": "Product", "hops": [{"name": "p", "entity": "Attachment", "by": "record"}]}
    rule["hops"][0]["backward"] = True  # type: ignore[index]
    with pytest.raises(SaddlebagError) as caught:
        read_scope("default", 1, json.dumps({"rules": [rule]}), BUILTIN)
    assert caught.value.kind is INVALID_SCOPE_RULE

"""A tenant's own entity and field get operations and a description with no line of code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from records_world import World, world
from saddlebag.contract.codec import codec_for
from saddlebag.contract.spec import RecordInput
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind
from saddlebag.records.call import Call, Hub
from saddlebag_services._describe import describe_entity
from saddlebag_services._records import operations

SITE = Entity(
    "Site",
    "Sites",
    "A place that a customer runs.",
    (
        Field("name", Kind.STRING, "Name of the site.", required=True),
        Field("customer", Kind.REFERENCE, "Customer that runs it.", target="Customer", required=True),
        Field("area", Kind.DECIMAL, "Area.", digits=9, scale=1, unit="m2", minimum=0),
    ),
    customer="customer",
)
SCHEMA = BUILTIN.with_entities(SITE).with_fields("Deal", Field("colour", Kind.CODE, "Colour.", values=("red", "blue")))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with world(f"sqlite:///{tmp_path / 'own.sqlite'}", SCHEMA) as made:
        yield made


def ask(own: World, who: str, name: str, request: dict[str, Any]) -> Any:
    offered = [*operations(SITE), *operations(SCHEMA.entity("Deal"))]
    operation = next(each for each in offered if each.name == name)
    hub = Hub(own.store, own.new_id, lambda: "secret", lambda: own.now, "1.0", "https://hub")
    call = Call(hub, own.store.tenant(own.tenant), own.principal(who), own.tick(), "request")
    return operation.handler(call, request)


def test_an_own_entity_is_written_searched_and_bounded_by_visibility(own: World) -> None:
    site = RecordInput("Site", "x", None, {"name": "Mill", "customer": "c-rita"})
    assert ask(own, "adam", "CreateSites", {"site": [site]})["result"][0]["status"] == "created"
    assert ask(own, "rita", "UpdateSites", {"site": [site]})["result"][0]["error"]["name"] == "NotAllowed"
    terms = {"filter": [{"field": "name", "op": "prefix", "value": ["mi"]}]}
    assert [each.id for each in ask(own, "rita", "SearchSites", terms)["site"]] == ["x"]
    assert ask(own, "sam", "GetSites", {"id": ["x"]}) == {"site": [], "missing": ["x"]}
    assert ask(own, "adam", "DeleteSites", {"record": [{"id": "x"}]})["result"][0]["status"] == "deleted"


def test_an_own_field_is_stored_searched_rendered_and_described(own: World) -> None:
    painted = RecordInput("Deal", "d-rita", None, {"colour": "red"})
    assert ask(own, "rita", "UpdateDeals", {"deal": [painted]})["result"][0]["status"] == "updated"
    terms = {"filter": [{"field": "colour", "op": "eq", "value": ["red"]}]}
    (found,) = ask(own, "rita", "SearchDeals", terms)["deal"]
    assert "<colour>red</colour>" in found.fragment
    deal = SCHEMA.entity("Deal")
    fields = {each["name"]: each for each in describe_entity(deal, codec_for(SCHEMA)["Deal"], frozenset())["field"]}
    assert fields["colour"]["value"] == ["red", "blue"]

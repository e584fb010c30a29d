"""ExplainScope and DescribeScope: why a record is on a device, without telling what may not be seen."""

from __future__ import annotations

from functools import partial

from model_device import Laptop
from records_world import World
from saddlebag.model.condition import ALWAYS
from saddlebag.store.tables import Pin
from saddlebag.sync import engine


def explained(hub: World, entity: str, record: str, who: str = "rita") -> engine.Explanation:
    work = partial(engine.explain, principal=hub.principal(who), entity=entity, record_id=record, now=hub.now)
    return hub.run(lambda tx: work(tx), read_only=True)


def test_a_path_leads_from_the_rules_root_to_the_record(hub: World) -> None:
    told = explained(hub, "StockLevel", "s1")
    assert told.in_scope
    (path,) = told.paths
    assert path.rule == "closing"
    assert [step.split()[:2] for step in path.steps] == [
        ["Deal", "d-rita"],
        ["DealLine", "l-rita"],
        ["Product", "p1"],
        ["StockLevel", "s1"],
    ]


def test_every_rule_that_holds_a_record_is_named(hub: World) -> None:
    hub.run(lambda tx: tx.rows.put(Pin("rita", "Customer", "c-rita")))
    assert [each.rule for each in explained(hub, "Customer", "c-rita").paths] == ["closing", "pinned-customers"]


def test_what_no_rule_claims_and_what_may_not_be_seen(hub: World) -> None:
    assert explained(hub, "Customer", "c-north").reason == "No rule of your scope claims the record."
    assert explained(hub, "Customer", "c-sam") == explained(hub, "Customer", "no-such")


def test_all_that_a_device_holds_is_explained_and_nothing_else(hub: World) -> None:
    laptop = Laptop.registered(hub, "rita")
    laptop.sync()
    for entity in hub.store.schema.entities:
        everything = hub.run(lambda tx, name=entity.name: tx.stamps(name, ALWAYS), read_only=True)
        for stamp in everything:
            assert explained(hub, entity.name, stamp.id).in_scope == ((entity.name, stamp.id) in laptop.rows)


def test_a_scope_is_described_with_what_it_holds(hub: World) -> None:
    scope = hub.run(lambda tx: engine.describe(tx, hub.principal("rita"), hub.now), read_only=True)
    counts = {(each.rule, each.hop): each.count for each in scope.claims}
    assert (scope.name, scope.version) == ("default", 0)
    assert counts["closing", ""] == 1
    assert counts["closing", "stock"] == 2
    assert counts["pinned-deals", "stock"] == 0

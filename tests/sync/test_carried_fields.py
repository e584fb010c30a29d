"""A rule may carry some fields of its records only: less to send, nothing to misread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model_device import Laptop
from records_world import World, update
from saddlebag.contract.codec import codec_for
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import INVALID_SCOPE_RULE, SaddlebagError
from saddlebag.kernel.fragment import join, pick, split
from saddlebag.kernel.ops import OpStatus
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import ScopeRuleRow
from saddlebag.sync import engine, fresh
from saddlebag.sync.rules import read_scope, write_scope
from saddlebag.sync.target import evaluate, question

MINE = {"field": "owner", "op": "eq", "value": {"param": "me"}}
SHORT = {
    "name": "short",
    "entity": "Deal",
    "where": MINE,
    "fields": ["stage"],
    "hops": [{"name": "customers", "entity": "Customer", "by": "customer", "fields": ["number"]}],
}
QUALIFIED = {"field": "stage", "op": "eq", "value": "qualify"}
DATED = {"name": "dated", "entity": "Deal", "where": {"all": [MINE, QUALIFIED]}, "fields": ["closeDate"]}
WHOLE = {"name": "whole", "entity": "Deal", "where": {"field": "stage", "op": "eq", "value": "propose"}}
DEAL, CUSTOMER = ("Deal", "d-rita"), ("Customer", "c-rita")
ALWAYS = {"id", "version", "title", "customer", "owner"}


def set_rules(hub: World, *rules: Any, **more: int) -> None:
    text = json.dumps({**more, "rules": rules})
    hub.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 1, text)))


def names(laptop: Laptop, entity: str, record: str) -> set[str]:
    return {name for name, _ in split(laptop.rows[entity, record])}


def agreed(laptop: Laptop) -> None:
    """The digest of what the device holds is the hub's, by memory and by evaluation."""
    laptop.sync()
    held = Digest.of(each.hash for each in laptop.held())
    assert laptop.pull().digest == held

    def ask(tx: Any) -> None:
        asked = question(tx, laptop.principal, laptop.world.now)
        assert fresh.digests_of(tx, asked, laptop.memory)[0] == evaluate(tx, asked).digests()

    laptop.world.run(ask, read_only=True)


@pytest.fixture
def short(hub: World, laptop: Laptop) -> Laptop:
    """Rita's laptop, which held everything whole, under a rule that carries little."""
    laptop.memory = engine.memory()
    set_rules(hub, SHORT)
    agreed(laptop)
    return laptop


def test_only_the_named_fields_go_along_with_what_is_required_and_refers(short: Laptop) -> None:
    assert names(short, *DEAL) == ALWAYS | {"stage"}
    assert names(short, *CUSTOMER) == {"id", "version", "name", "number", "owner"}
    assert short.rows.keys() == {DEAL, CUSTOMER}


def test_what_several_rules_claim_carries_what_any_of_them_does(hub: World, short: Laptop) -> None:
    set_rules(hub, SHORT, DATED)
    agreed(short)
    assert names(short, *DEAL) == ALWAYS | {"stage", "closeDate"}
    hub.write("rita", update("Deal", "d-rita", stage="prospect"))
    agreed(short)
    assert names(short, *DEAL) == ALWAYS | {"stage"}
    set_rules(hub, SHORT, DATED, WHOLE)
    hub.write("rita", update("Deal", "d-rita", stage="propose"))
    agreed(short)
    assert short.rows[DEAL] == hub.stored(*DEAL).fragment


def test_a_short_record_is_edited_like_any_other(hub: World, short: Laptop) -> None:
    """A field that the device does not hold can be set: it was not changed since, so nothing is in conflict."""
    short.edit(*DEAL, stage="propose", probability="40")
    (result,) = short.push()
    assert result.status is OpStatus.APPLIED
    values = hub.stored(*DEAL).values
    assert (values["stage"], values["probability"], values["amount"]) == ("propose", 40, 1000)
    agreed(short)
    assert names(short, *DEAL) == ALWAYS | {"stage"}


def test_a_short_record_that_stays_by_grace_stays_short(hub: World, short: Laptop) -> None:
    set_rules(hub, {**DATED, "fields": ["stage"]}, grace=24)
    agreed(short)
    before = short.rows[DEAL]
    hub.write("adam", update("Deal", "d-rita", stage="won"))
    short.sync()
    assert names(short, *DEAL) == ALWAYS | {"stage"}
    assert short.rows[DEAL] != before
    short.sync()
    assert not short.received


def test_a_device_that_heals_is_sent_the_short_form_again(short: Laptop) -> None:
    short.rows[DEAL] = short.rows[DEAL].replace("qualify", "propose")
    short.heal()
    agreed(short)
    assert "qualify" in short.rows[DEAL]


def test_what_is_left_is_valid_by_the_published_types(short: Laptop) -> None:
    for (entity, _), text in short.rows.items():
        values = codec_for(BUILTIN)[entity].values(text)
        assert all(each.name in values for each in BUILTIN.entity(entity).fields if each.required)


@pytest.mark.parametrize(
    ("entity", "fields", "named"),
    [
        ("Deal", ["stage", "colour"], "colour"),
        ("Deal", [], None),
        ("Deal", "stage", None),
        ("Deal", [1], "1"),
        ("User", ["email", "login"], "login"),
    ],
)
def test_fields_that_devices_do_not_get_are_refused_by_name(entity: str, fields: Any, named: str | None) -> None:
    rule = {"name": "people", "entity": entity, "fields": fields}
    with pytest.raises(SaddlebagError) as caught:
        read_scope("default", 1, json.dumps({"rules": [rule]}), BUILTIN)
    assert (caught.value.kind, caught.value.field) == (INVALID_SCOPE_RULE, named)


def test_carried_fields_are_written_down_and_read_again() -> None:
    scope = read_scope("default", 1, json.dumps({"rules": [SHORT]}), BUILTIN)
    assert scope.rules[0].hops[0].fields == ("number",)
    assert read_scope("default", 1, write_scope(scope, BUILTIN), BUILTIN) == scope


def test_picking_keeps_order_repeats_escapes_and_extensions() -> None:
    text = join([("id", "1"), ("tag", "a"), ("name", "x<y"), ("tag", "b")]) + '<x:ext xmlns:x="u"><q>1</q></x:ext>'
    assert pick(text, {"id", "tag"}) == "<id>1</id><tag>a</tag><tag>b</tag>" + text[text.index("<x:ext") :]
    assert pick(text, {"name"}).startswith("<name>x&lt;y</name>")

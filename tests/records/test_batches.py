"""A batch means what its writes mean one after the other: the drafts must not change what a rule says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import examples
from records_world import World, opened, settled
from saddlebag.model.fields import Value
from saddlebag.records.base import Outcome, Verb, Write
from saddlebag.store.sql import SqlStore

_numbers = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    with opened(f"sqlite:///{tmp_path_factory.mktemp('batches') / 'store.sqlite'}") as made:
        yield made


def some(*values: Value) -> st.SearchStrategy[Value]:
    return st.sampled_from(values)


CUSTOMERS = some("c-rita", "c-north", "c-sam", "c-new", "c-none")
SHAPES: dict[str, tuple[st.SearchStrategy[Value], dict[str, st.SearchStrategy[Value]]]] = {
    "Customer": (
        some("c-new", "c-north", "c-sam"),
        {"name": some("A", None), "owner": some("rita", "sam", None), "number": some("K1", "K9", None)},
    ),
    "Contact": (some("k-rita", "k-sam", "k-new"), {"customer": CUSTOMERS, "lastName": some("A", "B")}),
    "Deal": (
        some("d-rita", "d-sam", "d-new"),
        {
            "customer": CUSTOMERS,
            "title": some("A", "B"),
            "number": some("D1", "D8", "D9"),
            "stage": some("qualify", "propose", "won"),
            "owner": some("rita", "sam"),
        },
    ),
    "DealLine": (
        some("l-rita", "l-new"),
        {"deal": some("d-rita", "d-sam", "d-new"), "product": some("p1"), "quantity": some(Decimal(1), Decimal(2))},
    ),
    "Activity": (
        some("a-new", "a-two"),
        {"customer": CUSTOMERS, "deal": some("d-rita", "d-new", None), "kind": some("call"), "subject": some("S")},
    ),
}


@st.composite
def writes(draw: st.DrawFn) -> Write:
    entity = draw(st.sampled_from(sorted(SHAPES)))
    ids, fields = SHAPES[entity]
    verb = draw(st.sampled_from(list(Verb)))
    names = sorted(fields) if verb is Verb.CREATE else draw(st.lists(st.sampled_from(sorted(fields)), unique=True))
    key = None
    if entity == "Deal" and verb is Verb.UPSERT and draw(st.booleans()):
        key = ("number", draw(fields["number"]))
    values = {} if verb is Verb.DELETE else {name: draw(fields[name]) for name in names}
    return Write(verb, entity, None if key else str(draw(ids)), key=key, values=values)


def _plain(outcome: Outcome) -> tuple[object, ...]:
    """What must agree; a record that a key created has an id of its own."""
    found = outcome.error
    return (outcome.status, outcome.changed, found.kind.name if found else None, found.field if found else None)


def _state(world: World) -> dict[tuple[str, str], tuple[bool, dict[str, Value]]]:
    def work(tx: object) -> dict[tuple[str, str], tuple[bool, dict[str, Value]]]:
        found = {}
        for entity, (_, _fields) in SHAPES.items():
            log = tx.changes(after=0, limit=1000, entities=[entity])  # type: ignore[attr-defined]
            records = tx.get(entity, {each.id for each in log}, deleted=True)  # type: ignore[attr-defined]
            for each in records.values():
                values = {name: value for name, value in each.values.items() if value is not None}
                found[entity, each.id] = (each.deleted, values)
        return found

    return world.run(work, read_only=True)  # type: ignore[arg-type]


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(who=st.sampled_from(["rita", "sam", "mona", "adam"]), listed=st.lists(writes(), min_size=2, max_size=7))
def test_a_batch_is_its_writes_in_order(store: SqlStore, who: str, listed: list[Write]) -> None:
    together = settled(store, f"batch-{next(_numbers)}")
    singly = settled(store, f"batch-{next(_numbers)}")
    batch = together.apply(who, *listed)
    single = [outcome for each in listed for outcome in singly.apply(who, each)]
    assert [_plain(each) for each in batch] == [_plain(each) for each in single]
    assert _state(together) == _state(singly)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(who=st.sampled_from(["rita", "adam"]), listed=st.lists(writes(), min_size=2, max_size=7))
def test_all_or_none_is_all_or_none(store: SqlStore, who: str, listed: list[Write]) -> None:
    world = settled(store, f"batch-{next(_numbers)}")
    before = _state(world)
    outcomes = world.apply(who, *listed, all_or_none=True)
    assert {each.ok for each in outcomes} in ({True}, {False})
    assert outcomes[0].ok or _state(world) == before

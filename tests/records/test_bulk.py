"""What bulk loading promises: the same records as the slow path, in few statements."""

from __future__ import annotations

from decimal import Decimal

import pytest

from records_world import World, create
from saddlebag.kernel.errors import INVALID_VALUE, REQUIRED_FIELD, SaddlebagError
from saddlebag.model.fields import Value
from saddlebag.records.bulk import load


def _load(world: World, entity: str, rows: list[tuple[str, dict[str, Value]]]) -> int:
    return world.run(lambda tx: load(tx, entity, rows, world.now))


def test_a_loaded_record_is_as_a_created_one(world: World) -> None:
    values: dict[str, Value] = {"deal": "d-rita", "product": "p1", "quantity": Decimal("2.5")}
    assert _load(world, "DealLine", [("bulk", values)]) == 1
    world.write("hub", create("DealLine", "path", **values))
    loaded, created = world.stored("DealLine", "bulk"), world.stored("DealLine", "path")
    assert loaded.values == created.values
    assert loaded.values["customer"] == "c-rita"
    assert loaded.fragment.partition("</version>")[2] == created.fragment.partition("</version>")[2]


def test_thousands_cost_a_few_statements(world: World) -> None:
    rows: list[tuple[str, dict[str, Value]]] = [
        (f"k{n}", {"customer": "c-rita", "lastName": f"Name {n}"}) for n in range(3000)
    ]
    with world.statements() as seen:
        assert _load(world, "Contact", rows) == 3000
    assert len(seen) <= 12


@pytest.mark.parametrize(
    ("values", "kind", "field"),
    [({"customer": "c-rita"}, REQUIRED_FIELD, "lastName"), ({"lastName": "x" * 99}, INVALID_VALUE, "lastName")],
)
def test_a_bad_row_stops_the_load_and_is_named(
    world: World, values: dict[str, Value], kind: object, field: str
) -> None:
    with pytest.raises(SaddlebagError) as caught:
        _load(world, "Contact", [("good", {"customer": "c-rita", "lastName": "Good"}), ("bad", values)])
    assert (caught.value.kind, caught.value.record_id, caught.value.field) == (kind, "bad", field)
    assert not world.sees("adam", "Contact", "good")

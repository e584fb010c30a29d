"""Merged records and devices: the loser leaves at the next pull, and nothing that was typed on it is lost."""

from __future__ import annotations

import random
from typing import Any

import pytest

from model_device import Laptop, Lost
from records_world import World, create, delete, merge, undelete, update
from saddlebag.kernel.ops import OpStatus
from saddlebag.store.tables import Conflict
from saddlebag.sync import engine
from saddlebag.sync.page import Reason


@pytest.fixture
def twin(hub: World) -> World:
    """Rita's deal d-two is d-rita entered again, at a customer that is c-rita entered again."""
    day = hub.stored("Deal", "d-rita").values["closeDate"]
    hub.write(
        "inga",
        create("Customer", "c-two", name="Alpha Ltd", owner="rita", city="Bonn", notes="Old"),
        create("Contact", "k-two", customer="c-two", lastName="Abel"),
        create("Deal", "d-two", customer="c-two", owner="rita", title="Pumps", stage="qualify", closeDate=day),
        create("DealLine", "l-two", deal="d-two", product="p1", quantity=2),
    )
    return hub


@pytest.fixture
def holder(twin: World) -> Laptop:
    """Rita's laptop, which holds both."""
    made = Laptop.registered(twin, "rita")
    made.memory = engine.Memory()
    made.sync()
    assert {("Customer", "c-two"), ("Deal", "d-two")} < made.rows.keys()
    return made


def converged(laptop: Laptop) -> bool:
    """Whether a sync leaves the laptop with what a new one of its user gets."""
    laptop.sync()
    fresh = Laptop.registered(laptop.world, laptop.who)
    fresh.sync()
    return laptop.rows == fresh.rows


def conflicts(hub: World) -> list[tuple[str, str, str | None]]:
    rows = hub.run(lambda tx: tx.rows.select(Conflict), read_only=True)
    return sorted((each.record, each.field, each.mine) for each in rows)


def test_the_loser_leaves_as_merged_and_what_it_had_comes_with_the_master(twin: World, holder: Laptop) -> None:
    twin.write("inga", merge("Customer", "c-rita", "c-two"), merge("Deal", "d-rita", "d-two"))
    holder.sync()
    assert holder.left() == {("Customer", "c-two"): Reason.MERGED_INTO, ("Deal", "d-two"): Reason.MERGED_INTO}
    assert holder.texts("DealLine", "l-two")["deal"] == "d-rita"
    assert holder.texts("Contact", "k-two")["customer"] == "c-rita"
    assert converged(holder)


def test_an_unsent_edit_of_the_loser_goes_on_to_the_master(twin: World, holder: Laptop) -> None:
    edit = holder.edit("Customer", "c-two", city="Cologne", notes="Old\nNew")
    twin.write("inga", merge("Customer", "c-rita", "c-two"))
    holder.sync()
    values = twin.stored("Customer", "c-rita").values
    assert values["city"] == "Cologne"
    assert "New" in str(values["notes"])
    assert holder.results[edit.sequence].status in (OpStatus.APPLIED, OpStatus.MERGED)
    assert converged(holder)


def test_an_edit_that_meets_the_masters_own_value_is_a_conflict_that_can_be_read(twin: World, holder: Laptop) -> None:
    edit = holder.edit("Deal", "d-two", title="More pumps", stage="lost")
    twin.tick(minutes=1)
    twin.write("inga", update("Deal", "d-rita", title="Pumps, 2nd", stage="won"), merge("Deal", "d-rita", "d-two"))
    holder.sync()
    assert holder.results[edit.sequence].status is OpStatus.CONFLICT
    assert twin.stored("Deal", "d-rita").values["stage"] == "won"
    assert ("d-rita", "stage", "lost") in conflicts(twin)
    assert ("d-rita", "title", "More pumps") in conflicts(twin)
    assert converged(holder)


def test_a_lost_answer_of_an_edit_of_the_loser_is_done_once(twin: World, holder: Laptop) -> None:
    holder.edit("Customer", "c-two", notes="Old\nNew")
    twin.write("inga", merge("Customer", "c-rita", "c-two"))
    with pytest.raises(Lost):
        holder.push(lose_answer=True)
    version = twin.stored("Customer", "c-rita").version
    holder.sync()
    assert twin.stored("Customer", "c-rita").version == version


def test_what_was_made_offline_for_the_loser_is_made_for_the_master(twin: World, holder: Laptop) -> None:
    visit = holder.create("Activity", "a-new", customer="c-two", deal="d-two", kind="visit", subject="Seen")
    twin.write("inga", merge("Customer", "c-rita", "c-two"), merge("Deal", "d-rita", "d-two"))
    holder.sync()
    assert holder.results[visit.sequence].status is OpStatus.APPLIED
    values = twin.stored("Activity", "a-new").values
    assert (values["customer"], values["deal"]) == ("c-rita", "d-rita")
    assert converged(holder)


def test_a_deletion_of_the_loser_does_not_reach_the_master(twin: World, holder: Laptop) -> None:
    gone = holder.remove("Deal", "d-two")
    twin.write("inga", merge("Deal", "d-rita", "d-two"))
    holder.sync()
    assert holder.results[gone.sequence].status is OpStatus.GONE
    assert not twin.stored("Deal", "d-rita").deleted
    assert converged(holder)


def test_an_edit_whose_master_its_writer_may_not_see_is_kept_as_her_conflict(twin: World, holder: Laptop) -> None:
    edit = holder.edit("Contact", "k-two", phone="0221")
    twin.write("inga", merge("Contact", "k-sam", "k-two"))
    holder.sync()
    assert holder.results[edit.sequence].status is OpStatus.GONE
    assert ("k-two", "phone", "0221") in conflicts(twin)


@pytest.mark.parametrize("pulled_between", [False, True])
def test_what_comes_back_is_put_again_though_nothing_of_it_changed(
    twin: World, holder: Laptop, pulled_between: bool
) -> None:
    twin.write("rita", delete("Deal", "d-two"))
    if pulled_between:
        holder.sync()
        assert holder.left()["Deal", "d-two"] is Reason.DELETED
    twin.write("rita", undelete("Deal", "d-two"))
    holder.sync()
    assert {("Deal", "d-two"), ("DealLine", "l-two")} < holder.rows.keys()
    assert converged(holder)


def test_who_held_neither_gets_the_master_when_a_merge_puts_it_into_scope(twin: World) -> None:
    sam = Laptop.registered(twin, "sam")
    sam.memory = engine.Memory()
    sam.sync()
    day = twin.stored("Deal", "d-rita").values["closeDate"]
    twin.write("inga", update("Deal", "d-sam", closeDate=day))
    sam.sync()
    twin.write("inga", merge("Customer", "c-rita", "c-sam"))
    sam.sync()
    assert sam.left()["Customer", "c-sam"] is Reason.MERGED_INTO
    assert sam.texts("Deal", "d-sam")["customer"] == "c-rita"
    assert converged(sam)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_merged_edited_and_brought_back_devices_converge_and_no_word_is_lost(
    twin: World, seed: int
) -> None:
    history = _History(twin, random.Random(seed))
    for _ in range(25):
        history.step()
    assert history.astray() == []


class _History:
    """Merges, deletions, edits and lost answers in an order that a seed decides."""

    def __init__(self, hub: World, chance: random.Random) -> None:
        self.hub = hub
        self.chance = chance
        self.laptops = [Laptop.registered(hub, "rita"), Laptop.registered(hub, "rita")]
        self.typed: list[tuple[Laptop, int, str]] = []
        for laptop in self.laptops:
            laptop.memory = engine.Memory()
            laptop.sync()

    def step(self) -> None:
        """One event."""
        choice = self.chance.choice
        self.hub.tick(minutes=1)
        laptop = choice(self.laptops)
        event = choice(["merge", "merge", "delete", "undelete", "edit", "edit", "edit", "make", "push", "sync", "sync"])
        entity = choice(["Customer", "Deal", "Contact"])
        held = sorted(laptop.ids(entity))
        if event == "merge":
            self.hub.apply("inga", merge(entity, choice(self._all(entity)), choice(self._all(entity))))
        elif event in ("delete", "undelete"):
            self.hub.apply("inga", {"delete": delete, "undelete": undelete}[event](entity, choice(self._all(entity))))
        elif event == "edit" and held:
            self._edit(laptop, entity, choice(held))
        elif event == "make" and laptop.ids("Customer"):
            word = f"word{len(self.typed)}"
            made = laptop.create(
                "Contact", f"n{len(self.typed)}", customer=choice(sorted(laptop.ids("Customer"))), lastName=word
            )
            self.typed.append((laptop, made.sequence, word))
        elif event == "push":
            lost = choice([False, True])
            try:
                laptop.push(lose_answer=lost)
            except Lost:
                assert lost
        elif event == "sync":
            laptop.sync()

    def _edit(self, laptop: Laptop, entity: str, record: str) -> None:
        word = f"word{len(self.typed)}"
        names = {"Customer": "city", "Deal": "title", "Contact": "phone"}
        notes = str(laptop.texts(entity, record).get("notes", ""))
        changed = {"notes": f"{notes}\n{word}".strip()} if self.chance.random() < 0.5 else {names[entity]: word}
        made = laptop.edit(entity, record, **changed)
        self.typed.append((laptop, made.sequence, word))

    def _all(self, entity: str) -> list[str]:
        log = self.hub.run(lambda tx: tx.changes(after=0, limit=2000, entities=[entity]), read_only=True)
        return sorted({each.id for each in log})

    def astray(self) -> list[str]:
        """After the last sync of all: laptops that hold other than a new one gets, and words that stand nowhere.

        A word stands in a record or a conflict, or was rejected, or was replaced by who saw it.
        """
        for laptop in self.laptops:
            laptop.sync()
        found = [laptop.device for laptop in self.laptops if not converged(laptop)]
        kept = self._kept() + self._replaced()
        for laptop, sequence, word in self.typed:
            result = laptop.results.get(sequence)
            if result is not None and result.status is not OpStatus.REJECTED and word not in kept:
                found.append(word)
        return found

    def _replaced(self) -> str:
        """What somebody saw and wrote something else in the place of."""
        made = [each for laptop in self.laptops for each in laptop.made.values()]
        return "\n".join(text for each in made for field in each.fields for text in field.old)

    def _kept(self) -> str:
        def everything(tx: Any) -> str:
            rows = [tx.get(entity, self._all(entity), deleted=True) for entity in ("Customer", "Deal", "Contact")]
            texts = [each.fragment for found in rows for each in found.values()]
            return "\n".join([*texts, *(f"{each.mine}\n{each.theirs}" for each in tx.rows.select(Conflict))])

        return self.hub.run(everything, read_only=True)

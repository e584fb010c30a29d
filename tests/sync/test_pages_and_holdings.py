"""Differences, pages and holdings, as values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.manifest import Held
from saddlebag.store.base import Stamp
from saddlebag.sync.holding import Effect, Holding, Rewrite, apply
from saddlebag.sync.page import Offer, Page, Reason, fill
from saddlebag.sync.plan import Difference, Key, diff, parents_first

RANK = {"Customer": 0, "Deal": 1, "DealLine": 2}
ENTITIES = st.sampled_from(sorted(RANK))
KEYS = st.tuples(ENTITIES, st.sampled_from([f"r{number}" for number in range(40)]))
STATES = st.dictionaries(KEYS, st.integers(1, 5), max_size=40)


def held(state: dict[Key, int]) -> dict[Key, Held]:
    return {
        (entity, each): Held(entity, each, version, record_hash(entity, each, version, ""))
        for (entity, each), version in state.items()
    }


def stamps(state: dict[Key, int]) -> dict[str, list[Stamp]]:
    made: dict[str, list[Stamp]] = {}
    for each in held(state).values():
        made.setdefault(each.entity, []).append(Stamp(*each))
    return made


def offers(entity: str, ids: Sequence[str]) -> dict[str, Offer]:
    return {each: Offer(f"<id>{each}</id>" + "x" * 100) for each in ids}


def reasons(leaving: Sequence[Held]) -> list[Reason]:
    return [Reason.LEFT_SCOPE for _ in leaving]


@given(STATES, STATES)
def test_a_difference_turns_what_is_held_into_what_is_wanted(mine: dict[Key, int], theirs: dict[Key, int]) -> None:
    difference = diff(held(mine), stamps(theirs), RANK)
    result = held(mine)
    for gone in difference.evicts:
        del result[gone.entity, gone.id]
    for stamp in difference.puts:
        result[stamp.entity, stamp.id] = Held(stamp.entity, stamp.id, stamp.version, stamp.hash)
    assert result == held(theirs)
    assert {(each.entity, each.id) for each in difference.evicts} == mine.keys() - theirs.keys()


@given(STATES, STATES)
def test_parents_come_first_and_children_leave_first(mine: dict[Key, int], theirs: dict[Key, int]) -> None:
    difference = diff(held(mine), stamps(theirs), RANK)
    put = [RANK[each.entity] for each in difference.puts]
    gone = [RANK[each.entity] for each in difference.evicts]
    assert put == sorted(put)
    assert gone == sorted(gone, reverse=True)


def test_an_entity_that_the_schema_has_lost_is_taken_away() -> None:
    stray = Held("Boat", "b1", 1, 2)
    assert diff({("Boat", "b1"): stray}, {}, RANK) == Difference([stray], [])


@given(STATES, STATES, st.integers(1, 3000))
def test_pages_add_up_to_the_difference_whatever_the_budget(
    mine: dict[Key, int], theirs: dict[Key, int], budget: int
) -> None:
    """Each page is a fresh difference against what is held after the one before."""
    now = held(mine)
    for _ in range(100):
        page, more = fill(diff(now, stamps(theirs), RANK), now, budget, reasons, offers)
        assert page.size <= budget or len(page.evicts) + len(page.added) == 1
        now = apply(now, Effect(page.removed, page.added))
        if not more:
            break
        assert not page.empty
    assert now == held(theirs)


def test_a_record_larger_than_the_budget_still_arrives() -> None:
    page, more = fill(diff({}, stamps({("Deal", "r1"): 1, ("Deal", "r2"): 1}), RANK), {}, 1, reasons, offers)
    assert (len(page.added), more) == (1, True)


def test_only_what_devices_get_is_sent() -> None:
    page, _ = fill(diff({}, stamps({("Deal", "r1"): 1}), RANK), {}, 4096, reasons, offers)
    assert page.puts["Deal"][0].tail == ""


def test_a_record_that_vanished_meanwhile_is_left_out() -> None:
    page, more = fill(diff({}, stamps({("Deal", "r1"): 1}), RANK), {}, 4096, reasons, lambda entity, ids: {})
    assert (page, more) == (Page(), False)


PARENTS = st.dictionaries(st.integers(0, 30), st.integers(0, 30), max_size=31)
"""Who stands above whom, circles included."""


@given(PARENTS)
def test_each_parent_comes_before_its_children_unless_they_are_in_a_circle(parents: dict[int, int]) -> None:
    ids = [str(number) for number in range(31)]
    above = {str(child): str(parent) for child, parent in parents.items()}
    order = list(parents_first(ids, frozenset(ids), lambda each: [above[each]] if each in above else []))
    assert sorted(order, key=int) == ids
    for child, parent in above.items():
        assert order.index(parent) < order.index(child) or circular(child, above)


def circular(child: str, above: dict[str, str]) -> bool:
    """Whether the way up from here ends in a circle."""
    seen: set[str] = set()
    while child in above and child not in seen:
        seen.add(child)
        child = above[child]
    return child in above


def test_a_deep_tree_needs_no_deep_stack() -> None:
    ids = [str(number) for number in range(5000)]
    order = parents_first(ids, frozenset(ids), lambda each: [str(int(each) + 1)])
    assert list(order) == ids[::-1]


def nested(entity: str, ids: Sequence[str]) -> dict[str, Offer]:
    """Each record's parent is the next one."""
    return {each: Offer(f"<id>{each}</id><parent>r{int(each[1:]) + 1}</parent>" + "x" * 100) for each in ids}


@given(st.integers(1, 40), st.integers(1, 3000))
def test_across_pages_parents_arrive_before_their_children_and_leave_after_them(count: int, budget: int) -> None:
    state = {("Customer", f"r{number}"): 1 for number in range(count)}
    wanted = [f"r{number}" for number in reversed(range(count))]
    above = {(entity, each): (f"r{int(each[1:]) + 1}",) for entity, each in state}
    now: dict[Key, Held] = {}
    arrived: list[str] = []
    for _ in range(100):
        page, more = fill(
            diff(now, stamps(state), RANK), now, budget, reasons, nested, nesting={"Customer": ("parent",)}
        )
        arrived += [each.id for each in page.puts["Customer"]]
        now = apply(now, Effect(page.removed, page.added))
        if not more:
            break
    assert arrived == wanted
    left: list[str] = []
    for _ in range(100):
        page, more = fill(diff(now, {}, RANK), now, budget, reasons, offers, lambda leaving: above)
        left += [each.id for each in page.evicts]
        now = apply(now, Effect(page.removed, page.added))
        if not more:
            break
    assert left == wanted[::-1]


def test_only_a_page_of_records_is_asked_for() -> None:
    """And those of a chunk are forgotten with it, however many are waiting."""
    asked: list[str] = []

    def counting(entity: str, ids: Sequence[str]) -> dict[str, Offer]:
        asked.extend(ids)
        return offers(entity, ids)

    state = {("Customer", f"r{number}"): 1 for number in range(5000)}
    page, more = fill(diff({}, stamps(state), RANK), {}, 4096, reasons, counting)
    assert more
    assert len(asked) == 200 > len(page.added)


@given(STATES, st.integers(1, 3000))
def test_what_is_revoked_leaves_first_whatever_its_entity(mine: dict[Key, int], budget: int) -> None:
    now = held(mine)

    def why(leaving: Sequence[Held]) -> list[Reason]:
        return [Reason.REVOKED if int(each.id[1:]) % 3 == 0 else Reason.LEFT_SCOPE for each in leaving]

    order: list[Reason] = []
    for _ in range(100):
        page, more = fill(diff(now, {}, RANK), now, budget, why, offers)
        order += [each.reason for each in page.evicts]
        now = apply(now, Effect(page.removed, page.added))
        if not more:
            break
    assert order == sorted(order, key=lambda each: each is not Reason.REVOKED)
    assert len(order) == len(mine)


def stored(holding: Holding, rewrite: Rewrite) -> Holding:
    """The holding after its rows were rewritten."""
    slots = {slot: data for slot, data in holding.slots.items() if slot not in rewrite.delete}
    slots |= {row.slot: row.entries for row in rewrite.put}
    empty = (holding.empty or -1 in slots) and -1 not in rewrite.delete
    slots.pop(-1, None)
    return Holding(holding.device, slots, empty=empty)


@given(st.lists(st.tuples(STATES, st.integers(0, 2)), min_size=1, max_size=6), st.integers(0, 1200))
def test_a_holding_follows_its_effects_through_every_fan_out(
    steps: list[tuple[dict[Key, int], int]], bulk: int
) -> None:
    holding, now = Holding("d", {}), {}
    for state, times in steps:
        wanted = held({**state, **{("Deal", f"bulk-{n}"): 1 for n in range(bulk * times)}})
        removed = [each for key, each in now.items() if wanted.get(key) != each]
        effect = Effect(removed, [each for key, each in wanted.items() if now.get(key) != each])
        expected = holding.digest + effect.digest
        holding = stored(holding, holding.rewritten(Effect.unpacked(effect.packed())))
        now = wanted
        assert holding.entries() == now
        assert holding.empty == (not now)
        assert holding.digest == expected == Digest.of(each.hash for each in now.values())


@given(STATES, STATES, STATES)
def test_what_a_holding_says_of_a_target_is_the_same_difference(
    before: dict[Key, int], now: dict[Key, int], theirs: dict[Key, int]
) -> None:
    """Most of both is equal and never looked at twice."""
    old, new = held(before), held(now)
    effect = Effect(
        [each for key, each in old.items() if new.get(key) != each],
        [each for key, each in new.items() if old.get(key) != each],
    )
    first = Holding("d", {})
    holding = stored(first, first.rewritten(Effect((), [*old.values()])))
    missing = {each.hash for each in held(theirs).values()}
    other = holding.unmatched(effect, missing)
    wanted = {name: [each for each in listed if each.hash in missing] for name, listed in stamps(theirs).items()}
    assert diff(other, wanted, RANK) == diff(new, stamps(theirs), RANK)


@pytest.mark.parametrize(("count", "most"), [(0, 1), (1, 1), (256, 1), (569, 4), (5000, 32)])
def test_slots_are_few_for_small_holdings(count: int, most: int) -> None:
    added = [Held("Deal", f"r{number}", 1, number) for number in range(count)]
    assert len(Holding("d", {}).rewritten(Effect((), added)).put) <= most


def test_a_fan_out_is_not_changed_to_and_fro() -> None:
    added = [Held("Deal", f"r{number}", 1, number) for number in range(300)]
    holding = stored(Holding("d", {}), Holding("d", {}).rewritten(Effect((), added)))
    fan = holding.fan
    for _ in range(3):
        holding = stored(holding, holding.rewritten(Effect(added[:100], ())))
        holding = stored(holding, holding.rewritten(Effect((), added[:100])))
        assert holding.fan == fan

"""A day's changes are the same every time, hold together, and touch the standard rep's scope in every way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.day import EDITS, Day, beside, edits
from bench.hub_changes import to_write
from bench.plain import Plain, copied, moved
from bench.workload import TODAY

from saddlebag.contract.codec import codec_for
from saddlebag.model.builtin import BUILTIN
from saddlebag.records.base import Verb


def test_the_same_seed_gives_the_same_day(plain: Plain, tmp_path: Path) -> None:
    again = copied(plain.path, tmp_path / "again.sqlite")
    rep = plain.median_rep(TODAY)
    assert Day(plain, rep, TODAY, "1").churn() == Day(again, rep, TODAY, "1").churn()


def test_a_day_brings_takes_and_changes_records_of_the_standard_rep(plain: Plain) -> None:
    rep = plain.median_rep(TODAY)
    before = plain.held(rep, TODAY)
    changes = Day(plain, rep, TODAY, "1").churn()
    assert all(moved(before, plain.held(rep, TODAY)))
    kinds = Counter((each.entity, each.new, each.gone) for each in changes)
    assert {(each.entity, True, False) for each in changes if each.new} >= {
        ("Deal", True, False),
        ("Invoice", True, False),
    }
    assert kinds["Contact", False, True]
    assert kinds["Customer", False, False]


def test_every_change_is_a_write_that_the_hub_accepts(plain: Plain) -> None:
    known = {(entity, key) for entity in plain.entities for key in plain.ids(entity)}
    codecs = codec_for(BUILTIN)
    for each in Day(plain, plain.median_rep(TODAY), TODAY, "1").churn():
        assert ((each.entity, each.id) in known) != each.new
        known ^= {(each.entity, each.id)} if each.new or each.gone else set()
        write = to_write(each)
        assert write.verb is (Verb.DELETE if each.gone else Verb.CREATE if each.new else Verb.UPDATE)
        codecs[each.entity].check(write.values)


def test_the_edits_on_the_road_are_a_hundred_of_ones_own_records(plain: Plain) -> None:
    rep = plain.median_rep(TODAY)
    made, others = (list(edits(plain, rep, TODAY, number)) for number in (0, 1))
    held = plain.held(rep, TODAY)
    assert len(made) == EDITS
    assert not {each.id for each in made if each.new} & {each.id for each in others if each.new}
    for each in made:
        if not each.new:
            assert held[each.entity, each.id].get("owner", rep) == rep
            assert any(held[each.entity, each.id].get(name) != text for name, text in each.texts.items())


def test_what_another_rep_does_beside_is_not_seen(plain: Plain) -> None:
    rep = plain.median_rep(TODAY)
    before = plain.held(rep, TODAY)
    changes = beside(plain, rep, TODAY, 0)
    plain.apply(changes)
    assert changes
    assert plain.held(rep, TODAY) == before

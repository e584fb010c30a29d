"""Field merge: every policy by table, and the promises that hold for all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saddlebag.kernel.merge import Text, Verdict, merge_field
from saddlebag.model.builtin import DEAL
from saddlebag.model.fields import Policy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
STAGES = DEAL.field("stage").transitions


def merged(
    policy: str, base: Text, mine: Text, theirs: Text, edited: datetime = AFTER, scale: int | None = None
) -> Verdict:
    return merge_field(
        policy,
        base=base,
        mine=mine,
        theirs=theirs,
        edited_at=edited,
        changed_at=NOON,
        transitions=STAGES if policy == "state-machine" else (),
        author="Ada",
        numeric_scale=scale,
    )


@pytest.mark.parametrize(
    ("policy", "base", "mine", "theirs", "edited", "value", "won"),
    [
        ("server-wins", "a", "b", "c", AFTER, "c", "theirs"),
        ("server-wins", "a", None, "c", AFTER, "c", "theirs"),
        ("device-wins", "a", "b", "c", BEFORE, "b", "mine"),
        ("device-wins", "a", None, "c", BEFORE, None, "mine"),
        ("latest-edit", "a", "b", "c", AFTER, "b", "mine"),
        ("latest-edit", "a", "b", "c", NOON, "b", "mine"),
        ("latest-edit", "a", "b", "c", BEFORE, "c", "theirs"),
        ("append", "a", None, "a\nc", AFTER, "a\nc", "theirs"),
        ("increment", "5", None, "7", AFTER, "7", "theirs"),
        ("max", "1", "9", "10", AFTER, "10", "theirs"),
        ("max", "1", "11", "10", BEFORE, "11", "mine"),
        ("max", "1", None, "0", AFTER, "0", "theirs"),
        ("max", "2026-01-01", "2026-03-01", "2026-02-01", AFTER, "2026-03-01", "mine"),
        ("max", None, "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", AFTER, "2026-01-01T00:00:00.5Z", "mine"),
        ("min", "20", "9", "10", AFTER, "9", "mine"),
        ("min", "20", "-9", "-10", AFTER, "-10", "theirs"),
        ("min", "20", None, "10", AFTER, "10", "theirs"),
        ("state-machine", "prospect", "qualify", "propose", AFTER, "qualify", "mine"),
        ("state-machine", "prospect", "qualify", "propose", BEFORE, "propose", "theirs"),
        ("state-machine", "prospect", "won", "propose", BEFORE, "won", "mine"),
        ("state-machine", "propose", "negotiate", "lost", AFTER, "lost", "theirs"),
        ("state-machine", "propose", "won", "lost", AFTER, "lost", "theirs"),
        ("state-machine", "propose", None, "negotiate", BEFORE, "negotiate", "theirs"),
        ("manual", "a", "b", "c", AFTER, "c", "theirs"),
    ],
)
def test_a_value_that_loses_is_a_conflict_and_is_kept(
    policy: str, base: Text, mine: Text, theirs: Text, edited: datetime, value: Text, won: str
) -> None:
    verdict = merged(policy, base, mine, theirs, edited)
    assert verdict == Verdict(value, "mine" if won == "mine" else "theirs", True, theirs if won == "mine" else mine)


@pytest.mark.parametrize(
    ("policy", "base", "mine", "theirs", "scale", "value"),
    [
        ("append", "met", "met\ncalled", "met\nwrote", None, "met\nwrote\n[Ada] called"),
        ("append", None, "called", "wrote", None, "wrote\n[Ada] called"),
        ("append", "met", "rewritten", "met\nwrote", None, "met\nwrote\n[Ada] rewritten"),
        ("append", "met", "met\ncalled", None, None, "[Ada] called"),
        ("union", ("a", "b"), ("b", "c"), ("a", "b", "d"), None, ("b", "c", "d")),
        ("union", ("a",), None, ("a", "b"), None, ("b",)),
        ("union", ("a", "b"), ("a",), ("b",), None, None),
        ("increment", "5", "8", "7", None, "10"),
        ("increment", None, "8", "7", None, "15"),
        ("increment", "1.50", "1.25", "9.00", 2, "8.75"),
        ("increment", "5", "3", None, None, "-2"),
    ],
)
def test_policies_that_combine_keep_both_sides(
    policy: str, base: Text, mine: Text, theirs: Text, scale: int | None, value: Text
) -> None:
    assert merged(policy, base, mine, theirs, scale=scale) == Verdict(value, "both", False)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown merge policy"):
        merged("coin-toss", "a", "b", "c")


POLICIES = st.sampled_from([str(each) for each in Policy])
WORDS = st.one_of(st.none(), st.sampled_from(["1", "2", "30", "-4", "prospect", "qualify", "won", "lost", "text"]))
TIMES = st.sampled_from([BEFORE, NOON, AFTER])


@given(POLICIES, WORDS, WORDS, TIMES)
def test_disjoint_edits_never_conflict(policy: str, base: Text, other: Text, edited: datetime) -> None:
    assert merged(policy, base, base, other, edited) in (Verdict(other, "theirs", False), Verdict(other, "both", False))
    assert merged(policy, base, other, base, edited) in (Verdict(other, "mine", False), Verdict(other, "both", False))


@given(POLICIES, WORDS, WORDS, WORDS, TIMES)
def test_a_conflict_names_a_winner_and_holds_the_loser(
    policy: str, base: Text, mine: Text, theirs: Text, edited: datetime
) -> None:
    verdict = merged(policy, base, mine, theirs, edited)
    if verdict.conflict:
        assert {verdict.value, verdict.lost} == {mine, theirs}
        assert verdict.won == ("mine" if verdict.value == mine else "theirs")
    else:
        assert verdict.lost is None


NUMBERS = st.integers(-(10**12), 10**12).map(str)
TAGS = st.lists(st.sampled_from("abcdef"), unique=True).map(lambda tags: tuple(tags) or None)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_increments_commute(base: str, one: str, other: str) -> None:
    assume(one != other)  # equal texts are agreement: both sides wrote the same number
    expected = str(int(one) + int(other) - int(base))
    assert merged("increment", base, one, other).value == expected
    assert merged("increment", base, other, one).value == expected


@given(TAGS, TAGS, TAGS)
def test_unions_commute(base: Text, one: Text, other: Text) -> None:
    values = [merged("union", base, *sides).value or () for sides in ((one, other), (other, one))]
    assert set(values[0]) == set(values[1])


LINES = st.text("xyz ", min_size=1, max_size=8).filter(str.strip)


@given(st.one_of(st.none(), LINES), LINES, LINES)
def test_appended_texts_survive_in_either_order(base: str | None, one: str, other: str) -> None:
    grown = [f"{base or ''}\n{each}" for each in (one, other)]
    for mine, theirs in (grown, grown[::-1]):
        value = merged("append", base, mine, theirs).value
        assert isinstance(value, str)
        assert one.strip() in value
        assert other.strip() in value

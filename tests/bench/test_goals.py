"""Goals are judged from the figures of the run, in both directions, and only where there are figures."""

from __future__ import annotations

from bench.figures import Report
from bench.goals import GOALS, SESSION, judge

FIRST = "goal: first sync, wall / SQLite session"


def _verdicts(report: Report) -> dict[str, str]:
    judge(report)
    return {each.figure: each.versus for each in report.figures if each.figure.startswith("goal: ")}


def test_a_goal_is_met_at_its_bound_and_missed_beyond_it() -> None:
    for wall, verdict in ((20, "met: at most 1"), (20.1, "missed: at most 1")):
        report = Report()
        report.add("sync.first.wall", wall, "ms")
        report.add("sync.first.wall", 20, "ms", SESSION)
        assert _verdicts(report)[FIRST] == verdict


def test_a_goal_can_ask_for_at_least() -> None:
    for wall, verdict in ((160, "met: at least 8"), (150, "missed: at least 8")):
        report = Report()
        report.add("sync.first.wall", 20, "ms")
        report.add("sync.first.wall", wall, "ms", "Zero")
        assert _verdicts(report)["goal: first sync, joining peers' wall / hub"] == verdict


def test_the_floor_is_that_of_the_coding_which_the_laptops_speak() -> None:
    for zstd, met in ((0, "met: at most 1.25"), (1, "missed: at most 1.25")):
        report = Report()
        report.add("sync.zstd", zstd, "yes or no")
        report.add("sync.first.wire", 24_000, "bytes")
        report.add("sync.first.wire", 20_000, "bytes", "floor gzip")
        report.add("sync.first.wire", 19_000, "bytes", "floor zstd")
        assert _verdicts(report)["goal: first sync, wire / floor"] == met


def test_goals_without_figures_are_neither_met_nor_missed() -> None:
    assert _verdicts(Report()) == {}


def test_every_goal_has_a_name_of_its_own_and_one_bound() -> None:
    assert len({each.name for each in GOALS}) == len(GOALS)
    assert all((each.most is None) != (each.least is None) for each in GOALS)

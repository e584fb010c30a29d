"""The conformance report says what came of each check, and never passes what broke."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conformance.report import Check, Result, Skip, Suite, expect, run_all, same
from conformance.wire import Target

NOWHERE = Target("https://localhost:1", None, "t", "u", "p")


def _suite() -> Suite:
    suite = Suite("family")

    @suite.check("good")
    def good(_target: Target) -> None:
        same(1, 1, "one")

    @suite.check("bad")
    def bad(_target: Target) -> None:
        same(1, 2, "one")

    @suite.check("broken")
    def broken(_target: Target) -> None:
        raise KeyError("nothing there")

    @suite.check("elsewhere")
    def elsewhere(_target: Target) -> None:
        raise Skip("no such program")

    return suite


def test_a_check_passes_fails_or_is_skipped_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    results = run_all([_suite()], NOWHERE, "")
    assert results[0] == Result("family/good", "pass")
    assert results[1] == Result("family/bad", "fail", "one: expected 2, found 1")
    assert (results[2].status, results[3]) == ("fail", Result("family/elsewhere", "skip", "no such program"))
    assert "KeyError" in results[2].reason
    assert capsys.readouterr().out.splitlines()[0] == "pass  family/good"


def test_only_checks_with_the_prefix_run() -> None:
    assert [each.id for each in run_all([_suite(), Suite("other")], NOWHERE, "family/b")] == [
        "family/bad",
        "family/broken",
    ]
    assert run_all([_suite()], NOWHERE, "nosuch") == []


def test_checks_that_cannot_even_be_listed_count_as_a_failure() -> None:
    suite = Suite("family")

    @suite.generated
    def listed(_target: Target) -> Iterator[Check]:
        raise ConnectionError("the hub is gone")

    (result,) = run_all([suite], NOWHERE, "")
    assert (result.id, result.status) == ("family/listed", "fail")
    assert "the hub is gone" in result.reason


def test_a_condition_that_does_not_hold_fails_with_its_sentence() -> None:
    with pytest.raises(AssertionError, match="no answer"):
        expect([], "no answer")


def test_a_brief_run_and_the_rest_are_together_every_check_and_share_none() -> None:
    def suite(prefix: str, *brief: str) -> Suite:
        made = Suite(prefix, brief=brief)
        made.check("short/a")(lambda _target: None)
        made.check("long/a")(lambda _target: None)
        return made

    suites = [suite("whole", ""), suite("part", "short/"), suite("none")]
    ran = {brief: [each.id for each in run_all(suites, NOWHERE, "", brief)] for brief in (True, False, None)}
    assert ran[True] == ["whole/short/a", "whole/long/a", "part/short/a"]
    assert ran[False] == ["part/long/a", "none/short/a", "none/long/a"]
    assert sorted(ran[True] + ran[False]) == sorted(ran[None])

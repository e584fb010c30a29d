"""The laptop's random histories can tell a good client from a bad one: each planted bug is found by a check of its own.

The draws are the same each time, so that a bug is found always or never; how many histories one took is far below the
bound, so that a change of the client that shifts the draws does not let one through.
"""

from __future__ import annotations

import traceback

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import laptop_histories
from client_mutants import MUTANTS

pytestmark = pytest.mark.heavy

HISTORIES = settings(
    max_examples=400,
    stateful_step_count=35,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
UNHARMED = settings(HISTORIES, max_examples=60)


def run(bounds: settings, *, disturbed: bool) -> None:
    """The histories, up to the first that breaks a promise."""
    machine = laptop_histories.Disturbed if disturbed else laptop_histories.Ordinary
    run_state_machine_as_test(machine, settings=bounds)


def finder(error: BaseException) -> str:
    """The rule or invariant of the histories in which an assertion failed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [each.name for each in frames if each.filename == laptop_histories.__file__][-1]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.planted(), pytest.raises(AssertionError) as caught:
        run(HISTORIES, disturbed=mutant.disturbed)
    assert finder(caught.value) in mutant.found


@pytest.mark.parametrize("disturbed", [False, True])
def test_the_client_without_a_planted_bug_keeps_every_promise(disturbed: bool) -> None:
    """Else every bug would be found for the wrong reason."""
    before = len(MUTANTS)
    run(UNHARMED, disturbed=disturbed)
    assert before == len(MUTANTS)

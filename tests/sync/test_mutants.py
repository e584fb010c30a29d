"""The random histories can tell a good engine from a bad one: each planted bug is found, by the property it breaks."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mutants import MUTANTS
from records_world import settled
from saddlebag.store.sql import SqlStore
from sync_histories import Histories
from sync_properties import Broken

pytestmark = pytest.mark.heavy

_numbers = count()
BOUNDED = settings(
    max_examples=60,
    stateful_step_count=40,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
"""The same draws each time, and no search for a shorter history: what counts is whether one is found."""
FRESH = settings(BOUNDED, derandomize=False)
ROUNDS = 6
"""Rounds of histories that a bug may take to be found: the first with the same draws, the others with fresh ones."""


def run(store: SqlStore, bounds: settings = BOUNDED) -> None:
    """The histories of this test, up to the first that breaks a property."""
    run_state_machine_as_test(lambda: Histories(settled(store, f"mutant-{next(_numbers)}")), settings=bounds)


def broken(store: SqlStore, bounds: settings) -> Broken | None:
    """What one round of histories finds."""
    try:
        run(store, bounds)
    except Broken as found:
        return found
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(sqlite_store: SqlStore, name: str) -> None:
    """By a property that it is declared to break; a bug may break others first, so one round may not do."""
    mutant, told = MUTANTS[name], []
    with mutant.planted():
        for number in range(ROUNDS):
            found = broken(sqlite_store, FRESH if number else BOUNDED)
            told.append(str(found))
            if found is not None and found.property in mutant.found:
                break
    assert found is not None, told
    assert found.property in mutant.found, told


def test_the_engine_without_a_planted_bug_breaks_nothing(sqlite_store: SqlStore) -> None:
    """Else every bug would be found for the wrong reason."""
    before = next(_numbers)
    run(sqlite_store)
    assert next(_numbers) - before > BOUNDED.max_examples

"""The random histories can tell a good engine from a bad one: each planted bug is found, by the property it breaks.

The histories come from seeds and are the same each time. A bug may break another property first, or none in a history,
so it may take several. What finds a bug breaks nothing without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mutants import MUTANTS
from random_steps import play, steps_of
from records_world import opened
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.store.sql import SqlStore
from sync_histories import Histories
from sync_properties import Broken

pytestmark = pytest.mark.heavy

SEEDS = range(30)
LENGTH = 40
BEGIN: dict[str, int] = json.loads(Path(__file__).with_name("mutant_seeds.json").read_text())
"""The seed that found a bug last time: to begin there saves time and decides nothing."""
CLEAN = sorted({0, *BEGIN.values()})
"""Seeds of which it is known that they break nothing without a planted bug."""


def broken(store: SqlStore, seed: int) -> Exception | None:
    """What a history finds: a property, or an error that no property foresaw."""
    try:
        play(Histories.of(store), steps_of(Histories, seed, LENGTH))
    except (AssertionError, SaddlebagError, LookupError, ValueError) as found:
        return found
    return None


def found(store: SqlStore, name: str) -> bool:
    """Whether the histories find this bug, for the right reason; says what they find instead."""
    mutant = MUTANTS[name]
    for seed in sorted(SEEDS, key=lambda each: each != BEGIN.get(name, 0)):
        with mutant.planted():
            told = broken(store, seed)
        if isinstance(told, Broken) and told.property in mutant.found:
            return seed in CLEAN or broken(store, seed) is None
        print(f"seed {seed}: {told}")
    return False


@pytest.fixture(scope="module")
def postgres_store(postgres_url: str) -> Iterator[SqlStore]:
    """A store on PostgreSQL."""
    with opened(postgres_url) as store:
        yield store


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(sqlite_store: SqlStore, name: str) -> None:
    """By a property that it is declared to break."""
    assert found(sqlite_store, name)


@pytest.mark.parametrize("seed", CLEAN)
def test_the_engine_without_a_planted_bug_breaks_nothing(sqlite_store: SqlStore, seed: int) -> None:
    """Else every bug would be found for the wrong reason."""
    assert broken(sqlite_store, seed) is None


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["no-evict", "no-push-dedupe", "a-look-up-without-the-tenant"])
def test_a_planted_bug_is_found_on_postgresql(postgres_store: SqlStore, name: str) -> None:
    """Few: what they try is that the judge is as strict there."""
    assert found(postgres_store, name)

"""Whatever happens in whatever order, hub and devices come to agree; nothing that a rep did is lost or done twice.

A history that fails is written to `failed_histories.txt` beside this file and replayed ever after.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, settings

from examples import examples
from random_steps import kept, play, search, steps_of
from saddlebag.store.sql import SqlStore
from sync_histories import Histories

KEPT = Path(__file__).with_name("failed_histories.txt")
LENGTH = 40


def test_every_history_ends_in_agreement(shared_store: SqlStore) -> None:
    """Fewer histories on PostgreSQL: what they try is the engine, and each statement costs more there."""
    number = examples(8 if shared_store.dialect == "sqlite" else 3)
    bounds = settings(max_examples=number, stateful_step_count=LENGTH, phases=[Phase.generate, Phase.shrink])
    last = search(lambda: Histories.of(shared_store), bounds, KEPT)
    assert last.begun
    assert not last.failed


@pytest.mark.parametrize("seed", range(3))
def test_a_history_from_a_seed_ends_in_agreement(shared_store: SqlStore, seed: int) -> None:
    """Its draws hang on nothing but the events."""
    assert len(play(Histories.of(shared_store), steps_of(Histories, seed, LENGTH)).steps) == LENGTH


def test_histories_that_failed_once_end_in_agreement(shared_store: SqlStore) -> None:
    for steps in kept(KEPT):
        assert not play(Histories.of(shared_store), steps).failed

"""Whatever happens in whatever order, hub and devices come to agree; nothing that a rep did is lost or done twice."""

from __future__ import annotations

from itertools import count

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from examples import examples
from records_world import settled
from saddlebag.store.sql import SqlStore
from sync_histories import Histories

_numbers = count()


def test_every_history_ends_in_agreement(shared_store: SqlStore) -> None:
    """Fewer histories on PostgreSQL: what they try is the engine, and each statement costs more there."""
    number = examples(25 if shared_store.dialect == "sqlite" else 5)
    run_state_machine_as_test(
        lambda: Histories(settled(shared_store, f"history-{next(_numbers)}")),
        settings=settings(max_examples=number, stateful_step_count=40),
    )

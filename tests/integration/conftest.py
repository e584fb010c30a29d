"""What integration tests may ask for: a running Tryton."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tryton_server


@pytest.fixture(scope="session")
def tryton() -> Iterator[tryton_server.TrytonServer]:
    """A Tryton with the data of `tryton_data.py`, for this test session (this worker, under xdist) alone."""
    with tryton_server.running() as server:
        yield server

"""What every test may ask for: a database of its own, on SQLite and on PostgreSQL; Hypothesis profiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import throwaway_postgres

# No deadline: a slow machine is no defect. A failing example is printed so that it can be replayed elsewhere. The gate
# draws the same examples every time (a change must not be refused for what chance found in another); `--explore` draws
# new ones.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), print_blob=True, derandomize=True)
# For the second and third interpreter: what random examples find does not hang on the interpreter.
settings.register_profile("brief", settings.get_profile("ci"), max_examples=20)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--explore`: new random histories besides those that are played always."""
    parser.addoption("--explore", action="store_true", help="play new random histories too")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the gate's examples unless new ones are asked for."""
    if not config.getoption("explore") and not config.getoption("--hypothesis-profile"):
        settings.load_profile("ci")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[throwaway_postgres.Server]:
    """A PostgreSQL server; the test is skipped, with the reason, where none can be had."""
    try:
        with throwaway_postgres.server() as server:
            yield server
    except throwaway_postgres.NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: throwaway_postgres.Server) -> Iterator[str]:
    """The SQLAlchemy URL of a database that this test session (this worker, under xdist) has to itself."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database for this test alone, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    server: throwaway_postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)

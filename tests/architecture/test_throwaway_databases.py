"""The fixtures that hand out databases: each is empty, usable and nobody else's."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text

import throwaway_postgres


def test_a_store_url_names_an_empty_database_that_can_be_written(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
        connection.execute(text("CREATE TABLE bag (id INTEGER)"))
        connection.execute(text("INSERT INTO bag VALUES (7)"))
        assert connection.execute(text("SELECT id FROM bag")).scalar_one() == 7
    engine.dispose()


def test_two_databases_of_one_server_are_strangers_and_a_dropped_one_is_gone(
    postgres_server: throwaway_postgres.Server,
) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    one, two = create_engine(first), create_engine(second)
    with one.begin() as connection:
        connection.execute(text("CREATE TABLE bag (id INTEGER)"))
    assert inspect(one).get_table_names() == ["bag"]
    assert inspect(two).get_table_names() == []
    postgres_server.drop_database(first)  # the pool still holds a connection: the drop closes it
    postgres_server.drop_database(second)
    assert not {_name(first), _name(second)} & _databases(postgres_server)


def test_where_no_server_runs_one_is_started_from_the_installed_binaries() -> None:
    try:
        with throwaway_postgres.started() as server:
            url = server.create_database()
            assert _name(url) in _databases(server)
    except throwaway_postgres.NoPostgres as reason:
        pytest.skip(str(reason))
    assert not throwaway_postgres.answers(server.admin)


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _databases(server: throwaway_postgres.Server) -> set[str]:
    with psycopg.connect(server.admin) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

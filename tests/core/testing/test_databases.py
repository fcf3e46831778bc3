"""The database fixtures: an empty database of one's own, gone afterwards."""

from __future__ import annotations

import psycopg
import pytest

from hansa_core.testing.databases import database_in, fresh_database


def _value(url: str, query: str, *parameters: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def test_database_is_empty_and_ours_when_asked_for(database_url: str) -> None:
    assert str(_value(database_url, "SELECT current_database()")).startswith("hansa_test_")
    assert _value(database_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    supported = "SELECT current_setting('server_version_num')::int >= 150000"
    assert _value(database_url, supported) is True


def test_database_is_dropped_when_left_even_in_use(database_url: str) -> None:
    with fresh_database(database_url) as url:
        name = str(_value(url, "SELECT current_database()"))
        held = psycopg.connect(url)
    assert _value(database_url, "SELECT count(*) FROM pg_database WHERE datname = %s", name) == 0
    held.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:pw@127.0.0.1:5432/postgres", "postgresql://me:pw@127.0.0.1:5432/other"),
        ("postgresql://me:@/postgres?host=%2Ftmp%2Fx", "postgresql://me:@/other?host=%2Ftmp%2Fx"),
    ],
    ids=["address", "socket"],
)
def test_only_the_database_changes_in_an_address(url: str, expected: str) -> None:
    assert database_in(url, "other") == expected

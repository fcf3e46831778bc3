"""The database fixtures: an empty database of one's own, gone afterwards."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database

_ROLES = "SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)"


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


def test_roles_are_dropped_with_the_database(database_url: str, tmp_path: Path) -> None:
    with fresh_database(database_url) as url, owner_engine(url) as engine:
        prepare_directory(engine)
        login = urlsplit(prepare_app_login(engine, url, tmp_path)).username or ""
        role = create_tenant(engine, "acme").role
        assert _value(url, _ROLES, role, login) == 2
    assert _value(database_url, _ROLES, role, login) == 0

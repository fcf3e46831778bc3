"""Fresh databases on the server a test run uses, and their end."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def database_in(url: str, name: str) -> str:
    """Return `url` with its database replaced by `name`."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, parts.fragment))


@contextmanager
def fresh_database(owner_url: str) -> Generator[str]:
    """Create an empty database beside the one of `owner_url`; yield its URL; drop it after.

    Roles belong to the server, not to a database: those that appeared meanwhile and that nothing
    refers to any more go with it.
    """
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    with _owner(owner_url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield database_in(owner_url, name)
    finally:
        with _owner(owner_url) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def _owner(url: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection

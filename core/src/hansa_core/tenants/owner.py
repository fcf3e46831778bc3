"""The owner's connections: migrations, DDL and tenants go through here and nothing else does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from hansa_core.storage.reserved import quote_newer_words
from hansa_sdk.errors import Busy, Misconfigured

SERVER_VERSION_MIN: Final = 15
_LOCK_SECONDS_MAX: Final = 60


@contextmanager
def owner_engine(url: str) -> Generator[sa.Engine]:
    """Open the owner's engine on `url` (postgresql://...) for the block.

    Raises Misconfigured when the server cannot be reached, refuses the login or is too old.
    """
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=2,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10},
    )
    quote_newer_words(engine.dialect)
    try:
        try:
            with engine.connect() as connection:
                version = server_version(connection)
        except OperationalError as error:
            first = next(iter(str(error.orig).strip().splitlines()), "no answer")
            raise Misconfigured(
                f"The database {sa.make_url(url).database} could not be reached: {first}.",
                next_step="Check HANSA_DATABASE_URL and that the server runs.",
            ) from error
        if version < SERVER_VERSION_MIN:
            raise Misconfigured(
                f"Hansa needs PostgreSQL {SERVER_VERSION_MIN} or later; this is {version}.",
                next_step="Upgrade the server, or unset HANSA_DATABASE_URL.",
            )
        yield engine
    finally:
        engine.dispose()


def server_version(connection: sa.Connection) -> int:
    """Return the server's major version."""
    return int(connection.scalar(sa.text("SHOW server_version_num")) or 0) // 10000


def with_database(url: str, database: str) -> str:
    """Return `url` with another database of the same server."""
    return _text(sa.make_url(url).set(database=database))


def with_login(url: str, user: str, password: str) -> str:
    """Return `url` with another login."""
    return _text(sa.make_url(url).set(username=user, password=password))


def wait_for_turn(connection: sa.Connection, what: str) -> None:
    """Let one process at a time do `what`, until the open transaction ends.

    Raises Busy when another one takes more than a minute.
    """
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS_MAX}s'"))
    try:
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"),
            {"what": f"hansa:{what}"},
        )
    except OperationalError as error:
        raise Busy(
            f"Another process has been busy with this database's {what} for a minute.",
            next_step="Wait for it, then try again.",
        ) from error


def _text(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)

"""Whole databases on the owner's server: made when missing, dropped only when marked as ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from hansa_core.storage.statements import quote_name
from hansa_core.tenants.installation import prepare_directory_in, read_mark, write_mark
from hansa_core.tenants.logins import drop_role
from hansa_core.tenants.owner import owner_engine, server_version, wait_for_turn, with_database
from hansa_sdk.errors import Misconfigured

_HAS_CONTENT: Final = sa.text(
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_toast'"
)


def ensure_database(admin_url: str, name: str, *, made_by: str | None = None) -> str:
    """Make the database `name` on the server of `admin_url` when missing; return its address.

    With `made_by` it is marked, and one that holds anything and lacks that mark is refused with
    Misconfigured. Text sorts by code point wherever the server can do that.
    """
    url = with_database(admin_url, name)
    with owner_engine(admin_url) as engine, _autocommit(engine) as connection:
        if not _exists(connection, name):
            _create(connection, name)
    if made_by is not None:
        with owner_engine(url) as engine:
            _claim(engine, name, made_by)
    return url


def drop_database(admin_url: str, name: str, *, made_by: str) -> None:
    """Drop the database `name` and its roles, breaking its connections. No-op when missing.

    Raises Misconfigured when it is not marked as made by `made_by`.
    """
    with owner_engine(admin_url) as engine, _autocommit(engine) as connection:
        if not _exists(connection, name):
            return
    with owner_engine(with_database(admin_url, name)) as engine, engine.begin() as inside:
        _refuse_foreign(inside, name, made_by)
        roles = _roles(inside)
    with owner_engine(admin_url) as engine:
        with _autocommit(engine) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {quote_name(name)} WITH (FORCE)")
        with engine.begin() as connection:
            for role in roles:
                drop_role(connection, role)


@contextmanager
def _autocommit(engine: sa.Engine) -> Generator[sa.Connection]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def _exists(connection: sa.Connection, name: str) -> bool:
    found = connection.scalar(
        sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
    )
    return found is not None


def _create(connection: sa.Connection, name: str) -> None:
    builtin = server_version(connection) >= 17
    provider = "LOCALE_PROVIDER builtin BUILTIN_LOCALE" if builtin else "LOCALE"
    base = f"CREATE DATABASE {quote_name(name)} TEMPLATE template0 ENCODING 'UTF8'"
    for options in (f"{provider} 'C.UTF-8'", ""):  # an old C library may not know the locale
        try:
            connection.exec_driver_sql(f"{base} {options}")
        except DBAPIError as error:
            if _exists(connection, name):  # another process was faster
                return
            if options and isinstance(error.orig, psycopg.errors.WrongObjectType):
                continue
            raise Misconfigured(
                f"The database {name} cannot be made: {str(error.orig).strip()}.",
                next_step="Give the owner's login CREATEDB, or make the database yourself.",
            ) from error
        connection.execute(sa.text(f"REVOKE ALL ON DATABASE {quote_name(name)} FROM PUBLIC"))
        return


def _claim(engine: sa.Engine, name: str, made_by: str) -> None:
    with engine.begin() as connection:
        wait_for_turn(connection, "claim")
        # One that is empty was made by a process that did not live to mark it.
        if connection.scalar(_HAS_CONTENT):
            _refuse_foreign(connection, name, made_by)
            return
        prepare_directory_in(connection)
        write_mark(connection, "made_by", made_by)


def _refuse_foreign(connection: sa.Connection, name: str, made_by: str) -> None:
    table = connection.scalar(sa.text("SELECT to_regclass('hansa.installation')"))
    found = read_mark(connection, "made_by") if table is not None else None
    if found != made_by:
        raise Misconfigured(
            f"The database {name} was not made by `hansa {made_by}`, so it stays untouched.",
            next_step="Rename or drop it yourself, or use another server.",
        )


def _roles(connection: sa.Connection) -> list[str]:
    """Return the roles that exist for this database only: the tenants' and our own login."""
    prefix = read_mark(connection, "role_prefix")
    names = sa.text(
        "SELECT role_name FROM hansa.tenant "
        "UNION SELECT value FROM hansa.installation WHERE key = 'app_login'"
    )
    found = [str(role) for role in connection.scalars(names)]
    return [role for role in found if prefix is not None and role.startswith(f"{prefix}_")]

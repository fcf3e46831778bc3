"""The schema `hansa` of a database: its tables, brought up to date step by step, and its marks."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from hansa_core.tenants.owner import wait_for_turn
from hansa_sdk.errors import Misconfigured

# Append only: a database records how many it has seen, under the key `directory_version`.
_STEPS: Final = (
    """
    CREATE TABLE hansa.tenant (
        id uuid PRIMARY KEY,
        slug text NOT NULL UNIQUE,
        schema_name text NOT NULL UNIQUE,
        role_name text NOT NULL,
        dsn text,
        status text NOT NULL DEFAULT 'active',
        created_at timestamptz NOT NULL
    );
    CREATE TABLE hansa.host (
        name text PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES hansa.tenant ON DELETE CASCADE
    );
    CREATE INDEX host_tenant_id ON hansa.host (tenant_id);
    """,
)


def prepare_directory(engine: sa.Engine) -> None:
    """Create the schema `hansa` or bring it up to date; safe when several processes do it.

    Raises Misconfigured when a newer Hansa made it, or the login may not create schemas.
    """
    try:
        with engine.begin() as connection:
            prepare_directory_in(connection)
    except ProgrammingError as error:
        raise Misconfigured(
            f"The owner's login cannot set up the database: {str(error.orig).strip()}.",
            next_step="Give it CREATE on the database, or name its owner in HANSA_DATABASE_URL.",
        ) from error


def prepare_directory_in(connection: sa.Connection) -> None:
    """Do what `prepare_directory` does, in the open transaction of `connection`."""
    wait_for_turn(connection, "directory")
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS hansa"))
    connection.execute(
        sa.text(
            "CREATE TABLE IF NOT EXISTS hansa.installation "
            "(key text PRIMARY KEY, value text NOT NULL)"
        )
    )
    seen = int(read_mark(connection, "directory_version") or "0")
    if seen > len(_STEPS):
        raise Misconfigured(
            f"This database was set up by a newer Hansa (directory {seen}, known {len(_STEPS)}).",
            next_step="Upgrade hansa-core, or use another database.",
        )
    for step in _STEPS[seen:]:
        connection.exec_driver_sql(step)
    write_mark(connection, "directory_version", str(len(_STEPS)))
    if read_mark(connection, "instance_id") is None:
        write_mark(connection, "instance_id", secrets.token_hex(16))
    if read_mark(connection, "role_prefix") is None:
        # Written down, because a copy or a renamed database keeps its grants to the old names.
        name = str(connection.scalar(sa.text("SELECT current_database()")))
        digest = hashlib.sha256(name.encode()).hexdigest()[:10]
        write_mark(connection, "role_prefix", f"hansa_{digest}")


def read_mark(connection: sa.Connection, key: str) -> str | None:
    """Return what the installation noted under `key`; the schema must exist."""
    value: object = connection.scalar(
        sa.text("SELECT value FROM hansa.installation WHERE key = :key"), {"key": key}
    )
    return None if value is None else str(value)


def require_mark(connection: sa.Connection, key: str) -> str:
    """Return what the installation noted under `key`. Raises Misconfigured without it."""
    value = read_mark(connection, key)
    if value is None:
        raise Misconfigured(
            f"The database is not set up: its installation has no {key}.",
            next_step="Run `hansa init`.",
        )
    return value


def write_mark(connection: sa.Connection, key: str, value: str) -> None:
    """Note `value` under `key`."""
    connection.execute(
        sa.text(
            "INSERT INTO hansa.installation (key, value) VALUES (:key, :value) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value "
            "WHERE installation.value <> excluded.value"
        ),
        {"key": key, "value": value},
    )

"""The directory of tenants: made, listed and dropped by the owner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from hansa_core.clock import Clock, SystemClock
from hansa_core.storage.statements import quote_name
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.logins import drop_role, grant_schema, make_tenant_role
from hansa_core.tenants.owner import wait_for_turn
from hansa_sdk.errors import Duplicate, Invalid, NotFound

DEFAULT_SLUG: Final = "main"
"""The tenant of an installation with one company, which never sees the word."""

TENANTS_MAX: Final = 10_000
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*")
_COLUMNS: Final = "SELECT id, slug, schema_name, role_name FROM hansa.tenant"


def create_tenant(
    engine: sa.Engine, slug: str, *, hosts: Sequence[str] = (), clock: Clock | None = None
) -> Tenant:
    """Make a tenant: schema, role and grants, in one transaction. Its tables come by migration.

    Raises Invalid for a bad slug or host name and Duplicate for one that is taken.
    """
    _check_slug(slug)
    with engine.begin() as connection:
        wait_for_turn(connection, "directory")
        if _find(connection, slug) is not None:
            raise Duplicate(f"There is a tenant {slug} already.", next_step="Choose another name.")
        return _create(connection, slug, hosts, clock or SystemClock())


def ensure_tenant(engine: sa.Engine, slug: str = DEFAULT_SLUG) -> Tenant:
    """Return the tenant `slug`, made now when missing; one, whoever else does the same."""
    _check_slug(slug)
    with engine.begin() as connection:
        wait_for_turn(connection, "directory")
        found = _find(connection, slug)
        return found if found is not None else _create(connection, slug, (), SystemClock())


def list_tenants(engine: sa.Engine) -> list[Tenant]:
    """Return the active tenants by slug, at most `TENANTS_MAX`."""
    statement = f"{_COLUMNS} WHERE status = 'active' ORDER BY slug LIMIT {TENANTS_MAX}"
    with engine.begin() as connection:
        return [_tenant(row) for row in connection.execute(sa.text(statement))]


def find_tenant(engine: sa.Engine, slug: str) -> Tenant:
    """Return the tenant `slug`. Raises NotFound."""
    with engine.begin() as connection:
        found = _find(connection, slug)
    if found is None:
        raise NotFound(f"There is no tenant {slug}.", next_step="`hansa tenant list` shows them.")
    return found


def add_host(engine: sa.Engine, slug: str, host: str) -> None:
    """Let `host` mean the tenant `slug`.

    Raises NotFound for the tenant, Invalid for a bad name, Duplicate for one that is taken.
    """
    tenant = find_tenant(engine, slug)
    with engine.begin() as connection:
        _add_host(connection, tenant.id, host)


def drop_tenant(engine: sa.Engine, slug: str) -> None:
    """Delete a tenant with all its data. Raises NotFound."""
    tenant = find_tenant(engine, slug)
    with engine.begin() as connection:
        wait_for_turn(connection, "directory")
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {quote_name(tenant.schema)} CASCADE")
        connection.execute(sa.text("DELETE FROM hansa.tenant WHERE id = :id"), {"id": tenant.id})
        drop_role(connection, tenant.role)


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug) or slug.endswith("-"):
        raise Invalid(
            f"A tenant's name is 1 to 31 small letters, digits and inner hyphens; found {slug!r}.",
            next_step="Choose a name like acme or acme-west.",
            path=("slug",),
        )


def _find(connection: sa.Connection, slug: str) -> Tenant | None:
    row = connection.execute(sa.text(f"{_COLUMNS} WHERE slug = :slug"), {"slug": slug}).first()
    return None if row is None else _tenant(row)


def _create(connection: sa.Connection, slug: str, hosts: Sequence[str], clock: Clock) -> Tenant:
    schema = "t_" + slug.replace("-", "_")
    connection.exec_driver_sql(f"CREATE SCHEMA {quote_name(schema)}")
    role = make_tenant_role(connection, schema)
    grant_schema(connection, schema, role)
    tenant = Tenant(uuid7(), slug, schema, role)
    connection.execute(
        sa.text(
            "INSERT INTO hansa.tenant (id, slug, schema_name, role_name, created_at) "
            "VALUES (:id, :slug, :schema, :role, :now)"
        ),
        {"id": tenant.id, "slug": slug, "schema": schema, "role": role, "now": clock.now()},
    )
    for host in hosts:
        _add_host(connection, tenant.id, host)
    return tenant


def _add_host(connection: sa.Connection, tenant_id: UUID, host: str) -> None:
    name = host.lower().rstrip(".")
    if not _HOST.fullmatch(name) or name == "localhost" or name.endswith(".localhost"):
        raise Invalid(
            f"{host!r} cannot be a tenant's host name.",
            next_step="Give a name like books.example.com, without scheme or port; "
            "<tenant>.localhost works by itself on this machine.",
            path=("hosts",),
        )
    added = connection.execute(
        sa.text(
            "INSERT INTO hansa.host (name, tenant_id) VALUES (:name, :id) ON CONFLICT DO NOTHING"
        ),
        {"name": name, "id": tenant_id},
    )
    if added.rowcount == 0:
        raise Duplicate(f"The host name {name} means a tenant already.", path=("hosts",))


def _tenant(row: sa.Row[UUID, str, str, str]) -> Tenant:
    return Tenant(*row)

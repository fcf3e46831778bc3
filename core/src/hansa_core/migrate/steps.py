"""Which steps a tenant's schema has taken, asked without Alembic, which takes long to import."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from hansa_core.migrate.scripts import plain_revisions
from hansa_core.storage.statements import quote_name
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Plugin

STEPS_TABLE: Final = "hansa_migration_step"
"""Every step ever taken, of all plugins, with its time."""

_NO_WRITES: Final = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_ALL_THERE: Final = sa.text(
    "SELECT bool_and(to_regclass(place) IS NOT NULL) FROM unnest(CAST(:places AS text[])) AS place"
)
_ALLOWED: Final = sa.text(
    "SELECT privilege || ' on ' || named FROM unnest(CAST(:tables AS text[]),"
    " CAST(:places AS text[]), CAST(:privileges AS text[]))"
    " WITH ORDINALITY AS asked (named, place, privilege, number)"
    " WHERE has_table_privilege(CAST(:role AS name), to_regclass(place), privilege)"
    " ORDER BY number"
)


def version_table(plugin: str) -> str:
    """Return the table that holds a plugin's newest revision."""
    return f"{plugin}_migration"


def is_current(connection: sa.Connection, tenant: Tenant, plugins: Sequence[Plugin]) -> bool:
    """Return whether migrating these plugins would do nothing; False where that is uncertain.

    All steps of each plugin's scripts and no others are taken, the newest is where its tables
    are, and the tenant's role cannot write to where that is noted.
    """
    places = [_place(tenant, table) for table in ledgers(plugins)]
    if not connection.scalar(_ALL_THERE, {"places": places}):
        return False
    if allowed(connection, tenant, ledger_rules(plugins)):
        return False
    taken = _steps(connection, tenant)
    for plugin in plugins:
        if not plugin.migrations:
            continue
        scripts = plain_revisions(plugin.migrations)
        quoted_table = _place(tenant, version_table(plugin.name))
        heads = connection.scalars(sa.text(f"SELECT version_num FROM {quoted_table}"))  # noqa: S608  # quoted by _place
        at = frozenset[object](heads)
        if scripts is None or scripts.all != frozenset(taken[plugin.name]) or scripts.heads != at:
            return False
    return True


def ledgers(plugins: Iterable[Plugin]) -> list[str]:
    """Return the tables that note the steps taken, which only the owner may write to."""
    return [STEPS_TABLE, *(version_table(each.name) for each in plugins if each.migrations)]


def ledger_rules(plugins: Iterable[Plugin]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a tenant's role may never do to those tables."""
    return [(table, _NO_WRITES) for table in ledgers(plugins)]


def allowed(
    connection: sa.Connection, tenant: Tenant, rules: Iterable[tuple[str, Iterable[str]]]
) -> list[str]:
    """Return what the tenant's role may do of what `rules` (table, privileges) forbid it.

    A table that is not there allows nothing.
    """
    asked = [(table, privilege) for table, privileges in rules for privilege in privileges]
    names = {
        "role": tenant.role,
        "tables": [table for table, _ in asked],
        "places": [_place(tenant, table) for table, _ in asked],
        "privileges": [privilege for _, privilege in asked],
    }
    return [str(found) for found in connection.scalars(_ALLOWED, names)]


def _steps(connection: sa.Connection, tenant: Tenant) -> dict[str, set[str]]:
    quoted_table = _place(tenant, STEPS_TABLE)
    taken: dict[str, set[str]] = defaultdict(set)
    for plugin, revision in connection.execute(
        sa.text(f"SELECT plugin, revision FROM {quoted_table}")  # noqa: S608  # quoted by _place
    ):
        taken[str(plugin)].add(str(revision))
    return taken


def _place(tenant: Tenant, table: str) -> str:
    return f"{quote_name(tenant.schema)}.{quote_name(table)}"

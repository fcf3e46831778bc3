"""How a company's tables differ from what its plugins declare, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations

from hansa_core.migrate.autogenerate import comparison, own_metadata
from hansa_core.migrate.columns import declared_tables
from hansa_core.migrate.differences import told
from hansa_core.migrate.runner import inside
from hansa_core.migrate.steps import ledgers
from hansa_core.model.shape import Shape
from hansa_sdk.errors import Misconfigured

_SHOWN_MAX: Final = 20


def table_differences(connection: sa.Connection, schema: str, shape: Shape) -> list[str]:
    """Return how the tables of a shape's plugins differ from their declarations, changing nothing.

    `connection` is the owner's, with no transaction open.
    """
    prefixes = tuple(f"{plugin}_" for plugin in shape.plugins)
    notes = set(ledgers(shape.plugins.values()))

    def owns(table: str) -> bool:
        return table.startswith(prefixes) and table not in notes

    with inside(connection, schema):
        target = own_metadata(connection, declared_tables(shape))
        operations = produce_migrations(comparison(connection, "system", target, owns), target)
        found = operations.upgrade_ops
        return [] if found is None else list(told(found.ops))


def differ(differences: Sequence[str]) -> Misconfigured:
    """Return the error for what `table_differences` found; it is not raised here."""
    shown = list(differences[:_SHOWN_MAX])
    if len(differences) > len(shown):
        shown.append(f"and {len(differences) - len(shown)} more")
    return Misconfigured(
        f"They differ from the declarations: {'; '.join(shown)}.",
        next_step="Run `hansa migrate`; if that changes nothing, `hansa plugin makemigrations NAME`"
        " where the plugin is developed writes what is left out.",
    )

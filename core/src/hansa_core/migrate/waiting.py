"""Which migrations of a company wait."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from hansa_core.migrate.steps import is_current
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Plugin


def waiting_steps(
    connection: sa.Connection, tenant: Tenant, plugins: Sequence[Plugin]
) -> list[str]:
    """Return the steps (plugin:revision) that migrating these plugins would take, in order.

    Changes nothing. Raises Misconfigured when the tables are ahead of the scripts.
    """
    current = is_current(connection, tenant, plugins)
    connection.rollback()
    if current:
        return []
    from hansa_core.migrate.runner import pending  # brings Alembic along, seldom needed at a start

    return [
        f"{plugin.name}:{step}"
        for plugin in plugins
        if plugin.migrations
        for step in pending(connection, tenant.schema, plugin.name, plugin.migrations)
    ]

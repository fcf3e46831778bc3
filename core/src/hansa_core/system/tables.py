"""The kernel's tables that are no entities: what migrations of plugin `system` make besides."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hansa_core.auth.tables import AuthTables, auth_tables
from hansa_core.events.tables import EventTables, event_tables


@dataclass(frozen=True, slots=True, eq=False)
class KernelTables:
    """Secrets and sessions, and the ledger."""

    auth: AuthTables
    events: EventTables


def kernel_tables(metadata: sa.MetaData) -> KernelTables:
    """Declare every kernel table in `metadata`, which holds the entities of `system` too."""
    return KernelTables(auth_tables(metadata), event_tables(metadata))

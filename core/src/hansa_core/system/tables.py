"""The kernel's tables that are no entities: what migrations of plugin `system` make besides."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hansa_core.auth.tables import AuthTables, auth_tables
from hansa_core.events.tables import EventTables, event_tables
from hansa_core.idempotency import idempotency_table
from hansa_core.storage.statements import TENANT_SCHEMA


@dataclass(frozen=True, slots=True, eq=False)
class KernelTables:
    """Secrets and sessions, the ledger, which seeds were planted, and answers to be replayed."""

    auth: AuthTables
    events: EventTables
    seed: sa.Table
    idempotency: sa.Table


def kernel_tables(metadata: sa.MetaData) -> KernelTables:
    """Declare every kernel table in `metadata`, which holds the entities of `system` too."""
    return KernelTables(
        auth_tables(metadata),
        event_tables(metadata),
        seed_table(metadata),
        idempotency_table(metadata),
    )


def seed_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table of the seeds planted so far: a record a person deletes stays deleted."""
    return sa.Table(
        "system_seed",
        metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("planted_at", sa.DateTime(timezone=True), nullable=False),
        schema=TENANT_SCHEMA,
    )

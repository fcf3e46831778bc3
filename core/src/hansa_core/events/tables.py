"""The ledger's tables, and what the tenant's role may not do to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import sqlalchemy as sa

from hansa_core.events.statements import EventStatements
from hansa_core.storage.statements import TENANT_SCHEMA

APPEND_ONLY: Final = (
    ("system_event", ("UPDATE", "DELETE", "TRUNCATE")),
    ("system_event_seal", ("UPDATE", "DELETE", "TRUNCATE")),
)
"""(table, privileges) to revoke from the tenant's role after migrating: the ledger only grows."""


@dataclass(frozen=True, eq=False)
class EventTables:
    """The four tables of one tenant's ledger, and the statements compiled for them."""

    event: sa.Table
    pending: sa.Table
    seal: sa.Table
    subject_key: sa.Table

    @cached_property
    def statements(self) -> EventStatements:
        """Every statement of the ledger, each compiled once when first used."""
        return EventStatements(self.event, self.pending, self.seal, self.subject_key)


def event_tables(metadata: sa.MetaData) -> EventTables:
    """Declare the ledger's tables in `metadata` and return them."""
    event = _event(metadata)
    return EventTables(
        event=event,
        pending=_pending(metadata),
        seal=_seal(metadata, event),
        subject_key=_subject_key(metadata),
    )


def _event(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "system_event",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("entity", sa.Text),
        sa.Column("record_id", sa.Uuid),
        sa.Column("record_version", sa.Integer, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("key_id", sa.Uuid),
        sa.Column("session_id", sa.Uuid),
        sa.Column("cause", sa.Text),
        # The exact bytes the seal covers; every other column repeats a part of them for SQL.
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Index("ix_system_event_record", "entity", "record_id", "record_version"),
        sa.Index("ix_system_event_type", "type", "id"),
        schema=TENANT_SCHEMA,
    )


def _pending(metadata: sa.MetaData) -> sa.Table:
    # No foreign key: it would write to the event row a second time. `verify_chain` looks instead.
    return sa.Table(
        "system_event_pending",
        metadata,
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("record_version", sa.Integer, nullable=False),
        # The database's clock: `at` of the event may be a simulated time.
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
        schema=TENANT_SCHEMA,
    )


def _seal(metadata: sa.MetaData, event: sa.Table) -> sa.Table:
    return sa.Table(
        "system_event_seal",
        metadata,
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Uuid, sa.ForeignKey(event.c.id), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("event_id", name="uq_system_event_seal_event_id"),
        sa.CheckConstraint("octet_length(hash) = 32", name="ck_system_event_seal_hash"),
        schema=TENANT_SCHEMA,
    )


def _subject_key(metadata: sa.MetaData) -> sa.Table:
    # Erasure deletes the row; backups must then be rotated out, as for all erased data.
    return sa.Table(
        "system_subject_key",
        metadata,
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Uuid, primary_key=True),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        schema=TENANT_SCHEMA,
    )

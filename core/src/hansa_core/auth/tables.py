"""Tables of secrets and sessions. They are no entities, so no API can ever show them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hansa_core.storage.statements import TENANT_SCHEMA


@dataclass(frozen=True, slots=True, eq=False)
class AuthTables:
    """The kernel's tables of who may come in, beside the entities of plugin `system`."""

    credential: sa.Table
    key_secret: sa.Table
    session: sa.Table
    state: sa.Table


def auth_tables(metadata: sa.MetaData) -> AuthTables:
    """Declare the tables in `metadata`; their DDL needs the tables of `system` in it too."""
    return AuthTables(
        credential=_credential(metadata),
        key_secret=_key_secret(metadata),
        session=_session(metadata),
        state=_state(metadata),
    )


def _credential(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "system_credential",
        metadata,
        _owner("user_id", "system_user", "system_credential_user_id_fkey", primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema=TENANT_SCHEMA,
    )


def _key_secret(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "system_key_secret",
        metadata,
        _owner("key_id", "system_api_key", "system_key_secret_key_id_fkey", primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        # Here and not on the entity: a use is no change of the record and makes no event.
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("hash", name="system_key_secret_hash_key"),
        sa.CheckConstraint("octet_length(hash) = 32", name="system_key_secret_hash_check"),
        schema=TENANT_SCHEMA,
    )


def _session(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "system_session",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        _owner("user_id", "system_user", "system_session_user_id_fkey", nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.UniqueConstraint("token_hash", name="system_session_token_hash_key"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="system_session_hash_check"),
        sa.Index("system_session_user_id_idx", "user_id"),
        schema=TENANT_SCHEMA,
    )


def _state(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "system_state",
        metadata,
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("policy_epoch", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("id = 1", name="system_state_id_check"),
        schema=TENANT_SCHEMA,
    )


def _owner(
    name: str, table: str, constraint: str, *, primary_key: bool = False, nullable: bool = False
) -> sa.Column[object]:
    """Refer to an entity's row and go with it when it is deleted."""
    key = sa.ForeignKey(f"{TENANT_SCHEMA}.{table}.id", name=constraint, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, key, primary_key=primary_key, nullable=nullable)

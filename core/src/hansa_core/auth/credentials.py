"""Stored secrets: password hashes of users and hashes of API keys, written and compared here."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.auth.entity_tables import USER
from hansa_core.auth.passwords import PasswordHash
from hansa_core.auth.tables import AuthTables, auth_tables
from hansa_core.auth.tokens import token_hash
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Session


class Credentials:
    """Writes secrets inside a transaction of the tenant."""

    async def store(
        self, session: Session, user_id: UUID, password_hash: PasswordHash, now: datetime
    ) -> None:
        """Make `password_hash` the user's, in place of any before."""
        row = {"user_id": user_id, "password_hash": password_hash, "changed_at": now}
        await session.execute(self._store, row)

    async def lock(self, session: Session, user_id: UUID, password_hash: str) -> bool:
        """Hold the user's row; return whether he is active and this is still his password."""
        row = {"id": user_id, "password_hash": password_hash}
        return await session.fetch_one(self._lock, row) is not None

    async def store_key(self, session: Session, key_id: UUID, token: str) -> None:
        """Make `token` the secret of an API key; only its hash is kept."""
        await session.execute(self._store_key, {"key_id": key_id, "hash": token_hash(token)})

    async def keys_used_at(self, session: Session) -> dict[UUID, datetime | None]:
        """Return when each key that has a secret was last used (to the minute), by its id."""
        rows = await session.fetch(self._keys_used_at)
        return {cast(UUID, row["key_id"]): cast("datetime | None", row["used_at"]) for row in rows}

    @cached_property
    def _tables(self) -> AuthTables:
        return auth_tables(sa.MetaData())

    @cached_property
    def _store(self) -> Statement:
        insert = postgresql.insert(self._tables.credential)
        return compile_statement(
            insert.on_conflict_do_update(
                index_elements=["user_id"],
                set_={
                    "password_hash": insert.excluded.password_hash,
                    "changed_at": insert.excluded.changed_at,
                },
            )
        )

    @cached_property
    def _lock(self) -> Statement:
        credential = self._tables.credential
        return compile_statement(
            sa.select(USER.c.id)
            .select_from(USER.join(credential, credential.c.user_id == USER.c.id))
            .where(
                USER.c.id == sa.bindparam("id", type_=sa.Uuid),
                USER.c.active,
                ~USER.c.archived,
                credential.c.password_hash == sa.bindparam("password_hash", type_=sa.Text),
            )
            .with_for_update(key_share=True)
        )

    @cached_property
    def _store_key(self) -> Statement:
        table = self._tables.key_secret
        columns = {
            name: sa.bindparam(name, type_=table.c[name].type) for name in ("key_id", "hash")
        }
        return compile_statement(sa.insert(table).values(columns))

    @cached_property
    def _keys_used_at(self) -> Statement:
        table = self._tables.key_secret
        return compile_statement(sa.select(table.c.key_id, table.c.used_at).limit(10_000))

"""Sessions of people: rows known by the hash of a random token; opened, closed, never extended."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.tables import auth_tables
from hansa_core.auth.tokens import new_session_token, token_hash
from hansa_core.storage.ids import new_id
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Session

IDLE: Final = timedelta(hours=12)
"""A session nobody used for so long is over."""
LIFETIME: Final = timedelta(days=30)
"""A session is over after so long, however much it is used."""
_PER_USER_MAX: Final = 50
_USER_AGENT_MAX: Final = 300
_ADDRESS_MAX: Final = 64


class Sessions:
    """Opens and closes sessions inside a transaction of the tenant."""

    async def open(
        self, session: Session, user_id: UUID, now: datetime, *, user_agent: str, address: str
    ) -> str:
        """Open a session and return its token, which is not stored.

        Sessions of the user that are over, and the oldest past 50, are removed.
        """
        token = new_session_token()
        row = {
            "id": new_id(),
            "user_id": user_id,
            "token_hash": token_hash(token),
            "created_at": now,
            "seen_at": now,
            "expires_at": now + LIFETIME,
            "user_agent": user_agent[:_USER_AGENT_MAX],
            "address": address[:_ADDRESS_MAX],
        }
        await session.execute(self._insert, row)
        old = {"owner": user_id, "now": now, "idle_since": now - IDLE}
        await session.execute(self._delete_old, old)
        return token

    async def close(self, session: Session, token: str) -> bool:
        """End the session of `token`; return whether there was one."""
        return bool(await session.execute(self._delete, {"hash": token_hash(token)}))

    async def close_all(self, session: Session, user_id: UUID) -> int:
        """End every session of a user; return how many there were."""
        return await session.execute(self._delete_all, {"owner": user_id})

    @cached_property
    def _table(self) -> sa.Table:
        return auth_tables(sa.MetaData()).session

    @cached_property
    def _insert(self) -> Statement:
        values = {
            column.name: sa.bindparam(column.name, type_=column.type) for column in self._table.c
        }
        return compile_statement(sa.insert(self._table).values(values))

    @cached_property
    def _delete(self) -> Statement:
        table = self._table
        return compile_statement(
            sa.delete(table).where(table.c.token_hash == sa.bindparam("hash", type_=sa.LargeBinary))
        )

    @cached_property
    def _delete_all(self) -> Statement:
        table = self._table
        return compile_statement(
            sa.delete(table).where(table.c.user_id == sa.bindparam("owner", type_=sa.Uuid))
        )

    @cached_property
    def _delete_old(self) -> Statement:
        table = self._table
        owner = sa.bindparam("owner", type_=sa.Uuid)
        instant = sa.DateTime(timezone=True)
        too_many = (
            sa.select(table.c.id)
            .where(table.c.user_id == owner)
            .order_by(table.c.created_at.desc(), table.c.id.desc())
            .offset(_PER_USER_MAX)
        )
        return compile_statement(
            sa.delete(table).where(
                table.c.user_id == owner,
                sa.or_(
                    table.c.expires_at <= sa.bindparam("now", type_=instant),
                    table.c.seen_at <= sa.bindparam("idle_since", type_=instant),
                    table.c.id.in_(too_many),
                ),
            )
        )

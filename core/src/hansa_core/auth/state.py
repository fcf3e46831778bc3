"""The tenant's counters that every request reads with its caller: which shape and policy count."""

from __future__ import annotations

from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.auth.tables import auth_tables
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Session


class TenantState:
    """Moves the counters on, inside the transaction that makes the change they tell of."""

    async def bump_generation(self, session: Session) -> None:
        """Say that the tenant's plugins or custom fields changed: its shape is another one."""
        await session.execute(self._bump_generation)

    async def bump_policy_epoch(self, session: Session) -> None:
        """Say that rules changed which are no part of the shape.

        Memberships need no bump: a user's roles are read with every request.
        """
        await session.execute(self._bump_epoch)

    @cached_property
    def _bump_generation(self) -> Statement:
        return self._bump("generation")

    @cached_property
    def _bump_epoch(self) -> Statement:
        return self._bump("policy_epoch")

    def _bump(self, counter: str) -> Statement:
        table = auth_tables(sa.MetaData()).state
        insert = postgresql.insert(table).values({"id": 1, counter: 1})
        return compile_statement(
            insert.on_conflict_do_update(
                index_elements=[table.c.id], set_={counter: table.c[counter] + 1}
            )
        )

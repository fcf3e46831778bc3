"""Signing in with e-mail address and password: one answer and one pace for every failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.attempts import Attempts
from hansa_core.auth.credentials import Credentials
from hansa_core.auth.entity_tables import USER
from hansa_core.auth.passwords import PasswordHash, Passwords
from hansa_core.auth.sessions import Sessions
from hansa_core.auth.tables import auth_tables
from hansa_core.auth.turns import Turns
from hansa_core.clock import Clock
from hansa_core.storage.database import Database
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Session, Tenant
from hansa_sdk import Busy, Unauthenticated, Unavailable

_EMAIL_LENGTH_MAX: Final = 254

Sleep = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as the server can know."""

    address: str
    user_agent: str = ""
    session_token: str | None = None


class SignIn:
    """Opens and ends sessions of people. No transaction is open while a password is checked."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Clock,
        *,
        attempts: Attempts | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock
        self._attempts = attempts or Attempts()
        self._turns = Turns()
        self._sleep = sleep
        self._sessions = Sessions()
        self._credentials = Credentials()

    async def sign_in(self, tenant: Tenant, email: str, password: str, origin: Origin) -> str:
        """Check the password and return the token of a new session.

        The session the browser had before ends. Raises Unauthenticated with one text whatever is
        wrong, LimitExceeded when the address failed too often, Busy when too many wait.
        """
        name = email.strip().lower()[:_EMAIL_LENGTH_MAX]
        account = f"{tenant.id} {name}"
        async with self._turns.take(account, origin.address):
            # Counted before anything is awaited: of guesses sent at once none goes unnoticed.
            delay = self._attempts.begin(account, origin.address, self._clock.now())
            try:
                if delay:
                    await self._sleep(delay)
                token = await self._check(tenant, name, password, origin)
            except (Busy, Unavailable):
                self._attempts.forget(account, origin.address)
                raise
            if token is None:
                raise _wrong()
            self._attempts.succeeded(account, origin.address)
            return token

    async def sign_out(self, tenant: Tenant, token: str) -> bool:
        """End the session of `token`; return whether there was one."""

        async def leave(session: Session) -> bool:
            return await self._sessions.close(session, token)

        return await self._database.run(tenant, leave)

    async def sign_out_everywhere(self, tenant: Tenant, user_id: UUID) -> int:
        """End every session of a user; return how many there were."""

        async def leave(session: Session) -> int:
            return await self._sessions.close_all(session, user_id)

        return await self._database.run(tenant, leave)

    async def _check(self, tenant: Tenant, name: str, password: str, origin: Origin) -> str | None:
        """Return the token of a new session, or None when anything is wrong."""
        async with self._database.transaction(tenant, read_only=True) as session:
            row = await session.fetch_one(self._find, {"email": name})
        stored = cast("str | None", row["password_hash"]) if row is not None else None
        verdict = await self._passwords.verify(stored, password)
        if row is None or stored is None or not verdict.right:
            return None
        user_id, known = cast(UUID, row["id"]), stored

        async def enter(session: Session) -> str | None:
            return await self._enter(session, user_id, known, verdict.rehashed, origin)

        return await self._database.run(tenant, enter)

    async def _enter(
        self,
        session: Session,
        user_id: UUID,
        stored: str,
        rehashed: PasswordHash | None,
        origin: Origin,
    ) -> str | None:
        """Open the session, unless the password or the user changed while it was checked."""
        now = self._clock.now()
        if not await self._credentials.lock(session, user_id, stored):
            return None
        if rehashed is not None:
            await self._credentials.store(session, user_id, rehashed, now)
        if origin.session_token:
            await self._sessions.close(session, origin.session_token)
        return await self._sessions.open(
            session, user_id, now, user_agent=origin.user_agent, address=origin.address
        )

    @cached_property
    def _find(self) -> Statement:
        credential = auth_tables(sa.MetaData()).credential
        return compile_statement(
            sa.select(USER.c.id, credential.c.password_hash)
            .select_from(USER.join(credential, credential.c.user_id == USER.c.id))
            .where(
                USER.c.email == sa.bindparam("email", type_=sa.Text),
                USER.c.active,
                ~USER.c.archived,
            )
        )


def _wrong() -> Unauthenticated:
    return Unauthenticated(
        "The e-mail address or the password is wrong.",
        next_step="Check both; an administrator can set a new password.",
    )

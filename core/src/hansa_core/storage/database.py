"""The application login's connection pool: transactions of a tenant, retried as a whole."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final, TypeVar, cast

import asyncpg

from hansa_core.storage.transaction import Connection, Isolation, Session, Tenant, begin_text
from hansa_sdk.errors import Busy, Misconfigured

T = TypeVar("T")

RETRIES_MAX: Final = 5
_JITTER_SECONDS: Final = (0.010, 0.200)
_RETRYABLE: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Read jsonb as Python values with exact numbers."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=str,  # statements send documents as text and cast them
        decoder=lambda text: json.loads(text, parse_float=Decimal),
    )


class Database:
    """One physical database, reached as the application login, which owns nothing."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, size_max: int = 10) -> Database:
        """Open a pool on `url` (the application login's).

        Raises Misconfigured when the server cannot be reached or refuses the login.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size_max,
                statement_cache_size=500,
                command_timeout=900,
                init=_prepare,
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise Misconfigured(
                f"The database could not be reached: {error}.",
                next_step="Check HANSA_DATABASE_URL and the server; `hansa doctor` helps.",
            ) from error
        return cls(pool)

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(
        self,
        tenant: Tenant,
        *,
        isolation: Isolation = "read committed",
        read_only: bool = False,
        timeout_seconds: float = 5,
    ) -> AsyncGenerator[Session]:
        """Open a transaction as the tenant's role; commit at the end, roll back on any error."""
        begin = begin_text(
            tenant, isolation=isolation, read_only=read_only, timeout_seconds=timeout_seconds
        )
        async with self._pool.acquire() as acquired:
            connection = cast(Connection, acquired)
            try:
                await connection.execute(begin)
                yield Session(connection, tenant)
            except BaseException:
                if not acquired.is_closed():
                    await asyncio.shield(connection.execute("ROLLBACK"))
                raise
            await connection.execute("COMMIT")

    async def run(
        self,
        tenant: Tenant,
        work: Callable[[Session], Awaitable[T]],
        *,
        isolation: Isolation = "read committed",
        read_only: bool = False,
        timeout_seconds: float = 5,
    ) -> T:
        """Run `work` in a transaction, again from its start when the database asks for it.

        Serialization failures and deadlocks are retried at most 5 times with jitter (proof.md,
        section 3); then Busy is raised. `work` must have no effect outside the database.
        """
        for attempt in range(RETRIES_MAX + 1):
            try:
                async with self.transaction(
                    tenant,
                    isolation=isolation,
                    read_only=read_only,
                    timeout_seconds=timeout_seconds,
                ) as session:
                    return await work(session)
            except _RETRYABLE as error:
                if attempt == RETRIES_MAX:
                    raise Busy(
                        "Other changes to the same records kept winning.",
                        next_step="Try again in a moment.",
                    ) from error
                await asyncio.sleep(random.uniform(*_JITTER_SECONDS))  # noqa: S311  # jitter, not a secret
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Borrow a bare connection of the application login (directory look-ups, listeners)."""
        async with self._pool.acquire() as acquired:
            yield cast(Connection, acquired)

"""The application login's connection pool: transactions of a tenant, retried as a whole."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar, cast

import asyncpg

from hansa_core.storage.connections import Connections, is_gone
from hansa_core.storage.refusals import (
    FAILURES,
    RETRYABLE,
    broken,
    busy,
    in_doubt,
    is_lost,
    told,
    translated,
)
from hansa_core.storage.transaction import (
    LOGIN_TEXT,
    Connection,
    Isolation,
    Session,
    Tenant,
    begin_text,
    reading_text,
    writing_text,
)
from hansa_sdk.errors import Misconfigured, Unavailable

T = TypeVar("T")

RETRIES_MAX: Final = 5
ACQUIRE_SECONDS: Final = 10.0
_JITTER_SECONDS: Final = (0.010, 0.200)
_ROLLBACK_SECONDS: Final = 2.0

_SPELLING: Final = {"timezone": "UTC", "intervalstyle": "iso_8601", "datestyle": "ISO"}
"""How the database writes what it answers as text, whatever its own settings are."""

if TYPE_CHECKING:
    from hansa_core.storage.connections import Borrowed

_UNKNOWN: Final = ""
READ_SECONDS: Final = 5
"""How long one statement of `Database.reading` may take."""
WRITE_SECONDS: Final = 5
"""How long one statement of `Database.writing` may take."""
STATEMENTS_KEPT: Final = 300
"""Prepared statements a connection keeps."""
STATEMENT_BYTES_KEPT: Final = 200_000
"""Bytes of the longest of them."""


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Read jsonb as Python values with exact numbers."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=str,  # statements send documents as text and cast them
        decoder=lambda text: json.loads(text, parse_float=Decimal),
    )
    # The type of whole answers, which go on as they are: no column has it.
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=bytes, format="binary"
    )


async def _tidied(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Give a connection back as it is: transactions leave nothing behind, and asyncpg ends them.

    What it would ask the server to forget is one exchange more for every request.
    """


class Database:
    """One physical database, reached as the application login, which owns nothing."""

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        settings: dict[int, str] | None = None,
        *,
        acquire_seconds: float = ACQUIRE_SECONDS,
    ) -> None:
        """`acquire_seconds`: how long a request waits for a connection when all are in use.

        `settings` tells, by the process at the other end, which connections keep what they were
        told by `reading` and `writing`.
        """
        self._connections = Connections(pool)
        self._settings = {} if settings is None else settings
        self._acquire_seconds = acquire_seconds

    @classmethod
    async def connect(cls, url: str, *, size_max: int = 10) -> Database:
        """Open a pool on `url` (the application login's).

        Raises Misconfigured when the server cannot be reached or refuses the login.
        """
        settings: dict[int, str] = {}

        async def prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
            settings.pop(connection.get_server_pid(), None)  # of one that ended
            await _prepare(connection)

        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size_max,
                statement_cache_size=STATEMENTS_KEPT,
                max_cacheable_statement_size=STATEMENT_BYTES_KEPT,
                command_timeout=900,
                server_settings=_SPELLING,
                init=prepare,
                reset=_tidied,
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise Misconfigured(
                f"The database could not be reached: {error}.",
                next_step="Check HANSA_DATABASE_URL and the server; `hansa doctor` helps.",
            ) from error
        return cls(pool, settings)

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._connections.close()

    def reading(self, tenant: Tenant) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection on which each statement is a read of its own, as the tenant's role.

        The connection keeps the role for the next reader of the tenant: nothing but the statement
        itself crosses the network. Raises Busy when no connection gets free in time, Unavailable
        without a database.
        """
        return self._lent(tenant, reading_text(tenant, READ_SECONDS))

    def writing(self, tenant: Tenant) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection on which each statement is a transaction, as the tenant's role.

        `Session.change` is for those that write. Raises as `reading` does.
        """
        return self._lent(tenant, writing_text(tenant, WRITE_SECONDS))

    @asynccontextmanager
    async def _lent(self, tenant: Tenant, settings: str) -> AsyncGenerator[Session]:
        """Borrow a connection with settings that it keeps for the next who wants the same."""
        async with self._acquired() as acquired:
            connection = cast(Connection, acquired)
            pid = acquired.get_server_pid()
            if self._settings.get(pid) != settings:
                self._settings[pid] = _UNKNOWN  # should the next line not come to its end
                with told():
                    await connection.execute(settings)
                self._settings[pid] = settings
            session = Session(connection, tenant)
            try:
                yield session
            except BaseException:
                await _roll_back(acquired)
                raise
            if session.failed:  # and whoever asked went on with another answer
                await _roll_back(acquired)

    @asynccontextmanager
    async def transaction(
        self,
        tenant: Tenant,
        *,
        isolation: Isolation = "read committed",
        read_only: bool = False,
        timeout_seconds: float = 5,
    ) -> AsyncGenerator[Session]:
        """Open a transaction as the tenant's role; commit at the end, roll back on any error.

        Raises Busy when no connection gets free in time, Unavailable without a database, and
        TransactionBroken when the block hid the failure of a statement. Unavailable at the end of
        a transaction that writes says whether the change may have been made all the same.
        """
        begin = begin_text(
            tenant, isolation=isolation, read_only=read_only, timeout_seconds=timeout_seconds
        )
        async with self._acquired() as acquired:
            connection = cast(Connection, acquired)
            try:
                with told():
                    await connection.execute(begin)
                yield Session(connection, tenant)
            except BaseException:
                await _roll_back(acquired)
                raise
            try:
                await _commit(acquired, writes=not read_only)
            except BaseException:
                await _roll_back(acquired)
                raise

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
            except RETRYABLE as error:
                if attempt == RETRIES_MAX:
                    raise busy("Other changes to the same records kept winning.") from error
                await asyncio.sleep(random.uniform(*_JITTER_SECONDS))  # noqa: S311  # jitter, not a secret
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def connection(
        self, *, timeout_seconds: float | None = None
    ) -> AsyncGenerator[Connection]:
        """Borrow a bare connection of the application login (directory look-ups, listeners).

        Raises Busy when none gets free in time, Unavailable when the database does not answer,
        also in the block.
        """
        async with self._acquired(timeout_seconds) as acquired:
            with told():
                pid = acquired.get_server_pid()
                if pid in self._settings:
                    self._settings[pid] = _UNKNOWN  # as above
                    await acquired.execute(LOGIN_TEXT)
                    del self._settings[pid]
                try:
                    yield cast(Connection, acquired)
                except BaseException:
                    await _roll_back(acquired)
                    raise

    @asynccontextmanager
    async def _acquired(self, timeout_seconds: float | None = None) -> AsyncGenerator[Borrowed]:
        seconds = self._acquire_seconds if timeout_seconds is None else timeout_seconds
        acquired = await self._connections.borrow(seconds)
        whole = False
        try:
            yield acquired
            whole = True
        finally:
            await self._connections.give_back(acquired, whole=whole)


async def _commit(acquired: Borrowed, *, writes: bool) -> None:
    """End the transaction; raises unless the server says that it was committed.

    The server answers COMMIT of a transaction in which a statement failed with ROLLBACK.
    """
    if is_gone(acquired):
        raise Unavailable(
            "The connection to the database ended; nothing was changed.",
            next_step="Try again in a moment.",
            params={"retry_after_seconds": 1},
        )
    try:
        tag = await acquired.execute("COMMIT")
    except RETRYABLE:
        raise
    except Exception as error:
        if writes and is_lost(error):
            raise in_doubt() from error
        meaning = translated(error)
        if meaning is None:
            raise
        raise meaning from error
    if writes and tag != "COMMIT":
        raise broken()


async def _roll_back(acquired: Borrowed) -> None:
    """Undo an open transaction, or end its connection: either way nothing stays of it.

    Between two statements one may be open that nobody began: asyncpg parses a statement before it
    sends its values, and the server keeps what that began until it hears more.
    Being cancelled once more has to wait: the server would go on with the statement otherwise.
    """
    ending = asyncio.ensure_future(_end_transaction(acquired))
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def _end_transaction(acquired: Borrowed) -> None:
    if is_gone(acquired):
        return
    try:
        async with asyncio.timeout(_ROLLBACK_SECONDS):
            await acquired.execute("ROLLBACK")
    except FAILURES:  # the caller raises why it rolls back, which says more
        if not is_gone(acquired):
            acquired.terminate()

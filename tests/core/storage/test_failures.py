"""The connection is lost at every moment: nothing half-written, a true sentence, and recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from psycopg import sql

from hansa_core.storage import connections
from hansa_core.storage import database as database_module
from hansa_core.storage.database import Database
from hansa_core.storage.transaction import Connection, Logged, Prepared, Session, Tenant
from hansa_core.testing.platform import Platform
from hansa_core.testing.waiting import eventually
from hansa_sdk import HansaError, Team
from hansa_sdk.errors import Busy, Unavailable
from tests.core.storage.conftest import BODY_LATE, Store, add


class LosesTheAnswer(asyncpg.Connection):
    """The server commits, and the connection ends before it says so."""

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> str:  # Any: as asyncpg has it
        tag = await super().execute(query, *args, **kwargs)
        if query == "COMMIT":
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        return tag


class CannotRollBack(asyncpg.Connection):
    """ROLLBACK fails on a connection that is still open."""

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> str:  # Any: as asyncpg has it
        if query == "ROLLBACK":
            raise asyncpg.InterfaceError("cannot perform operation")
        return await super().execute(query, *args, **kwargs)


class CannotBeReturned(asyncpg.Connection):
    """The connection ends while the pool takes it back, which asyncpg takes for its own fault."""

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as asyncpg has it
        raise asyncpg.InternalClientError("got result for unknown protocol state 3")


@asynccontextmanager
async def opened(store: Store, kind: type[Any] = asyncpg.Connection) -> AsyncGenerator[Database]:
    """Open a pool of one connection of a class of the test's own."""
    pool = await asyncpg.create_pool(store.app_url, min_size=1, max_size=1, connection_class=kind)
    database = Database(pool, acquire_seconds=0.1)
    try:
        yield database
    finally:
        await database.close()


async def test_connection_lost_between_statements_is_unavailable(store: Store) -> None:
    with pytest.raises(Unavailable, match=r"does not answer.*Try again"):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant) as session:
            await add(session, 1)
            store.kill()
            await add(session, 2)
    assert store.ids() == []


async def test_connection_lost_in_a_statement_is_unavailable(store: Store) -> None:
    async def work() -> None:
        async with store.database.transaction(store.tenant, timeout_seconds=60) as session:
            await add(session, 1)
            await session.execute(sa.text("SELECT pg_sleep(40)"))

    async def killed() -> bool:
        return store.kill(doing="SELECT pg_sleep(40)") > 0

    task = asyncio.create_task(work())
    await eventually(killed, what="the end of its connection")
    with pytest.raises(Unavailable):
        await task
    assert store.ids() == []


async def test_connection_lost_in_a_savepoint_tells_why_it_began(store: Store) -> None:
    with pytest.raises(KeyError, match="the reason"):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant) as session, session.savepoint():
            await add(session, 1)
            store.kill()
            raise KeyError("the reason")


@pytest.mark.parametrize("noticed", [True, False])
async def test_connection_lost_before_commit_writes_nothing(store: Store, noticed: bool) -> None:
    with pytest.raises(Unavailable, match="nothing was changed" if noticed else "may or may not"):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant) as session:
            await add(session, 1)
            store.kill()
            if noticed:
                with pytest.raises(Unavailable):
                    await add(session, 2)
    assert store.ids() == []


async def test_connection_lost_in_commit_leaves_the_outcome_open(store: Store) -> None:
    async def work() -> None:
        async with store.database.transaction(store.tenant, timeout_seconds=60) as session:
            await add(session, 1, BODY_LATE)

    async def killed() -> bool:
        return store.kill(doing="COMMIT") > 0

    task = asyncio.create_task(work())
    await eventually(killed, what="the end of its connection")
    with pytest.raises(Unavailable, match=r"may or may not.*Read the record again"):
        await task
    assert store.ids() == []


async def test_connection_lost_after_commit_leaves_the_outcome_open(store: Store) -> None:
    async with opened(store, LosesTheAnswer) as database:
        with pytest.raises(Unavailable, match="may or may not"):
            async with database.transaction(store.tenant) as session:
                await add(session, 1)
    assert store.ids() == [1]


async def test_failing_rollback_ends_the_connection_and_keeps_the_reason(store: Store) -> None:
    async with opened(store, CannotRollBack) as database:
        for number in (1, 2):
            with pytest.raises(KeyError, match="the reason"):  # noqa: PT012  # its end raises
                async with database.transaction(store.tenant) as session:
                    await add(session, number)
                    raise KeyError("the reason")
        async with database.transaction(store.tenant) as session:
            await add(session, 3)
    assert store.ids() == [3]


async def test_committed_change_stands_when_its_connection_cannot_be_returned(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "RETURNED_AFTER", 1)
    async with opened(store, CannotBeReturned) as database:
        for number in (1, 2):
            async with database.transaction(store.tenant) as session:
                await add(session, number)
        async with database.connection() as connection:
            assert await connection.fetch("SELECT 1")
    assert store.ids() == [1, 2]


async def test_every_answer_is_true_while_connections_are_killed(store: Store) -> None:
    made: list[int] = []
    refused: list[int] = []
    killed = asyncio.Event()

    async def write(first: int) -> None:
        number = first
        while not killed.is_set():
            number += 1
            try:
                async with store.database.transaction(store.tenant) as session:
                    await add(session, number)
            except (Busy, Unavailable) as error:
                if "may or may not" not in str(error):
                    refused.append(number)
            else:
                made.append(number)

    writers = [asyncio.create_task(write(first)) for first in range(0, 600_000, 100_000)]
    for _ in range(15):
        enough = len(made) + 20
        await eventually(partial(_longer, made, enough), what="writes")
        await asyncio.to_thread(store.kill)
    killed.set()
    await asyncio.gather(*writers)  # raises what was no answer
    there = set(store.ids())
    assert there >= set(made)
    assert not there & set(refused)


async def _longer(made: list[int], count: int) -> bool:
    return len(made) >= count


async def test_waiting_too_long_for_a_connection_is_busy(store: Store) -> None:
    async with opened(store) as database:
        async with database.transaction(store.tenant):
            with pytest.raises(Busy, match="Too many requests at once"):
                async with database.transaction(store.tenant):
                    pass
            with pytest.raises(Busy, match="Too many requests at once"):
                async with database.connection():
                    pass
        async with database.transaction(store.tenant) as session:
            await add(session, 1)
    assert store.ids() == [1]


async def test_login_the_server_refuses_is_unavailable(store: Store) -> None:
    async with store.database.connection() as connection:
        login = str((await connection.fetch("SELECT current_user AS name"))[0]["name"])
    alter = sql.SQL("ALTER ROLE {} {}")
    with store.owner() as owner:
        owner.execute(alter.format(sql.Identifier(login), sql.SQL("NOLOGIN")))
    try:
        store.kill()

        async def refused() -> bool:
            try:
                async with store.database.transaction(store.tenant):
                    return False
            except Unavailable as error:
                return "does not answer" in str(error)

        await eventually(refused, what="the refusal")
    finally:
        with store.owner() as owner:
            owner.execute(alter.format(sql.Identifier(login), sql.SQL("LOGIN")))


async def test_requests_go_on_after_all_connections_were_ended(store: Store) -> None:
    async def request(number: int) -> bool:
        try:
            async with store.database.transaction(store.tenant) as session:
                await add(session, number)
        except Unavailable:
            return False
        return True

    assert await asyncio.gather(*(request(number) for number in range(6))) == [True] * 6
    assert store.kill() > 0
    started = time.monotonic()
    for number in range(10, 16):
        await eventually(partial(request, number), timeout_seconds=2)
    assert time.monotonic() - started < 2
    assert store.ids() == [*range(6), *range(10, 16)]


class FailsAt:
    """A connection whose N-th statement fails on the server, as if it had been wrong."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._left = number

    async def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._connection.execute("SELECT 1 / 0")

    async def execute(self, query: str, *args: object) -> str:
        await self._count()
        return await self._connection.execute(query, *args)

    async def executemany(self, command: str, args: Any) -> None:  # Any: passed through
        await self._count()
        await self._connection.executemany(command, args)

    async def fetch(self, query: str, *args: object) -> Any:  # Any: passed through
        await self._count()
        return await self._connection.fetch(query, *args)

    async def prepare(self, query: str) -> Prepared:
        await self._count()
        return await self._connection.prepare(query)

    def query_logger(self, callback: Callable[[Logged], None]) -> AbstractContextManager[None]:
        return self._connection.query_logger(callback)


async def test_nothing_is_half_written_whichever_statement_fails(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await platform.tenant("contacts")
    caller = await platform.system(tenant)
    runtime = platform.runtime
    old = Team(name="Old")
    await runtime.write(caller, lambda unit: unit.save(old))

    async def business(unit: Any) -> None:  # Any: what runtime.write hands over
        team = Team(name="New")
        await unit.save(team)
        await unit.save(Team(name="Below", parent=team))
        team.name = "Newer"
        await unit.save(team)
        async with unit.savepoint():
            await unit.delete(await unit.get(Team, old.id))

    before = await _content(platform, tenant)
    assert len(before) > 10
    number, done = 0, False
    while not done:
        number += 1
        monkeypatch.setattr(database_module, "Session", partial(_failing_session, number))
        try:
            await runtime.write(caller, business)
            done = True
        except HansaError:
            assert await _content(platform, tenant) == before, f"statement {number} failed"
    monkeypatch.undo()
    assert number > 8, "the write has many statements"
    assert await _content(platform, tenant) != before


def _failing_session(number: int, connection: Connection, tenant: Tenant) -> Session:
    return Session(FailsAt(connection, number), tenant)


async def _content(platform: Platform, tenant: Tenant) -> dict[str, int]:
    """Return how many rows each of the tenant's tables has."""
    conn = await asyncpg.connect(platform.owner_url)
    try:
        tables = await conn.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", tenant.schema
        )
        return {
            str(row[0]): int(
                await conn.fetchval(f'SELECT count(*) FROM "{tenant.schema}"."{row[0]}"')  # noqa: S608  # names of the catalogue
            )
            for row in tables
        }
    finally:
        await conn.close()

"""Connections that keep a tenant's role between reads, whatever becomes of the readers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, cast

import asyncpg
import pytest
import sqlalchemy as sa

from hansa_core.storage.statements import compile_statement
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform
from hansa_sdk import Invalid, Unavailable


class Parsing(Protocol):
    """The part of a connection that parses a statement and does not run it."""

    async def prepare(self, query: str) -> object:
        """Parse `query`."""
        ...


ROLE = sa.text("SELECT current_user::text")


async def test_each_reader_reads_as_the_role_of_its_own_tenant(platform: Platform) -> None:
    tenants = [await platform.tenant(), await platform.tenant()]
    database = platform.runtime.database
    for tenant in (*tenants, *tenants):
        async with database.reading(tenant) as session:
            assert await session.fetch_value(ROLE) == tenant.role
        async with database.transaction(tenants[0]) as session:
            assert await session.fetch_value(ROLE) == tenants[0].role
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT current_user <> session_user AS other")
            assert not rows[0]["other"]
            await connection.fetch("SELECT id FROM hansa.tenant")


async def test_a_reader_cannot_write(platform: Platform) -> None:
    tenant = await platform.tenant()
    delete = sa.text('DELETE FROM "__tenant__".system_user')
    async with platform.runtime.database.reading(tenant) as session:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await session.execute(delete)


async def _read(platform: Platform, tenant: Tenant) -> None:
    async with platform.runtime.database.reading(tenant) as session:
        await session.fetch(sa.text("SELECT pg_sleep(0.002)"))


async def test_cancelled_readers_leave_the_connections_whole(platform: Platform) -> None:
    tenants = [await platform.tenant(), await platform.tenant()]
    database = platform.runtime.database

    async def cancelled(number: int) -> None:
        for step in range(20):
            try:
                async with asyncio.timeout((number + step) % 12 / 2000):
                    await _read(platform, tenants[step % 2])
            except TimeoutError:
                pass

    async def others() -> None:
        for step in range(20):
            async with database.connection() as connection:
                assert await connection.fetch("SELECT id FROM hansa.tenant")
            async with database.transaction(tenants[step % 2]) as session:
                changed = sa.text('UPDATE "__tenant__".system_user SET name = name')
                assert await session.execute(changed) >= 0

    await asyncio.gather(*(cancelled(number) for number in range(8)), others(), others())


PID = sa.text("SELECT pg_backend_pid()")
OPEN = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'virtualxid' AND pid = ANY(:pids)")
"""The transactions of some connections: each holds a lock on itself."""


async def _leave_half_asked(platform: Platform, tenant: Tenant, pids: list[object]) -> None:
    """Send what a statement sends first and then be cancelled: its values and its end are owed."""
    database = platform.runtime.database
    async with database.reading(tenant) as session, database.connection() as bare:
        pids.append(await session.fetch_value(PID))
        pids += [row["pid"] for row in await bare.fetch("SELECT pg_backend_pid() AS pid")]
        await cast(Parsing, vars(session)["_connection"]).prepare("SELECT 1 FROM pg_class")
        await cast(Parsing, bare).prepare("SELECT 2 FROM pg_class")
        raise asyncio.CancelledError


async def test_reader_cancelled_before_its_statement_ran_leaves_nothing_open(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    pids: list[object] = []
    async with platform.runtime.database.reading(tenant) as session:
        with pytest.raises(asyncio.CancelledError):
            await _leave_half_asked(platform, tenant, pids)
        assert len(set(pids)) == 2
        assert await session.fetch_value(OPEN, {"pids": pids}) == 0


async def test_value_that_cannot_be_sent_leaves_nothing_open_where_its_error_is_hidden(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    database = platform.runtime.database
    statement = sa.select(sa.bindparam("id", type_=sa.Uuid()))
    async with database.reading(tenant) as session:
        async with database.reading(tenant) as other:
            pids = [await other.fetch_value(PID)]
            with pytest.raises(Invalid):
                await other.fetch(statement, {"id": "no uuid"})
        assert await session.fetch_value(OPEN, {"pids": pids}) == 0


async def test_connection_is_lent_to_one_at_a_time_whoever_is_cancelled(
    platform: Platform,
) -> None:
    database = platform.runtime.database
    held: set[object] = set()
    served = 0

    async def use() -> None:
        nonlocal served
        async with database.connection() as connection:
            (row,) = await connection.fetch("SELECT pg_backend_pid() AS pid")
            assert row["pid"] not in held
            held.add(row["pid"])
            try:
                await connection.fetch("SELECT pg_sleep(0.001)")
            finally:
                held.remove(row["pid"])
            served += 1

    async def hasty(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(number % 9 / 1000):
                await use()

    for _ in range(5):
        await asyncio.gather(*(hasty(number) for number in range(40)), *(use() for _ in range(20)))
    assert served >= 100
    async with contextlib.AsyncExitStack() as stack:  # none was lost on the way
        for _ in range(10):
            await stack.enter_async_context(database.connection(timeout_seconds=5))


SETTINGS = sa.text(
    "SELECT current_user::text AS role, current_setting('default_transaction_read_only') AS reads,"
    " current_setting('statement_timeout') AS seconds, current_setting('lock_timeout') AS waits"
)


async def test_writer_commits_each_statement_and_the_next_reader_only_reads(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    database = platform.runtime.database
    rename = compile_statement(
        sa.text("UPDATE \"__tenant__\".system_user SET name = 'Anna' RETURNING name")
    )
    await platform.user(tenant)
    for _ in range(2):
        async with database.writing(tenant) as session:
            found = (await session.fetch(SETTINGS))[0]
            assert [*found.values()] == [tenant.role, "off", "5s", "2s"]
            assert await session.change(rename, {})
        async with database.reading(tenant) as session:
            assert (await session.fetch(SETTINGS))[0]["reads"] == "on"
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await session.change(rename, {})
        async with database.connection() as connection:
            rows = await connection.fetch(SETTINGS.text)
            assert (rows[0]["reads"], rows[0]["seconds"], rows[0]["waits"]) == ("off", "0", "0")
    async with database.transaction(tenant, read_only=True) as session:
        names = await session.fetch(sa.text('SELECT DISTINCT name FROM "__tenant__".system_user'))
        assert [row["name"] for row in names] == ["Anna"]


async def _lose_the_connection_while_writing(platform: Platform, tenant: Tenant) -> None:
    sleep = compile_statement(sa.text("SELECT pg_sleep(4)"))
    with owner_engine(platform.owner_url) as engine, engine.connect() as owner:
        async with platform.runtime.database.writing(tenant) as session:
            pid = await session.fetch_value(PID)
            changing = asyncio.create_task(session.change(sleep, {}))
            await asyncio.sleep(0)  # it is sent
            owner.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await changing


async def test_writer_whose_connection_ends_says_that_the_change_may_have_been_made(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    with pytest.raises(Unavailable, match="may or may not have been made"):
        await _lose_the_connection_while_writing(platform, tenant)
    async with platform.runtime.database.writing(tenant) as session:
        assert await session.fetch_value(ROLE) == tenant.role

"""A transaction is whole or nothing, and says so in words a person can use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from decimal import Decimal

import asyncpg
import pytest
import sqlalchemy as sa

from hansa_core.storage.database import RETRIES_MAX
from hansa_core.storage.refusals import TransactionBroken
from hansa_core.storage.transaction import Session
from hansa_core.testing.waiting import eventually
from hansa_sdk.errors import Busy, Invalid, LimitExceeded
from tests.core.storage.conftest import NOTE, Store, add

_FAIL = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$"


async def test_commit_after_a_hidden_failure_is_no_success(store: Store) -> None:
    with pytest.raises(TransactionBroken, match="nothing was changed"):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant) as session:
            await add(session, 1)
            with pytest.raises(asyncpg.UndefinedTableError):
                await session.execute(sa.text("SELECT * FROM nowhere"))
    assert store.ids() == []


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_statement_after_a_hidden_failure_says_what_is_the_matter(
    store: Store, *, read_only: bool
) -> None:
    with pytest.raises(TransactionBroken, match="its error was hidden"):  # noqa: PT012  # the second
        async with store.database.transaction(store.tenant, read_only=read_only) as session:
            with pytest.raises(asyncpg.UndefinedTableError):
                await session.execute(sa.text("SELECT * FROM nowhere"))
            await session.fetch(sa.text("SELECT 1"))


async def test_reading_after_a_hidden_failure_ends_quietly(store: Store) -> None:
    async with store.database.transaction(store.tenant, read_only=True) as session:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await add(session, 1)


async def test_nested_savepoint_that_fails_leaves_the_outer_one(store: Store) -> None:
    async with store.database.transaction(store.tenant) as session:
        await add(session, 1)
        with pytest.raises(ValueError, match="outer"):  # noqa: PT012  # its end raises
            async with session.savepoint():
                await add(session, 2)
                with pytest.raises(ValueError, match="inner"):  # noqa: PT012  # its end raises
                    async with session.savepoint():
                        await add(session, 3)
                        raise ValueError("inner")
                raise ValueError("outer")
        async with session.savepoint():
            await add(session, 4)
    assert store.ids() == [1, 4]


async def test_statements_of_tasks_that_share_a_session_wait_for_each_other(store: Store) -> None:
    async with store.database.transaction(store.tenant) as session:
        await asyncio.gather(*(add(session, number) for number in range(5)))
        counts = await asyncio.gather(
            *(session.fetch_value(sa.select(sa.func.count()).select_from(NOTE)) for _ in range(5))
        )
    assert counts == [5] * 5


async def test_lock_that_is_not_given_is_busy(store: Store) -> None:
    async with store.database.transaction(store.tenant) as session:
        await add(session, 1)
    rename = sa.update(NOTE).values(body="renamed")
    async with store.database.transaction(store.tenant) as holder:
        await holder.execute(rename)
        with pytest.raises(Busy, match=r"still under way.*Try again"):
            async with store.database.transaction(store.tenant) as waiter:
                await waiter.execute(rename)


async def test_statement_that_takes_too_long_is_busy(store: Store) -> None:
    with pytest.raises(Busy, match=r"longer than it may.*Try again"):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant, timeout_seconds=0.05) as session:
            await add(session, 1)
            await session.execute(sa.text("SELECT pg_sleep(30)"))
    assert store.ids() == []


async def test_amount_too_large_for_its_column_is_invalid(store: Store) -> None:
    with pytest.raises(Invalid, match="cannot hold a value: numeric field overflow"):
        async with store.database.transaction(store.tenant) as session:
            await session.execute(sa.insert(NOTE).values(id=1, amount=Decimal(100)))


async def test_integer_too_large_for_its_type_is_invalid(store: Store) -> None:
    with pytest.raises(Invalid, match="cannot hold a value"):
        async with store.database.transaction(store.tenant) as session:
            await add(session, 2**40)


async def test_broken_constraint_stays_what_the_database_said(store: Store) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):  # noqa: PT012  # its end raises
        async with store.database.transaction(store.tenant) as session:
            await add(session, 1)
            await add(session, 1)


async def test_serialization_failure_is_retried_until_both_are_done(store: Store) -> None:
    attempts: list[int] = []
    meeting = asyncio.Barrier(2)

    async def add_after_counting(session: Session, number: int) -> None:
        attempts.append(number)
        count = await session.fetch_value(sa.select(sa.func.count()).select_from(NOTE))
        if attempts.count(number) == 1:
            await meeting.wait()  # both have counted before either writes
        await add(session, number, str(count))

    def once(number: int) -> Awaitable[None]:
        return store.database.run(
            store.tenant,
            lambda session: add_after_counting(session, number),
            isolation="serializable",
        )

    await asyncio.gather(once(1), once(2))
    assert len(attempts) == 3
    with store.owner() as owner:
        owner.execute("SELECT body FROM note ORDER BY body")
        assert owner.fetchall() == [("0",), ("1",)]


async def test_deadlock_is_retried_until_both_are_done(store: Store) -> None:
    async with store.database.transaction(store.tenant) as session:
        await add(session, 1)
        await add(session, 2)
    attempts: list[int] = []
    meeting = asyncio.Barrier(2)

    async def sign(session: Session, first: int) -> None:
        attempts.append(first)
        for number in (first, 3 - first):
            signed = NOTE.c.body + str(first)
            await session.execute(sa.update(NOTE).where(NOTE.c.id == number).values(body=signed))
            if attempts.count(first) == 1 and number == first:
                await meeting.wait()

    await asyncio.gather(
        store.database.run(store.tenant, lambda session: sign(session, 1)),
        store.database.run(store.tenant, lambda session: sign(session, 2)),
    )
    assert len(attempts) == 3
    with store.owner() as owner:
        owner.execute("SELECT length(body) FROM note")
        assert owner.fetchall() == [(2,), (2,)]


async def test_transaction_that_always_loses_is_busy_after_its_last_try(store: Store) -> None:
    attempts = 0

    async def lose(session: Session) -> None:
        nonlocal attempts
        attempts += 1
        await add(session, attempts)
        await session.execute(sa.text(_FAIL))

    with pytest.raises(Busy, match="kept winning"):
        await store.database.run(store.tenant, lose)
    assert attempts == RETRIES_MAX + 1
    assert store.ids() == []


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_cancelling_inside_leaves_nothing_and_no_dirty_connection(
    store: Store, times: int
) -> None:
    async def dawdle(number: int) -> None:
        async with store.database.transaction(store.tenant, timeout_seconds=60) as session:
            await add(session, number)
            await session.execute(sa.text("SELECT pg_sleep(50)"))

    async def is_sleeping() -> bool:
        with store.owner() as owner:
            owner.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND state = 'active' AND query LIKE 'SELECT pg_sleep(50)%'"
            )
            return owner.rowcount > 0

    async def is_idle() -> bool:
        with store.owner() as owner:
            owner.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND usename LIKE '%_app' AND state <> 'idle'"
            )
            return owner.rowcount == 0

    for number in range(4):  # more often than there are connections
        task = asyncio.create_task(dawdle(number))
        await eventually(is_sleeping, what="the statement")
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
    await eventually(is_idle, what="the end of what was cancelled")
    async with store.database.transaction(store.tenant) as session:
        await add(session, 9)
    assert store.ids() == [9]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT repeat('x', 2000000000)",  # a value of more than 1 GB
        f"SELECT {', '.join(['1'] * 1_665)}",  # columns of one row
        f"SELECT json_build_array({', '.join(['1'] * 101)})",  # arguments of one function
        f"SELECT {' + '.join(['1'] * 100_000)}",  # the stack
    ],
    ids=["size", "columns", "arguments", "depth"],
)
async def test_what_is_too_much_for_the_server_is_a_limit(store: Store, statement: str) -> None:
    with pytest.raises(LimitExceeded, match=r"cannot do this much at once: .*smaller pages"):
        async with store.database.transaction(store.tenant) as session:
            await session.execute(sa.text(statement))
    async with store.database.transaction(store.tenant) as session:
        await add(session, 1)

"""Sealing beside writers, other sealers and failures: each event once, each record in order."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from hansa_core.events.chain import SealedEvent, head, sealed_after, verify_chain
from hansa_core.events.sealer import SealConflict, Sealer, seal_once, unsealed_age
from hansa_core.storage.statements import Statement
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.testing.counting import Count
from hansa_core.testing.waiting import eventually
from hansa_sdk.errors import Unavailable
from tests.core.events.conftest import Ledger, changed

EVENTS_PER_WRITER = 40


async def sealed(ledger: Ledger) -> list[SealedEvent]:
    """Return the whole ledger, after verifying it."""
    events: list[SealedEvent] = []
    async with ledger.database.transaction(ledger.tenant) as session:
        report = await verify_chain(session, ledger.tables)
        assert report.fault is None
        while page := await sealed_after(session, ledger.tables, len(events), 10_000):
            events += page
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    return events


def assert_each_record_in_order(events: Sequence[SealedEvent]) -> None:
    versions: defaultdict[uuid.UUID | None, list[int]] = defaultdict(list)
    for event in events:
        versions[event.record_id].append(event.record_version)
    for record_id, found in versions.items():
        assert found == list(range(1, len(found) + 1)), record_id


def sealer_of(*ledgers: Ledger, sweeps: list[int] | None = None) -> Sealer:
    async def tenants() -> Sequence[Tenant]:
        if sweeps is not None:
            sweeps.append(len(sweeps))
        return [ledger.tenant for ledger in ledgers]

    return Sealer(ledgers[0].database, ledgers[0].tables, tenants)


@asynccontextmanager
async def running(*sealers: Sealer) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(sealer.run()) for sealer in sealers]
    try:
        yield
    finally:
        for sealer in sealers:
            sealer.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)


async def write_under_row_locks(ledger: Ledger, writers: int) -> int:
    """Let `writers` update ten shared records at once, each under its row lock; return events."""
    with ledger.owner() as owner:
        owner.execute("CREATE TABLE deal (id uuid PRIMARY KEY, version int NOT NULL)")
        owner.execute("INSERT INTO deal SELECT gen_random_uuid(), 0 FROM generate_series(1, 10)")
        records = [id_ for (id_,) in owner.execute("SELECT id FROM deal").fetchall()]
        owner.execute(f'GRANT ALL ON deal TO "{ledger.tenant.role}"'.encode())
    deal = f'"{ledger.tenant.schema}".deal'
    update = f"UPDATE {deal} SET version = version + 1 WHERE id = $1"  # noqa: S608  # our own schema's name

    async def write(number: int) -> None:
        async with ledger.database.connection() as connection:
            for step in range(EVENTS_PER_WRITER):
                record_id = records[(number * 7 + step) % len(records)]
                await connection.execute(f'BEGIN; SET LOCAL ROLE "{ledger.tenant.role}"')
                row = await connection.fetch(f"{update} RETURNING version", record_id)
                version = row[0]["version"]
                assert isinstance(version, int)
                session = Session(connection, ledger.tenant)
                await ledger.record_in(session, changed(record_id, version))
                # Every seventh transaction fails: its version is given out again.
                await connection.execute("ROLLBACK" if step % 7 == 6 else "COMMIT")

    async with asyncio.TaskGroup() as group:
        for number in range(writers):
            group.create_task(write(number))
    return writers * (EVENTS_PER_WRITER - EVENTS_PER_WRITER // 7)


async def test_two_sealers_beside_writers_seal_each_event_once_and_in_order(
    ledger: Ledger, count: Count
) -> None:
    writers = count.asked("writers")
    async with running(sealer_of(ledger), sealer_of(ledger)):
        written = await write_under_row_locks(ledger, writers)
        await eventually(lambda: nothing_waits(ledger), what="sealing")
    events = await sealed(ledger)
    assert len(events) == len({event.id for event in events}) == written
    assert_each_record_in_order(events)
    count.ran(writers)


async def nothing_waits(ledger: Ledger) -> bool:
    async with ledger.database.transaction(ledger.tenant) as session:
        return await unsealed_age(session, ledger.tables) == 0


async def test_only_one_seals_when_two_try_at_the_same_time(ledger: Ledger) -> None:
    await ledger.record(*(changed(uuid.uuid4(), 1) for _ in range(2000)))
    counts = await asyncio.gather(
        *(seal_once(ledger.database, ledger.tenant, ledger.tables) for _ in range(8))
    )
    assert sum(counts) == 2000
    assert len(await sealed(ledger)) == 2000


async def test_an_open_transactions_events_are_sealed_after_it_commits(ledger: Ledger) -> None:
    record_id = uuid.uuid4()
    async with ledger.database.transaction(ledger.tenant) as session:
        (late,) = await ledger.record_in(session, changed(record_id, 1))
        (early,) = await ledger.record(changed(uuid.uuid4(), 9))
        assert await ledger.seal() == 1
    assert await ledger.seal() == 1
    assert [event.id for event in await sealed(ledger)] == [early, late]


async def test_a_record_stays_in_order_when_its_ids_do_not(ledger: Ledger) -> None:
    # Processes' clocks differ: a later version may have the smaller id.
    record_id = uuid.uuid4()
    async with ledger.database.transaction(ledger.tenant) as session:
        for version in (3, 2, 1):
            await ledger.record_in(session, changed(record_id, version))
    await ledger.seal()
    assert_each_record_in_order(await sealed(ledger))


async def test_batches_are_taken_whole_and_in_order_when_limits_cut_them(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [uuid.uuid4() for _ in range(10)]
    async with ledger.database.transaction(ledger.tenant) as session:
        # The later the version, the smaller the id: only the version says the order.
        for version in (3, 2, 1):
            await ledger.record_in(session, *(changed(record, version) for record in records))
    monkeypatch.setattr("hansa_core.events.sealer.BATCH_ROWS", 7)
    assert await seal_once(ledger.database, ledger.tenant, ledger.tables) == 7
    monkeypatch.setattr("hansa_core.events.sealer.BATCH_BYTES", 1)
    assert await seal_once(ledger.database, ledger.tenant, ledger.tables) == 1
    monkeypatch.undo()
    assert await ledger.seal() == 22
    assert_each_record_in_order(await sealed(ledger))


@pytest.mark.parametrize("statement", ["append_seals", "unqueue"])
async def test_no_half_seal_is_left_when_the_process_dies_midway(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    await ledger.record(*(changed(uuid.uuid4(), 1) for _ in range(50)))
    execute = Session.execute

    async def die(session: Session, ready: Statement, params: Mapping[str, object]) -> int:
        done = await execute(session, ready, params)
        if ready is getattr(ledger.tables.statements, statement):
            await kill_connections_of(ledger)
        return done

    monkeypatch.setattr(Session, "execute", die)
    with pytest.raises(Unavailable):
        await seal_once(ledger.database, ledger.tenant, ledger.tables)
    monkeypatch.undo()
    async with ledger.database.transaction(ledger.tenant) as session:
        assert (await head(session, ledger.tables)).position == 0
    assert await ledger.seal() == 50
    assert len(await sealed(ledger)) == 50


async def kill_connections_of(ledger: Ledger) -> None:
    """End the server processes inside a transaction that wrote to the tenant's seals."""
    with ledger.owner() as owner:
        killed = owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
            " WHERE relation = 'system_event_seal'::regclass AND mode = 'RowExclusiveLock'"
        ).fetchall()
    assert killed == [(True,)]


async def test_nothing_is_written_when_waiting_rows_vanish_meanwhile(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await ledger.record(*(changed(uuid.uuid4(), 1) for _ in range(5)))
    execute = Session.execute

    async def vanish(session: Session, ready: Statement, params: Mapping[str, object]) -> int:
        if ready is ledger.tables.statements.unqueue:
            with ledger.owner() as owner:
                owner.execute("DELETE FROM system_event_pending WHERE event_id = %s", [ids[0]])
        return await execute(session, ready, params)

    monkeypatch.setattr(Session, "execute", vanish)
    with pytest.raises(SealConflict, match="Of 5 waiting events"):
        await seal_once(ledger.database, ledger.tenant, ledger.tables)
    monkeypatch.undo()
    assert await sealed_count(ledger) == 0


async def sealed_count(ledger: Ledger) -> int:
    async with ledger.database.transaction(ledger.tenant) as session:
        return (await head(session, ledger.tables)).position


async def test_a_broken_tenant_does_not_stop_the_others(
    make_ledger: Callable[[], Ledger], caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = make_ledger(), make_ledger()
    with broken.owner() as owner:
        owner.execute("ALTER TABLE system_event_pending RENAME TO away")
    sweeps: list[int] = []

    async def sweeps_made() -> bool:
        return len(sweeps) >= 15

    async with running(sealer_of(broken, whole, sweeps=sweeps)):
        await eventually(sweeps_made, timeout_seconds=20, what="sweeping on")
        warnings = [record for record in caplog.records if record.levelname == "WARNING"]
        assert all(broken.tenant.slug in record.getMessage() for record in warnings)
        assert 1 <= len(warnings) <= 8, "pauses grow from one failure to the next"
        await whole.record(changed(uuid.uuid4(), 1))
        await eventually(lambda: sealed_count(whole), what="sealing the whole tenant")
        with broken.owner() as owner:
            owner.execute("ALTER TABLE away RENAME TO system_event_pending")
        await broken.record(changed(uuid.uuid4(), 1))
        await eventually(lambda: sealed_count(broken), timeout_seconds=10, what="recovery")


async def test_the_sealer_goes_on_when_its_connections_are_killed(ledger: Ledger) -> None:
    async with running(sealer_of(ledger)):
        for number in range(1, 4):
            await ledger.record(changed(uuid.uuid4(), 1))
            await eventually(partial(at_position, ledger, number), what=f"seal {number}")
            with ledger.owner() as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename LIKE '%_app'"
                )
            await eventually(partial(reachable, ledger), what="the pool's recovery")


async def at_position(ledger: Ledger, position: int) -> bool:
    return await sealed_count(ledger) == position


async def reachable(ledger: Ledger) -> bool:
    try:
        await sealed_count(ledger)
    except Unavailable:
        return False
    return True


async def test_the_sealer_stops_at_once_when_asked(ledger: Ledger) -> None:
    sealer = sealer_of(ledger)
    task = asyncio.create_task(sealer.run())
    await ledger.record(changed(uuid.uuid4(), 1))
    await eventually(lambda: sealed_count(ledger), what="sealing")
    started = time.monotonic()
    sealer.stop()
    await asyncio.wait_for(task, 1)
    assert time.monotonic() - started < 0.5


async def test_unsealed_age_grows_until_sealed(ledger: Ledger) -> None:
    assert await nothing_waits(ledger)
    await ledger.record(changed(uuid.uuid4(), 1))
    with ledger.owner() as owner:
        owner.execute("UPDATE system_event_pending SET queued_at = queued_at - interval '7 s'")
    async with ledger.database.transaction(ledger.tenant) as session:
        assert 7 <= await unsealed_age(session, ledger.tables) < 60
    await ledger.seal()
    assert await nothing_waits(ledger)

"""What the ledger costs: `pytest -m bench -s tests/core/events` prints it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from hansa_core.events.chain import verify_chain
from hansa_core.events.crypto import Keyring, Place, Subject
from hansa_core.events.record import Change
from hansa_core.events.sealer import seal_once, unsealed_age
from hansa_core.testing.profile import Profile
from hansa_core.testing.waiting import eventually
from tests.core.events.conftest import Ledger, changed
from tests.core.events.test_sealer import nothing_waits, running, sealer_of

EVENTS = 20_000
CHUNK = 500

pytestmark = pytest.mark.bench


@contextmanager
def printed(what: str, times: int) -> Generator[list[float]]:
    """Print how often a second the block did something; yield its seconds."""
    took: list[float] = []
    started = time.perf_counter()
    yield took
    took.append(time.perf_counter() - started)
    print(f"\n{what}: {times} in {took[0]:.3f} s = {times / took[0]:,.0f}/s", end="")


def deal(version: int = 1) -> Change:
    """Return a change of the usual size (body about 600 bytes)."""
    values = {f"field_{number}": f"value {number} of this deal" for number in range(8)}
    return Change(
        type="crm.deal.updated",
        entity="crm.deal",
        record_id=uuid.uuid4(),
        record_version=version,
        before={"stage": str(uuid.uuid4())},
        after=values,
    )


def person() -> Change:
    subject = Subject("contacts.party", uuid.uuid4())
    names = {"first_name": "Anna", "last_name": "Müller", "email": "anna@example.org"}
    return Change(
        type="contacts.party.created",
        entity=subject.entity,
        record_id=subject.record_id,
        record_version=1,
        after=names,
        personal=dict.fromkeys(names, subject),
    )


async def import_rows(ledger: Ledger, rows: int, make: Callable[[], Change] = deal) -> None:
    for _ in range(rows // CHUNK):
        await ledger.record(*(make() for _ in range(CHUNK)))


async def test_rates_of_writing_sealing_and_verifying(ledger: Ledger) -> None:
    with printed(f"events written, {CHUNK} a transaction", EVENTS):
        await import_rows(ledger, EVENTS)
    with printed("events sealed by one process", EVENTS) as took:
        assert await ledger.seal() == EVENTS
    assert took[0] < 2
    with printed("again", EVENTS):
        await import_rows(ledger, EVENTS)
        assert await ledger.seal() == EVENTS
    with printed("events verified", 2 * EVENTS):
        async with ledger.database.transaction(ledger.tenant, timeout_seconds=60) as session:
            assert (await verify_chain(session, ledger.tables)).fault is None
    with printed("persons written, 3 encrypted values and a new key each", 5000):
        await import_rows(ledger, 5000, person)
    await ledger.seal()
    with printed("looks at a tenant where nothing waits", 500):
        for _ in range(500):
            await seal_once(ledger.database, ledger.tenant, ledger.tables)


async def test_rate_of_writers_with_and_without_import_and_sealer(
    ledger: Ledger, profile: Profile
) -> None:
    stop = asyncio.Event()
    oldest = 0.0

    async def write(seconds: float) -> int:
        done, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            await ledger.record(changed(uuid.uuid4(), 1))
            done += 1
        return done

    async def load() -> None:
        while not stop.is_set():
            await import_rows(ledger, CHUNK)

    async def watch() -> None:
        nonlocal oldest
        while not stop.is_set():
            async with ledger.database.transaction(ledger.tenant) as session:
                oldest = max(oldest, await unsealed_age(session, ledger.tables))
            await asyncio.sleep(0.05)

    async def writers(what: str) -> None:
        done = sum(await asyncio.gather(*(write(profile.seconds_load) for _ in range(8))))
        print(f"\n8 writers, {what}: {done / profile.seconds_load:,.0f} transactions/s", end="")

    await writers("no sealer")
    async with running(sealer_of(ledger)):
        await writers("sealer")
        others = [asyncio.create_task(load()), asyncio.create_task(watch())]
        await writers("sealer and an import in one process")
        stop.set()
        await asyncio.gather(*others)
        started = time.perf_counter()
        await eventually(lambda: nothing_waits(ledger), what="sealing the rest")
    print(f"\noldest unsealed {oldest:.2f} s; drained in {time.perf_counter() - started:.2f} s")
    assert oldest < 5


def test_rate_of_encrypting() -> None:
    ring, tenant = Keyring(b"m" * 32), uuid.uuid4()
    subject = Subject("contacts.party", uuid.uuid4())
    wrapped = ring.new_wrapped_key(tenant, subject)
    place = Place(tenant, uuid.uuid4(), subject.entity, subject.record_id, "after.name")
    key = ring.unwrap(tenant, subject, wrapped)
    with printed("keys unwrapped", 20_000):
        for _ in range(20_000):
            ring.unwrap(tenant, subject, wrapped)
    with printed("values encrypted", 20_000):
        for _ in range(20_000):
            key.encrypt("Anna Müller", place)

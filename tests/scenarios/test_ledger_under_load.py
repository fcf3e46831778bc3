"""The ledger keeps up while a file is imported beside people who work."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from hansa_core.events.sealer import unsealed_age
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.commands import finished, start_hansa
from hansa_core.testing.counting import Count
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import WebServer
from hansa_core.testing.waiting import eventually
from hansa_core.testing.writers import Writers
from tests.bench.companies import EVENTS_PER_ROW, write_companies
from tests.scenarios.conftest import Ledger

SEALED_WITHIN_SECONDS = 5.0


async def test_every_event_is_sealed_soon_and_counted_once(
    platform: Platform, web: WebServer, ledger: Ledger, tmp_path: Path, count: Count
) -> None:
    tenant = await platform.tenant("contacts")
    writers = Writers(
        platform.runtime,
        await platform.user(tenant, "contacts.editor"),
        "contacts.party",
        create={"name": "Walk-in customer"},
        change={"notes": "came back"},
    )
    rows, people = count.asked("import_rows"), count.asked("writers")
    file = write_companies(tmp_path / "companies.csv", rows)
    before = await ledger.count(tenant, "system_event")
    ages: list[float] = []
    over = asyncio.Event()
    watching = asyncio.create_task(watch(platform, tenant, ages, over))
    async with writers.at_work(people):
        process = await start_hansa(
            platform,
            "import",
            str(file),
            "--entity",
            "contacts.party",
            "--by",
            "external_id",
            "--tenant",
            tenant.slug,
            "--json",
        )
        done = await finished(process)
    assert done.code == 0, done.err
    await eventually(lambda: nothing_waits(platform, tenant), what="sealing the rest")
    over.set()
    await watching

    assert writers.done >= people
    assert max(ages) < SEALED_WITHIN_SECONDS
    written = writers.done + rows * EVENTS_PER_ROW
    assert await ledger.count(tenant, "system_event") - before == written
    await ledger.sealed(tenant)
    count.ran(rows, of="import_rows")
    count.ran(people, of="writers")
    print(f"\n{written} events, the oldest unsealed one {max(ages):.2f} s old")


async def watch(platform: Platform, tenant: Tenant, ages: list[float], over: asyncio.Event) -> None:
    """Note how long the oldest unsealed event waits, again and again."""
    while not over.is_set():
        ages.append(await age(platform, tenant))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.02)


async def age(platform: Platform, tenant: Tenant) -> float:
    runtime = platform.runtime
    async with runtime.database.transaction(tenant, read_only=True) as session:
        return await unsealed_age(session, runtime.events)


async def nothing_waits(platform: Platform, tenant: Tenant) -> bool:
    return await age(platform, tenant) == 0

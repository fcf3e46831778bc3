"""The end of a company's ledger, and what is in it, as the kernel itself reads it."""

from __future__ import annotations

from collections.abc import Sequence

from hansa_core.events.chain import SealedEvent, head, sealed_after
from hansa_core.events.sealer import unsealed_age
from hansa_core.live.positions import Positions
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_core.testing.waiting import eventually


async def end_of(platform: Platform, tenant: Tenant) -> int:
    """Return the last position once every event is sealed."""
    runtime = platform.runtime

    async def nothing_waits() -> bool:
        async with runtime.database.transaction(tenant, read_only=True) as session:
            return await unsealed_age(session, runtime.events) == 0

    await eventually(nothing_waits, timeout_seconds=20, what="sealing every event")
    async with runtime.database.transaction(tenant, read_only=True) as session:
        return (await head(session, runtime.events)).position


async def cursor_now(platform: Platform, tenant: Tenant) -> str:
    """Return the cursor behind all that happened."""
    return Positions(platform.runtime.cursors, tenant.id).seal(await end_of(platform, tenant))


async def events_since(platform: Platform, tenant: Tenant, position: int) -> Sequence[SealedEvent]:
    """Return what was sealed behind a position, at most 10,000 events."""
    runtime = platform.runtime
    await end_of(platform, tenant)
    async with runtime.database.transaction(tenant, read_only=True) as session:
        return await sealed_after(session, runtime.events, position, 10_000)

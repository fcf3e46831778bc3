"""The sealer: puts committed events into the ledger's hash chain, each tenant's in one order."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, cast
from uuid import UUID

from hansa_core.events.chain import head, next_hash
from hansa_core.events.tables import EventTables
from hansa_core.storage.database import Database
from hansa_core.storage.refusals import FAILURES
from hansa_core.storage.transaction import Session, Tenant
from hansa_sdk.errors import HansaError

BATCH_ROWS: Final = 20_000
BATCH_BYTES: Final = 32 * 1024 * 1024
POLL_SECONDS: Final = (0.020, 0.100)
"""Pause after a sweep that sealed something, and the longest after sweeps that did not."""
BACK_OFF_SECONDS: Final = (0.1, 5.0)
"""Pause after a tenant's first failure, doubled with each, and the longest."""

_TIMEOUT_SECONDS: Final = 30
_EXPECTED: Final = (*FAILURES, HansaError)
"""Failures whose text says enough; others are logged with their traceback."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class SealConflict(HansaError):
    """Waiting events vanished while they were sealed; nothing was written."""

    code = "seal_conflict"


async def seal_once(database: Database, tenant: Tenant, tables: EventTables) -> int:
    """Seal one batch of the tenant's waiting events and return how many.

    One transaction: all of the batch or nothing. Returns 0 when nothing waits or another process
    seals this tenant. Rows of transactions that commit later are taken later; what one statement
    sees is a prefix of every record's history, because a record's row lock orders its writers.
    """
    async with database.transaction(tenant, timeout_seconds=_TIMEOUT_SECONDS) as session:
        statements = tables.statements
        locked = await session.fetch_value(
            statements.lock_if_pending, {"lock_key": _lock_key(tenant.id)}
        )
        if not locked:
            return 0
        # Statements after the lock see what the last sealer committed (READ COMMITTED).
        taken = await session.fetch(
            statements.take, {"rows_max": BATCH_ROWS, "bytes_max": BATCH_BYTES}
        )
        if not taken:
            return 0
        last = await head(session, tables)
        ids = [cast(UUID, row["event_id"]) for row in taken]
        hashes: list[bytes] = []
        previous = last.hash
        for event_id, row in zip(ids, taken, strict=True):
            previous = next_hash(previous, event_id, cast(bytes, row["body"]))
            hashes.append(previous)
        await session.execute(
            statements.append_seals, {"last": last.position, "ids": ids, "hashes": hashes}
        )
        unqueued = await session.execute(statements.unqueue, {"ids": ids})
        if unqueued != len(ids):
            raise SealConflict(
                f"Of {len(ids)} waiting events of {tenant.slug}, {unqueued} were still waiting.",
                next_step="Find what else deletes from system_event_pending.",
            )
        return len(ids)


async def unsealed_age(session: Session, tables: EventTables) -> float:
    """Return how many seconds the oldest unsealed event waits; 0 when none does."""
    age = await session.fetch_value(tables.statements.unsealed_age)
    return max(0.0, cast("float | None", age) or 0.0)


@dataclass(frozen=True, slots=True)
class _Failing:
    """A tenant that cannot be sealed now: how often in a row, and when to try again."""

    count: int
    retry_at: float


class Sealer:
    """Seals every tenant of one database until stopped. Any number of processes may run one."""

    def __init__(
        self,
        database: Database,
        tables: EventTables,
        tenants: Callable[[], Awaitable[Sequence[Tenant]]],
    ) -> None:
        """`tenants` is asked in every sweep for those to seal; it must be cheap."""
        self._database = database
        self._tables = tables
        self._tenants = tenants
        self._stopping = asyncio.Event()
        self._failing: dict[UUID | None, _Failing] = {}

    def stop(self) -> None:
        """Ask `run` to return; it does after the transaction it is in."""
        self._stopping.set()

    async def run(self) -> None:
        """Seal until `stop`. Failures are logged and tried again after bounded pauses."""
        loop = asyncio.get_running_loop()
        pause = POLL_SECONDS[0]
        while not self._stopping.is_set():
            started = loop.time()
            most = await self._sweep()
            if most >= BATCH_ROWS:
                continue
            pause = POLL_SECONDS[0] if most else min(pause * 2, POLL_SECONDS[1])
            # With very many tenants a sweep itself takes long: poll half of the time at most.
            await self._pause(max(pause, min(loop.time() - started, 1.0)))

    async def _sweep(self) -> int:
        """Seal a batch of each tenant; return the size of the largest."""
        most = 0
        for tenant in await self._guarded(None, self._tenants) or ():
            if self._stopping.is_set():
                break
            seal = partial(seal_once, self._database, tenant, self._tables)
            most = max(most, await self._guarded(tenant, seal) or 0)
        return most

    async def _guarded(self, tenant: Tenant | None, work: Callable[[], Awaitable[T]]) -> T | None:
        """Run `work` of a tenant (None: the list of tenants) unless it failed just now."""
        key = tenant.id if tenant else None
        failing = self._failing.get(key)
        now = asyncio.get_running_loop().time()
        if failing and now < failing.retry_at:
            return None
        try:
            done = await work()
        except Exception as error:
            # Whatever it is, the other tenants' events must go on being sealed.
            count = failing.count + 1 if failing else 1
            pause = min(BACK_OFF_SECONDS[0] * 2 ** min(count - 1, 16), BACK_OFF_SECONDS[1])
            self._failing[key] = _Failing(count, now + pause)
            where = f"tenant {tenant.slug}" if tenant else "the list of tenants"
            log.warning(
                "Sealing %s failed %d times; next try in %.1f s: %s",
                where,
                count,
                pause,
                error,
                exc_info=not isinstance(error, _EXPECTED),
            )
            return None
        if self._failing.pop(key, None):
            log.info("Sealing %s works again.", tenant.slug if tenant else "the list of tenants")
        return done

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _lock_key(tenant_id: UUID) -> int:
    """Return the tenant's advisory lock: a bigint out of its hash."""
    digest = hashlib.sha256(b"hansa sealer" + tenant_id.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)

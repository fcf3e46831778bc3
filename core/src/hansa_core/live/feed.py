"""What happens in a tenant's ledger, read once for all who listen to it in this process.

Nothing is queued for a listener: each has a position and takes what is behind it, from memory
while it keeps up and from the ledger while it does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from hansa_core.auth.identify import Identifier
from hansa_core.clock import Clock
from hansa_core.events.chain import head
from hansa_core.events.tables import EventTables
from hansa_core.live.guards import Guards
from hansa_core.storage.database import Database
from hansa_core.storage.refusals import FAILURES
from hansa_core.storage.transaction import Row, Session, Tenant
from hansa_sdk import HansaError

POLL_SECONDS: Final = (0.025, 0.100)
"""Pause after a look that found something, and the longest after looks that did not."""
CHECK_SECONDS: Final = 0.4
"""How often those who listen are looked up: a revoke counts within a second."""
TAIL_MAX: Final = 2_000
"""How many of the newest events are kept in memory for all listeners of a tenant."""
READ_MAX: Final = 1_000
"""How many events one look takes."""
_FAILED_SECONDS: Final = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A sealed event without what it says: which record changed, and how."""

    position: int
    type: str
    entity: str | None
    record_id: UUID | None
    record_version: int
    at: datetime

    @property
    def kind(self) -> str:
        """What was done: created, updated, archived, restored or deleted."""
        return self.type.rpartition(".")[2]


class Feed:
    """One tenant's ledger as this process hears it."""

    def __init__(
        self,
        database: Database,
        tables: EventTables,
        tenant: Tenant,
        guards: Guards,
    ) -> None:
        self.guards = guards
        self.head = 0
        self._database = database
        self._tables = tables
        self._tenant = tenant
        self._tail: list[Told] = []
        self._moved = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` to return; it does after the look it is at."""
        self._stopping.set()

    async def start(self) -> None:
        """Begin at the present end of the ledger."""
        async with self._database.transaction(self._tenant, read_only=True) as session:
            self.head = (await head(session, self._tables)).position

    async def run(self) -> None:
        """Look for events, and at who listens, until `stop`."""
        loop = asyncio.get_running_loop()
        pause, checked = POLL_SECONDS[0], 0.0
        while not self._stopping.is_set():
            due = loop.time() - checked >= CHECK_SECONDS
            try:
                found = await self._look(check=due)
            except (*FAILURES, HansaError) as error:
                log.warning("Listening to %s failed: %s", self._tenant.slug, error)
                found, pause = 0, _FAILED_SECONDS
            except Exception:
                log.exception("Listening to %s failed", self._tenant.slug)
                found, pause = 0, _FAILED_SECONDS
            else:
                checked = loop.time() if due else checked
                pause = POLL_SECONDS[0] if found else min(pause * 2, POLL_SECONDS[1])
            await self._pause(0 if found == READ_MAX else pause)

    async def after(self, position: int, limit: int) -> Sequence[Told]:
        """Return at most `limit` events behind `position`, waiting for the next where none is."""
        while position >= self.head:
            await self._moved.wait()
        kept = self.head - len(self._tail)  # positions are consecutive
        if position >= kept:
            start = position - kept
            return self._tail[start : start + limit]
        async with self._database.transaction(self._tenant, read_only=True) as session:
            return await self._read(session, position, limit)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _look(self, *, check: bool) -> int:
        async with self._database.transaction(self._tenant, read_only=True) as session:
            if check:
                await self.guards.check(session)
            found = await self._read(session, self.head, READ_MAX)
        if found:
            self._tail = [*self._tail, *found][-TAIL_MAX:]
            self.head = found[-1].position
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return len(found)

    async def _read(self, session: Session, position: int, limit: int) -> list[Told]:
        values = {"position": position, "rows_max": limit}
        rows = await session.fetch(self._tables.statements.told_after, values)
        return [_told(row) for row in rows]


@dataclass(slots=True)
class _Listened:
    feed: Feed
    task: asyncio.Task[None]
    listeners: int = 0


class Feeds:
    """The feeds of a process: one for each tenant that somebody listens to."""

    def __init__(
        self, database: Database, tables: EventTables, identifier: Identifier, clock: Clock
    ) -> None:
        self._database = database
        self._tables = tables
        self._identifier = identifier
        self._clock = clock
        self._open: dict[UUID, _Listened] = {}
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def listeners(self, tenant: Tenant) -> int:
        """Return how many listen to a tenant."""
        listened = self._open.get(tenant.id)
        return listened.listeners if listened else 0

    @asynccontextmanager
    async def listening(self, tenant: Tenant) -> AsyncGenerator[Feed]:
        """Give the tenant's feed, which runs while anybody listens.

        Raises Busy or Unavailable where the ledger cannot be read.
        """
        async with self._opening:
            listened = self._open.get(tenant.id)
            if listened is None:
                guards = Guards(self._identifier, self._clock)
                feed = Feed(self._database, self._tables, tenant, guards)
                await feed.start()
                listened = _Listened(feed, asyncio.create_task(feed.run()))
                self._open[tenant.id] = listened
            listened.listeners += 1
        try:
            yield listened.feed
        finally:
            listened.listeners -= 1
            if not listened.listeners:
                del self._open[tenant.id]
                listened.feed.stop()
                await asyncio.wait([listened.task])


def _told(row: Row) -> Told:
    return Told(
        cast(int, row["position"]),
        cast(str, row["type"]),
        cast("str | None", row["entity"]),
        cast("UUID | None", row["record_id"]),
        cast(int, row["record_version"]),
        cast(datetime, row["at"]),
    )

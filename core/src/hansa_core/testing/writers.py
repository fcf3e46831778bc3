"""Writers that change records beside another load, and how often a second they do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.runtime import Runtime


@dataclass
class Writers:
    """People of one caller who create a record and change it, over and over.

    `create` are the values of a new record, `change` those of its change; every creation and
    every change is a transaction of its own and one event.
    """

    runtime: Runtime
    caller: Caller
    entity: str
    create: Mapping[str, object]
    change: Mapping[str, object]
    done: int = 0
    longest_seconds: float = 0.0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def at_work(self, count: int) -> AsyncGenerator[None]:
        """Let `count` of them write while the block runs; what one of them raises is raised."""
        self._stopping.clear()
        tasks = [asyncio.create_task(self._write()) for _ in range(count)]
        try:
            yield
        finally:
            self._stopping.set()
            await asyncio.gather(*tasks)

    @asynccontextmanager
    async def rate(self) -> AsyncGenerator[list[float]]:
        """Yield a list that holds, after the block, the transactions a second during it."""
        rates: list[float] = []
        before, started = self.done, time.perf_counter()
        yield rates
        rates.append((self.done - before) / (time.perf_counter() - started))

    async def _write(self) -> None:
        while not self._stopping.is_set():
            started = time.perf_counter()
            rows = await self.runtime.write(self.caller, self._create)
            created = time.perf_counter()
            await self.runtime.write(self.caller, partial(self._change, rows[0]))
            slowest = max(created - started, time.perf_counter() - created)
            self.longest_seconds = max(self.longest_seconds, slowest)
            self.done += 2

    async def _create(self, unit: UnitOfWork) -> Sequence[Mapping[str, object]]:
        return await unit.create_rows(self.entity, [self.create])

    async def _change(self, row: Mapping[str, object], unit: UnitOfWork) -> None:
        id, version = cast(UUID, row["id"]), cast(int, row["version"])
        await unit.update_rows(self.entity, [RowUpdate(id, version, self.change)])

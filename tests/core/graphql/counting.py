"""A platform that counts the SQL statements of each write, and of each read by one plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Session
from hansa_core.testing.platform import Platform

T = TypeVar("T")


class Counting:
    """Runs on a platform's kernel; `counts` are the statements of each so far.

    BEGIN, savepoints and COMMIT are not among them, nor are the events: one statement per 10,000.
    """

    def __init__(self, platform: Platform) -> None:
        self._runtime = platform.runtime
        self.shapes = platform.runtime.shapes
        self.cursors, self.clock = platform.runtime.cursors, platform.runtime.clock
        self.events = platform.runtime.events
        self.counts: list[int] = []

    def read(self, caller: Caller) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._runtime.read(caller)

    @asynccontextmanager
    async def looking(self, caller: Caller) -> AsyncGenerator[Session]:
        async with self._runtime.looking(caller) as session:
            before = session.statement_count
            yield session
            self.counts.append(session.statement_count - before)

    @asynccontextmanager
    async def writing(self, caller: Caller) -> AsyncGenerator[Session]:
        async with self._runtime.writing(caller) as session:
            before = session.statement_count
            yield session
            self.counts.append(session.statement_count - before)

    async def write(
        self,
        caller: Caller,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        timeout_seconds: float = 5,
    ) -> T:
        async def counted(unit: UnitOfWork) -> T:
            try:
                return await work(unit)
            finally:
                self.counts.append(unit.session.statement_count)

        return await self._runtime.write(caller, counted, timeout_seconds=timeout_seconds)

"""One request: its caller, the one transaction its reads share, and what it needs of a platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeAlias, TypeVar

from graphql import GraphQLResolveInfo

from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.events.tables import EventTables
from hansa_core.graphql.api import Api
from hansa_core.query.cursor import CursorSealer
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Session

T = TypeVar("T")


class Platform(Protocol):
    """What GraphQL asks of the running platform."""

    @property
    def clock(self) -> Clock:
        """Tells the time."""
        ...

    @property
    def cursors(self) -> CursorSealer:
        """Seals cursors."""
        ...

    def read(self, caller: Caller) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a read-only transaction."""
        ...

    def looking(self, caller: Caller) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection for single reading statements."""
        ...

    def writing(self, caller: Caller) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection for writes of one statement each."""
        ...

    @property
    def events(self) -> EventTables:
        """The ledger's tables."""
        ...

    async def write(
        self,
        caller: Caller,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        timeout_seconds: float = 5,
    ) -> T:
        """Run `work` in a transaction, again after a conflict."""
        ...


class RequestContext:
    """What resolvers share. Root fields read one after another, in one transaction."""

    def __init__(
        self,
        platform: Platform,
        caller: Caller,
        api: Api,
        stack: AsyncExitStack,
    ) -> None:
        self.platform = platform
        self.caller = caller
        self.api = api
        self._stack = stack
        self._lock = asyncio.Lock()
        self._unit: UnitOfWork | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[UnitOfWork]:
        """Give the request's read transaction to one resolver at a time, opening it once."""
        async with self._lock:
            if self._unit is None:
                self._unit = await self._stack.enter_async_context(self.platform.read(self.caller))
            yield self._unit


Info: TypeAlias = "GraphQLResolveInfo[RequestContext]"

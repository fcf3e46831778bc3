"""The connections of a pool, lent to one request after the other.

asyncpg's pool makes and ends connections; returning one to it costs a task, three passes of the
event loop and a timer, which was a fifth of a small request. So those that came back whole stay
here, and go back to the pool when something is amiss with them, or now and then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from hansa_core.storage.refusals import FAILURES, busy, told
from hansa_sdk.errors import Busy, Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Borrowed = PoolConnectionProxy[asyncpg.Record]

RETURNED_AFTER: Final = 1000
"""One in so many goes back to the pool, which ends those that have served long enough."""


class Connections:
    """Lends each connection to one at a time, in the order they were asked for."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(pool.get_max_size())
        self._free: list[Borrowed] = []
        self._closing = False
        self._count = 0

    async def borrow(self, seconds: float) -> Borrowed:
        """Return a connection; `give_back` must follow, whatever happens.

        Raises Busy when none gets free in `seconds`, Unavailable when the server makes none.
        """
        await self._slot(seconds)
        try:
            while self._free:
                connection = self._free.pop()
                if not is_gone(connection):
                    return connection
            return await self._made(seconds)
        except BaseException:
            self._slots.release()
            raise

    async def give_back(self, connection: Borrowed, *, whole: bool) -> None:
        """Take a connection back: kept for the next where it is `whole`. Raises nothing."""
        self._count += 1
        keeps = whole and not self._closing and self._count % RETURNED_AFTER != 0
        try:
            if keeps and not is_gone(connection):
                self._free.append(connection)
            else:
                await self._return(connection)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        self._closing = True
        while self._free:
            await self._return(self._free.pop())
        await self._pool.close()

    async def _slot(self, seconds: float) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # at once: a timer would cost as much as all of this
            return
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError as error:
            raise busy("Too many requests at once are waiting for the database.") from error

    async def _made(self, seconds: float) -> Borrowed:
        try:
            with told():
                return await self._pool.acquire(timeout=seconds)
        except Busy as error:
            raise Unavailable(
                "The database does not let us in.", next_step="Try again in a moment."
            ) from error

    async def _return(self, connection: Borrowed) -> None:
        """Return a connection to the pool, or end it: what was done with it is done."""
        try:
            await self._pool.release(connection)
        except FAILURES:  # never the answer to a request: its transaction is over
            if not is_gone(connection):
                with suppress(*FAILURES):
                    connection.terminate()


def is_gone(connection: Borrowed) -> bool:
    """Tell whether a connection ended."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # asyncpg took the closed connection back already and refuses the question

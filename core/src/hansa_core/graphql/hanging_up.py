"""Requests whose client hangs up: what is done for them ends, and its statement with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final

LOOKED_AFTER_SECONDS: Final = 0.2
"""How long a request takes before anyone looks whether its client is still there."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]  # Any: messages of ASGI


class HungUp(Exception):
    """The client is gone: nobody reads the answer."""


class EndsWhenHungUp:
    """Cancels its block when the client hangs up, and raises HungUp then.

    The body must have been read. Most requests are answered before anyone looks; this is on the
    way of each of them, so it costs a timer and nothing else: less than half of `asyncio.timeout`.
    """

    __slots__ = ("_cancelled", "_receive", "_task", "_timer", "_watching")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._cancelled = False

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOKED_AFTER_SECONDS, self._look)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        # Another who cancelled too, like a server that ends, has his way.
        if self._cancelled and self._task is not None and self._task.uncancel() == 0:
            if kind is asyncio.CancelledError:
                raise HungUp from error

    def _look(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self._cancelled = self._task.cancel()

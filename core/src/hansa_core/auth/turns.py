"""Attempts on one account come one after the other, so that each sees what the one before did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from hansa_sdk import Busy

WAITING_MAX: Final = 30
"""How many attempts on one account may be under way."""
WAITING_PER_ADDRESS_MAX: Final = 3
"""How many of them from one address, so that no stranger alone fills the places of the owner."""


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[str] = field(default_factory=list[str])


class Turns:
    """Gives each attempt its turn; an account is remembered while somebody waits for it."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    @asynccontextmanager
    async def take(self, account: str, address: str) -> AsyncGenerator[None]:
        """Wait for the attempts before; raises Busy at once when too many wait already."""
        queue = self._queues.setdefault(account, _Queue())
        full = len(queue.waiting) >= WAITING_MAX
        if full or queue.waiting.count(address) >= WAITING_PER_ADDRESS_MAX:
            raise Busy(
                "Other attempts to sign in to this account are under way.",
                next_step="Try again in a moment.",
                params={"retry_after_seconds": 1},
            )
        queue.waiting.append(address)
        try:
            async with queue.lock:
                yield
        finally:
            queue.waiting.remove(address)
            if not queue.waiting:
                del self._queues[account]

"""Waiting for a condition in a test: the only place of the tests that sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_POLL_SECONDS: Final = 0.01


async def eventually(
    condition: Callable[[], Awaitable[T]], *, timeout_seconds: float = 5, what: str = ""
) -> T:
    """Return the first true answer of `condition`, asked again every 10 ms.

    Raises AssertionError with `what` and the last answer when it stays false too long.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{what or 'The condition'} did not come true in {timeout_seconds} s: {value!r}"
            )
        await asyncio.sleep(_POLL_SECONDS)

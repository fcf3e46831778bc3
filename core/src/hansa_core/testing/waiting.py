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
    while not (value := await condition()):
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, timeout_seconds, value))
        await asyncio.sleep(_POLL_SECONDS)
    return value


def wait_until(condition: Callable[[], T], *, timeout_seconds: float = 5, what: str = "") -> T:
    """Do as `eventually` where no event loop runs: a test of processes or threads."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, timeout_seconds, value))
        time.sleep(_POLL_SECONDS)
    return value


def _too_late(what: str, timeout_seconds: float, value: object) -> str:
    return f"{what or 'The condition'} did not come true in {timeout_seconds} s: {value!r}"

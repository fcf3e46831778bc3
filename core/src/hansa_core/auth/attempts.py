"""How often signing in failed, and what that costs: an account gets slower, an address is refused.

A stranger who knows an e-mail address can slow its owner by seconds, never lock him out. Counts
live in this process only and are forgotten with it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hansa_sdk import LimitExceeded

WINDOW: Final = timedelta(minutes=15)
"""Failures are forgotten so long after the first of them."""
ADDRESS_FAILURES_MAX: Final = 50
"""An address that failed so often within the window is refused until its end."""
FREE_FAILURES: Final = 3
"""Failures of an account that cost nothing yet."""
DELAY_MAX_SECONDS: Final = 4
_KEPT_MAX: Final = 20_000


@dataclass(slots=True)
class _Count:
    since: datetime
    failures: int = 0


class Attempts:
    """Counts failures by account and by address; the longest unchanged counts make room."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def refuse_address(self, address: str, now: datetime) -> None:
        """Raise LimitExceeded when too many attempts from `address` failed."""
        count = self._count("address", address, now)
        if count is not None and count.failures >= ADDRESS_FAILURES_MAX:
            left = int((count.since + WINDOW - now).total_seconds()) + 1
            raise LimitExceeded(
                "Too many attempts to sign in from your address failed.",
                next_step=f"Try again in {-(-left // 60)} minutes.",
                params={"retry_after_seconds": left},
            )

    def delay_seconds(self, account: str, now: datetime) -> int:
        """Return how long the next attempt on `account` waits before it is looked at."""
        count = self._count("account", account, now)
        if count is None or count.failures < FREE_FAILURES:
            return 0
        return int(min(DELAY_MAX_SECONDS, 2 ** min(count.failures - FREE_FAILURES, 10)))

    def failed(self, account: str, address: str, now: datetime) -> None:
        """Count a failure against both."""
        for kind, name in (("account", account), ("address", address)):
            count = self._count(kind, name, now) or _Count(now)
            count.failures += 1
            self._counts[kind, name] = count
            self._counts.move_to_end((kind, name))
        while len(self._counts) > _KEPT_MAX:
            self._counts.popitem(last=False)

    def succeeded(self, account: str) -> None:
        """Forget the failures of an account whose owner came in; the address keeps its own."""
        self._counts.pop(("account", account), None)

    def _count(self, kind: str, name: str, now: datetime) -> _Count | None:
        count = self._counts.get((kind, name))
        return None if count is None or now - count.since >= WINDOW else count

"""How often signing in failed, and what that costs: an account gets slower, an address is refused.

An attempt counts before its password is looked at; being right takes that back. A stranger who
knows an e-mail address can slow its owner by seconds, and lock out only those who share his
address. Counts live in this process only and are forgotten with it.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hansa_sdk import LimitExceeded

WINDOW: Final = timedelta(minutes=15)
"""Failures are forgotten so long after the first of them."""
ACCOUNT_FAILURES_MAX: Final = 10
"""After so many failures an address is refused for that account until the window's end."""
ADDRESS_FAILURES_MAX: Final = 200
"""After so many failures an address is refused for every account; many people may share it."""
FREE_FAILURES: Final = 3
"""Failures of an account that cost nothing yet."""
DELAY_MAX_SECONDS: Final = 4
_KEPT_MAX: Final = 20_000

_Key = tuple[str, str]


@dataclass(slots=True)
class _Count:
    since: datetime
    failures: int = 0


class Attempts:
    """Counts by account, by address and by both; the longest unchanged counts make room."""

    def __init__(self) -> None:
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()

    def begin(self, account: str, address: str, now: datetime) -> int:
        """Count an attempt as failed; return how many seconds it waits before it is looked at.

        Raises LimitExceeded, and counts nothing, when too many from `address` failed.
        """
        by_account, by_both, by_address = keys = _keys(account, address)
        self._refuse(by_both, ACCOUNT_FAILURES_MAX, now)
        self._refuse(by_address, ADDRESS_FAILURES_MAX, now)
        before = self._failures(by_account, now)
        for key in keys:
            if not self._failures(key, now):
                self._counts[key] = _Count(now)
            self._counts[key].failures += 1
            self._counts.move_to_end(key)
        while len(self._counts) > _KEPT_MAX:
            self._counts.popitem(last=False)
        if before < FREE_FAILURES:
            return 0
        return int(min(DELAY_MAX_SECONDS, 2 ** min(before - FREE_FAILURES, 10)))

    def forget(self, account: str, address: str) -> None:
        """Take one attempt back whose password nobody could look at."""
        for key in _keys(account, address):
            if (count := self._counts.get(key)) is not None:
                count.failures = max(0, count.failures - 1)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of an account whose owner came in; the address keeps its others."""
        self.forget(account, address)
        for key in _keys(account, address)[:2]:
            self._counts.pop(key, None)

    def _refuse(self, key: _Key, failures_max: int, now: datetime) -> None:
        if self._failures(key, now) >= failures_max:
            left = int((self._counts[key].since + WINDOW - now).total_seconds()) + 1
            raise LimitExceeded(
                "Too many attempts to sign in from your address failed.",
                next_step=f"Try again in {-(-left // 60)} minutes.",
                params={"retry_after_seconds": left},
            )

    def _failures(self, key: _Key, now: datetime) -> int:
        count = self._counts.get(key)
        return 0 if count is None or now - count.since >= WINDOW else count.failures


def _keys(account: str, address: str) -> tuple[_Key, _Key, _Key]:
    place = _place(address)
    return ("account", account), (place, account), ("address", place)


def _place(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or a network of IPv6 addresses."""
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or f"{int(found) >> 64:x}/64")

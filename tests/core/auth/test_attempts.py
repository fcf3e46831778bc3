"""Failed attempts: an account gets slower, an address is refused, nobody is locked out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hansa_core.auth.attempts import (
    ADDRESS_FAILURES_MAX,
    DELAY_MAX_SECONDS,
    FREE_FAILURES,
    WINDOW,
    Attempts,
)
from hansa_sdk import LimitExceeded

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_account_gets_slower_but_never_refused() -> None:
    attempts = Attempts()
    delays: list[int] = []
    for number in range(500):
        delays.append(attempts.delay_seconds("ada", NOW))
        attempts.failed("ada", f"10.0.{number // 200}.{number % 200}", NOW)
    assert delays[: FREE_FAILURES + 3] == [0, 0, 0, 1, 2, 4]
    assert max(delays) == DELAY_MAX_SECONDS
    attempts.refuse_address("192.0.2.1", NOW)
    assert attempts.delay_seconds("bob", NOW) == 0


def test_address_is_refused_until_the_window_ends() -> None:
    attempts = Attempts()
    for number in range(ADDRESS_FAILURES_MAX):
        attempts.refuse_address("192.0.2.1", NOW)
        attempts.failed(f"user {number}", "192.0.2.1", NOW)
    with pytest.raises(LimitExceeded) as caught:
        attempts.refuse_address("192.0.2.1", NOW + timedelta(minutes=1))
    assert caught.value.params["retry_after_seconds"] == 14 * 60 + 1
    attempts.refuse_address("192.0.2.2", NOW)
    attempts.refuse_address("192.0.2.1", NOW + WINDOW)


def test_success_forgets_the_account_but_not_the_address() -> None:
    attempts = Attempts()
    for _ in range(ADDRESS_FAILURES_MAX):
        attempts.failed("ada", "192.0.2.1", NOW)
    attempts.succeeded("ada")
    assert attempts.delay_seconds("ada", NOW) == 0
    with pytest.raises(LimitExceeded):
        attempts.refuse_address("192.0.2.1", NOW)


def test_counts_are_bounded() -> None:
    attempts = Attempts()
    for number in range(15_000):
        attempts.failed(f"user {number}", f"address {number}", NOW)
    for _ in range(FREE_FAILURES):
        attempts.failed("ada", "192.0.2.1", NOW)
    assert attempts.delay_seconds("ada", NOW) == 1
    for number in range(FREE_FAILURES):
        attempts.failed("user 0", f"elsewhere {number}", NOW)
    assert attempts.delay_seconds("user 0", NOW) == 1  # its first failure had made room

"""Failed attempts: an account gets slower, an address is refused, nobody is locked out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hansa_core.auth.attempts import (
    ACCOUNT_FAILURES_MAX,
    ADDRESS_FAILURES_MAX,
    DELAY_MAX_SECONDS,
    FREE_FAILURES,
    WINDOW,
    Attempts,
)
from hansa_sdk import LimitExceeded

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_account_gets_slower_but_never_refused_elsewhere() -> None:
    attempts = Attempts()
    delays = [attempts.begin("ada", f"10.0.{n // 200}.{n % 200}", NOW) for n in range(500)]
    assert delays[: FREE_FAILURES + 3] == [0, 0, 0, 1, 2, 4]
    assert max(delays) == DELAY_MAX_SECONDS
    assert attempts.begin("ada", "192.0.2.1", NOW) == DELAY_MAX_SECONDS
    assert attempts.begin("bob", "10.0.0.0", NOW) == 0


def test_address_is_refused_for_an_account_until_the_window_ends() -> None:
    attempts = Attempts()
    for _ in range(ACCOUNT_FAILURES_MAX):
        attempts.begin("ada", "192.0.2.1", NOW)
    with pytest.raises(LimitExceeded) as caught:
        attempts.begin("ada", "192.0.2.1", NOW + timedelta(minutes=1))
    assert caught.value.params["retry_after_seconds"] == 14 * 60 + 1
    attempts.begin("ada", "192.0.2.2", NOW)
    attempts.begin("bob", "192.0.2.1", NOW)
    assert attempts.begin("ada", "192.0.2.1", NOW + WINDOW) == 0


def test_address_is_refused_for_everybody_after_many_accounts() -> None:
    attempts = Attempts()
    for number in range(ADDRESS_FAILURES_MAX):
        attempts.begin(f"user {number}", "192.0.2.1", NOW)
    with pytest.raises(LimitExceeded):
        attempts.begin("ada", "192.0.2.1", NOW)
    attempts.begin("ada", "192.0.2.2", NOW)
    attempts.begin("ada", "192.0.2.1", NOW + WINDOW)


def test_refused_attempts_cost_the_address_nothing() -> None:
    attempts = Attempts()
    for number in range(2 * ADDRESS_FAILURES_MAX):
        if number < ACCOUNT_FAILURES_MAX:
            attempts.begin("ada", "192.0.2.1", NOW)
        else:
            with pytest.raises(LimitExceeded):
                attempts.begin("ada", "192.0.2.1", NOW)
    assert attempts.begin("bob", "192.0.2.1", NOW) == 0


def test_success_forgets_the_account_but_not_the_address() -> None:
    attempts = Attempts()
    for number in range(ADDRESS_FAILURES_MAX - 1):
        attempts.begin(f"user {number}", "192.0.2.1", NOW)
    for _ in range(2 * ACCOUNT_FAILURES_MAX):
        assert attempts.begin("ada", "192.0.2.1", NOW) == 0
        attempts.succeeded("ada", "192.0.2.1")
    attempts.begin("ada", "192.0.2.1", NOW)
    with pytest.raises(LimitExceeded):
        attempts.begin("ada", "192.0.2.1", NOW)


def test_attempt_nobody_looked_at_is_taken_back() -> None:
    attempts = Attempts()
    for _ in range(ADDRESS_FAILURES_MAX + 1):
        assert attempts.begin("ada", "192.0.2.1", NOW) == 0
        attempts.forget("ada", "192.0.2.1")


def test_addresses_of_one_subscriber_count_as_one() -> None:
    attempts = Attempts()
    for number in range(ACCOUNT_FAILURES_MAX):
        attempts.begin("ada", f"2001:db8::{number:x}", NOW)
    with pytest.raises(LimitExceeded):
        attempts.begin("ada", "2001:db8::ffff", NOW)
    attempts.begin("ada", "2001:db8:0:1::1", NOW)


def test_counts_are_bounded() -> None:
    attempts = Attempts()
    for number in range(15_000):
        attempts.begin(f"user {number}", f"address {number}", NOW)
    for _ in range(FREE_FAILURES):
        attempts.begin("ada", "192.0.2.1", NOW)
    assert attempts.begin("ada", "192.0.2.1", NOW) == 1
    for number in range(FREE_FAILURES):
        attempts.begin("user 0", f"elsewhere {number}", NOW)
    assert attempts.begin("user 0", "elsewhere", NOW) == 1  # its first failure had made room

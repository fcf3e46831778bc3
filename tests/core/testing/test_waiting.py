"""Waiting for a condition: the answer when it comes, a telling failure when it does not."""

from __future__ import annotations

import pytest

from hansa_core.testing.waiting import eventually, wait_until


async def test_eventually_returns_the_first_true_answer() -> None:
    answers = iter(["", "", "ready"])

    async def ask() -> str:
        return next(answers)

    assert await eventually(ask) == "ready"


async def test_eventually_says_what_never_came_when_time_is_up() -> None:
    async def ask() -> list[str]:
        return []

    with pytest.raises(AssertionError, match=r"the mail did not come true in 0\.02 s: \[\]"):
        await eventually(ask, timeout_seconds=0.02, what="the mail")


def test_wait_until_returns_the_first_true_answer() -> None:
    answers = iter([0, 7])
    assert wait_until(lambda: next(answers)) == 7


def test_wait_until_says_what_never_came_when_time_is_up() -> None:
    with pytest.raises(AssertionError, match=r"The condition did not come true in 0\.02 s: None"):
        wait_until(lambda: None, timeout_seconds=0.02)

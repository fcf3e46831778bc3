"""Passwords: strong enough parameters, no waiting event loop, rehashed when parameters grow."""

from __future__ import annotations

import asyncio
import re

import pytest

from hansa_core.auth.passwords import Passwords
from hansa_sdk import Busy, Invalid
from tests.core.auth.office import PASSWORD


@pytest.fixture
def quick() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


async def test_hash_is_argon2id_with_19_mib_and_two_passes() -> None:
    hashed = await Passwords().hash(PASSWORD)
    match = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$", hashed)
    assert match is not None
    assert int(match[1]) >= 19 * 1024
    assert int(match[2]) >= 2


async def test_password_is_right_or_wrong(quick: Passwords) -> None:
    hashed = await quick.hash(PASSWORD)
    assert (await quick.verify(hashed, PASSWORD)).right
    assert not (await quick.verify(hashed, PASSWORD + " ")).right
    assert not (await quick.verify("no hash at all", PASSWORD)).right
    assert not (await quick.verify(None, PASSWORD)).right


async def test_password_is_the_same_however_it_is_composed(quick: Passwords) -> None:
    composed, apart = "Z\u00fcrich im Regen", "Zu\u0308rich im Regen"
    assert (await quick.verify(await quick.hash(composed), apart)).right


async def test_hash_of_weaker_parameters_is_renewed(quick: Passwords) -> None:
    stronger = Passwords(memory_kib=128, passes=2)
    verdict = await stronger.verify(await quick.hash(PASSWORD), PASSWORD)
    assert verdict.rehashed is not None
    assert (await stronger.verify(verdict.rehashed, PASSWORD)).rehashed is None


@pytest.mark.parametrize("password", ["", "eleven char", "a" * 1025])
async def test_too_short_and_too_long_are_refused(quick: Passwords, password: str) -> None:
    with pytest.raises(Invalid) as caught:
        await quick.hash(password)
    assert caught.value.path == ("password",)
    assert str(len(password)) in caught.value.message


async def test_endless_password_is_wrong_and_not_hashed(quick: Passwords) -> None:
    hashed = await quick.hash(PASSWORD)
    assert not (await quick.verify(hashed, "a" * 10_000_000)).right


async def test_event_loop_goes_on_while_hashing() -> None:
    passwords = Passwords(passes=20)
    hashing = asyncio.create_task(passwords.hash(PASSWORD))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 20


async def test_those_who_wait_are_bounded(quick: Passwords) -> None:
    results = await asyncio.gather(
        *(quick.verify(None, PASSWORD) for _ in range(100)), return_exceptions=True
    )
    busy = [result for result in results if isinstance(result, Busy)]
    assert len(busy) == 36
    assert not (await quick.verify(None, PASSWORD)).right

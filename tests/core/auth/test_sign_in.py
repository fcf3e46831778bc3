"""Signing in by password on a real database: one answer for every failure, nobody locked out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from hansa_core.auth.attempts import ACCOUNT_FAILURES_MAX, DELAY_MAX_SECONDS, Attempts
from hansa_core.auth.passwords import Passwords, Verdict
from hansa_core.auth.sign_in import Origin, SignIn
from hansa_core.auth.tokens import SessionCredential
from hansa_core.auth.turns import WAITING_PER_ADDRESS_MAX, Turns
from hansa_core.records.unit import UnitOfWork
from hansa_core.system.accounts import set_password
from hansa_sdk import Busy, LimitExceeded, Unauthenticated, User
from tests.core.auth.office import PASSWORD, Office

HERE = Origin("192.0.2.1", "test")


@pytest.fixture
def pauses() -> list[int]:
    """Every wait the door imposed, in seconds, without waiting."""
    return []


@pytest.fixture
def door(office: Office, pauses: list[int]) -> SignIn:
    async def sleep(seconds: int) -> None:
        pauses.append(seconds)

    return SignIn(office.database, office.passwords, office.clock, sleep=sleep)


async def who(office: Office, token: str) -> UUID | None:
    return (await office.identify(SessionCredential(token))).principal.user_id


async def refuse(door: SignIn, office: Office, email: str, password: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await door.sign_in(office.tenant, email, password, HERE)
    return str(caught.value)


async def test_right_password_opens_a_session(office: Office, door: SignIn) -> None:
    user_id, email = await office.add_user(password=PASSWORD)
    assert await who(office, await door.sign_in(office.tenant, email, PASSWORD, HERE)) == user_id
    shouted = f" {email.upper()} "
    assert await who(office, await door.sign_in(office.tenant, shouted, PASSWORD, HERE)) == user_id


async def test_every_failure_has_the_same_text(office: Office, door: SignIn) -> None:
    _, email = await office.add_user(password=PASSWORD)
    _, without = await office.add_user()
    _, foreign = await office.add_user(password=PASSWORD, tenant=office.other)
    gone_id, gone = await office.add_user(password=PASSWORD)

    async def deactivate(unit: UnitOfWork) -> None:
        user = await unit.get(User, gone_id)
        user.active = False
        await unit.save(user)

    await office.runtime.write(office.administrator(), deactivate)
    texts = {
        await refuse(door, office, email, "wrong password"),
        await refuse(door, office, email, ""),
        await refuse(door, office, "nobody@example.org", PASSWORD),
        await refuse(door, office, "", PASSWORD),
        await refuse(door, office, without, PASSWORD),
        await refuse(door, office, foreign, PASSWORD),
        await refuse(door, office, gone, PASSWORD),
    }
    assert len(texts) == 1


async def test_unknown_user_costs_one_verification_too(office: Office) -> None:
    class Counting(Passwords):
        count = 0

        async def verify(self, stored: str | None, password: str) -> Verdict:
            self.count += 1
            return await super().verify(stored, password)

    passwords = Counting(memory_kib=64, passes=1)
    door = SignIn(office.database, passwords, office.clock)
    _, email = await office.add_user(password=PASSWORD)
    await refuse(door, office, "nobody@example.org", PASSWORD)
    assert passwords.count == 1
    await refuse(door, office, email, "wrong password")
    assert passwords.count == 2


async def test_session_before_ends_when_a_new_one_opens(office: Office, door: SignIn) -> None:
    _, email = await office.add_user(password=PASSWORD)
    first = await door.sign_in(office.tenant, email, PASSWORD, HERE)
    again = Origin("192.0.2.1", "test", session_token=first)
    second = await door.sign_in(office.tenant, email, PASSWORD, again)
    assert second != first
    with pytest.raises(Unauthenticated):
        await who(office, first)


async def test_sign_out_ends_one_session_or_all(office: Office, door: SignIn) -> None:
    user_id, email = await office.add_user(password=PASSWORD)
    tokens = [await door.sign_in(office.tenant, email, PASSWORD, HERE) for _ in range(3)]
    assert await door.sign_out(office.tenant, tokens[0])
    assert not await door.sign_out(office.tenant, tokens[0])
    assert await who(office, tokens[1]) == user_id
    assert await door.sign_out_everywhere(office.tenant, user_id) == 2
    for token in tokens:
        with pytest.raises(Unauthenticated):
            await who(office, token)


async def test_new_password_ends_every_session(office: Office, door: SignIn) -> None:
    user_id, email = await office.add_user(password=PASSWORD)
    token = await door.sign_in(office.tenant, email, PASSWORD, HERE)
    hashed = await office.passwords.hash("another good password")
    await office.runtime.write(
        office.administrator(), lambda unit: set_password(unit, user_id, hashed)
    )
    with pytest.raises(Unauthenticated):
        await who(office, token)
    await refuse(door, office, email, PASSWORD)
    await door.sign_in(office.tenant, email, "another good password", HERE)


async def test_old_hash_is_renewed_at_sign_in(office: Office) -> None:
    _, email = await office.add_user(password=PASSWORD)
    verdicts: list[Verdict] = []

    class Noting(Passwords):
        async def verify(self, stored: str | None, password: str) -> Verdict:
            verdicts.append(await super().verify(stored, password))
            return verdicts[-1]

    door = SignIn(office.database, Noting(memory_kib=128, passes=1), office.clock)
    for _ in range(2):
        await door.sign_in(office.tenant, email, PASSWORD, HERE)
    assert [verdict.rehashed is not None for verdict in verdicts] == [True, False]


async def test_stranger_slows_an_account_but_its_owner_comes_in(
    office: Office, door: SignIn, pauses: list[int]
) -> None:
    user_id, email = await office.add_user(password=PASSWORD)
    stranger: Callable[[int], Origin] = lambda n: Origin(f"198.51.100.{n}")  # noqa: E731  # one line
    for number in range(100):
        with pytest.raises(Unauthenticated):
            await door.sign_in(office.tenant, email, "guess", stranger(number))
    pauses.clear()
    assert await who(office, await door.sign_in(office.tenant, email, PASSWORD, HERE)) == user_id
    assert pauses == [DELAY_MAX_SECONDS]
    pauses.clear()
    await door.sign_in(office.tenant, email, PASSWORD, HERE)
    assert pauses == []


async def test_address_that_failed_too_often_is_refused_for_that_account_only(
    office: Office, door: SignIn
) -> None:
    _, email = await office.add_user(password=PASSWORD)
    _, other = await office.add_user(password=PASSWORD)
    for _ in range(ACCOUNT_FAILURES_MAX):
        await refuse(door, office, email, "guess")
    with pytest.raises(LimitExceeded):
        await door.sign_in(office.tenant, email, PASSWORD, HERE)
    await door.sign_in(office.tenant, other, PASSWORD, HERE)
    await door.sign_in(office.tenant, email, PASSWORD, Origin("192.0.2.99"))


async def test_guesses_sent_at_once_are_looked_at_one_by_one(office: Office) -> None:
    class Counting(Passwords):
        count = at_once = at_once_max = 0

        async def verify(self, stored: str | None, password: str) -> Verdict:
            self.count += 1
            self.at_once += 1
            self.at_once_max = max(self.at_once_max, self.at_once)
            try:
                return await super().verify(stored, password)
            finally:
                self.at_once -= 1

    async def sleep(seconds: int) -> None:
        await asyncio.sleep(0)

    passwords = Counting(memory_kib=64, passes=1)
    door = SignIn(office.database, passwords, office.clock, sleep=sleep)
    _, email = await office.add_user(password=PASSWORD)
    found: list[BaseException | str] = []
    for _ in range(10):
        guesses = [door.sign_in(office.tenant, email, "guess", HERE) for _ in range(30)]
        found += await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(error) for error in found} == {Unauthenticated, Busy, LimitExceeded}
    assert passwords.count == ACCOUNT_FAILURES_MAX
    assert passwords.at_once_max == 1
    await door.sign_in(office.tenant, email, PASSWORD, Origin("192.0.2.99"))


async def test_password_nobody_could_look_at_is_no_failure(office: Office) -> None:
    class Overrun(Passwords):
        async def verify(self, stored: str | None, password: str) -> Verdict:
            raise Busy("Too many people are signing in.", next_step="Try again.")

    attempts = Attempts()
    door = SignIn(
        office.database, Overrun(memory_kib=64, passes=1), office.clock, attempts=attempts
    )
    _, email = await office.add_user(password=PASSWORD)
    for _ in range(ACCOUNT_FAILURES_MAX + 1):
        with pytest.raises(Busy, match="Too many people"):
            await door.sign_in(office.tenant, email, PASSWORD, HERE)


async def test_turns_are_forgotten_when_nobody_waits() -> None:
    turns = Turns()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(turns.take("ada", "192.0.2.1"))
        waiting = [
            asyncio.create_task(stack.enter_async_context(turns.take("ada", "192.0.2.1")))
            for _ in range(WAITING_PER_ADDRESS_MAX)
        ]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [Busy]
        for task in pending:
            task.cancel()
        await asyncio.wait(pending)
    assert len(turns) == 0

"""Passwords: hashed with Argon2id in threads, a few at a time, so the event loop never waits."""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NewType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hansa_sdk import Busy, Invalid

PasswordHash = NewType("PasswordHash", str)

LENGTH_MIN: Final = 12
_LENGTH_MAX: Final = 1024
_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_AT_ONCE: Final = 2
_WAITING_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right, and its new hash when the stored one is out of date."""

    right: bool
    rehashed: PasswordHash | None = None


class Passwords:
    """Hashes and verifies. At most `at_once` run together: each takes 19 MiB and a core.

    Raises Busy when more than 64 wait.
    """

    def __init__(
        self, *, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES, at_once: int = _AT_ONCE
    ) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobody = _nobody(memory_kib, passes)

    async def hash(self, password: str) -> PasswordHash:
        """Hash a new password; raises Invalid when a person's password may not be like that."""
        check_password(password)
        return await self._hash(password)

    async def verify(self, stored: str | None, password: str) -> Verdict:
        """Compare a password with its hash; nobody's (None) takes as long and is wrong."""
        if len(password) > _LENGTH_MAX:
            password, stored = "", None
        async with self._slot():
            right = await asyncio.to_thread(self._matches, stored or self._nobody, password)
        if not right or stored is None:
            return Verdict(right=False)
        if not self._hasher.check_needs_rehash(stored):
            return Verdict(right=True)
        return Verdict(right=True, rehashed=await self._hash(password))

    async def _hash(self, password: str) -> PasswordHash:
        async with self._slot():
            return PasswordHash(await asyncio.to_thread(self._hasher.hash, _normal(password)))

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._waiting >= _WAITING_MAX:
            raise Busy("Too many people are signing in.", next_step="Try again in a moment.")
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _normal(password))
        except (VerificationError, InvalidHashError):
            return False


def check_password(password: str) -> None:
    """Raise Invalid when a person's password is too short or too long."""
    if len(password) < LENGTH_MIN:
        raise Invalid(
            f"A password needs at least {LENGTH_MIN} characters; this one has {len(password)}.",
            next_step="Take a sentence you will remember.",
            path=("password",),
        )
    if len(password) > _LENGTH_MAX:
        raise Invalid(
            f"A password has at most {_LENGTH_MAX} characters; this one has {len(password)}.",
            next_step="Take a shorter one.",
            path=("password",),
        )


def _normal(password: str) -> str:
    """Write a password in one way, however the keyboard composed its characters."""
    return unicodedata.normalize("NFKC", password)


def _nobody(memory_kib: int, passes: int) -> str:
    """Write down a hash that costs what a real one costs and that no password has."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32)
    )
    return f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"

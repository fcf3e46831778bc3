"""Whether those who listen may go on: their keys, sessions and roles, looked up all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hansa_core.auth.identify import Identifier
from hansa_core.auth.tokens import Credential, refused
from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.storage.transaction import Session
from hansa_sdk import Denied, HansaError


@dataclass(eq=False, slots=True)
class Guard:
    """One who listens; `ended` is set, with why, once he may not go on."""

    credential: Credential
    roles: frozenset[str]
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: HansaError | None = None

    def end(self, reason: HansaError) -> None:
        """Let him not go on."""
        if self.reason is None:
            self.reason = reason
            self.ended.set()


class Guards:
    """Those who listen to one tenant."""

    def __init__(self, identifier: Identifier, clock: Clock) -> None:
        self._identifier = identifier
        self._clock = clock
        self._guards: set[Guard] = set()

    @contextmanager
    def guarding(self, credential: Credential, caller: Caller) -> Generator[Guard]:
        """Look after one who listens while the block runs."""
        guard = Guard(credential, frozenset(caller.principal.roles))
        self._guards.add(guard)
        try:
            yield guard
        finally:
            self._guards.discard(guard)

    async def check(self, session: Session) -> None:
        """End those whose key, session or account ended, or who lost a role they came with."""
        guards = list(self._guards)
        if not guards:
            return
        credentials = {guard.credential for guard in guards}
        standing = await self._identifier.standing(session, credentials, self._clock.now())
        for guard in guards:
            roles = standing.get(guard.credential)
            if roles is None:
                guard.end(refused())
            elif not guard.roles <= roles:
                guard.end(role_lost())


def role_lost() -> Denied:
    """Return what one is told who lost a role while listening."""
    return Denied(
        "A role you had was taken from you.",
        next_step="Subscribe again with the last cursor, for what you may see now.",
    )

"""A key that is presented with a request: who it is, found out together with what he asks.

The look-up of a key decides with every request, and is never answered from memory. Whom it found
last is remembered only to guess what it will find: a plan for the one expected runs in the same
statement as the look-up, one exchange with the database instead of two, and is thrown away where
the look-up finds anything else than expected.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from hansa_core.auth.identify import Identified, Identifier
from hansa_core.auth.tokens import KeyCredential, token_hash
from hansa_core.clock import Clock
from hansa_core.query.compiled import Compiled
from hansa_core.query.late import Request
from hansa_core.storage.transaction import Session, Tenant

EXPECTED_MAX: Final = 1000
"""Keys whose last look-up is remembered."""


class Expected:
    """What the last look-up of each key found: a guess, which decides nothing."""

    def __init__(self, kept: int = EXPECTED_MAX) -> None:
        self._found: OrderedDict[tuple[str, bytes], Identified] = OrderedDict()
        self._kept = kept

    def of(self, tenant: Tenant, credential: KeyCredential) -> Identified | None:
        """Return what the last look-up of a key found, if it is remembered."""
        return self._found.get((tenant.schema, token_hash(credential.token)))

    def note(self, tenant: Tenant, credential: KeyCredential, found: Identified) -> None:
        """Remember what a look-up found, in place of what was found longest ago."""
        key = (tenant.schema, token_hash(credential.token))
        self._found[key] = found
        self._found.move_to_end(key)
        if len(self._found) > self._kept:
            self._found.popitem(last=False)

    def forget(self, tenant: Tenant, credential: KeyCredential) -> None:
        """Remember nothing of a key."""
        self._found.pop((tenant.schema, token_hash(credential.token)), None)


class Presented:
    """A key on a borrowed connection. `found` is what its look-up found, once there was one."""

    def __init__(
        self,
        session: Session,
        credential: KeyCredential,
        identifier: Identifier,
        expected: Expected,
        clock: Clock,
    ) -> None:
        self.found: Identified | None = None
        self._guess = expected.of(session.tenant, credential)
        self.session = session
        self._credential = credential
        self._identifier = identifier
        self._expected = expected
        self._clock = clock

    def guess(self) -> Identified | None:
        """Return what the look-up will probably find."""
        return self._guess

    async def look_up(self) -> Identified:
        """Return what the look-up finds; raises Unauthenticated, and is done once."""
        if self.found is None:
            now = self._clock.now()
            self.found = await self._identifier.identify(self.session, self._credential, now)
            self._expected.note(self.session.tenant, self._credential, self.found)
        return self.found

    async def alone(self, compiled: Compiled, request: Request) -> Sequence[object] | None:
        """Return what a plan's statement answers."""
        return await compiled.fetch(self.session, request)

    async def together(self, compiled: Compiled, request: Request) -> Sequence[object] | None:
        """Look the key up and run a plan for the one guessed; None where it is not he.

        Raises what the database does, but only to the one guessed, and Unauthenticated to others.
        """
        guess = self._guess
        assert guess is not None
        statement = compiled.within("look-up", self._identifier.together)
        asking = (statement, compiled.bound(request))
        now = self._clock.now()
        try:
            answer = await self._identifier.is_still(
                self.session, self._credential, now, guess, asking
            )
        except Exception:
            if (await self.look_up()).known_by != guess.known_by:
                return None
            raise
        if answer is None:
            self._expected.forget(self.session.tenant, self._credential)
            return None
        self.found, parts = answer
        return parts

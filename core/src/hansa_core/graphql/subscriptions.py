"""Subscriptions while they run: each takes the changes behind its cursor and tells those it may.

Nothing is queued: a subscription reads on once its reader took what it was told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID

from hansa_core.auth.tokens import Credential
from hansa_core.caller import Caller
from hansa_core.graphql.asking import Answer
from hansa_core.graphql.errors import formatted_error
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.following import ChangesPlatform, Following
from hansa_core.graphql.schemas import SchemaPlatform
from hansa_core.graphql.wire import GraphQLRequest
from hansa_core.live.feed import Feed, Feeds, Told
from hansa_core.live.positions import Positions
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Busy, HansaError, LimitExceeded, Unavailable

T = TypeVar("T")

PER_CONNECTION_MAX: Final = 50
"""How many operations one connection may have at once."""
PER_PRINCIPAL_MAX: Final = 100
"""How many subscriptions one key, or one person's sessions, may have in a process."""
_RETRY_SECONDS: Final = (0.1, 0.5, 2.0)


class StreamPlatform(SchemaPlatform, ChangesPlatform, Protocol):
    """What subscriptions ask of the running platform."""

    @property
    def feeds(self) -> Feeds:
        """The ledgers this process listens to."""
        ...

    async def authenticate(self, tenant: Tenant, credential: Credential) -> Caller:
        """Return who presents a credential; raises Unauthenticated."""
        ...


class Slow(Exception):
    """A reader did not take a message in time."""


def too_slow() -> LimitExceeded:
    """Return what a reader is told that is dropped."""
    return LimitExceeded(
        "Changes came faster than they were read.",
        next_step="Subscribe again with `since`, and read faster or ask for less.",
    )


@dataclass(slots=True)
class Streams:
    """All that a process streams: how much for whom, how patiently, and whether it must end.

    `init_seconds` is how long a client may take to say who it is, `idle_seconds` how long a
    connection may be without an operation, `stall_seconds` how long a reader may take for one
    message before it is dropped.
    """

    closing: asyncio.Event = field(default_factory=asyncio.Event)
    init_seconds: float = 10.0
    idle_seconds: float = 120.0
    stall_seconds: float = 5.0
    _taken: Counter[tuple[UUID, UUID | None]] = field(
        default_factory=Counter[tuple[UUID, "UUID | None"]]
    )

    @contextmanager
    def place(self, caller: Caller) -> Generator[None]:
        """Count one subscription of a caller while the block runs; raises LimitExceeded."""
        principal = caller.principal
        key = (caller.tenant.id, principal.key_id or principal.user_id)
        if self._taken[key] >= PER_PRINCIPAL_MAX:
            raise LimitExceeded(
                f"You have {PER_PRINCIPAL_MAX} subscriptions already, the most at once.",
                next_step="End one that is not needed.",
            )
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Refused(Exception):
    """A subscription that is not answered, with the errors that say why."""

    def __init__(self, errors: Sequence[object]) -> None:
        super().__init__("refused")
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Listener:
    """One connection, by what it was opened with. Who that is now is asked again and again."""

    platform: StreamPlatform
    engine: GraphQL
    tenant: Tenant
    credential: Credential
    feed: Feed

    async def caller(self) -> Caller:
        """Return the caller with the grants of this moment; raises Unauthenticated."""
        return await _whole(self.platform.authenticate(self.tenant, self.credential))

    async def open(self, caller: Caller, request: GraphQLRequest) -> Subscription | Answer:
        """Begin a subscription, or answer an operation of another kind.

        Raises Refused for a subscription that cannot be answered.
        """
        planned = await self.engine.follow(caller, request)
        if planned is None:
            return await self.engine.answer_request(caller, request)
        return Subscription(self, request, _planned(planned))


class Subscription:
    """One subscription: the changes behind its position that its caller may see."""

    def __init__(self, listener: Listener, request: GraphQLRequest, following: Following) -> None:
        """Raises Refused for a `since` that is no cursor of this ledger."""
        self._listener = listener
        self._request = request
        self._following = following
        self._positions = Positions(listener.platform.cursors, listener.tenant.id)
        self._position = listener.feed.head
        if following.since is not None:
            try:
                self._position = self._positions.open(following.since, self._position)
            except HansaError as error:
                raise Refused([formatted_error(error)]) from error

    @property
    def cursor(self) -> str:
        """Where to go on: behind the last change that was taken."""
        return self._positions.seal(self._position)

    def ending(self, error: Exception) -> list[object]:
        """Return the errors that end it, with the cursor to go on with."""
        told: list[object] = []
        for each in error.errors if isinstance(error, Refused) else [formatted_error(error)]:
            known = cast("Mapping[str, object]", each)
            extensions = cast("Mapping[str, object]", known.get("extensions") or {})
            told.append({**known, "extensions": {**extensions, "since": self.cursor}})
        return told

    async def answers(self) -> AsyncGenerator[bytes]:
        """Give an answer for each change; asking for the next means that it was taken.

        Raises Unauthenticated, Denied and Refused once the caller may not go on, Busy and
        Unavailable where the database does not answer for seconds.
        """
        while True:
            batch = await self._listener.feed.after(self._position, self._following.batch)
            concerned = [told for told in batch if self._following.concerns(told)]
            for position, answer in await _whole(self._answered(concerned)) if concerned else ():
                yield answer
                self._position = position
            self._position = batch[-1].position

    async def _answered(self, told: Sequence[Told]) -> list[tuple[int, bytes]]:
        for pause in _RETRY_SECONDS:
            try:
                return await self._answered_now(told)
            except (Busy, Unavailable):
                await asyncio.sleep(pause)
        return await self._answered_now(told)

    async def _answered_now(self, told: Sequence[Told]) -> list[tuple[int, bytes]]:
        caller = await self._listener.caller()
        before = self._following.caller
        if (caller.shape.key, caller.grants.key) == (before.shape.key, before.grants.key):
            self._following = replace(self._following, caller=caller)
        else:
            self._following = _planned(await self._listener.engine.follow(caller, self._request))
        still = [each for each in told if self._following.concerns(each)]
        return await self._following.answers(self._listener.platform, self._positions, still)


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Let short work of the database end by itself when who waits for it is cancelled.

    Clients that come and go would else end one statement, and with it a connection, each.
    """
    return await asyncio.shield(asyncio.create_task(work))


def _planned(planned: Following | Answer | None) -> Following:
    if isinstance(planned, Following):
        return planned
    assert planned is not None  # it was a subscription before
    raise Refused(cast("Sequence[object]", planned["errors"]))

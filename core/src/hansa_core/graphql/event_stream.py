"""Server-sent events, as npm's graphql-sse reads them ("distinct connections mode")."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, TypeAlias

from hansa_core.auth.tokens import Credential
from hansa_core.caller import Caller
from hansa_core.graphql.errors import formatted_error
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.subscriptions import (
    Listener,
    Refused,
    Slow,
    StreamPlatform,
    Streams,
    Subscription,
    too_slow,
)
from hansa_core.graphql.wire import EVENT_STREAM, GraphQLRequest, encoded
from hansa_core.live.guards import Guard
from hansa_sdk import HansaError, Unavailable

Receive: TypeAlias = Callable[[], Awaitable[Any]]  # any of ASGI's events
Send: TypeAlias = Callable[[Any], Awaitable[None]]  # any of ASGI's events

BREATH_SECONDS: Final = 12.0
"""How often something is sent, so that an end is noticed and proxies keep the connection."""

_HEADERS: Final = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """The answer to one POST that accepts text/event-stream: an ASGI application."""

    def __init__(
        self,
        platform: StreamPlatform,
        engine: GraphQL,
        streams: Streams,
        caller: Caller,
        credential: Credential,
        request: GraphQLRequest,
    ) -> None:
        self._platform = platform
        self._engine = engine
        self._streams = streams
        self._caller = caller
        self._credential = credential
        self._request = request
        self._turn = asyncio.Lock()

    async def __call__(self, scope: object, receive: Receive, send: Send) -> None:
        """Send events until the operation, the client or the right to it ends."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        hung_up = asyncio.ensure_future(_hung_up(receive))
        try:
            last = await self._events(send, hung_up)
            if not hung_up.done():
                await self._send(send, last, more=True)
                await self._send(send, b"event: complete\ndata:\n\n", more=False)
        except Slow:
            return  # it reads nothing: the server gives its connection up
        finally:
            hung_up.cancel()
            await asyncio.gather(hung_up, return_exceptions=True)

    async def _events(self, send: Send, hung_up: asyncio.Future[None]) -> bytes:
        """Send all events but the last, which is returned."""
        tenant = self._caller.tenant
        try:
            async with self._platform.feeds.listening(tenant) as feed:
                listener = Listener(self._platform, self._engine, tenant, self._credential, feed)
                opened = await listener.open(self._caller, self._request)
                if not isinstance(opened, Subscription):
                    return _next(encoded(opened))
                with (
                    self._streams.place(self._caller),
                    feed.guards.guarding(self._credential, self._caller) as guard,
                ):
                    error = await self._followed(send, opened, guard, hung_up)
                return _next(encoded({"errors": opened.ending(error)}))
        except Refused as refused:
            return _next(encoded({"errors": refused.errors}))
        except HansaError as error:
            return _next(encoded({"errors": [formatted_error(error)]}))

    async def _followed(
        self, send: Send, subscription: Subscription, guard: Guard, hung_up: asyncio.Future[None]
    ) -> Exception:
        """Send changes until something ends it; return what."""
        telling = asyncio.ensure_future(self._tell(send, subscription))
        breathing = asyncio.ensure_future(self._breathe(send))
        ended = asyncio.ensure_future(guard.ended.wait())
        closing = asyncio.ensure_future(self._streams.closing.wait())
        every = (telling, breathing, ended, closing)
        try:
            await asyncio.wait((*every, hung_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in every:
                task.cancel()
            results = await asyncio.gather(*every, return_exceptions=True)
        failed = next((each for each in results[:2] if isinstance(each, Exception)), None)
        if guard.reason is not None:
            return guard.reason
        if failed is None:
            return Unavailable("The server stops.", next_step="Subscribe again with `since`.")
        return too_slow() if isinstance(failed, Slow) else failed

    async def _tell(self, send: Send, subscription: Subscription) -> None:
        async with aclosing(subscription.answers()) as answers:
            async for answer in answers:
                await self._send(send, _next(answer), more=True)

    async def _breathe(self, send: Send) -> None:
        while True:
            await self._send(send, b":\n\n", more=True)
            await asyncio.sleep(BREATH_SECONDS)

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        """Send a part; raises Slow where the client does not read."""
        event = {"type": "http.response.body", "body": body, "more_body": more}
        async with self._turn:
            try:
                async with asyncio.timeout(self._streams.stall_seconds):
                    await send(event)
            except TimeoutError:
                raise Slow from None


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(answer: bytes) -> bytes:
    return b"event: next\ndata: " + answer + b"\n\n"

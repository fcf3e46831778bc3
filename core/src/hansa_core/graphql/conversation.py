"""The protocol graphql-transport-ws, as npm's graphql-ws speaks it, over any socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Final, Protocol, cast

import msgspec

from hansa_core.auth.tokens import Credential
from hansa_core.graphql.errors import formatted_error
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.subscriptions import (
    PER_CONNECTION_MAX,
    Listener,
    Refused,
    Slow,
    StreamPlatform,
    Streams,
    Subscription,
    too_slow,
)
from hansa_core.graphql.wire import GraphQLRequest, encoded, request_in
from hansa_core.live.guards import Guard
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Denied, HansaError, LimitExceeded, NotFound, Unauthenticated

SUBPROTOCOL: Final = "graphql-transport-ws"
ID_LENGTH_MAX: Final = 100
REASON_BYTES_MAX: Final = 123
"""Bytes of the reason in the message that closes a WebSocket."""

GOING_AWAY: Final = 1001
BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
NOT_SUPPORTED: Final = 4406
INIT_TIMEOUT: Final = 4408
DUPLICATE_ID: Final = 4409
SLOW: Final = 4413
"""Ours: the client did not read fast enough; the reason has the cursor to go on with."""
TOO_MANY_INITS: Final = 4429
FAULT: Final = 4500

Present = Callable[[str | None], Awaitable[tuple[Tenant, Credential]]]
"""Who knocks, given what `connection_init` says of authorization; raises a HansaError."""


class Wire(Protocol):
    """A WebSocket that was accepted."""

    async def receive(self) -> str | None:
        """Return the next text; raises EOFError at the end, gives None for a binary message."""
        ...

    async def send(self, text: str) -> None:
        """Send a text, waiting while the peer does not read."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close it."""
        ...


class Closing(Exception):
    """Ends the conversation with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Conversation:
    """One client's connection, from its first message to its end."""

    def __init__(
        self,
        platform: StreamPlatform,
        engine: GraphQL,
        streams: Streams,
        present: Present,
        wire: Wire,
    ) -> None:
        self._platform = platform
        self._engine = engine
        self._streams = streams
        self._present = present
        self._wire = wire
        self._turn = asyncio.Lock()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._subscriptions: dict[str, Subscription] = {}
        self._failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._idle_since = 0.0

    async def run(self) -> None:
        """Talk until one of both ends it. Raises nothing for what a client does."""
        try:
            async with AsyncExitStack() as stack:
                try:
                    listener, guard = await self._begin(stack)
                    await self._listen(listener, guard)
                finally:
                    await self._end_operations()
        except Closing as closing:
            await self._close(closing.code, closing.reason)
        except Slow:
            await self._drop()
        except EOFError:
            return

    async def _begin(self, stack: AsyncExitStack) -> tuple[Listener, Guard]:
        """Hear who it is, and say yes."""
        try:
            async with asyncio.timeout(self._streams.init_seconds):
                payload = await self._init()
        except TimeoutError:
            raise Closing(INIT_TIMEOUT, "Connection initialisation timeout") from None
        given = payload.get("authorization", payload.get("Authorization"))
        try:
            tenant, credential = await self._present(given if isinstance(given, str) else None)
            caller = await self._platform.authenticate(tenant, credential)
            feed = await stack.enter_async_context(self._platform.feeds.listening(tenant))
        except HansaError as error:
            raise _closing(error) from error
        guard = stack.enter_context(feed.guards.guarding(credential, caller))
        await self._tell({"type": "connection_ack"})
        return Listener(self._platform, self._engine, tenant, credential, feed), guard

    async def _init(self) -> Mapping[str, object]:
        while True:
            message = _message(await self._wire.receive())
            match message["type"]:
                case "connection_init":
                    return _payload(message)
                case "ping":
                    await self._pong(message)
                case "pong":
                    pass
                case "subscribe":
                    raise Closing(UNAUTHORIZED, "Unauthorized: send connection_init first.")
                case _:
                    raise _unexpected(message)

    async def _listen(self, listener: Listener, guard: Guard) -> None:
        loop, idle = asyncio.get_running_loop(), self._streams.idle_seconds
        self._idle_since = loop.time()
        ended = asyncio.ensure_future(guard.ended.wait())
        closing = asyncio.ensure_future(self._streams.closing.wait())
        receiving = asyncio.ensure_future(self._wire.receive())
        try:
            while True:
                left = self._idle_since + idle - loop.time()
                await asyncio.wait(
                    (receiving, ended, closing, self._failed),
                    timeout=None if self._operations else max(left, 0.0),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if ended.done():
                    assert guard.reason is not None
                    raise _closing(guard.reason)
                if closing.done():
                    raise Closing(GOING_AWAY, "The server stops.")
                if self._failed.done():
                    raise self._failed.result()
                if receiving.done():
                    await self._heard(listener, receiving.result())
                    receiving = asyncio.ensure_future(self._wire.receive())
                elif not self._operations and self._idle_since + idle <= loop.time():
                    raise Closing(GOING_AWAY, f"Idle for {idle:.0f} seconds.")
        finally:
            for waiting in (ended, closing, receiving):
                waiting.cancel()
            await asyncio.gather(ended, closing, receiving, return_exceptions=True)

    async def _heard(self, listener: Listener, text: str | None) -> None:
        message = _message(text)
        match message["type"]:
            case "subscribe":
                await self._subscribe(listener, message)
            case "complete":
                self._forget(_id(message))
            case "ping":
                await self._pong(message)
            case "pong":
                pass
            case "connection_init":
                raise Closing(TOO_MANY_INITS, "Too many initialisation requests")
            case _:
                raise _unexpected(message)

    async def _subscribe(self, listener: Listener, message: Mapping[str, object]) -> None:
        id = _id(message)
        try:
            request = request_in(message.get("payload"))
        except HansaError as error:
            raise Closing(BAD_REQUEST, str(error)) from error
        if id in self._operations:
            raise Closing(DUPLICATE_ID, f"Subscriber for {id} already exists")
        if len(self._operations) >= PER_CONNECTION_MAX:
            limit = LimitExceeded(
                f"A connection has at most {PER_CONNECTION_MAX} operations at once.",
                next_step="End one that is not needed, or open another connection.",
            )
            await self._refuse(id, [formatted_error(limit)])
            return
        task = asyncio.create_task(self._operate(listener, id, request))
        self._operations[id] = task
        task.add_done_callback(lambda _: self._over(id, task))

    def _forget(self, id: str) -> None:
        """End an operation the client wants no more of; its id is free at once."""
        task = self._operations.pop(id, None)
        self._subscriptions.pop(id, None)
        if task is not None:
            task.cancel()
            self._ending.add(task)

    def _over(self, id: str, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if self._operations.get(id) is task:
            del self._operations[id]
        self._idle_since = asyncio.get_running_loop().time()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not self._failed.done():
            self._failed.set_result(error)

    async def _operate(self, listener: Listener, id: str, request: GraphQLRequest) -> None:
        """Answer one operation. Raises Slow where the client does not read, and EOFError."""
        try:
            caller = await listener.caller()
            opened = await listener.open(caller, request)
            if isinstance(opened, Subscription):
                with self._streams.place(caller):
                    await self._follow(id, opened)
            elif "data" in opened:
                await self._next(id, encoded(opened))
                await self._tell({"id": id, "type": "complete"})
            else:
                await self._refuse(id, opened["errors"])
        except Refused as refused:
            await self._refuse(id, refused.errors)
        except (Slow, EOFError):
            raise
        except Unauthenticated as error:
            raise _closing(error) from error
        except Exception as error:  # logged under a reference where it is no HansaError
            await self._refuse(id, [formatted_error(error)])

    async def _follow(self, id: str, subscription: Subscription) -> None:
        self._subscriptions[id] = subscription
        try:
            async with aclosing(subscription.answers()) as answers:
                async for answer in answers:
                    await self._next(id, answer)
        except (Slow, EOFError, Unauthenticated):
            raise
        except Exception as error:
            await self._refuse(id, subscription.ending(error))
        # kept after Slow: the message that drops the client tells its cursor
        self._subscriptions.pop(id, None)

    async def _next(self, id: str, answer: bytes) -> None:
        await self._tell({"id": id, "type": "next", "payload": msgspec.Raw(answer)})

    async def _refuse(self, id: str, errors: object) -> None:
        await self._tell({"id": id, "type": "error", "payload": errors})

    async def _pong(self, message: Mapping[str, object]) -> None:
        payload = {"payload": message["payload"]} if message.get("payload") is not None else {}
        await self._tell({"type": "pong", **payload})

    async def _tell(self, message: Mapping[str, object]) -> None:
        """Send a message; raises Slow where the client does not read."""
        text = encoded(message).decode()
        async with self._turn:
            try:
                async with asyncio.timeout(self._streams.stall_seconds):
                    await self._wire.send(text)
            except TimeoutError:
                raise Slow from None

    async def _drop(self) -> None:
        """Let go a client that does not read: tell it where to go on, if it reads at all."""
        cursors = [each.cursor for each in self._subscriptions.values()]
        reason = f"Too slow; go on with since: {cursors[0]}" if len(cursors) == 1 else "Too slow"
        try:
            async with asyncio.timeout(self._streams.stall_seconds):
                for id, subscription in self._subscriptions.items():
                    ending = {"id": id, "type": "error", "payload": subscription.ending(too_slow())}
                    await self._wire.send(encoded(ending).decode())
        except (TimeoutError, EOFError):
            return
        await self._close(SLOW, reason)

    async def _close(self, code: int, reason: str) -> None:
        cut = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
        try:
            async with asyncio.timeout(self._streams.stall_seconds):
                await self._wire.close(code, cut)
        except (TimeoutError, EOFError):
            return

    async def _end_operations(self) -> None:
        tasks = [*self._operations.values(), *self._ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _message(text: str | None) -> Mapping[str, object]:
    """Read a message; raises Closing for what is none."""
    try:
        message: object = msgspec.json.decode(text) if text is not None else None
    except (msgspec.DecodeError, RecursionError):
        message = None
    if isinstance(message, dict):
        known = cast("dict[str, object]", message)
        if isinstance(known.get("type"), str):
            return known
    raise Closing(BAD_REQUEST, "Expected a message: a JSON object with a type.")


def _payload(message: Mapping[str, object]) -> Mapping[str, object]:
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(BAD_REQUEST, "Expected an object as payload of connection_init.")
    return cast("dict[str, object]", payload)


def _id(message: Mapping[str, object]) -> str:
    id = message.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= ID_LENGTH_MAX:
        raise Closing(BAD_REQUEST, f"Expected an id of 1 to {ID_LENGTH_MAX} characters.")
    return id


def _unexpected(message: Mapping[str, object]) -> Closing:
    return Closing(BAD_REQUEST, f"Unexpected message of type {str(message['type'])[:40]!r}.")


def _closing(error: HansaError) -> Closing:
    match error:
        case Unauthenticated():
            return Closing(UNAUTHORIZED, f"Unauthorized: {error}")
        case Denied():
            return Closing(FORBIDDEN, f"Forbidden: {error}")
        case NotFound() | LimitExceeded():
            return Closing(BAD_REQUEST, str(error))
        case _:
            return Closing(FAULT, str(error))

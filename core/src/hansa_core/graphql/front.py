"""The short way of a program's request: an API key, one statement, the bytes it answers.

Everything else goes the long way through Litestar: pages, cookies, streams, mutations that take
more than one statement, documents that are new, and everything that is refused. Both ways share
sign-in, plans and limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from hansa_core.auth.tokens import KeyCredential, read_key_header
from hansa_core.caller import Caller
from hansa_core.graphql.asking import Answer
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.hanging_up import EndsWhenHungUp, HungUp
from hansa_core.graphql.wire import (
    answer_type,
    encoded,
    read_request,
    refusal,
    retry_headers,
    status_of,
)
from hansa_core.presenting import Presented
from hansa_core.storage.transaction import Tenant

Message = Mapping[str, Any]  # Any: messages of ASGI
Scope = Mapping[str, Any]  # Any: as above
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]  # Any: an application's own types of ASGI
TenantOf = Callable[[str], Awaitable[Tenant]]

BODY_BYTES_MAX: Final = 65_536
"""Bytes of the longest body that is read before its sender is known."""
BODY_SECONDS: Final = 10
_CONTENT_TYPES: Final = (b"application/json", b"application/json; charset=utf-8")
_PLAIN: Final = frozenset(
    (b"host", b"content-type", b"accept", b"content-length", b"authorization")
)
_ELSEWHERE: Final = frozenset((b"cookie", b"idempotency-key", b"transfer-encoding"))
"""Headers that ask for the long way."""


class FrontPlatform(Protocol):
    """What the short way asks of the running platform."""

    def presented(
        self, tenant: Tenant, credential: KeyCredential, *, writes: bool
    ) -> AbstractAsyncContextManager[Presented]:
        """Return a key on a borrowed connection, which can also write if asked to."""
        ...

    def guessed(self, tenant: Tenant, presented: Presented) -> Caller | None:
        """Return who probably presents a key."""
        ...

    async def signed_in(self, tenant: Tenant, presented: Presented) -> Caller:
        """Return who presents a key; raises Unauthenticated."""
        ...

    async def signed_in_to_write(self, tenant: Tenant, presented: Presented) -> Caller:
        """Return who presents a key, once its use is noted; raises Unauthenticated."""
        ...


@dataclass(frozen=True, slots=True)
class _Head:
    """What the headers of a request say."""

    host: str
    authorization: str
    media_type: str
    length: int


class Front:
    """An ASGI application before another: answers what it can, and hands the rest on."""

    def __init__(
        self,
        app: App,
        platform: FrontPlatform,
        tenant_of: TenantOf,
        engine: GraphQL,
        is_host: Callable[[str], bool],
    ) -> None:
        self.app = app
        self._platform = platform
        self._tenant_of = tenant_of
        self._engine = engine
        self._is_host = is_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        head = None
        if scope["type"] == "http" and scope["path"] == "/graphql" and scope["method"] == "POST":
            head = _head(cast("Sequence[tuple[bytes, bytes]]", scope["headers"]))
        if head is None or not self._is_host(head.host):
            await self.app(scope, receive, send)
            return
        read: list[Message] = []
        try:
            answer = await self._answer(head, receive, read)
            status = 200 if answer is None else status_of(answer, head.media_type)
        except HungUp:
            return
        except Exception as error:  # logged under a reference where it is no HansaError
            answer, status = refusal(error)
        if answer is None:
            await self.app(scope, _again(read, receive), send)
            return
        body = encoded(answer)
        await send(_start(head.media_type, status, len(body)))
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer(self, head: _Head, receive: Receive, read: list[Message]) -> Answer | None:
        """Return the answer; None where the long way has to be gone."""
        credential = read_key_header(head.authorization)
        body = await _body(head.length, receive, read)
        if body is None:
            return None
        asked = read_request(body)
        tenant = await self._tenant_of(head.host)
        writes = asked.query.startswith("mutation")
        async with EndsWhenHungUp(receive):
            presenting = self._platform.presented(tenant, credential, writes=writes)
            async with presenting as presented:
                if writes:
                    caller = await self._platform.signed_in_to_write(tenant, presented)
                    return await self._engine.quick_change(caller, asked, presented.session)
                guessed = self._platform.guessed(tenant, presented)
                if guessed is not None:
                    answer = await self._engine.quick(guessed, asked, presented.together)
                    if answer is not None:
                        return answer
                caller = await self._platform.signed_in(tenant, presented)
                return await self._engine.quick(caller, asked, presented.alone)


async def _body(length: int, receive: Receive, read: list[Message]) -> bytes | None:
    """Read a body of a stated length, keeping its messages; None for another than was stated."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            message = await receive()
    except TimeoutError:  # said the long way
        return None
    read.append(message)
    whole = message["type"] == "http.request" and not message.get("more_body", False)
    body = cast(bytes, message.get("body", b""))
    return body if whole and len(body) == length else None


def _again(read: Sequence[Message], receive: Receive) -> Receive:
    """Return what receives the messages that were read, and then the rest."""
    left = list(read)

    async def again() -> Message:
        return left.pop(0) if left else await receive()

    return again


def _head(headers: Sequence[tuple[bytes, bytes]]) -> _Head | None:
    """Return what the headers say; None where the request is not of the plain kind."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _PLAIN:
            if name in found:
                return None
            found[name] = value
        elif name in _ELSEWHERE:
            return None
    length = found.get(b"content-length", b"")
    if len(found) != len(_PLAIN) or found[b"content-type"].lower() not in _CONTENT_TYPES:
        return None
    media_type = answer_type(found[b"accept"].decode("latin-1"))
    if media_type is None or not length.isdigit() or int(length) > BODY_BYTES_MAX:
        return None
    return _Head(
        found[b"host"].decode("latin-1"),
        found[b"authorization"].decode("latin-1"),
        media_type,
        int(length),
    )


def _start(media_type: str, status: int, length: int) -> Message:
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-store"),
    ]
    for name, value in retry_headers(status).items():
        headers.append((name.lower().encode(), value.encode()))
    return {"type": "http.response.start", "status": status, "headers": headers}

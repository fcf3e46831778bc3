"""The WebSocket door of GraphQL: /graphql with the subprotocol graphql-transport-ws."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from hansa_core.auth.cookies import session_token
from hansa_core.auth.same_origin import check_same_origin
from hansa_core.auth.tokens import Credential, SessionCredential, read_credential
from hansa_core.graphql.conversation import NOT_SUPPORTED, SUBPROTOCOL, Conversation
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.subscriptions import StreamPlatform, Streams
from hansa_core.storage.transaction import Tenant

AnySocket = WebSocket[Any, Any, Any]  # we use no user, auth or state of Litestar's
TenantOf = Callable[[str], Awaitable[Tenant]]
"""The tenant a Host header means; raises NotFound."""

_SCHEMES: Final = {"ws": "http", "wss": "https"}


def socket_handler(
    platform: StreamPlatform, tenant_of: TenantOf, engine: GraphQL, streams: Streams
) -> WebsocketRouteHandler:
    """Return the handler of WebSockets at /graphql."""

    @websocket("/graphql")
    async def talk(socket: AnySocket) -> None:
        await socket.receive()  # the wish to connect
        wire = _Wire(socket)
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            await socket.send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await wire.close(NOT_SUPPORTED, "Subprotocol not acceptable")
            return

        async def present(given: str | None) -> tuple[Tenant, Credential]:
            return await _presented(tenant_of, socket, given)

        await socket.send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": []})
        await Conversation(platform, engine, streams, present, wire).run()

    return talk


async def _presented(
    tenant_of: TenantOf, socket: AnySocket, given: str | None
) -> tuple[Tenant, Credential]:
    """Return what a client presents, to which tenant: `given`, a header, or a browser's cookie.

    Raises Unauthenticated, NotFound, or Denied for the cookie of another site's page.
    """
    host = socket.headers.get("host", "")
    tenant = await tenant_of(host)
    if given is not None:
        return tenant, read_credential(given, None)
    scheme = _SCHEMES.get(socket.url.scheme, socket.url.scheme)
    token = session_token(socket.cookies, scheme, socket.url.hostname or "")
    credential = read_credential(socket.headers.get("authorization"), token)
    if isinstance(credential, SessionCredential):
        check_same_origin(socket.headers, scheme, host)
    return tenant, credential


class _Wire:
    """An accepted WebSocket as the conversation uses it."""

    def __init__(self, socket: AnySocket) -> None:
        self._socket = socket

    async def receive(self) -> str | None:
        try:
            event = await self._socket.receive()
        except WebSocketDisconnect as error:
            raise EOFError from error
        if event["type"] == "websocket.disconnect":
            raise EOFError
        return cast("str | None", event.get("text"))

    async def send(self, text: str) -> None:
        await self._guarded({"type": "websocket.send", "text": text, "bytes": None})

    async def close(self, code: int, reason: str) -> None:
        await self._guarded({"type": "websocket.close", "code": code, "reason": reason})

    async def _guarded(self, event: Any) -> None:  # Any: one of ASGI's events
        try:
            await self._socket.send(event)
        except (OSError, WebSocketDisconnect) as error:  # the peer is gone
            raise EOFError from error

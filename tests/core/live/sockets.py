"""A client of graphql-transport-ws that shows every message, for tests of the protocol itself."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hansa_core.storage.transaction import Tenant
from hansa_core.testing.server import WebServer

PROTOCOL: Final = "graphql-transport-ws"
Json = Any  # decoded JSON: whatever the server said


class Socket:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Json:
        return json.loads(await self.connection.recv())

    async def begin(self, key: str | None = None) -> None:
        payload = {"authorization": f"Bearer {key}"} if key else {}
        await self.send(type="connection_init", payload=payload)
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id: str, query: str, **variables: object) -> None:
        await self.send(
            type="subscribe", id=id, payload={"query": query, "variables": dict(variables)}
        )

    async def change(self) -> Json:
        """Return the next change, whichever subscription it is of."""
        message = await self.receive()
        assert message["type"] == "next", message
        (change,) = message["payload"]["data"].values()
        return change

    async def closed(self) -> tuple[int, str]:
        """Read what is left and return why the server closed."""
        with suppress(ConnectionClosed):
            while True:
                await self.connection.recv()
        code, reason = self.connection.close_code, self.connection.close_reason
        assert code is not None
        return code, reason or ""


@asynccontextmanager
async def socket(
    web: WebServer,
    tenant: Tenant,
    key: str | None = None,
    *,
    protocol: str | None = PROTOCOL,
    headers: Mapping[str, str] | None = None,
    eager: bool = False,
) -> AsyncGenerator[Socket]:
    """Connect; with a key, say hello too. Who is `eager` reads whatever comes, taken or not."""
    opening = connect(
        f"ws://{tenant.slug}.localhost:{web.port}/graphql",
        host="127.0.0.1",
        subprotocols=[Subprotocol(protocol)] if protocol else None,
        additional_headers=dict(headers or {}),
        proxy=None,
        max_queue=None if eager else 16,
    )
    async with opening as connection:
        made = Socket(connection)
        if key is not None:
            await made.begin(key)
        yield made

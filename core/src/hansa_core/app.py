"""The composition root: a running kernel becomes a web application. Knows all other modules."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from litestar import Litestar, Response, get
from litestar.response import Redirect

from hansa_core.auth.guards import auth_routes
from hansa_core.auth.passwords import Passwords
from hansa_core.auth.sign_in import SignIn
from hansa_core.events.sealer import Sealer
from hansa_core.graphql.http import graphql_handlers
from hansa_core.runtime import Runtime
from hansa_core.storage.refusals import FAILURES
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.routing import TenantRouter
from hansa_sdk import Misconfigured, NotFound

_CLOSING_SECONDS_MAX: Final = 5
_BACKLOG: Final = 2048


def create_app(runtime: Runtime, *, bound_to: str) -> Litestar:
    """Return the application; `bound_to` is the address it listens on (tenants by host)."""
    router = TenantRouter(runtime.database, bound_to=bound_to, clock=runtime.clock)

    async def tenant_of(host: str) -> Tenant:
        tenant = await router.find(host)
        if tenant is None:
            raise NotFound(
                f"No company is served at {host or 'a request without a Host'}.",
                next_step="Check the address.",
            )
        return tenant

    @get("/health", include_in_schema=False)
    async def health() -> Response[dict[str, str]]:
        try:
            async with runtime.database.connection() as connection:
                await connection.fetch("SELECT 1")
        except FAILURES as error:
            return Response({"status": f"no database: {type(error).__name__}"}, status_code=503)
        return Response({"status": "ok"})

    @get("/", include_in_schema=False)
    async def root() -> Redirect:
        return Redirect("/graphql")

    @asynccontextmanager
    async def sealing(_: Litestar) -> AsyncGenerator[None]:
        sealer = Sealer(runtime.database, runtime.events, runtime.tenants)
        task = asyncio.create_task(sealer.run())
        try:
            yield
        finally:
            sealer.stop()
            await task

    sign_in = SignIn(runtime.database, Passwords(), runtime.clock)
    return Litestar(
        [
            health,
            root,
            *auth_routes(sign_in, tenant_of),
            *graphql_handlers(runtime, tenant_of),
        ],
        lifespan=[sealing],
        openapi_config=None,
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything else starts; raises Misconfigured when the port is taken.

    Port 0 takes any free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise Misconfigured(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            next_step="Stop what uses that port, or choose another with --port.",
        ) from error
    made.setblocking(False)
    return made


async def serve(
    runtime: Runtime,
    listening: socket.socket,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve on a socket from `listen` until SIGINT or SIGTERM; requests under way are finished.

    `ready` is awaited once requests are answered.
    """
    host = str(listening.getsockname()[0])
    config = uvicorn.Config(
        create_app(runtime, bound_to=host),
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_CLOSING_SECONDS_MAX,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if ready is not None and server.started:
        await ready()
    await serving

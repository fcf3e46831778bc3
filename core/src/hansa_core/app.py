"""The composition root: a running kernel becomes a web application. Knows all other modules."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar, Response, get
from litestar.enums import ScopeType
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from hansa_core.auth.guards import auth_routes
from hansa_core.auth.passwords import Passwords
from hansa_core.auth.sign_in import SignIn
from hansa_core.events.sealer import Sealer
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.front import Front
from hansa_core.graphql.http import graphql_handlers
from hansa_core.graphql.sockets import socket_handler
from hansa_core.graphql.subscriptions import Streams
from hansa_core.runtime import Runtime
from hansa_core.storage.refusals import FAILURES
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.routing import TenantRouter
from hansa_sdk import HansaError, NotFound

_HOST: Final = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]{2,45})\]|[a-z0-9._-]{1,253})(?::(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)
_PORT_MAX: Final = 65_535
_HEALTH_SECONDS: Final = 1.0
"""How long a probe waits for a connection, or for the answer to its statement."""


def create_app(runtime: Runtime, *, bound_to: str, streams: Streams | None = None) -> Front:
    """Return the application; `bound_to` is the address it listens on (tenants by host).

    `streams` are what has to end before it can.
    """
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
            async with asyncio.timeout(2 * _HEALTH_SECONDS):
                await _reach(runtime)
        except (HansaError, *FAILURES) as error:
            kind = getattr(error, "code", "timeout")
            return Response(
                {"status": f"no database: {kind}"}, status_code=503, headers={"Retry-After": "1"}
            )
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

    streams, engine = streams or Streams(), GraphQL(runtime)
    sign_in = SignIn(runtime.database, Passwords(), runtime.clock)
    app = Litestar(
        [
            health,
            root,
            *auth_routes(sign_in, tenant_of),
            *graphql_handlers(runtime, tenant_of, engine, streams),
            socket_handler(runtime, tenant_of, engine, streams),
        ],
        middleware=[_refuse_malformed_host],
        lifespan=[sealing],
        openapi_config=None,
        logging_config=None,  # its own would start a thread
    )
    return Front(app, runtime, tenant_of, engine, is_host)


async def _reach(runtime: Runtime) -> None:
    async with runtime.database.connection(timeout_seconds=_HEALTH_SECONDS) as connection:
        await connection.fetch("SELECT 1")


def is_host(header: str) -> bool:
    """Return whether a Host header is a name or address with at most a port behind it.

    >>> is_host("Acme.localhost:8000"), is_host("[::1]"), is_host("localhost:http"), is_host("")
    (True, True, False, False)
    """
    found = _HOST.fullmatch(header)
    if found is None or int(found["port"] or 0) > _PORT_MAX:
        return False
    try:
        ipaddress.IPv6Address(found["address"] or "::")
    except ValueError:
        return False
    return True


def _refuse_malformed_host(app: ASGIApp) -> ASGIApp:
    """Answer 400 before anything reads the request's address, which has none then."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if (
            all(is_host(value.decode("latin-1")) for value in hosts) and len(hosts) < 2
        ):  # one, or none as in HTTP/1.0
            await app(scope, receive, send)
            return
        if scope["type"] == ScopeType.WEBSOCKET:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        body = (
            b'{"errors":[{"message":"The Host header names no host. Check the address.",'
            b'"path":[],"code":"invalid"}]}'
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return refuse

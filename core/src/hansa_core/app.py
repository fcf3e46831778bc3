"""The composition root: a running kernel becomes a web application. Knows all other modules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

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
from hansa_sdk import NotFound


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

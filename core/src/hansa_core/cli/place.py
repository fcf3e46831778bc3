"""Where commands act: the database of this HANSA_HOME, or the demo while it runs there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import sqlalchemy as sa

from hansa_core.cli.demo_mark import RunningDemo, running_demo
from hansa_core.events.sealer import seal_once
from hansa_core.lifecycle import prepare_database
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.records.unit import UnitOfWork
from hansa_core.runtime import Runtime
from hansa_core.settings import Settings
from hansa_core.shapes import Shapes
from hansa_core.storage.database import Database
from hansa_core.storage.embedded import embedded
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import find_tenant
from hansa_core.tenants.owner import owner_engine, with_database
from hansa_sdk import Misconfigured

T = TypeVar("T")

DATABASE: Final = "hansa"
"""The database of the embedded server that is no demo."""

_SET_UP: Final = sa.text("SELECT to_regclass('hansa.tenant') IS NOT NULL")
_SEALS_MAX: Final = 100
_NOT_SET_UP: Final = "Run `hansa init` first, or `hansa demo` to look around."


@dataclass(frozen=True, slots=True)
class Place:
    """A database and what this machine keeps beside it. `app_url` is a login given by settings."""

    settings: Settings
    owner_url: str
    app_url: str | None = None
    demo: bool = False


@contextmanager
def open_place() -> Generator[Place]:
    """Find the database commands act on and keep its server up for the block.

    Raises Misconfigured when it cannot be reached or was never set up.
    """
    settings = Settings.read()
    running = running_demo(settings.home)
    if running is not None and not _means_demo(settings, running):
        running = None
    if running is not None and running.owner_url is not None:
        yield Place(settings, running.owner_url, demo=True)
    elif running is None and settings.database_url is not None:
        place = Place(settings, settings.database_url, settings.app_database_url)
        _require_set_up(place)
        yield place
    else:
        if not (settings.home / "postgres").is_dir():
            raise Misconfigured(f"There is no Hansa in {settings.home} yet.", next_step=_NOT_SET_UP)
        with embedded(settings.home) as server:
            name = running.database if running is not None else DATABASE
            place = Place(settings, server.url(name), demo=running is not None)
            _require_set_up(place)
            yield place


def _means_demo(settings: Settings, running: RunningDemo) -> bool:
    """Tell whether commands mean the demo: not when told of a database on another server."""
    if settings.database_url is None:
        return True
    if running.owner_url is None:
        return False
    servers = {with_database(url, "") for url in (settings.database_url, running.owner_url)}
    return len(servers) == 1


@asynccontextmanager
async def open_runtime(place: Place) -> AsyncGenerator[Runtime]:
    """Open a kernel with every installed plugin on a place that is set up."""
    settings = place.settings
    app_url = await asyncio.to_thread(
        prepare_database, place.owner_url, settings.home, place.app_url
    )
    runtime = Runtime(
        await Database.connect(app_url), Shapes(installed_plugins()), settings.secret_key()
    )
    try:
        yield runtime
    finally:
        await runtime.close()


@asynccontextmanager
async def open_tenant(place: Place, slug: str) -> AsyncGenerator[tuple[Runtime, Tenant]]:
    """Open a kernel and find a tenant in it. Raises NotFound with the way to list them."""
    tenant = await asyncio.to_thread(tenant_in, place, slug)
    async with open_runtime(place) as runtime:
        yield runtime, tenant


def tenant_in(place: Place, slug: str) -> Tenant:
    """Return the tenant `slug`. Raises NotFound."""
    with owner_engine(place.owner_url) as engine:
        return find_tenant(engine, slug)


def write_as_system(slug: str, cause: str, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `work` in a transaction of the kernel itself on a tenant, and seal its events."""

    async def run(place: Place) -> T:
        async with open_tenant(place, slug) as (runtime, tenant):
            caller = await runtime.system_caller(tenant, cause)
            result = await runtime.write(caller, work)
            await seal(runtime, tenant)
            return result

    with open_place() as place:
        return asyncio.run(run(place))


def read_as_system(slug: str, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `work` in a snapshot that the kernel itself reads of a tenant."""

    async def run(place: Place) -> T:
        async with open_tenant(place, slug) as (runtime, tenant):
            caller = await runtime.system_caller(tenant, "command line")
            async with runtime.read(caller) as unit:
                return await work(unit)

    with open_place() as place:
        return asyncio.run(run(place))


async def seal(runtime: Runtime, tenant: Tenant) -> None:
    """Seal a tenant's events: no server may be running that would."""
    for _ in range(_SEALS_MAX):
        if not await seal_once(runtime.database, tenant, runtime.events):
            return


def _require_set_up(place: Place) -> None:
    try:
        with owner_engine(place.owner_url) as engine, engine.connect() as connection:
            ready = bool(connection.scalar(_SET_UP))
    except Misconfigured as error:
        if place.settings.database_url is None and "does not exist" in error.message:
            ready = False
        else:
            raise
    if not ready:
        raise Misconfigured(
            f"There is no Hansa in the database {sa.make_url(place.owner_url).database} yet.",
            next_step=_NOT_SET_UP,
        )

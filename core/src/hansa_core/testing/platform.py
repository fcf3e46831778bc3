"""A running kernel for tests: a prepared database, tenants made on demand, callers by role."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hansa_core.auth.principal import Principal
from hansa_core.auth.tokens import read_key
from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.lifecycle import enable_plugins, prepare_database
from hansa_core.model.roles import EVERYBODY, PERSON
from hansa_core.records.unit import UnitOfWork
from hansa_core.runtime import Runtime
from hansa_core.shapes import Shapes
from hansa_core.storage.database import Database
from hansa_core.storage.transaction import Tenant
from hansa_core.system import accounts
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import Plugin, User

SECRET_KEY: Final = b"t" * 32
"""The secret key of every platform, for processes that join one."""


@dataclass(slots=True)
class Platform:
    """A kernel on a database of its own; `runtime` is what requests run on."""

    owner_url: str
    app_url: str
    home: Path
    runtime: Runtime
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def tenant(self, *plugins: str, demo: bool = False, slug: str | None = None) -> Tenant:
        """Make a tenant with these plugins and all they require."""
        name = slug or f"t{next(self._numbers)}"
        with owner_engine(self.owner_url) as engine:
            tenant = create_tenant(engine, name)
        await enable_plugins(self.runtime, self.owner_url, tenant, plugins, demo=demo)
        return tenant

    async def enable(self, tenant: Tenant, *plugins: str) -> None:
        """Enable more plugins on a tenant."""
        await enable_plugins(self.runtime, self.owner_url, tenant, plugins)

    async def system(self, tenant: Tenant) -> Caller:
        """Return the kernel itself as a caller."""
        return await self.runtime.system_caller(tenant, "test")

    async def user(self, tenant: Tenant, *roles: str, email: str | None = None) -> Caller:
        """Make a user with these roles and return him as a caller (as by a session)."""
        address = email or f"user{next(self._numbers)}@test.example"

        async def work(unit: UnitOfWork) -> User:
            return await accounts.create_user(unit, email=address, name=address, roles=roles)

        user = await self.runtime.write(await self.system(tenant), work)
        principal = Principal(
            user.id, name=user.name, email=address, roles=(*roles, EVERYBODY, PERSON)
        )
        return self.runtime.caller(tenant, principal, await self.runtime.shape_of(tenant))

    async def key(self, caller: Caller, *roles: str) -> str:
        """Make an API key of a user made by `user`."""
        assert caller.principal.user_id is not None
        user_id = caller.principal.user_id

        async def work(unit: UnitOfWork) -> str:
            return await accounts.create_key(
                unit, user_id=user_id, label="test", roles=roles or None
            )

        return await self.runtime.write(await self.system(caller.tenant), work)

    async def caller(self, tenant: Tenant, key: str) -> Caller:
        """Return who presents an API key, as a request would."""
        return await self.runtime.authenticate(tenant, read_key(key))


@asynccontextmanager
async def open_platform(
    owner_url: str,
    home: Path,
    installed: Mapping[str, Plugin],
    *,
    clock: Clock | None = None,
    pool_size_max: int = 10,
) -> AsyncGenerator[Platform]:
    """Prepare a database and open a kernel with these installed plugins on it."""
    app_url = prepare_database(owner_url, home)
    database = await Database.connect(app_url, size_max=pool_size_max)
    runtime = Runtime(database, Shapes(dict(installed)), SECRET_KEY, clock=clock)
    try:
        yield Platform(owner_url, app_url, home, runtime)
    finally:
        await runtime.close()


def installed_of(plugins: Sequence[Plugin]) -> dict[str, Plugin]:
    """Return plugins by name, the kernel's own among them."""
    from hansa_core.system.plugin import plugin as system

    return {plugin.name: plugin for plugin in (system, *plugins)}

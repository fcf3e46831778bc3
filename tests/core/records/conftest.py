"""One tenant with contacts and crm for all record tests, and users of different roles."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from hansa_core.caller import Caller
from hansa_core.migrate.autogenerate import make_migration
from hansa_core.plugins.compile import compile_shape
from hansa_core.storage.tables import build_metadata
from hansa_core.storage.transaction import Tenant
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, installed_of, open_platform
from tests.core.records import probe


@pytest.fixture(scope="session")
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant("crm")


@pytest.fixture(scope="session")
async def manager(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_manager", "contacts.manager")


@pytest.fixture(scope="session")
async def rep(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_rep", "contacts.editor")


@pytest.fixture(scope="session")
async def kernel(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Platform]:
    """A kernel with the probe plugin, its tables migrated from scripts made here."""
    folder = tmp_path_factory.mktemp("probe")
    scripts = folder / "probe_scripts"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "__init__.py").touch()
    with pytest.MonkeyPatch.context() as patch, fresh_database(postgres_url) as url:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        shape = compile_shape([system, probe.plugin])
        with owner_engine(url) as engine, engine.connect() as connection:
            required = [("system", system.migrations)]
            make_migration(
                connection,
                "probe",
                build_metadata(shape.entities),
                scripts,
                "initial",
                requires=required,
            )
        plugin = replace(probe.plugin, migrations="probe_scripts")
        home = tmp_path_factory.mktemp("home")
        async with open_platform(url, home, installed_of([plugin])) as opened:
            yield opened


@pytest.fixture(scope="session")
async def admin(kernel: Platform) -> Caller:
    return await kernel.system(await kernel.tenant("probe"))

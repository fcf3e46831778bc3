"""One tenant with contacts and crm for all record tests, and users of different roles."""

from __future__ import annotations

import pytest

from hansa_core.caller import Caller
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform


@pytest.fixture(scope="session")
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant("crm")


@pytest.fixture(scope="session")
async def manager(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_manager", "contacts.manager")


@pytest.fixture(scope="session")
async def rep(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_rep", "contacts.editor")

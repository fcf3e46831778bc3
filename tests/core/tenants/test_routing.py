"""Routing: which tenant a host name means, on a loopback bind and elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hansa_core.clock import FixedClock
from hansa_core.storage.database import Database
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import create_tenant, drop_tenant, ensure_tenant
from hansa_core.tenants.routing import TenantRouter
from tests.core.tenants.conftest import Installed

ANYWHERE = "192.0.2.1"


@pytest.fixture(scope="module")
async def database(installation: Installed) -> AsyncIterator[Database]:
    opened = await Database.connect(installation.app_url)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("bound_to", "host", "slug"),
    [
        ("127.0.0.1", "bolt.localhost:8000", "bolt"),
        ("127.0.0.1", "ACME-West.localhost", "acme-west"),
        ("127.0.0.1", "books.bolt.example", "bolt"),
        ("127.0.0.1", "localhost:8000", "main"),
        ("127.0.0.1", "127.0.0.1:8000", "main"),
        ("::1", "[::1]:8000", "main"),
        ("localhost", "anything.example", "main"),
        ("127.0.0.1", "", "main"),
        ("127.0.0.1", "nobody.localhost", None),
        (ANYWHERE, "bolt.localhost", None),
        ("10.0.0.1", "main.localhost:8000", None),
        (ANYWHERE, "Books.Bolt.example.", "bolt"),
        (ANYWHERE, "localhost", None),
        (ANYWHERE, "anything.example", None),
        ("10.0.0.1", "main", None),
        ("10.0.0.1", "x' OR '1'='1.localhost", None),
    ],
)
async def test_host_means_tenant(
    database: Database,
    installation: Installed,
    tenants: tuple[Tenant, Tenant],
    bound_to: str,
    host: str,
    slug: str | None,
) -> None:
    ensure_tenant(installation.engine)
    found = await TenantRouter(database, bound_to=bound_to).find(host)

    assert (found.slug if found else None) == slug
    assert found is None or found.role.endswith(found.schema)


async def test_new_tenant_is_reached_and_old_one_gone_within_a_second(
    database: Database, installation: Installed
) -> None:
    clock = FixedClock()
    router = TenantRouter(database, bound_to="127.0.0.1", clock=clock)
    assert await router.find("fresh.localhost") is None

    tenant = create_tenant(installation.engine, "fresh")
    clock.advance(timedelta(seconds=1))
    assert await router.find("fresh.localhost") == tenant

    drop_tenant(installation.engine, "fresh")
    assert await router.find("fresh.localhost") == tenant
    clock.advance(timedelta(seconds=1))
    assert await router.find("fresh.localhost") is None


async def test_made_up_names_do_not_fill_the_memory(database: Database) -> None:
    router = TenantRouter(database, bound_to=ANYWHERE)
    for number in range(1_100):
        await router.find(f"made-up-{number}.example")

    assert len(router) == 1_000

"""The runtime follows a tenant's metadata, retries transactions and writes events with records."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from hansa_core.events.chain import verify_chain
from hansa_core.events.sealer import seal_once
from hansa_core.records.unit import UnitOfWork
from hansa_core.shapes import Shapes
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform
from hansa_sdk import DeclarationErrors, NotFound, Plugin, Team


async def test_enabled_plugin_is_seen_by_the_next_caller(platform: Platform) -> None:
    tenant = await platform.tenant("contacts")
    user = await platform.user(tenant, "contacts.reader")
    key = await platform.key(user)
    before = await platform.caller(tenant, key)
    assert "crm.deal" not in before.shape.entities
    await platform.enable(tenant, "crm")
    after = await platform.caller(tenant, key)
    assert "crm.deal" in after.shape.entities
    assert "crm.deal" not in before.shape.entities


async def test_tenants_with_the_same_plugins_share_one_shape(platform: Platform) -> None:
    first, second = await platform.tenant("contacts"), await platform.tenant("contacts")
    shapes = [await platform.runtime.shape_of(tenant) for tenant in (first, second)]
    assert shapes[0] is shapes[1]


async def test_a_shape_is_compiled_once_when_many_ask_at_the_same_time(platform: Platform) -> None:
    shapes = Shapes(platform.runtime.shapes.installed)
    made = await asyncio.gather(*(shapes.of(["crm", "contacts"]) for _ in range(20)))
    assert len({id(shape) for shape in made}) == 1


async def test_plugin_that_is_not_installed_is_named(platform: Platform) -> None:
    with pytest.raises(DeclarationErrors, match="found no plugin warehouse; installed are"):
        await platform.runtime.shapes.of(["warehouse"])


async def test_second_enabling_changes_nothing(platform: Platform) -> None:
    tenant = await platform.tenant("crm")
    count = await _event_count(platform, tenant)
    await platform.enable(tenant, "crm")
    assert await _event_count(platform, tenant) == count


async def test_nothing_stays_when_work_fails_at_its_end(platform: Platform) -> None:
    tenant = await platform.tenant("contacts")
    caller = await platform.system(tenant)

    async def work(unit: UnitOfWork) -> None:
        await unit.save(Team(name="Half"))
        raise NotFound("gone")

    before = await _event_count(platform, tenant)
    with pytest.raises(NotFound):
        await platform.runtime.write(caller, work)
    async with platform.runtime.read(caller) as unit:
        assert await unit.count(Team) == 0
    assert await _event_count(platform, tenant) == before


async def test_each_write_is_one_sealed_event_and_the_chain_verifies(platform: Platform) -> None:
    tenant = await platform.tenant("contacts")
    runtime = platform.runtime
    caller = await platform.system(tenant)
    while await seal_once(runtime.database, tenant, runtime.events):
        pass
    before = await _event_count(platform, tenant)

    async def work(unit: UnitOfWork) -> None:
        team = Team(name="Sales")
        await unit.save(team)
        team.name = "Sales North"
        await unit.save(team)
        await unit.delete(team)

    await runtime.write(caller, work)
    assert await seal_once(runtime.database, tenant, runtime.events) == 3
    assert await _event_count(platform, tenant) == before + 3
    async with runtime.database.transaction(tenant, read_only=True) as session:
        report = await verify_chain(session, runtime.events)
    assert report.fault is None
    assert report.checked == before + 3


async def test_company_that_is_just_being_made_has_nothing_to_seal_yet(platform: Platform) -> None:
    with owner_engine(platform.owner_url) as engine:
        made = create_tenant(engine, "unborn")
    assert made not in await platform.runtime.tenants()
    await platform.enable(made)
    assert made in await platform.runtime.tenants()


async def test_plugin_without_entities_needs_no_migrations(platform: Platform) -> None:
    shapes = Shapes({**platform.runtime.shapes.installed, "small": Plugin(name="small")})
    shape = await shapes.of(["small"])
    assert list(shape.plugins) == ["system", "small"]


async def _event_count(platform: Platform, tenant: Tenant) -> int:
    events = platform.runtime.events
    async with platform.runtime.database.transaction(tenant, read_only=True) as session:
        found = await session.fetch_value(sa.select(sa.func.count()).select_from(events.event))
    assert isinstance(found, int)
    return found

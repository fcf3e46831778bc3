"""A plugin is enabled while people work: no restart, no failed request, nobody else affected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hansa_core.lifecycle import enable_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.commands import run_hansa
from hansa_core.testing.counting import Count
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, WebServer
from tests.scenarios.conftest import Ledger
from tests.scenarios.documents import Schema

FIRST = """{ contactsParties(where: {name: {eq: "The first"}}) {
  totalCount nodes { name } } }"""
CREATE = """mutation ($name: String!) { contactsPartyCreate(input: {name: $name}) {
  record { id name } errors { code message } } }"""
PLUGINS = "{ meta { hash plugins { name } entities { name } permissions } }"

Enable = Callable[[Platform, Tenant], Awaitable[None]]


async def by_lifecycle(platform: Platform, tenant: Tenant) -> None:
    await enable_plugins(platform.runtime, platform.owner_url, tenant, ["crm"])


async def by_command(platform: Platform, tenant: Tenant) -> None:
    done = await run_hansa(platform, "plugin", "enable", "crm", "--tenant", tenant.slug)
    assert done.code == 0, done.err


async def administrator(platform: Platform, web: WebServer, tenant: Tenant) -> Client:
    user = await platform.user(tenant, "system.administrator")
    return await web.client(tenant, await platform.key(user))


async def knows_crm(client: Client) -> bool:
    return any(each["name"] == "crm" for each in (await client.ask(PLUGINS))["plugins"])


async def test_tenant_with_contacts_only_shows_no_crm(platform: Platform, web: WebServer) -> None:
    client = await administrator(platform, web, await platform.tenant("contacts"))
    named = (await Schema.of(client)).names()
    assert any(name.startswith("contacts") for name in named)
    assert not [name for name in named if "crm" in name.lower()]
    meta = await client.ask(PLUGINS)
    assert "crm" not in str(meta)
    hidden = await client.post("{ crmDeals { nodes { id } } }")
    unknown = await client.post("{ xyzDeals { nodes { id } } }")
    assert hidden.status_code == unknown.status_code
    assert hidden.text == unknown.text.replace("xyzDeals", "crmDeals")
    assert "errors" in hidden.json()


@pytest.mark.parametrize("enable", [by_lifecycle, by_command])
async def test_plugin_is_shown_without_restart_while_many_work(
    platform: Platform, web: WebServer, ledger: Ledger, count: Count, enable: Enable
) -> None:
    tenant, other = await platform.tenant("contacts"), await platform.tenant("contacts")
    client = await administrator(platform, web, tenant)
    bystander = await administrator(platform, web, other)
    await client.change(CREATE, name="The first")
    before, other_before = await client.ask(PLUGINS), await bystander.ask(PLUGINS)
    at_once = count.asked("concurrent_requests")
    switched = asyncio.Event()

    async def work(number: int) -> int:
        """Read, and every third write too, until the switch is over; any refusal raises."""
        done = 0
        while not switched.is_set() or done == 0:
            assert await client.ask(FIRST) == {"totalCount": 1, "nodes": [{"name": "The first"}]}
            if number % 3 == 0:
                name = f"Made by {number}, {done}"
                assert (await client.change(CREATE, name=name))["name"] == name
            done += 1
        count.ran()
        return done

    workers = [asyncio.create_task(work(number)) for number in range(at_once)]
    await enable(platform, tenant)
    shown = await knows_crm(client)  # by the very next request: nothing to wait for
    switched.set()
    done = await asyncio.gather(*workers)

    assert min(done) >= 1
    assert shown
    deals = await client.ask("{ crmDeals { totalCount } }")
    assert deals["totalCount"] == 0
    after = await client.ask(PLUGINS)
    assert after["hash"] != before["hash"]
    assert {each["name"] for each in after["plugins"]} == {"system", "contacts", "crm"}
    assert "CrmDeal" in (await Schema.of(client)).types

    assert await bystander.ask(PLUGINS) == other_before
    assert not await knows_crm(bystander)
    assert "CrmDeal" not in (await Schema.of(bystander)).types
    await ledger.sealed(tenant)


async def test_enabling_again_changes_nothing(
    platform: Platform, web: WebServer, ledger: Ledger
) -> None:
    tenant = await platform.tenant("crm")
    client = await administrator(platform, web, tenant)
    before, events = await client.ask(PLUGINS), await ledger.count(tenant, "system_event")
    await by_lifecycle(platform, tenant)
    await by_command(platform, tenant)
    assert await client.ask(PLUGINS) == before
    assert await ledger.count(tenant, "system_event") == events


async def test_unknown_plugin_is_refused_and_nothing_changes(
    platform: Platform, web: WebServer, ledger: Ledger
) -> None:
    tenant = await platform.tenant("contacts")
    client = await administrator(platform, web, tenant)
    before, events = await client.ask(PLUGINS), await ledger.count(tenant, "system_event")
    done = await run_hansa(platform, "plugin", "enable", "crmm", "--tenant", tenant.slug)
    assert done.code != 0
    assert "crmm" in done.err
    assert "Traceback" not in done.err
    assert await client.ask(PLUGINS) == before
    assert await ledger.count(tenant, "system_event") == events

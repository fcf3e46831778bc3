"""A plugin is enabled while people work: no restart, no failed request, nobody else affected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from hansa_core.lifecycle import enable_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.commands import run_hansa
from hansa_core.testing.counting import Count
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, WebServer
from hansa_core.testing.waiting import eventually
from tests.core.live.ledgers import cursor_now
from tests.core.live.sockets import Socket, socket
from tests.scenarios.conftest import Ledger
from tests.scenarios.documents import Schema

FIRST = """{ contactsParties(where: {name: {eq: "The first"}}) {
  totalCount nodes { name } } }"""
CREATE = """mutation ($name: String!) { contactsPartyCreate(input: {name: $name}) {
  record { id name version } errors { code message } } }"""
UPDATE = """mutation ($id: ID!, $version: Int!, $name: String!) {
  contactsPartyUpdate(id: $id, version: $version, input: {name: $name}) {
    record { id version } errors { code message } } }"""
UPSERT = """mutation ($row: ContactsPartyUpsertInput!) {
  contactsPartyUpsertMany(by: id, rows: [$row]) {
    results { status errors { code message } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on ContactsParty { name } } }"
COUNT = "{ contactsPartiesGroup(by: {field: archived}) { keys { archived } count } }"
DEAL = """mutation ($input: CrmDealCreateInput!) { crmDealCreate(input: $input) {
  record { id version } errors { code message } } }"""
DEALS = "subscription ($since: String) { crmDealChanges(since: $since) { record { title } } }"
PARTIES = "subscription ($since: String) { contactsPartyChanges(since: $since) { id version } }"
ANY = "subscription ($since: String) { changes(since: $since) { id version entity } }"
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


@dataclass
class Work:
    """People at work in one company: what they were told is written, and how much they did."""

    client: Client
    first: str
    done: int = 0
    told: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    async def turn(self, number: int) -> None:
        """Read, and write or look records up, as people do; any refusal raises."""
        assert await self.client.ask(FIRST) == {"totalCount": 1, "nodes": [{"name": "The first"}]}
        if number % 3 == 0:
            await self.write(f"Made by {number} in turn {self.done}")
        if number % 3 == 1:
            assert (await self.client.ask(NODE, id=self.first))["name"] == "The first"
            assert (await self.client.ask(COUNT))[0]["count"] >= 1
        self.done += 1

    async def write(self, name: str) -> None:
        """Make a record, change it, and change it once more with many."""
        made = await self.client.change(CREATE, name=name)
        assert made["name"] == name
        changed = await self.client.change(
            UPDATE, id=made["id"], version=made["version"], name=f"{name}, changed"
        )
        row = {"id": made["id"], "version": changed["version"], "name": f"{name}, twice"}
        result = (await self.client.ask(UPSERT, row=row))["results"][0]
        assert (result["status"], result["errors"]) == ("UPDATED", [])
        self.told |= {(made["id"], version) for version in (1, 2, 3)}


@dataclass
class Listener:
    """A connection that follows changes of parties, and all it was told."""

    socket: Socket
    since: str
    heard: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def listen(self) -> None:
        """Note what is told until a deal is; any message that is no change raises."""
        while True:
            change = await self.socket.change()
            if "record" in change:
                return
            if change.get("entity", "contacts.party") == "contacts.party":
                self.heard.append((change["id"], change["version"]))


@asynccontextmanager
async def listening(
    platform: Platform, web: WebServer, tenant: Tenant
) -> AsyncGenerator[list[Listener]]:
    """Follow changes over connections that stay open; each must end by hearing of a deal."""
    key = await platform.key(await platform.user(tenant, "system.administrator"))
    since = await cursor_now(platform, tenant)
    async with AsyncExitStack() as stack:
        listeners: list[Listener] = []
        for document in (PARTIES, PARTIES, ANY):
            client = await stack.enter_async_context(socket(web, tenant, key))
            await client.subscribe("1", document, since=since)
            listeners.append(Listener(client, since))
        async with asyncio.TaskGroup() as group:
            for each in listeners:
                group.create_task(each.listen())
            yield listeners


@pytest.mark.parametrize("enable", [by_lifecycle, by_command])
async def test_plugin_is_shown_without_restart_while_many_work(
    platform: Platform, web: WebServer, ledger: Ledger, count: Count, enable: Enable
) -> None:
    tenant, other = await platform.tenant("contacts"), await platform.tenant("contacts")
    client = await administrator(platform, web, tenant)
    bystander = await administrator(platform, web, other)
    first = await client.change(CREATE, name="The first")
    work = Work(client, first["id"])
    before, other_before = await client.ask(PLUGINS), await bystander.ask(PLUGINS)
    at_once = count.asked("concurrent_requests")
    all_at_work, switched = asyncio.Barrier(at_once + 1), asyncio.Event()

    async def worker(number: int) -> None:
        await work.turn(number)
        await all_at_work.wait()
        while not switched.is_set():
            await work.turn(number)
        count.ran()

    async with listening(platform, web, tenant) as listeners:
        workers = [asyncio.create_task(worker(number)) for number in range(at_once)]
        waiting = asyncio.create_task(all_at_work.wait())
        await asyncio.wait([waiting, *workers], return_when=asyncio.FIRST_COMPLETED)
        done = work.done
        await enable(platform, tenant)
        meanwhile = work.done - done
        shown = await knows_crm(client)  # by the very next request: nothing to wait for
        switched.set()
        await asyncio.gather(*workers)
        await work.write("The last")
        for each in listeners:  # on the connections they had: nobody has to come again
            await each.socket.subscribe("2", DEALS, since=each.since)

        async def all_is_heard() -> bool:
            return all(work.told <= {*each.heard} for each in listeners)

        await eventually(all_is_heard, timeout_seconds=30, what="hearing of every change")
        deal = {"title": "New", "party": {"connect": first["id"]}, "currency": "EUR"}
        await client.change(DEAL, input=deal)

    assert meanwhile > 0
    for each in listeners:
        assert sorted(each.heard) == sorted(work.told)
    assert shown
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

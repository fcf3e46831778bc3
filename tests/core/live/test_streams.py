"""No change lost, none told twice: beside writers, over broken connections, to slow readers."""

from __future__ import annotations

import asyncio
import json
import random
import socket as sockets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import cast
from uuid import UUID

import httpx
import pytest

from hansa_core.graphql.subscriptions import Streams
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Json, WebServer, open_server
from hansa_core.testing.waiting import eventually
from tests.core.live.ledgers import cursor_now, end_of, events_since
from tests.core.live.sockets import Socket, socket

TAGS = """subscription ($since: String) {
  contactsTagChanges(since: $since) { cursor kind id version } }"""
PARTIES = """subscription ($since: String) {
  contactsPartyChanges(since: $since) { cursor kind id version record { name notes } } }"""
WRITERS = 4
Told = list[tuple[str, str, int]]


async def _writing(platform: Platform, tenant: Tenant, rounds: int) -> None:
    """Create, change and delete tags, some of them twice in a transaction."""
    caller = await platform.system(tenant)

    async def one(writer: int) -> None:
        for number in range(rounds):
            name = f"{writer} {number}"

            async def make(unit: UnitOfWork, name: str = name) -> Sequence[Mapping[str, object]]:
                rows = [{"name": name}, {"name": f"{name}+"}]
                return await unit.create_rows("contacts.tag", rows)

            rows = await platform.runtime.write(caller, make)

            async def change(
                unit: UnitOfWork, name: str = name, rows: Sequence[Mapping[str, object]] = rows
            ) -> None:
                ids = [cast(UUID, row["id"]) for row in rows]
                updates = [RowUpdate(id, 1, {"name": f"{name} {id}"}) for id in ids]
                await unit.update_rows("contacts.tag", updates)
                await unit.delete_rows("contacts.tag", [(ids[0], 2)])

            await platform.runtime.write(caller, change)

    await asyncio.gather(*(one(writer) for writer in range(WRITERS)))


async def _expected(platform: Platform, tenant: Tenant, position: int) -> Told:
    return [
        (event.type.rpartition(".")[2].upper(), str(event.record_id), event.record_version)
        for event in await events_since(platform, tenant, position)
        if event.entity == "contacts.tag"
    ]


def _told(change: Json) -> tuple[str, str, int]:
    return change["kind"], change["id"], change["version"]


async def _by_socket(web: WebServer, tenant: Tenant, key: str, since: str, told: Told) -> None:
    """Listen for ever, over connections that break after a few changes."""
    luck = random.Random(7)  # noqa: S311  # no secret
    while True:
        async with socket(web, tenant, key, eager=True) as client:
            await client.subscribe("1", TAGS, since=since)
            for _ in range(luck.randint(1, 40)):
                change = await client.change()
                told.append(_told(change))
                since = change["cursor"]
            if luck.random() < 0.5:
                client.connection.transport.abort()


async def _by_events(web: WebServer, tenant: Tenant, key: str, since: str, told: Told) -> None:
    client = await web.client(tenant, key)
    luck = random.Random(8)  # noqa: S311  # no secret
    while True:
        body = {"query": TAGS, "variables": {"since": since}}
        headers = {"Accept": "text/event-stream"}
        async with client.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            left = luck.randint(1, 40)
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    (change,) = json.loads(line[6:])["data"].values()
                    told.append(_told(change))
                    since, left = change["cursor"], left - 1
                    if not left:
                        break


async def test_no_change_is_lost_or_doubled_over_broken_connections_beside_writers(
    platform: Platform, web: WebServer
) -> None:
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    begin, since = await end_of(platform, tenant), await cursor_now(platform, tenant)
    by_socket: Told = []
    by_events: Told = []
    listeners = [
        asyncio.create_task(_by_socket(web, tenant, key, since, by_socket)),
        asyncio.create_task(_by_events(web, tenant, key, since, by_events)),
    ]
    try:
        await _writing(platform, tenant, rounds=25)
        expected = await _expected(platform, tenant, begin)

        async def all_is_heard() -> bool:
            for listener in listeners:
                if listener.done():
                    listener.result()
            return min(len(by_socket), len(by_events)) >= len(expected)

        await eventually(all_is_heard, timeout_seconds=30, what="hearing all")
    finally:
        for listener in listeners:
            listener.cancel()
        await asyncio.wait(listeners)
    assert len(expected) == WRITERS * 25 * 5
    assert by_socket == expected
    assert by_events == expected


@pytest.fixture
async def strict(platform: Platform) -> AsyncGenerator[WebServer]:
    """A server that gives a reader a second for a message."""
    async with open_server(platform.runtime, streams=Streams(stall_seconds=1.0)) as server:
        yield server


NOTES = "x" * 100_000
LONG_CHANGES = 200
"""Changes whose records together are far more than the buffers of two sockets hold."""


async def _long_changes(platform: Platform, tenant: Tenant) -> None:
    caller = await platform.system(tenant)
    rows = await platform.runtime.write(
        caller, lambda unit: unit.create_rows("contacts.party", [{"name": "Long", "notes": NOTES}])
    )
    id = cast(UUID, rows[0]["id"])
    for version in range(1, LONG_CHANGES):

        async def change(unit: UnitOfWork, version: int = version) -> None:
            update = RowUpdate(id, version, {"name": f"Long {version}"})
            await unit.update_rows("contacts.party", [update])

        await platform.runtime.write(caller, change)


async def test_slow_reader_is_dropped_with_the_cursor_it_goes_on_with(
    platform: Platform, strict: WebServer
) -> None:
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    since = await cursor_now(platform, tenant)
    await _long_changes(platform, tenant)
    feeds = platform.runtime.feeds
    async with socket(strict, tenant, key) as client:
        await client.subscribe("1", PARTIES, since=since)

        async def is_let_go() -> bool:  # nothing is read meanwhile
            return feeds.listeners(tenant) == 0

        await eventually(is_let_go, what="dropping who does not read")
        versions, ending = await _rest(client)
        code, reason = await client.closed()
    assert 0 < len(versions) < LONG_CHANGES
    extensions = ending["payload"][0]["extensions"]
    assert (ending["type"], extensions["code"]) == ("error", "limit")
    assert (code, reason) == (4413, f"Too slow; go on with since: {extensions['since']}")
    async with socket(strict, tenant, key) as client:
        await client.subscribe("1", PARTIES, since=extensions["since"])
        while len(versions) < LONG_CHANGES:
            versions.append((await client.change())["version"])
    assert versions == list(range(1, LONG_CHANGES + 1))


async def _rest(client: Socket) -> tuple[list[int], Json]:
    """Return the versions of the changes up to the message that ends them, and that message."""
    versions: list[int] = []
    while (message := await client.receive())["type"] == "next":
        (change,) = message["payload"]["data"].values()
        versions.append(change["version"])
    return versions, message


async def test_reader_of_events_that_is_slow_gets_the_cursor_last(
    platform: Platform, strict: WebServer
) -> None:
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    since = await cursor_now(platform, tenant)
    await _long_changes(platform, tenant)
    feeds = platform.runtime.feeds
    client = await strict.client(tenant, key)
    body = {"query": PARTIES, "variables": {"since": since}}
    headers = {"Accept": "text/event-stream"}
    async with client.http.stream("POST", "/graphql", json=body, headers=headers) as response:

        async def listens() -> bool:
            return feeds.listeners(tenant) == 1

        async def is_let_go() -> bool:
            return feeds.listeners(tenant) == 0

        await eventually(listens, what="the stream")
        await eventually(is_let_go, what="dropping who does not read")
        data = [line[6:] async for line in response.aiter_lines() if line.startswith("data: ")]
    *changes, last = [json.loads(each) for each in data]
    versions = [each["data"]["contactsPartyChanges"]["version"] for each in changes]
    assert versions == list(range(1, len(versions) + 1))
    assert 0 < len(versions) < LONG_CHANGES
    extensions = last["errors"][0]["extensions"]
    assert extensions["code"] == "limit"
    assert extensions["since"] == changes[-1]["data"]["contactsPartyChanges"]["cursor"]


async def test_connection_that_takes_not_one_byte_is_ended(
    platform: Platform, strict: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa_core.server.UNREAD_SECONDS_MAX", 0.5)
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    since = await cursor_now(platform, tenant)
    await _long_changes(platform, tenant)
    body = json.dumps({"query": PARTIES, "variables": {"since": since}})
    request = (
        f"POST /graphql HTTP/1.1\r\nHost: {tenant.slug}.localhost\r\n"
        f"Authorization: Bearer {key}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    with sockets.create_connection(("127.0.0.1", strict.port)) as peer:
        peer.sendall(request.encode())
        peer.setblocking(False)
        feeds = platform.runtime.feeds

        async def listens() -> bool:
            return feeds.listeners(tenant) == 1

        async def is_let_go() -> bool:
            return feeds.listeners(tenant) == 0

        await eventually(listens, what="the stream")
        await eventually(is_let_go, what="dropping who does not read")
        received = await _read_all(peer)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert not received.endswith(b"0\r\n\r\n")  # cut off, not finished


async def _read_all(peer: sockets.socket) -> bytes:
    """Return what was sent before the connection was given up."""
    loop, parts = asyncio.get_running_loop(), list[bytes]()
    async with asyncio.timeout(10):
        while part := await loop.sock_recv(peer, 1_000_000):
            parts.append(part)
    return b"".join(parts)


async def test_server_that_stops_ends_its_streams_at_once(platform: Platform) -> None:
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    loop, stack = asyncio.get_running_loop(), AsyncExitStack()
    server = await stack.enter_async_context(open_server(platform.runtime))
    headers = {
        "Host": f"{tenant.slug}.localhost",
        "Authorization": f"Bearer {key}",
        "Accept": "text/event-stream",
    }
    url = f"http://127.0.0.1:{server.port}/graphql"
    async with (
        socket(server, tenant, key) as client,
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", url, json={"query": TAGS}, headers=headers) as response,
    ):
        await client.subscribe("1", TAGS)
        lines = response.aiter_lines()
        assert await anext(lines) == ":"
        started = loop.time()
        ending = asyncio.create_task(stack.aclose())
        assert (await client.closed())[0] in (1001, 1012)
        rest = [line async for line in lines if line]
        await ending
    assert loop.time() - started < 3
    assert '"code":"unavailable"' in rest[1]

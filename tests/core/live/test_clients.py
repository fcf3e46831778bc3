"""Subscriptions as others use them: gql from PyPI, graphql-ws and graphql-sse from npm."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from gql import Client as GqlClient
from gql import gql
from gql.transport.websockets import WebsocketsTransport

from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import revoke_key
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, Json, WebServer
from hansa_core.testing.waiting import eventually
from tests.core.live.ledgers import cursor_now

HERE = Path(__file__).parent / "npm"
TAGS = """subscription ($since: String, $start: String) {
  contactsTagChanges(since: $since, where: {name: {startsWith: $start}}) {
    cursor kind id record { name } } }"""
CREATE = """mutation ($name: String!) { contactsTagCreate(input: {name: $name}) {
  record { id } errors { message } } }"""


@dataclass(frozen=True)
class Shop:
    """The default company, which is reached at the bare address."""

    platform: Platform
    tenant: Tenant
    url: str
    key: str
    client: Client

    async def tag(self, name: str) -> Json:
        return await self.client.change(CREATE, name=name)


@pytest.fixture(scope="module")
async def shop(platform: Platform, web: WebServer) -> Shop:
    tenant = await platform.tenant("contacts", slug="main")
    key = await platform.key(await platform.user(tenant, "contacts.manager"))
    client = await web.client(tenant, key)
    return Shop(platform, tenant, f"http://127.0.0.1:{web.port}/graphql", key, client)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and what it needs from npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed; on Debian: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "listen.mjs"):
        shutil.copy(HERE / name, folder)
    subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=90,
    )
    return folder


@dataclass
class Listener:
    """The script at work, and the lines it printed."""

    lines: list[Json]
    done: asyncio.Task[None]


@asynccontextmanager
async def listening(packages: Path, **how: object) -> AsyncGenerator[Listener]:
    process = await asyncio.create_subprocess_exec(
        "node", "listen.mjs", json.dumps(how), cwd=packages, stdout=PIPE, stderr=PIPE
    )
    lines: list[Json] = []

    async def read() -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        async for line in process.stdout:
            lines.append(json.loads(line))
        assert await process.wait() == 0, (await process.stderr.read()).decode()

    listener = Listener(lines, asyncio.create_task(read()))
    try:
        yield listener
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(listener.done, return_exceptions=True)


async def test_gql_hears_changes_and_goes_on_with_its_cursor(shop: Shop) -> None:
    since = await cursor_now(shop.platform, shop.tenant)
    await shop.tag("gql one")
    (first,) = await _by_gql(shop, since, 1)
    await shop.tag("gql two")
    (second,) = await _by_gql(shop, first["cursor"], 1)
    both = await _by_gql(shop, since, 2)
    assert [each["record"]["name"] for each in (first, second)] == ["gql one", "gql two"]
    assert both == [first, second]


async def _by_gql(shop: Shop, since: str, count: int) -> list[Json]:
    transport = WebsocketsTransport(
        url=shop.url.replace("http", "ws"), init_payload={"authorization": f"Bearer {shop.key}"}
    )
    request = gql(TAGS)
    request.variable_values = {"since": since, "start": "gql"}
    changes: list[Json] = []
    async with GqlClient(transport=transport) as session:
        answers = session.subscribe(request)
        async with aclosing(answers):
            while len(changes) < count:
                changes.append((await anext(answers))["contactsTagChanges"])
    return changes


@pytest.mark.parametrize("mode", ["ws", "sse"])
async def test_client_of_npm_misses_nothing_while_its_connections_break(
    shop: Shop, packages: Path, mode: str
) -> None:
    count = 40
    variables = {"since": await cursor_now(shop.platform, shop.tenant), "start": mode}
    how = {"mode": mode, "url": shop.url, "key": shop.key, "query": TAGS, "variables": variables}
    async with listening(packages, **how, count=count, dropAfter=7) as listener:
        made = [(await shop.tag(f"{mode} {number}"))["id"] for number in range(count)]
        async with asyncio.timeout(60):
            await listener.done
    heard = [line["id"] for line in listener.lines]
    assert len(heard) == count, listener.lines
    assert sorted(heard) == sorted(made)


@pytest.mark.parametrize("mode", ["ws", "sse"])
async def test_client_of_npm_is_told_that_its_key_was_revoked(
    shop: Shop, packages: Path, mode: str
) -> None:
    key = await shop.platform.key(await shop.platform.user(shop.tenant, "contacts.manager"))
    how = {"mode": mode, "url": shop.url, "key": key, "query": TAGS, "variables": {"start": "-"}}
    async with listening(packages, **how, count=9, dropAfter=9) as listener:
        await _connected(shop)
        key_id = (await shop.platform.caller(shop.tenant, key)).principal.key_id
        assert key_id is not None
        revoked = key_id
        system = await shop.platform.system(shop.tenant)
        await shop.platform.runtime.write(system, lambda unit: revoke_key(unit, revoked))
        async with asyncio.timeout(30):
            await listener.done
    told = listener.lines[-1]
    if mode == "ws":
        assert told["ended"]["code"] == 4401
    else:
        assert told["errors"][0]["extensions"]["code"] == "unauthenticated"


async def _connected(shop: Shop) -> None:
    """Wait until somebody listens."""

    async def listens() -> bool:
        return shop.platform.runtime.feeds.listeners(shop.tenant) > 0

    await eventually(listens, timeout_seconds=20, what="the client's connection")
